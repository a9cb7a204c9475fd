//! Chats: Slack's incoming webhooks and the workflow webhooks of Microsoft Teams.

use logwake_detector::anomaly::Severity;
use serde_json::{Value, json};

use super::cut;
use super::message::Message;

/// Lines of the story that a chat shows.
const LINES_MAX: usize = 6;
/// Slack refuses a text block beyond 3,000 characters.
const TEXT_CHARS_MAX: usize = 2_900;
const TITLE_CHARS_MAX: usize = 300;

pub(super) fn slack(message: &Message<'_>) -> Value {
    let title = escape(&cut(&headline(message), TITLE_CHARS_MAX));
    let story = escape(&cut(&story(message), TEXT_CHARS_MAX - 10));
    let mut blocks = vec![section(&match &message.link {
        Some(link) => format!("*<{link}|{}>*", title.replace('|', "/")),
        None => format!("*{title}*"),
    })];
    if !message.is_over && !story.is_empty() {
        blocks.push(section(&format!("```{}```", story.replace("```", "'''"))));
    }
    json!({ "text": title, "attachments": [{ "color": colour(message), "blocks": blocks }] })
}

pub(super) fn teams(message: &Message<'_>) -> Value {
    let mut body = vec![json!({
        "type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true,
        "text": cut(&headline(message), TITLE_CHARS_MAX),
    })];
    if !message.is_over {
        body.push(json!({
            "type": "TextBlock", "wrap": true, "fontType": "Monospace",
            "text": cut(&story(message), TEXT_CHARS_MAX),
        }));
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

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// Slack's three control characters.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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
