//! Alertmanager API v2, `POST /api/v2/alerts`: labels are the identity, `endsAt` is the life.
//!
//! A client sends an open alert again and again, `endsAt` moving ahead each time, so that the alert
//! ends by itself where Logwake goes silent for [`LIFE`].
//! A raised severity, or another probable origin, is another set of labels: the former one ends so.

use std::time::Duration;

use logwake_detector::time::Timestamp;
use serde_json::{Value, json};

use super::cut;
use super::message::Message;
use crate::event::rfc3339;

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
        "endsAt": rfc3339(if message.is_over { now } else { now + LIFE }),
    });
    if let Some(event) = &message.event {
        alert["startsAt"] = json!(rfc3339(event.logwake.alert.started_at.min(now)));
    } else if let Some(digest) = message.digest {
        alert["startsAt"] = json!(rfc3339(digest.began.min(now)));
    }
    if let Some(link) = &message.link {
        alert["generatorURL"] = json!(link);
    }
    json!([alert])
}
