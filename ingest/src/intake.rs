//! Alerts of other systems: what they send, as [`ExternalAlert`]s of one shape.
//!
//! It knows PagerDuty's events, Alertmanager's alerts, and the webhook of Alertmanager and Grafana,
//! and nothing of who may send them or where they go.
//! **Whatever is sent is decoded or refused with a reason**, and what is kept of it is bounded:
//! texts are cut, labels beyond the limit are dropped.
//!
//! Sources: PagerDuty Events API v2 and PD-CEF; Alertmanager's OpenAPI v2 and webhook version 4.

mod alertmanager;
mod alias;
mod limits;
mod pagerduty;
mod severity;
#[cfg(test)]
mod tests;

use std::time::Duration;

use logwake_detector::alert::ExternalAlert;
use logwake_detector::time::Timestamp;
use serde_json::Value;

pub use alias::{Aspect, aspect_of};
pub use severity::word as severity_of;

use crate::decode::{json_depth, time_of};
use limits::{DEPTH_MAX, FAULT_BYTES_MAX, cut};

/// Bytes of an event that PagerDuty takes.
pub const PAGERDUTY_BYTES_MAX: usize = 512_000;

/// How alerts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One event of PagerDuty's Events API v2.
    PagerDuty,
    /// A list of alerts, as Alertmanager's API v2 takes them.
    Alerts,
    /// A notification of Alertmanager or Grafana, version 4.
    Webhook,
}

/// What is known of alerts apart from what they say.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    /// Name of the source that sent them.
    pub from: &'a str,
    /// When they came.
    pub at: Timestamp,
    /// How far ahead of `at` a stated time is believed.
    pub future_max: Duration,
    /// How long an alert of Alertmanager that states no end goes on.
    pub resolve_timeout: Duration,
}

/// What was decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// What can be accepted; ids are still empty.
    pub alerts: Vec<ExternalAlert>,
    /// What is wrong with others of the same request.
    pub refused: Vec<String>,
    /// Alerts that the sender left out of its notification.
    pub truncated: u64,
    /// Alerts of Logwake itself that came back by way of its sinks, which are passed over.
    pub own: u64,
}

/// Why nothing of a request can be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// It is not JSON.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// It is JSON of another shape; what is wrong with it.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
}

/// Decodes a request of a known shape.
///
/// # Errors
/// Where nothing in it can be accepted, now or later.
pub fn decode(shape: Shape, body: &[u8], receipt: &Receipt<'_>) -> Result<Received, IntakeError> {
    match shape {
        Shape::PagerDuty => pagerduty::decode(&json(body)?, receipt)
            .map(|alert| Received { alerts: vec![alert], ..Received::default() }),
        Shape::Alerts => alertmanager::alerts(body, receipt),
        Shape::Webhook => alertmanager::webhook(body, receipt),
    }
}

/// Decodes a payload of a topic, whose shape is told by its first members.
///
/// # Errors
/// Where it has none of the shapes, or nothing in it can be accepted.
pub fn decode_any(payload: &[u8], receipt: &Receipt<'_>) -> Result<Received, IntakeError> {
    match payload.trim_ascii_start().first() {
        Some(b'[') => return decode(Shape::Alerts, payload, receipt),
        Some(b'{') => {}
        _ => return Err(IntakeError::NotJson("neither an object nor a list".to_owned())),
    }
    let value = json(payload)?;
    let has = |key: &str| value.get(key).is_some();
    if has("event_action") {
        decode(Shape::PagerDuty, payload, receipt)
    } else if has("alerts") {
        decode(Shape::Webhook, payload, receipt)
    } else {
        let known = "none of event_action (PagerDuty), alerts (webhook), or a list (Alertmanager)";
        Err(IntakeError::Invalid(vec![known.to_owned()]))
    }
}

/// Returns the key that names the sender of a PagerDuty event, where it is a text.
///
/// # Errors
/// Where the body is not JSON.
pub fn routing_key(body: &[u8]) -> Result<Option<String>, IntakeError> {
    #[derive(serde::Deserialize)]
    struct Keyed {
        routing_key: String,
    }
    match serde_json::from_slice::<Keyed>(body) {
        Ok(keyed) => Ok(Some(keyed.routing_key)),
        Err(error) if error.is_data() => Ok(None),
        Err(error) => Err(IntakeError::NotJson(error.to_string())),
    }
}

fn json(body: &[u8]) -> Result<Value, IntakeError> {
    parsed(body)
}

/// Parses a body that is not nested too deep: the parser calls itself for each level.
fn parsed<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, IntakeError> {
    if json_depth(body) > DEPTH_MAX {
        let what = format!("objects and lists are nested more than {DEPTH_MAX} deep");
        return Err(IntakeError::NotJson(what));
    }
    serde_json::from_slice(body).map_err(|error| {
        // The parser quotes what it did not expect, whatever its length.
        let what = cut(&error.to_string(), FAULT_BYTES_MAX);
        if error.is_data() { IntakeError::Invalid(vec![what]) } else { IntakeError::NotJson(what) }
    })
}

/// Reads a stated time; `None` where it is none that can be meant, such as Go's zero time or the year 9999.
fn stated_time(text: &str) -> Option<Timestamp> {
    time_of(text.as_bytes()).filter(|time| *time >= Timestamp::from_secs(0))
}
