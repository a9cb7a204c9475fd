//! Files of other systems' alerts for a replay: what each line says, at its own time.
//!
//! JSON lines of PagerDuty events (v2), of Alertmanager's alerts (as its API or its webhook has
//! them), or CSV. Rows of CSV are things that happened: each is over at once unless it comes again.
//! Columns that are not known, such as labels of the truth, are not looked at.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use logwake_detector::alert::{ExternalAlert, ExternalState};
use logwake_detector::anomaly::id_of;
use logwake_detector::time::Timestamp;
use logwake_ingest::intake::{Receipt, Shape, decode, severity_of};
use serde_json::Value;

use super::labels::text_of;
use crate::config::Config;

/// What the configuration says of alerts.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    future_max: Duration,
    /// A capture tells an alert once where its sender would tell it again and again, so one without
    /// an end goes on for as long as any that is not heard of.
    lasts: Duration,
}

impl Rules {
    /// Takes them from a configuration.
    pub fn of(config: &Config) -> Self {
        Self { future_max: config.detect.future_max.0, lasts: config.alerts.forget_after.0 }
    }

    fn receipt<'a>(&self, from: &'a str, at: Timestamp) -> Receipt<'a> {
        Receipt { from, at, future_max: self.future_max, resolve_timeout: self.lasts }
    }
}

/// Reads files, packed or not; the alerts of all of them in order of time.
///
/// # Errors
/// Where a file cannot be read or a line is no alert; the line is named.
pub fn read(paths: &[PathBuf], rules: &Rules) -> anyhow::Result<Vec<ExternalAlert>> {
    let mut alerts = Vec::new();
    for path in paths {
        let text = text_of(path).with_context(|| format!("read alerts {}", path.display()))?;
        let columns: Option<Vec<String>> =
            (!text.starts_with('{')).then(|| fields(text.lines().next().unwrap_or_default()));
        for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let found = match &columns {
                Some(_) if idx == 0 => Ok(Vec::new()),
                Some(columns) => row(columns, line).map(|alert| vec![alert]),
                None => json(line, rules),
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

/// Reads a row of CSV by the names of its columns.
fn row(columns: &[String], line: &str) -> anyhow::Result<ExternalAlert> {
    let values = fields(line);
    let of = |name: &str| {
        let idx = columns.iter().position(|column| column == name)?;
        values.get(idx).map(String::as_str).filter(|value| !value.is_empty())
    };
    let at = time(of("time").context("it states no time")?)?;
    let name = of("name").context("it states no name")?;
    let (service, host) = (of("service").unwrap_or_default(), of("host"));
    let severity = |word: &str| {
        severity_of(word)
            .with_context(|| format!("severity {word} is none of critical, error, warning, info"))
    };
    let ip = of("ip").map(|ip| ("ip".to_owned(), ip.to_owned()));
    Ok(ExternalAlert {
        id: String::new(),
        from: "csv".to_owned(),
        key: format!("{name}/{service}/{}", host.unwrap_or_default()),
        state: ExternalState::Trigger,
        at,
        started_at: None,
        ends_at: Some(at),
        name: name.to_owned(),
        summary: of("summary").unwrap_or_default().to_owned(),
        severity: of("severity").map(severity).transpose()?,
        service: service.to_owned(),
        host: host.map(str::to_owned),
        labels: ip.into_iter().collect(),
        url: None,
    })
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

/// Decodes a line as the intake does a request, at the times that it states itself.
fn json(line: &str, rules: &Rules) -> anyhow::Result<Vec<ExternalAlert>> {
    let value: Value = serde_json::from_str(line)?;
    if value.get("event_action").is_some() {
        let stated = value["payload"]["timestamp"].as_str().or(value["timestamp"].as_str());
        let at = time(stated.context("it states no timestamp")?)?;
        return decoded(Shape::PagerDuty, line, &rules.receipt("pagerduty", at));
    }
    if value.get("labels").is_some() {
        return alertmanager(value, rules);
    }
    bail!("it is neither an event of PagerDuty nor an alert of Alertmanager")
}

/// An alert of Alertmanager: what it says when it begins, and, where it states an end and is not
/// called firing, that it is over then.
fn alertmanager(mut value: Value, rules: &Rules) -> anyhow::Result<Vec<ExternalAlert>> {
    let starts = time(value["startsAt"].as_str().context("it states no startsAt")?)?;
    let ends = value["endsAt"].as_str().filter(|end| !end.starts_with("0001-"));
    let ends = ends.map(time).transpose()?;
    let is_firing = value["status"] == "firing";
    // Its last state, which says nothing of its beginning.
    value.as_object_mut().map(|alert| alert.remove("status"));
    let body = Value::from(vec![value]).to_string();
    let told = |at| decoded(Shape::Alerts, &body, &rules.receipt("alertmanager", at));
    let mut alerts = told(starts)?;
    if let Some(ends) = ends.filter(|_| !is_firing) {
        alerts.extend(told(ends)?);
    }
    Ok(alerts)
}

fn decoded(shape: Shape, body: &str, receipt: &Receipt<'_>) -> anyhow::Result<Vec<ExternalAlert>> {
    let received = decode(shape, body.as_bytes(), receipt)?;
    anyhow::ensure!(received.refused.is_empty(), "{}", received.refused.join("; "));
    Ok(received.alerts)
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

    use logwake_detector::anomaly::Severity;

    use super::*;

    fn json(line: &str) -> anyhow::Result<Vec<ExternalAlert>> {
        super::json(line, &Rules::of(&Config::default()))
    }

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
