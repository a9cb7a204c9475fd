//! What pagers and chats are sent, and what their answers mean: one file a kind of sink.
//!
//! Rendering is pure: the same delivery gives the same bytes. Nothing here opens a connection.

mod alertmanager;
mod chat;
mod pagerduty;
#[cfg(test)]
mod tests;

use std::time::Duration;

use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;
use logwake_detector::notify::{Answer, Content, Delivery, Digest};
use logwake_detector::time::Timestamp;

use crate::event::AlertEvent;

/// Where a sink is and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The event itself, as it stands on the alerts topic.
    Webhook,
}

/// One HTTP request: always a POST of JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Body.
    pub body: Vec<u8>,
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

/// Longest wait that a sink may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// Wait after too many requests where the sink names none; PagerDuty asks for half a minute.
const TOO_MANY_WAIT: Duration = Duration::from_secs(30);

impl SinkKind {
    /// Renders a delivery; `now` is wall time and `page_url` the page that explains alerts.
    ///
    /// # Errors
    /// Where the event of the delivery is not one, which only a damaged topic brings about.
    pub fn render(
        &self,
        delivery: &Delivery,
        now: Timestamp,
        page_url: Option<&str>,
    ) -> serde_json::Result<Request> {
        let message = Message::of(&delivery.content, page_url)?;
        let body = match self {
            Self::PagerDuty { routing_key } => pagerduty::body(&message, routing_key),
            Self::Alertmanager => alertmanager::body(&message, now),
            Self::Slack => chat::slack(&message),
            Self::Teams => chat::teams(&message),
            Self::Webhook => match &delivery.content {
                Content::Alert(notice) => return Ok(Request { body: notice.event.clone() }),
                Content::Digest(_) => message.digest_json(),
            },
        };
        Ok(Request { body: serde_json::to_vec(&body)? })
    }
}

/// Says what an answer means: 2xx is taken, 408, 429 and 5xx are to be tried again, everything
/// else is refused for good.
pub fn judge(response: &Response) -> Answer {
    let stated = response.retry_after_secs.map(Duration::from_secs);
    let wait = |default: Duration| stated.unwrap_or(default).min(RETRY_AFTER_MAX);
    match response.status {
        200..=299 => Answer::Accepted,
        429 => Answer::Later(wait(TOO_MANY_WAIT)),
        408 | 500..=599 => Answer::Later(wait(Duration::ZERO)),
        status => Answer::Refused(format!("status {status}: {}", response.body.trim())),
    }
}

/// An alert or a digest, in the words that every sink shares.
struct Message<'a> {
    dedup_key: String,
    is_over: bool,
    severity: Severity,
    title: String,
    services: Vec<String>,
    event: Option<AlertEvent>,
    digest: Option<&'a Digest>,
    link: Option<String>,
}

impl<'a> Message<'a> {
    fn of(content: &'a Content, page_url: Option<&str>) -> serde_json::Result<Self> {
        let page = page_url.map(|url| url.trim_end_matches('/').to_owned());
        Ok(match content {
            Content::Alert(notice) => {
                let event: AlertEvent = serde_json::from_slice(&notice.event)?;
                let link = page.map(|url| format!("{url}/#{}", notice.alert));
                Self {
                    dedup_key: event.logwake.alert.dedup_key.clone(),
                    is_over: notice.state == AlertState::Resolved,
                    severity: notice.severity,
                    title: notice.title.clone(),
                    services: notice.services.clone(),
                    event: Some(event),
                    digest: None,
                    link,
                }
            }
            Content::Digest(digest) => Self {
                dedup_key: digest.dedup_key.clone(),
                is_over: digest.open.is_empty(),
                severity: digest.open.values().map(|line| line.severity).max().unwrap_or(Severity::Error),
                title: digest_title(digest),
                services: services_of(digest),
                event: None,
                digest: Some(digest),
                link: page,
            },
        })
    }

    /// The story line by line: what a person reads below the title.
    fn lines(&self) -> Vec<String> {
        if let Some(digest) = self.digest {
            let line = |line: &logwake_detector::notify::DigestLine| {
                format!("{}: {}", line.severity.as_str(), line.title)
            };
            return digest.open.values().map(line).collect();
        }
        let evidence = self.event.iter().flat_map(|event| &event.logwake.alert.evidence);
        evidence
            .map(|line| match &line.exemplar {
                Some(exemplar) => format!("{}\n    {}", line.reason, first_line(&exemplar.text)),
                None => line.reason.clone(),
            })
            .collect()
    }

    fn digest_json(&self) -> serde_json::Value {
        serde_json::json!({
            "event": { "kind": "alert", "dataset": "logwake.digest" },
            "message": self.title,
            "logwake": { "digest": self.digest },
        })
    }
}

fn digest_title(digest: &Digest) -> String {
    if digest.open.is_empty() {
        return format!("all {} alerts that were held back are over", digest.total);
    }
    let services = services_of(digest);
    let named: Vec<&str> = services.iter().take(5).map(String::as_str).collect();
    let more = match services.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let open = digest.open.len();
    format!("{open} more alerts in {}{more}: the page budget is spent", named.join(", "))
}

fn services_of(digest: &Digest) -> Vec<String> {
    let mut counts: std::collections::BTreeMap<&String, usize> = std::collections::BTreeMap::new();
    for service in digest.open.values().flat_map(|line| line.services.first()) {
        *counts.entry(service).or_default() += 1;
    }
    let mut services: Vec<_> = counts.into_iter().collect();
    services.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    services.into_iter().map(|(name, _)| name.clone()).collect()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
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
