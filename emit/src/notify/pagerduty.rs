//! PagerDuty Events API v2: <https://developer.pagerduty.com/docs/events-api-v2-overview>.
//!
//! A summary has at most 1,024 characters, a dedup key 255, a request 512 KB; details are shed by
//! their worth until it fits, and what was shed is said.

use serde_json::{Map, Value, json};

use super::cut;
use super::message::Message;
use crate::event::rfc3339;

/// Greatest request: 512 KB as the smaller reading of it, which Alertmanager takes too.
pub(super) const BYTES_MAX: usize = 512_000;
/// What is left of a detail that is too long.
const DETAIL_BYTES_MAX: usize = 64_000;
const SUMMARY_CHARS_MAX: usize = 1_024;
const FIELD_CHARS_MAX: usize = 255;
/// Details by falling worth: the last ones go first.
const DETAILS: [&str; 11] = [
    "summary",
    "reason",
    "critical",
    "story",
    "services",
    "hosts",
    "since",
    "anomaly_count",
    "external_count",
    "evidence",
    "members",
];

pub(super) fn body(message: &Message<'_>, routing_key: &str) -> Value {
    let key: String = message.dedup_key.chars().take(FIELD_CHARS_MAX).collect();
    if message.is_over {
        return json!({ "routing_key": routing_key, "event_action": "resolve", "dedup_key": key });
    }
    let mut body = json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": key,
        "client": "Logwake",
        "payload": {
            "summary": cut(&message.title, SUMMARY_CHARS_MAX),
            "source": source(message),
            "severity": message.severity.as_str(),
            "custom_details": details(message),
        },
    });
    let payload = &mut body["payload"];
    if let Some(event) = &message.event {
        payload["timestamp"] = json!(rfc3339(event.logwake.alert.started_at));
        if let Some(line) = event.logwake.alert.evidence.first() {
            payload["class"] = json!(line.kind);
        }
    }
    if let Some(service) = message.services.first().filter(|service| !service.is_empty()) {
        payload["component"] = json!(cut(service, FIELD_CHARS_MAX));
    }
    if let Some(link) = &message.link {
        body["client_url"] = json!(link);
        body["links"] = json!([{ "href": link, "text": "evidence and decisions" }]);
    }
    shed(&mut body);
    body
}

fn source(message: &Message<'_>) -> String {
    let host = message.event.as_ref().and_then(|event| event.logwake.alert.hosts.first());
    let found = host.or_else(|| message.services.first()).filter(|name| !name.is_empty());
    found.map_or_else(|| "logwake".to_owned(), |name| cut(name, FIELD_CHARS_MAX))
}

fn details(message: &Message<'_>) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("story".to_owned(), json!(message.lines()));
    details.insert("services".to_owned(), json!(message.services));
    if let Some(digest) = message.digest {
        let alerts: Vec<&String> = digest.open.keys().collect();
        details.insert("since".to_owned(), json!(rfc3339(digest.began)));
        details.insert("members".to_owned(), json!(alerts));
    }
    let Some(event) = &message.event else { return details };
    let alert = &event.logwake.alert;
    details.insert("summary".to_owned(), json!(alert.summary));
    details.insert("reason".to_owned(), json!(event.event.reason));
    if !alert.critical.is_empty() {
        details.insert("critical".to_owned(), json!(alert.critical));
    }
    details.insert("since".to_owned(), json!(rfc3339(alert.started_at)));
    details.insert("hosts".to_owned(), json!(alert.hosts));
    details.insert("anomaly_count".to_owned(), json!(alert.anomaly_count));
    details.insert("external_count".to_owned(), json!(alert.external_count));
    details.insert("evidence".to_owned(), json!(alert.evidence));
    details.insert("members".to_owned(), json!(alert.members));
    details
}

/// Takes from the details, the least worth first, until the request fits: first their tails, then
/// they themselves.
fn shed(body: &mut Value) {
    let mut gone: Vec<&str> = Vec::new();
    for takes_all in [false, true] {
        for name in DETAILS.into_iter().rev() {
            if len(body) <= BYTES_MAX {
                return;
            }
            let Some(details) = body["payload"]["custom_details"].as_object_mut() else { return };
            let is_less = if takes_all {
                details.remove(name).is_some()
            } else {
                details.get_mut(name).is_some_and(shorten)
            };
            if is_less && !gone.contains(&name) {
                gone.push(name);
                details.insert("shed".to_owned(), json!(gone));
            }
        }
    }
}

/// Cuts the tail of a detail; reports whether it had one too many.
fn shorten(detail: &mut Value) -> bool {
    if len(detail) <= DETAIL_BYTES_MAX {
        return false;
    }
    match detail {
        Value::String(text) => *text = cut(text, DETAIL_BYTES_MAX / 6),
        Value::Array(items) => {
            let mut left = DETAIL_BYTES_MAX;
            for item in items.iter_mut() {
                if len(item) > DETAIL_BYTES_MAX {
                    shorten(item);
                }
            }
            items.retain(|item| {
                let bytes = len(item);
                let fits = bytes <= left;
                left = left.saturating_sub(bytes);
                fits
            });
        }
        _ => {}
    }
    true
}

fn len(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}
