//! What a replay came to, as `summary.json` and as the few lines that a person reads.

use std::collections::BTreeMap;

use logwake_detector::detect::{DetectState, grouped, span};
use serde::Serialize;

use crate::console::Shown;
use crate::runtime::local::Finished;

use super::labels::Scores;
use super::session_labels::SessionScores;
use super::story::date;

/// What a replay came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Version of the program.
    pub version: &'static str,
    /// Files read.
    pub files: usize,
    /// Files that could not be read to their end.
    pub files_broken: usize,
    /// Lines: in all, tallied, late, rejected, corrected.
    pub lines: Lines,
    /// Alerts of other systems.
    pub external_alerts: usize,
    /// Event time of the first and last record.
    pub from: Option<String>,
    /// Event time of the last record.
    pub to: Option<String>,
    /// Services seen.
    pub services: usize,
    /// Templates of all services.
    pub templates: usize,
    /// Anomalies by kind.
    pub anomalies: BTreeMap<String, u64>,
    /// Alerts opened by severity.
    pub alerts: BTreeMap<String, u64>,
    /// Decisions by reason.
    pub decisions: BTreeMap<String, u64>,
    /// What became of sessions.
    pub sessions: Sessions,
    /// Scores against labelled incidents, where given.
    pub scores: Option<Scores>,
    /// Scores against labelled sessions, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_scores: Option<SessionScores>,
    /// How this run went: all that differs between two replays of the same input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
}

/// How a replay went, which is not the same twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Wall time of the replay, seconds.
    pub wall_secs: f64,
    /// Lines per second of it.
    pub lines_a_second: f64,
}

/// What became of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sessions {
    /// Parts of sessions that ended and were judged.
    pub judged: u64,
    /// Those among them that broke a rule.
    pub broken: u64,
    /// Sessions that had not ended with the last record, which are not judged.
    pub open: usize,
    /// Sessions given up at the limit.
    pub given_up: u64,
    /// Records that came too late for their session or beyond a limit.
    pub records_dropped: u64,
}

impl Sessions {
    /// Takes what the detect stage counted.
    pub fn of(state: &DetectState) -> Self {
        let counts = state.session_counts();
        Self {
            judged: counts.judged,
            broken: counts.broken,
            open: state.open_sessions(),
            given_up: counts.given_up,
            records_dropped: counts.records_dropped,
        }
    }
}

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lines {
    /// In all: the sum of the next three.
    pub total: u64,
    /// Counted in a window.
    pub tallied: u64,
    /// Too late for their window.
    pub late: u64,
    /// Not decoded.
    pub rejected: u64,
    /// Tallied under another time than stated.
    pub corrected: u64,
    /// Rejected, by reason.
    pub rejected_by_reason: BTreeMap<String, u64>,
}

impl Lines {
    /// Takes the counts of a finished replay.
    pub fn of(finished: &Finished) -> Self {
        let lines = finished.detect.state().counts().lines;
        let rejected = finished.rejected.iter();
        Self {
            total: lines.total(),
            tallied: lines.tallied,
            late: lines.late,
            rejected: lines.rejected,
            corrected: lines.corrected,
            rejected_by_reason: rejected
                .map(|(reason, count)| ((*reason).to_owned(), *count))
                .collect(),
        }
    }
}

/// Counts the templates of all services.
pub fn templates_of(state: &DetectState) -> usize {
    state.services().values().map(|service| service.templates.len()).sum()
}

/// Writes a summary for people.
pub fn tell(summary: &Summary) -> String {
    let lines = &summary.lines;
    if lines.total == 0 {
        return format!("no line in {} files\n", summary.files);
    }
    let mut text = format!(
        "{} lines in = {} tallied + {} late + {} rejected, {} lines/s\n",
        grouped(lines.total),
        grouped(lines.tallied),
        grouped(lines.late),
        grouped(lines.rejected),
        grouped(summary.run.map_or(0, |run| run.lines_a_second as u64)),
    );
    text.push_str(&format!(
        "{} services, {} templates, {} anomalies, {} alerts\n",
        summary.services,
        summary.templates,
        summary.anomalies.values().sum::<u64>(),
        summary.alerts.values().sum::<u64>(),
    ));
    let sessions = &summary.sessions;
    if sessions.judged > 0 || sessions.open > 0 {
        text.push_str(&format!(
            "{} parts of sessions judged, {} broke a rule; {} sessions had not ended\n",
            grouped(sessions.judged),
            grouped(sessions.broken),
            grouped(sessions.open as u64),
        ));
    }
    if let Some(scores) = &summary.session_scores {
        text.push_str(&format!("{scores}\n"));
    }
    if let Some(scores) = &summary.scores {
        text.push_str(&tell_scores(scores));
    }
    text
}

fn tell_scores(scores: &Scores) -> String {
    let mut text = String::new();
    for label in &scores.labels {
        let delay = label.delay_secs.map(|secs| format!(" after {secs:.1} s")).unwrap_or_default();
        let named = match (label.outcome, label.is_service_named) {
            ("found", true) => ", service named",
            ("found", false) => ", service NOT named",
            _ => "",
        };
        text.push_str(&format!(
            "{:<7} {} {}{delay}, {} pages{named}\n",
            label.outcome,
            Shown(&label.kind),
            Shown(&label.service),
            label.pages
        ));
    }
    let secs = |delay: Option<f64>| delay.map_or("none".to_owned(), |secs| format!("{secs:.1} s"));
    text.push_str(&format!(
        "recall {:.3} precision {:.3} F1 {:.3}, median delay {}, worst {}, {:.2} false pages a day\n",
        scores.recall,
        scores.precision,
        scores.f1,
        secs(scores.delay_median_secs),
        secs(scores.delay_max_secs),
        scores.false_pages_a_day,
    ));
    text.push_str(&format!(
        "{} pages, {:.2} for each incident found, {:.0} anomalies for each page\n",
        scores.pages, scores.pages_per_incident, scores.anomalies_per_page,
    ));
    text
}

/// Writes the span of event time that was read.
pub fn tell_span(
    from: logwake_detector::time::Timestamp,
    to: logwake_detector::time::Timestamp,
) -> String {
    format!("{} to {} UTC, {}", date(from), date(to), span(to.since(from)))
}
