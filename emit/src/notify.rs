//! What pagers and chats are sent, and what their answers mean: one file a kind of sink.
//!
//! Rendering is pure: the same delivery gives the same bytes. Nothing here opens a connection.

mod alertmanager;
mod chat;
mod markup;
mod message;
mod pagerduty;
#[cfg(test)]
mod tests;
mod webhook;

use std::time::Duration;

use logwake_detector::notify::{Answer, Content};
use logwake_detector::time::Timestamp;

use message::Message;
pub use webhook::{Template, TemplateError};

/// How a sink is spoken to. It holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub enum SinkKind {
    /// PagerDuty Events API v2.
    PagerDuty {
        /// Integration key.
        routing_key: String,
    },
    /// Alertmanager API v2.
    Alertmanager,
    /// Slack incoming webhook.
    Slack,
    /// Microsoft Teams workflow webhook.
    Teams,
    /// Any other: what a template makes of the event, or the event as it stands on its topic.
    Webhook(Option<Template>),
}

/// What was answered over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// `Retry-After` in seconds, where stated.
    pub retry_after_secs: Option<u64>,
    /// First bytes of the body.
    pub body: String,
}

/// Why a delivery cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The event is none, which only a damaged topic brings about.
    #[error("the event is not readable")]
    Event(#[from] serde_json::Error),
    /// The template of the webhook does not suit it.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Longest wait that a sink may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// Wait after too many requests where the sink names none; PagerDuty asks for half a minute.
const TOO_MANY_WAIT: Duration = Duration::from_secs(30);

impl SinkKind {
    /// Returns the name that the configuration and metrics use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::PagerDuty { .. } => "pagerduty",
            Self::Alertmanager => "alertmanager",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Webhook(_) => "webhook",
        }
    }

    /// Renders the body of a request, always JSON; `now` is wall time and `page_url` the page that
    /// explains alerts.
    ///
    /// # Errors
    /// See [`RenderError`].
    pub fn render(
        &self,
        content: &Content,
        now: Timestamp,
        page_url: Option<&str>,
    ) -> Result<Vec<u8>, RenderError> {
        if let (Self::Webhook(None), Content::Alert(notice)) = (self, content) {
            return Ok(notice.event.clone());
        }
        let message = Message::of(content, page_url)?;
        let body = match self {
            Self::PagerDuty { routing_key } => pagerduty::body(&message, routing_key),
            Self::Alertmanager => alertmanager::body(&message, now),
            Self::Slack => chat::slack(&message),
            Self::Teams => chat::teams(&message),
            Self::Webhook(None) => webhook::digest(&message, now),
            Self::Webhook(Some(template)) => return Ok(template.render(&message)?),
        };
        Ok(serde_json::to_vec(&body)?)
    }
}

/// Says what an answer means.
///
/// 2xx is taken. 408, 429 and 503 are not taken and to be tried again; other 5xx too, but the sink
/// may have taken it. Everything else is refused for good.
pub fn judge(response: &Response) -> Answer {
    let stated = response.retry_after_secs.map(Duration::from_secs);
    let wait = |default: Duration| stated.unwrap_or(default).min(RETRY_AFTER_MAX);
    match response.status {
        200..=299 => Answer::Accepted,
        429 => Answer::TooMany(wait(TOO_MANY_WAIT)),
        408 | 503 => Answer::Later(wait(Duration::ZERO)),
        500..=599 => Answer::Unknown(wait(Duration::ZERO)),
        status => Answer::Refused(format!("status {status}: {}", response.body.trim())),
    }
}

/// Cuts a text to so many characters, at a blank where one is near the end.
fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let head: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    let end = head.rfind(' ').filter(|end| end * 10 >= head.len() * 8).unwrap_or(head.len());
    format!("{}…", &head[..end])
}
