//! One event of PagerDuty's Events API v2.
//!
//! An event without a dedup key gets one from what does not change when it is sent again: the
//! template of its summary, its source, component, class and group.
//! PagerDuty would take a new one each time.

use logwake_detector::alert::{ExternalAlert, ExternalState};
use logwake_detector::anomaly::Severity;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_128;

use super::alias::{self, Said, template_of};
use super::limits::{Labels, SUMMARY_BYTES_MAX, cut, url};
use super::{IntakeError, Receipt, stated_time};

/// Characters of a summary.
const SUMMARY_CHARS_MAX: usize = 1_024;
/// Characters of a dedup key.
const KEY_CHARS_MAX: usize = 255;
const SEVERITIES: &str = "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')";

/// Decodes an event.
pub(super) fn decode(event: &Value, receipt: &Receipt<'_>) -> Result<ExternalAlert, IntakeError> {
    let Some(event) = event.as_object() else {
        return Err(IntakeError::Invalid(vec!["the event is not an object".to_owned()]));
    };
    let mut faults = Vec::new();
    let state = state_of(event, &mut faults);
    check_key(event, state, &mut faults);
    let payload = event.get("payload").and_then(Value::as_object);
    if state == Some(ExternalState::Trigger) {
        match payload {
            Some(payload) => check_payload(payload, &mut faults),
            None => faults.push("'payload' is missing or blank".to_owned()),
        }
    }
    let Some(state) = state.filter(|_| faults.is_empty()) else {
        return Err(IntakeError::Invalid(faults));
    };
    Ok(alert_of(event, payload.unwrap_or(&Map::new()), state, receipt))
}

fn state_of(event: &Map<String, Value>, faults: &mut Vec<String>) -> Option<ExternalState> {
    match event.get("event_action").and_then(Value::as_str) {
        Some("trigger") => return Some(ExternalState::Trigger),
        Some("acknowledge") => return Some(ExternalState::Acknowledge),
        Some("resolve") => return Some(ExternalState::Resolve),
        None | Some("") => faults.push("'event_action' is missing or blank".to_owned()),
        Some(_) => faults.push(
            "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
                .to_owned(),
        ),
    }
    None
}

fn check_key(event: &Map<String, Value>, state: Option<ExternalState>, faults: &mut Vec<String>) {
    let is_trigger = state == Some(ExternalState::Trigger);
    match event.get("dedup_key") {
        None | Some(Value::Null) if is_trigger || state.is_none() => {}
        Some(Value::String(key)) if key.chars().count() > KEY_CHARS_MAX => faults.push(format!(
            "Length of 'dedup_key' is incorrect (should be at most {KEY_CHARS_MAX} characters)"
        )),
        Some(Value::String(key)) if is_trigger || !key.is_empty() => {}
        Some(Value::String(_)) | None | Some(Value::Null) => {
            faults.push("'dedup_key' is missing or blank".to_owned());
        }
        Some(_) => faults.push("'dedup_key' is not a string".to_owned()),
    }
}

fn check_payload(payload: &Map<String, Value>, faults: &mut Vec<String>) {
    for name in ["summary", "source", "severity"] {
        if text(payload, name).is_empty() {
            faults.push(format!("'payload.{name}' is missing or blank"));
        }
    }
    if text(payload, "summary").chars().count() > SUMMARY_CHARS_MAX {
        faults.push(format!(
            "Length of 'payload.summary' is incorrect (should be at most {SUMMARY_CHARS_MAX} characters)"
        ));
    }
    if !text(payload, "severity").is_empty() && severity_of(payload).is_none() {
        faults.push(SEVERITIES.to_owned());
    }
}

fn alert_of(
    event: &Map<String, Value>,
    payload: &Map<String, Value>,
    state: ExternalState,
    receipt: &Receipt<'_>,
) -> ExternalAlert {
    let details = details_of(payload);
    let fields = ["component", "class", "group"].map(|name| (name, text(payload, name)));
    let all = details.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(fields);
    let said = Said::of(all.clone());
    let (summary, source) = (text(payload, "summary"), text(payload, "source"));
    // What only passes alerts on names itself as their source.
    let is_sender = source.eq_ignore_ascii_case(text(event, "client"));
    let host = said.host().or_else(|| alias::host(source).filter(|_| !is_sender));
    let mut labels = Labels::default();
    fields.iter().for_each(|(name, value)| labels.add(name, value));
    labels.add("source", source);
    details.iter().for_each(|(name, value)| labels.add(name, value));
    let stated = stated_time(text(payload, "timestamp"));
    let links = event.get("links").and_then(Value::as_array);
    let link =
        links.and_then(|links| links.iter().find_map(|link| url(link.get("href")?.as_str()?)));
    ExternalAlert {
        id: String::new(),
        from: receipt.from.to_owned(),
        key: key_of(event, payload),
        state,
        at: stated.filter(|time| *time <= receipt.at + receipt.future_max).unwrap_or(receipt.at),
        started_at: stated,
        ends_at: None,
        name: if summary.is_empty() { String::new() } else { said.name(summary) },
        summary: cut(summary.trim(), SUMMARY_BYTES_MAX),
        severity: severity_of(payload),
        service: said.service(),
        host,
        labels: labels.into_map(),
        url: url(text(event, "client_url")).or(link),
    }
}

fn key_of(event: &Map<String, Value>, payload: &Map<String, Value>) -> String {
    let stated = text(event, "dedup_key");
    if !stated.is_empty() {
        return stated.to_owned();
    }
    let mut parts = template_of(text(payload, "summary"));
    for name in ["source", "component", "class", "group"] {
        parts.push('\u{1f}');
        parts.push_str(text(payload, name));
    }
    format!("{:032x}", xxh3_128(parts.as_bytes()))
}

/// Takes the details as texts; those that Alertmanager writes into one text are read out of it.
fn details_of(payload: &Map<String, Value>) -> Vec<(String, String)> {
    let mut details = Vec::new();
    match payload.get("custom_details") {
        Some(Value::Object(object)) => {
            for (name, value) in object {
                match value {
                    Value::Null => {}
                    Value::String(text) if name == "firing" || name == "resolved" => {
                        details.extend(written_labels(text));
                    }
                    Value::String(text) => details.push((name.clone(), text.clone())),
                    other => details.push((name.clone(), other.to_string())),
                }
            }
        }
        Some(Value::String(text)) => details.push(("details".to_owned(), text.clone())),
        _ => {}
    }
    details
}

/// Reads the labels of the first alert in the text that Alertmanager sends PagerDuty by default.
fn written_labels(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let lines = text.lines().skip_while(|line| line.trim() != "Labels:").skip(1);
    lines.map_while(|line| {
        let (name, value) = line.trim_start().strip_prefix("- ")?.split_once(" = ")?;
        Some((name.to_owned(), value.to_owned()))
    })
}

fn severity_of(payload: &Map<String, Value>) -> Option<Severity> {
    let word = text(payload, "severity");
    Severity::ALL.into_iter().find(|severity| severity.as_str() == word)
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}
