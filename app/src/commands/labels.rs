//! Alerts scored against known incidents.
//!
//! A page is the first opening of an alert of severity warning or above.
//! It is right where it falls into an incident or the grace after it; rows whose kind begins with
//! `quiet` or `harmless` are spans in which nothing may page.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use logwake_detector::alert::{AlertChange, AlertState};
use logwake_detector::anomaly::Severity;
use logwake_detector::time::Timestamp;
use logwake_ingest::files::{FileSource, Input, Line};
use serde::Serialize;

use super::session_labels;

/// Time after an incident in which its first page still counts.
const GRACE: Duration = Duration::from_secs(120);

/// Longest row.
const LINE_BYTES_MAX: usize = 1 << 16;

/// A labelled span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    start: Timestamp,
    end: Timestamp,
    service: String,
    kind: String,
}

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    at: Timestamp,
    services: Vec<String>,
}

/// How alerts compare with the labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Labelled incidents.
    pub incidents: usize,
    /// Those with a page.
    pub found: usize,
    /// Share of incidents found.
    pub recall: f64,
    /// Pages.
    pub pages: usize,
    /// Share of pages inside an incident.
    pub precision: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Median seconds from the start of an incident to its first page.
    pub delay_median_secs: Option<f64>,
    /// The longest.
    pub delay_max_secs: Option<f64>,
    /// Pages outside incidents a day.
    pub false_pages_a_day: f64,
    /// Pages inside incidents for each incident found.
    pub pages_per_incident: f64,
    /// Anomalies of the whole replay for each page: how much alerts compress.
    pub anomalies_per_page: f64,
    /// Each label and what became of it.
    pub labels: Vec<Outcome>,
}

/// What became of one label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Kind as labelled.
    pub kind: String,
    /// Service as labelled.
    pub service: String,
    /// `found`, `missed`, `quiet` or `paged`.
    pub outcome: &'static str,
    /// Pages inside it.
    pub pages: usize,
    /// Seconds to the first page.
    pub delay_secs: Option<f64>,
    /// Whether a page named the service.
    pub is_service_named: bool,
}

impl Page {
    /// Takes the opening of an alert as a page where it is grave enough.
    pub fn of(change: &AlertChange) -> Option<Self> {
        let opens = change.state == AlertState::Open && change.severity >= Severity::Warning;
        opens.then(|| Self { at: change.at, services: change.services.clone() })
    }
}

/// What a file of labels is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Spans of time.
    Incidents(Vec<Label>),
    /// Sessions, and whether each is anomalous.
    Sessions(BTreeMap<String, bool>),
}

/// Reads labels, packed or not.
///
/// # Errors
/// Where the file cannot be read or a row is not a label; the row is named.
pub fn read(path: &Path) -> anyhow::Result<Labels> {
    let text = text_of(path).with_context(|| format!("read labels {}", path.display()))?;
    let mut lines = text.lines();
    let header = lines.next().unwrap_or_default().trim();
    let rows = lines.enumerate().filter(|(_, row)| !row.trim().is_empty());
    let place = |idx: usize| format!("labels {} line {}", path.display(), idx + 2);
    if header == "start,end,service,kind" {
        let labels = rows.map(|(idx, row)| label(row).with_context(|| place(idx)));
        return Ok(Labels::Incidents(labels.collect::<anyhow::Result<_>>()?));
    }
    if !header.ends_with(",anomalous") && !header.ends_with(",anomaly") {
        bail!(
            "labels {} begin with `{header}`, wanted `start,end,service,kind` or `session,anomalous`",
            path.display()
        );
    }
    let labels = rows.map(|(idx, row)| session_labels::row(row).with_context(|| place(idx)));
    Ok(Labels::Sessions(labels.collect::<anyhow::Result<_>>()?))
}

/// Reads a file, packed or not.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn text_of(path: &Path) -> anyhow::Result<String> {
    let input = Input::File(path.to_owned());
    let mut file = FileSource::open_input(&input, LINE_BYTES_MAX)?;
    let mut text = String::new();
    while let Some(Line::Text(line)) = file.next_line()? {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    Ok(text)
}

/// Compares pages with labels, leaving out what lies before `since`.
///
/// `anomalies` are those of the whole replay.
pub fn score(
    labels: &[Label],
    pages: &[Page],
    anomalies: u64,
    since: Timestamp,
    until: Timestamp,
) -> Scores {
    let labels: Vec<&Label> = labels.iter().filter(|label| label.end >= since).collect();
    let pages: Vec<&Page> = pages.iter().filter(|page| page.at >= since).collect();
    let outcomes: Vec<Outcome> = labels.iter().map(|label| outcome(label, &pages)).collect();
    let incidents = labels.iter().filter(|label| !label.is_silent());
    let right = pages.iter().filter(|page| incidents.clone().any(|label| label.covers(page.at)));
    let (right, incidents) = (right.count(), incidents.count());
    let found = outcomes.iter().filter(|outcome| outcome.outcome == "found").count();
    let mut delays: Vec<f64> = outcomes.iter().filter_map(|outcome| outcome.delay_secs).collect();
    delays.sort_by(f64::total_cmp);
    let end = labels.iter().map(|label| label.end).max().unwrap_or(until).max(until);
    let days = end.since(since).as_secs_f64() / 86_400.0;
    let precision = ratio(right as f64, pages.len() as f64);
    let recall = ratio(found as f64, incidents as f64);
    Scores {
        incidents,
        found,
        recall,
        pages: pages.len(),
        precision,
        f1: ratio(2.0 * precision * recall, precision + recall),
        delay_median_secs: median(&delays),
        delay_max_secs: delays.last().copied(),
        false_pages_a_day: ratio((pages.len() - right) as f64, days),
        pages_per_incident: ratio(right as f64, found as f64),
        anomalies_per_page: ratio(anomalies as f64, pages.len() as f64),
        labels: outcomes,
    }
}

/// A part of a whole, none of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl Label {
    fn is_silent(&self) -> bool {
        self.kind.starts_with("quiet") || self.kind.starts_with("harmless")
    }

    fn covers(&self, time: Timestamp) -> bool {
        self.start <= time && time <= self.end + GRACE
    }
}

fn outcome(label: &Label, pages: &[&Page]) -> Outcome {
    let inside: Vec<&&Page> = pages.iter().filter(|page| label.covers(page.at)).collect();
    let first = inside.iter().map(|page| page.at).min().filter(|_| !label.is_silent());
    let named = |page: &&&Page| page.services.contains(&label.service);
    Outcome {
        kind: label.kind.clone(),
        service: label.service.clone(),
        outcome: match (label.is_silent(), inside.is_empty()) {
            (true, true) => "quiet",
            (true, false) => "paged",
            (false, true) => "missed",
            (false, false) => "found",
        },
        pages: inside.len(),
        delay_secs: first.map(|first| first.since(label.start).as_secs_f64()),
        is_service_named: !inside.is_empty()
            && (label.service.is_empty() || inside.iter().any(named)),
    }
}

fn label(row: &str) -> anyhow::Result<Label> {
    let fields: Vec<&str> = row.split(',').map(str::trim).collect();
    let [start, end, service, kind] = fields[..] else {
        bail!("{} fields, wanted start,end,service,kind", fields.len());
    };
    let label = Label {
        start: time(start)?,
        end: time(end)?,
        service: service.to_owned(),
        kind: kind.to_owned(),
    };
    if label.end < label.start {
        bail!("ends at {end}, before its start at {start}");
    }
    Ok(label)
}

fn time(text: &str) -> anyhow::Result<Timestamp> {
    let time: jiff::Timestamp =
        text.parse().with_context(|| format!("`{text}` is not an RFC 3339 time"))?;
    Ok(Timestamp::from_nanos(i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)))
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_nanos(secs * 1_000_000_000)
    }

    fn span(start: i64, end: i64, kind: &str) -> Label {
        Label { start: at(start), end: at(end), service: "web".to_owned(), kind: kind.to_owned() }
    }

    fn page(secs: i64, service: &str) -> Page {
        Page { at: at(secs), services: vec![service.to_owned()] }
    }

    /// Beside the figures of an independent implementation of the same rules.
    #[test]
    fn a_page_in_the_grace_counts_for_a_fault_and_against_a_quiet_span() {
        let labels = [
            span(0, 50, "early"),
            span(1000, 1100, "crash"),
            span(1300, 1400, "harmless_flood"),
            span(2000, 2100, "full"),
        ];
        let pages = [page(40, "web"), page(1010, "db"), page(1220, "web"), page(1519, "web")];
        let scores = score(&labels, &pages, 12, at(600), at(600 + 86_400));
        let outcomes: Vec<_> =
            scores.labels.iter().map(|label| (label.outcome, label.pages)).collect();
        assert_eq!(outcomes, [("found", 2), ("paged", 1), ("missed", 0)]);
        assert!(scores.labels[0].is_service_named);
        assert_eq!((scores.incidents, scores.found, scores.pages), (2, 1, 3));
        assert_eq!((scores.recall, scores.precision), (0.5, 2.0 / 3.0));
        assert_eq!((scores.delay_median_secs, scores.delay_max_secs), (Some(10.0), Some(10.0)));
        assert_eq!((scores.pages_per_incident, scores.anomalies_per_page), (2.0, 4.0));
        assert!((scores.false_pages_a_day - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_labelled_and_nothing_paged_divides_by_nothing() {
        let scores = score(&[], &[], 0, at(0), at(0));
        assert_eq!(
            (scores.f1, scores.false_pages_a_day, scores.anomalies_per_page),
            (0.0, 0.0, 0.0)
        );
        assert_eq!(scores.delay_median_secs, None);
    }
}
