//! An alert cluster as a person reads it on a terminal.

use jiff::tz::TimeZone;
use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;
use logwake_detector::detect::span;
use logwake_detector::time::Timestamp;
use logwake_emit::event::{AlertEvent, Position, StoryLine};

/// Longest evidence text, characters.
const TEXT_CHARS_MAX: usize = 140;

/// Writes one change of an alert: a headline, and for a new one the lines that tell the story.
pub fn tell(event: &AlertEvent, is_coloured: bool) -> String {
    let paint = |code: &str, text: &str| {
        if is_coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let alert = &event.logwake.alert;
    let (word, colour) = match (alert.state, alert.severity) {
        (AlertState::Resolved, _) => ("RESOLVED", "32"),
        (AlertState::Updated, _) => ("UPDATED ", "33"),
        (AlertState::Acknowledged, _) => ("IN HAND ", "33"),
        (AlertState::Reopened, _) => ("REOPENED", "31;1"),
        (_, Severity::Critical | Severity::Error) => ("OPENED  ", "31;1"),
        _ => ("OPENED  ", "33;1"),
    };
    let head = format!("{} {word} {:<8}", clock(event.timestamp), alert.severity.as_str());
    let mut text = format!("{} {}\n", paint(colour, &head), paint("1", &alert.title));
    let because = alert.reason.explain();
    let detail = match alert.state {
        AlertState::Resolved => {
            let lasted = span(alert.updated_at.since(alert.started_at));
            format!("lasted {lasted}; {because}")
        }
        _ => format!("since {}; {because}", clock(alert.started_at)),
    };
    let count = match (alert.anomaly_count, alert.external_count) {
        (anomalies, 0) => format!("{anomalies} anomalies"),
        (0, alerts) => format!("{alerts} alerts of other systems"),
        (anomalies, alerts) => format!("{anomalies} anomalies and {alerts} alerts"),
    };
    text.push_str(&paint("2", &format!("    {} · {count} · {detail}\n", alert.id)));
    if alert.state != AlertState::Resolved {
        alert.evidence.iter().for_each(|line| text.push_str(&evidence(line, &paint)));
    }
    text
}

/// Writes an event time of day.
pub fn clock(time: Timestamp) -> String {
    stamp(time, "%H:%M:%S")
}

/// Writes an event time with its date.
pub fn date(time: Timestamp) -> String {
    stamp(time, "%Y-%m-%d %H:%M:%S")
}

/// Writes where a record stands.
pub fn place(position: &Position) -> String {
    match position {
        Position::Partition { topic, partition, offset } => format!("{topic}/{partition}@{offset}"),
        Position::File { file, line } => format!("{file}:{line}"),
    }
}

fn evidence(line: &StoryLine, paint: &dyn Fn(&str, &str) -> String) -> String {
    let Some(exemplar) = &line.exemplar else { return format!("    {}\n", line.reason) };
    let first = exemplar.text.lines().next().unwrap_or_default();
    let text = match first.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &first[..end]),
        None => first.to_owned(),
    };
    let place = place(&exemplar.position);
    format!(
        "    {} {:<12} {text}\n{}",
        clock(exemplar.time),
        line.service,
        paint("2", &format!("             └ {} ({place})\n", line.reason)),
    )
}

fn stamp(time: Timestamp, format: &str) -> String {
    let nanos = i128::from(time.as_nanos());
    match jiff::Timestamp::from_nanosecond(nanos) {
        Ok(time) => time.to_zoned(TimeZone::UTC).strftime(format).to_string(),
        Err(_) => "?".to_owned(),
    }
}
