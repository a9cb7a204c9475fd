//! Alerts of Prometheus, Alertmanager and Grafana: the API v2 and the webhook of version 4.
//!
//! An alert is its labels: the same labels are the same alert, in any order and by either way.
//! As in Alertmanager, one that states no end goes on for the resolve timeout, and one whose end is
//! past is over. A time beyond what can be represented, such as Go's zero time or the year 9999, is no time:
//! an alert that ends then states no end.

use std::collections::BTreeMap;

use logwake_detector::alert::{ExternalAlert, ExternalState};
use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3;

use super::alias::Said;
use super::limits::{FAULT_BYTES_MAX, Labels, NAME_BYTES_MAX, SUMMARY_BYTES_MAX, cut, url};
use super::{IntakeError, Receipt, Received, parsed, stated_time};
use crate::decode::is_time;

/// Alerts of one request whose faults are told one by one.
const REFUSED_MAX: usize = 20;
/// Annotations that say in a sentence what is wrong, the best first.
const SUMMARIES: [&str; 4] = ["summary", "title", "message", "description"];

/// What Logwake calls its alerts where it sends them to an Alertmanager, whose notifications may come
/// back.
const OWN: [&str; 2] = ["LogwakeAlert", "LogwakeDigest"];

type Texts = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    labels: Option<Texts>,
    annotations: Option<Texts>,
    status: Option<serde_json::Value>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    alerts: Vec<Alert>,
    truncated_alerts: Option<u64>,
}

/// Decodes the body of `POST /api/v2/alerts`.
pub(super) fn alerts(body: &[u8], receipt: &Receipt<'_>) -> Result<Received, IntakeError> {
    let alerts: Vec<Alert> = parsed(body)?;
    Ok(take(alerts, receipt))
}

/// Decodes a notification.
pub(super) fn webhook(body: &[u8], receipt: &Receipt<'_>) -> Result<Received, IntakeError> {
    let notification: Notification = parsed(body)?;
    let mut received = take(notification.alerts, receipt);
    let count = received.alerts.len();
    received.alerts.retain(|alert| !OWN.contains(&alert.name.as_str()));
    received.own = (count - received.alerts.len()) as u64;
    received.truncated = notification.truncated_alerts.unwrap_or(0);
    Ok(received)
}

fn take(alerts: Vec<Alert>, receipt: &Receipt<'_>) -> Received {
    let mut received = Received::default();
    for (idx, alert) in alerts.into_iter().enumerate() {
        match alert.into_external(receipt) {
            Ok(alert) => received.alerts.push(alert),
            Err(what) if received.refused.len() < REFUSED_MAX => {
                received.refused.push(format!("alert {idx}: {what}"));
            }
            Err(_) => {}
        }
    }
    received
}

impl Alert {
    fn into_external(self, receipt: &Receipt<'_>) -> Result<ExternalAlert, String> {
        let mut labels = self.labels.unwrap_or_default();
        labels.retain(|_, value| !value.is_empty());
        if labels.is_empty() {
            return Err("at least one label pair required".to_owned());
        }
        if labels.contains_key("") {
            return Err("a label has no name".to_owned());
        }
        let time = |name: &str, text: &Option<String>| match text.as_deref() {
            None | Some("") => Ok(None),
            Some(text) => match stated_time(text) {
                None if !is_time(text.as_bytes()) => {
                    let text = cut(text, FAULT_BYTES_MAX);
                    Err(format!("{name} {text:?} is not a time of RFC 3339"))
                }
                time => Ok(time),
            },
        };
        let started_at = time("startsAt", &self.starts_at)?;
        let ends_at = time("endsAt", &self.ends_at)?;
        if ends_at.zip(started_at).is_some_and(|(end, start)| end < start) {
            return Err("start time must be before end time".to_owned());
        }
        let is_over = self.status.as_ref().and_then(serde_json::Value::as_str) == Some("resolved")
            || ends_at.is_some_and(|end| end <= receipt.at);
        let annotations = self.annotations.unwrap_or_default();
        let texts = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let said = Said::of(texts);
        let summary =
            SUMMARIES.iter().find_map(|name| annotations.get(*name)).map(|text| text.trim());
        let summary = summary.filter(|text| !text.is_empty());
        let name = said.name(summary.unwrap_or("alert"));
        Ok(ExternalAlert {
            id: String::new(),
            from: receipt.from.to_owned(),
            key: key_of(&labels),
            state: if is_over { ExternalState::Resolve } else { ExternalState::Trigger },
            at: receipt.at,
            started_at,
            ends_at: (!is_over).then(|| ends_at.unwrap_or(receipt.at + receipt.resolve_timeout)),
            summary: cut(summary.unwrap_or(&name), SUMMARY_BYTES_MAX),
            severity: said.severity(),
            service: said.service(),
            host: said.host(),
            url: self.generator_url.as_deref().and_then(url),
            labels: kept(&labels, &annotations),
            name: cut(&name, NAME_BYTES_MAX),
        })
    }
}

/// Returns what identifies labels, as [`super::decode`] promises whatever their order.
fn key_of(labels: &Texts) -> String {
    let mut hasher = Xxh3::new();
    for (name, value) in labels {
        for text in [name, value] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
    }
    format!("{:032x}", hasher.digest128())
}

/// Keeps labels before annotations.
fn kept(labels: &Texts, annotations: &Texts) -> Texts {
    let mut kept = Labels::default();
    labels.iter().for_each(|(name, value)| kept.add(name, value));
    for (name, value) in annotations {
        kept.add(&format!("annotations.{name}"), value);
    }
    kept.into_map()
}
