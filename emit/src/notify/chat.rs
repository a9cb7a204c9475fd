//! Chats: Slack's incoming webhooks and the workflow webhooks of Microsoft Teams.

use logwake_detector::anomaly::Severity;
use serde_json::{Value, json};

use super::markup::{CardText, Mrkdwn};
use super::message::Message;

/// Lines of the story that a chat shows.
const LINES_MAX: usize = 6;
/// Length of the story, below the 3,000 characters of a field of Slack's.
const STORY_MAX: usize = 2_900;
/// Length of the title; with the link around it, it stays below the same limit.
const TITLE_MAX: usize = 300;
/// Length of a link; none is made of a longer one.
const LINK_MAX: usize = 2_000;

/// The headline twice: for notifications and above the attachment, whose colour tells the severity.
pub(super) fn slack(message: &Message<'_>) -> Value {
    let headline = headline(message);
    let link = message.link.as_deref().filter(|link| link.len() <= LINK_MAX);
    let title = Mrkdwn::text(&headline.replace('\n', " "), TITLE_MAX);
    let mut blocks = vec![Mrkdwn::headline(&headline, TITLE_MAX, link).section()];
    let story = story(message);
    if !message.is_over && !story.is_empty() {
        blocks.push(Mrkdwn::code(&story, STORY_MAX).section());
    }
    json!({
        "text": title.fallback(),
        "blocks": [title.section()],
        "unfurl_links": false,
        "unfurl_media": false,
        "attachments": [{ "color": colour(message), "blocks": blocks }],
    })
}

pub(super) fn teams(message: &Message<'_>) -> Value {
    let title = json!({ "size": "Medium", "weight": "Bolder" });
    let headline = headline(message).replace('\n', " ");
    let mut body = CardText::of(&headline, TITLE_MAX).elements(&title);
    if !message.is_over {
        let lines = json!({ "fontType": "Monospace" });
        body.extend(CardText::of(&story(message), STORY_MAX).elements(&lines));
    }
    let actions: Vec<Value> = message
        .link
        .iter()
        .map(|link| json!({ "type": "Action.OpenUrl", "title": "Evidence", "url": link }))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard", "version": "1.4", "body": body, "actions": actions,
            },
        }],
    })
}

fn headline(message: &Message<'_>) -> String {
    let word = if message.is_over { "over" } else { message.severity.as_str() };
    format!("[{word}] {}", message.title)
}

fn story(message: &Message<'_>) -> String {
    let lines = message.lines();
    let more = lines.len().saturating_sub(LINES_MAX);
    let mut story = lines.into_iter().take(LINES_MAX).collect::<Vec<_>>().join("\n");
    if more > 0 {
        story.push_str(&format!("\n… and {more} more"));
    }
    story
}

fn colour(message: &Message<'_>) -> &'static str {
    match message.severity {
        _ if message.is_over => "#1f7a48",
        Severity::Critical => "#b3142f",
        Severity::Error => "#c9480f",
        Severity::Warning => "#8f6a00",
        Severity::Info => "#3a6ea5",
    }
}
