//! Alertmanager API v2, `POST /api/v2/alerts`: labels are the identity, `endsAt` is the life.
//!
//! A client re-sends an open alert until it is over; where Logwake goes silent, the alert ends by
//! itself after [`LIFE`].

use std::time::Duration;

use logwake_detector::time::Timestamp;
use serde_json::{Value, json};

use super::{Message, cut};

/// How long an alert lives that is not sent again.
const LIFE: Duration = Duration::from_secs(300);
const DESCRIPTION_CHARS_MAX: usize = 8_000;

pub(super) fn body(message: &Message<'_>, now: Timestamp) -> Value {
    let service = message.services.first().map_or("", String::as_str);
    let mut alert = json!({
        "labels": {
            "alertname": if message.digest.is_some() { "LogwakeDigest" } else { "LogwakeAlert" },
            "alert_id": message.dedup_key,
            "service": service,
            "severity": message.severity.as_str(),
        },
        "annotations": {
            "summary": message.title,
            "description": cut(&message.lines().join("\n"), DESCRIPTION_CHARS_MAX),
        },
        "endsAt": time(if message.is_over { now } else { now + LIFE }),
    });
    if let Some(event) = &message.event {
        alert["startsAt"] = json!(time(event.logwake.alert.started_at));
    } else if let Some(digest) = message.digest {
        alert["startsAt"] = json!(time(digest.began));
    }
    if let Some(link) = &message.link {
        alert["generatorURL"] = json!(link);
    }
    json!([alert])
}

fn time(at: Timestamp) -> String {
    crate::event::rfc3339(at)
}
