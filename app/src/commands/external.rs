//! Files of other systems' alerts for a replay: what each line says, at its own time.
//!
//! JSON lines of PagerDuty events (v2), of Alertmanager's alerts (as its API or its webhook has
//! them), or CSV. Rows of CSV are things that happened: each is over at once unless it comes again.
//! Columns that are not known, such as labels of the truth, are not looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use logwake_detector::alert::{ExternalAlert, ExternalState};
use logwake_detector::anomaly::{Severity, id_of};
use logwake_detector::time::Timestamp;
use serde_json::Value;

use super::labels::text_of;

/// Reads files, packed or not; the alerts of all of them in order of time.
///
/// # Errors
/// Where a file cannot be read or a line is no alert; the line is named.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<ExternalAlert>> {
    let mut alerts = Vec::new();
    for path in paths {
        let text = text_of(path).with_context(|| format!("read alerts {}", path.display()))?;
        let columns: Option<Vec<String>> =
            (!text.starts_with('{')).then(|| fields(text.lines().next().unwrap_or_default()));
        for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let found = match &columns {
                Some(_) if idx == 0 => Ok(Vec::new()),
                Some(columns) => row(columns, line).map(|alert| vec![alert]),
                None => json(line),
            };
            let place = || format!("alerts {} line {}", path.display(), idx + 1);
            let mut found = found.with_context(place)?;
            for (part, alert) in found.iter_mut().enumerate() {
                alert.id = id_of("x", &[&name_of(path), &idx.to_string(), &part.to_string()]);
            }
            alerts.append(&mut found);
        }
    }
    alerts.sort_by_key(|alert| alert.at);
    Ok(alerts)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn plain(from: &str, at: Timestamp) -> ExternalAlert {
    ExternalAlert {
        id: String::new(),
        from: from.to_owned(),
        key: String::new(),
        state: ExternalState::Trigger,
        at,
        started_at: None,
        ends_at: None,
        name: String::new(),
        summary: String::new(),
        severity: None,
        service: String::new(),
        host: None,
        labels: BTreeMap::new(),
        url: None,
    }
}

/// Reads a row of CSV by the names of its columns.
fn row(columns: &[String], line: &str) -> anyhow::Result<ExternalAlert> {
    let values = fields(line);
    let of = |name: &str| {
        let idx = columns.iter().position(|column| column == name)?;
        values.get(idx).map(String::as_str).filter(|value| !value.is_empty())
    };
    let at = time(of("time").context("it states no time")?)?;
    let mut alert = plain("csv", at);
    alert.name = of("name").context("it states no name")?.to_owned();
    alert.summary = of("summary").unwrap_or_default().to_owned();
    alert.service = of("service").unwrap_or_default().to_owned();
    alert.host = of("host").map(str::to_owned);
    alert.severity = of("severity").map(severity).transpose()?;
    alert.ends_at = Some(at);
    if let Some(ip) = of("ip") {
        alert.labels.insert("ip".to_owned(), ip.to_owned());
    }
    let place = [alert.service.as_str(), alert.host.as_deref().unwrap_or("")].join("/");
    alert.key = format!("{}/{place}", alert.name);
    Ok(alert)
}

/// Splits a row; a field may stand in double quotes, with `""` for one of them.
fn fields(line: &str) -> Vec<String> {
    let (mut found, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.trim_end().chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => found.push(std::mem::take(&mut field)),
            _ => field.push(char),
        }
    }
    found.push(field);
    found
}

fn json(line: &str) -> anyhow::Result<Vec<ExternalAlert>> {
    let value: Value = serde_json::from_str(line)?;
    if value.get("event_action").is_some() {
        return Ok(vec![pagerduty(&value)?]);
    }
    if value.get("labels").is_some() {
        return alertmanager(&value);
    }
    bail!("it is neither an event of PagerDuty nor an alert of Alertmanager")
}

fn pagerduty(value: &Value) -> anyhow::Result<ExternalAlert> {
    let payload = &value["payload"];
    let stated = payload["timestamp"].as_str().or(value["timestamp"].as_str());
    let mut alert = plain("pagerduty", time(stated.context("it states no timestamp")?)?);
    alert.state = match value["event_action"].as_str() {
        Some("trigger") => ExternalState::Trigger,
        Some("acknowledge") => ExternalState::Acknowledge,
        Some("resolve") => ExternalState::Resolve,
        _ => bail!("event_action is none of trigger, acknowledge, resolve"),
    };
    alert.summary = text(&payload["summary"]);
    alert.name = [&payload["class"], &payload["summary"]]
        .iter()
        .find_map(|name| name.as_str())
        .unwrap_or_default()
        .to_owned();
    alert.service = text(&payload["component"]);
    alert.host = payload["source"].as_str().map(str::to_owned);
    alert.severity = payload["severity"].as_str().map(severity).transpose()?;
    alert.url = value["links"][0]["href"].as_str().map(str::to_owned);
    let fallback = [alert.name.as_str(), alert.host.as_deref().unwrap_or("")].join("/");
    alert.key = value["dedup_key"].as_str().map_or(fallback, str::to_owned);
    Ok(alert)
}

/// An alert of Alertmanager: what it says when it begins, and, where it states an end and is not
/// called firing, that it is over then.
fn alertmanager(value: &Value) -> anyhow::Result<Vec<ExternalAlert>> {
    let starts = time(value["startsAt"].as_str().context("it states no startsAt")?)?;
    let ends = value["endsAt"].as_str().filter(|end| !end.starts_with("0001-"));
    let ends = ends.map(time).transpose()?;
    let labels: BTreeMap<String, String> =
        serde_json::from_value(value["labels"].clone()).context("read labels")?;
    let of = |names: &[&str]| names.iter().find_map(|name| labels.get(*name)).cloned();
    let mut alert = plain("alertmanager", starts);
    alert.name = of(&["alertname"]).context("it has no label alertname")?;
    alert.service = of(&["service", "app", "job"]).unwrap_or_default();
    alert.host = of(&["host", "hostname", "node", "instance"]);
    alert.severity = of(&["severity"]).map(|name| severity(&name)).transpose()?;
    let annotations = &value["annotations"];
    alert.summary = [&annotations["summary"], &annotations["description"]]
        .iter()
        .find_map(|text| text.as_str())
        .unwrap_or_default()
        .to_owned();
    alert.url = value["generatorURL"].as_str().map(str::to_owned);
    alert.key = serde_json::to_string(&labels)?;
    alert.labels = labels;
    alert.started_at = Some(starts);
    let Some(ends) = ends else { return Ok(vec![alert]) };
    if value["status"] == "firing" {
        alert.ends_at = Some(ends);
        return Ok(vec![alert]);
    }
    let over = ExternalAlert { state: ExternalState::Resolve, at: ends, ..alert.clone() };
    Ok(vec![alert, over])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Reads a severity by the names that systems have for it.
fn severity(name: &str) -> anyhow::Result<Severity> {
    Ok(match name.to_lowercase().as_str() {
        "critical" | "page" | "fatal" | "emergency" => Severity::Critical,
        "error" | "major" | "high" => Severity::Error,
        "warning" | "warn" | "minor" => Severity::Warning,
        "info" | "none" | "low" => Severity::Info,
        _ => bail!("severity {name} is none of critical, error, warning, info"),
    })
}

/// Reads seconds since 1970 or RFC 3339.
fn time(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(secs) = text.parse::<f64>() {
        return Ok(Timestamp::from_millis((secs * 1e3).round() as i64));
    }
    let time: jiff::Timestamp = text.parse().with_context(|| format!("{text} is no time"))?;
    Ok(Timestamp::from_nanos(i64::try_from(time.as_nanosecond())?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_row_is_read_by_the_names_of_its_columns() {
        let columns = fields("time,name,host,truth");
        let alert = row(&columns, "1700000000.5,\"Disk, \"\"full\"\"\",db-1,attack").unwrap();
        assert_eq!((alert.name.as_str(), alert.host.as_deref()), ("Disk, \"full\"", Some("db-1")));
        assert_eq!(alert.at, Timestamp::from_millis(1_700_000_000_500));
        assert!(!format!("{alert:?}").contains("attack"));
        assert!(row(&columns, "soon,Disk,db-1,").is_err());
    }

    #[test]
    fn an_alert_that_states_its_end_is_told_twice() {
        let line = r#"{"labels":{"alertname":"DbDown","service":"db","severity":"critical"},
            "startsAt":"2026-03-01T10:00:00Z","endsAt":"2026-03-01T10:05:00Z"}"#;
        let states: Vec<_> = json(line).unwrap().into_iter().map(|alert| alert.state).collect();
        assert_eq!(states, [ExternalState::Trigger, ExternalState::Resolve]);
        let line = line.replace("2026-03-01T10:05:00Z", "0001-01-01T00:00:00Z");
        assert_eq!(json(&line).unwrap().len(), 1);
    }

    #[test]
    fn an_event_of_pagerduty_is_known_by_its_dedup_key() {
        let line = r#"{"event_action":"trigger","dedup_key":"k","payload":{"summary":"disk full",
            "source":"db-1","severity":"error","timestamp":"2026-03-01T10:00:00Z"}}"#;
        let alert = json(line).unwrap().remove(0);
        assert_eq!((alert.key.as_str(), alert.severity), ("k", Some(Severity::Error)));
        assert!(json("{}").is_err());
    }
}
