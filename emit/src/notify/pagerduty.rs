//! PagerDuty Events API v2: <https://developer.pagerduty.com/docs/events-api-v2-overview>.
//!
//! A summary has at most 1,024 characters, a dedup key 255, a request 512 KB; fields are shed by
//! their worth until it fits, and what was shed is said.

use serde_json::{Map, Value, json};

use super::{Message, cut};

/// Greatest request, as Alertmanager takes it too.
const BYTES_MAX: usize = 512_000;
const SUMMARY_CHARS_MAX: usize = 1_024;
const DEDUP_KEY_CHARS_MAX: usize = 255;
/// Details by falling worth: the last ones go first.
const DETAILS: [&str; 8] =
    ["reason", "story", "services", "hosts", "since", "anomaly_count", "evidence", "members"];

pub(super) fn body(message: &Message<'_>, routing_key: &str) -> Value {
    let key: String = message.dedup_key.chars().take(DEDUP_KEY_CHARS_MAX).collect();
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
        payload["timestamp"] = event_time(event);
        payload["class"] = json!(event.logwake.alert.evidence.first().map(|line| line.kind));
    }
    if let Some(service) = message.services.first() {
        payload["component"] = json!(service);
    }
    if let Some(link) = &message.link {
        body["client_url"] = json!(link);
        body["links"] = json!([{ "href": link, "text": "evidence and decisions" }]);
    }
    shed(&mut body);
    body
}

fn event_time(event: &crate::event::AlertEvent) -> Value {
    let event = serde_json::to_value(event).unwrap_or_default();
    event["logwake"]["alert"]["started_at"].clone()
}

fn source(message: &Message<'_>) -> String {
    let host = message.event.as_ref().and_then(|event| event.logwake.alert.hosts.first());
    let found = host.or_else(|| message.services.first());
    found.filter(|name| !name.is_empty()).map_or_else(|| "logwake".to_owned(), Clone::clone)
}

fn details(message: &Message<'_>) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("story".to_owned(), json!(message.lines()));
    details.insert("services".to_owned(), json!(message.services));
    let Some(event) = &message.event else { return details };
    let alert = serde_json::to_value(&event.logwake.alert).unwrap_or_default();
    details.insert("reason".to_owned(), json!(event.event.reason));
    details.insert("since".to_owned(), alert["started_at"].clone());
    for name in ["hosts", "anomaly_count", "evidence", "members"] {
        details.insert(name.to_owned(), alert[name].clone());
    }
    details
}

/// Takes details away, the least worth first, until the request fits.
fn shed(body: &mut Value) {
    let len = |body: &Value| serde_json::to_vec(body).map_or(0, |bytes| bytes.len());
    let mut gone: Vec<&str> = Vec::new();
    for name in DETAILS.iter().rev() {
        if len(body) <= BYTES_MAX {
            return;
        }
        let Some(details) = body["payload"]["custom_details"].as_object_mut() else { return };
        if let Some(Value::Array(items)) = details.get_mut(*name)
            && items.len() > 1
        {
            while items.len() > 1 && items.iter().map(|item| item.to_string().len()).sum::<usize>() > BYTES_MAX / 4 {
                items.truncate(items.len() / 2);
            }
            gone.push(name);
            details.insert("shed".to_owned(), json!(gone));
        }
        if len(body) <= BYTES_MAX {
            return;
        }
        if let Some(details) = body["payload"]["custom_details"].as_object_mut() {
            details.remove(*name);
            gone.push(name);
            gone.dedup();
            details.insert("shed".to_owned(), json!(gone));
        }
    }
}
