//! An alert cluster as a person reads it on a terminal.

use std::io::{self, Write};

use jiff::tz::TimeZone;
use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;
use logwake_detector::detect::span;
use logwake_detector::time::Timestamp;
use logwake_emit::event::{AlertEvent, Position, StoryLine};

use crate::console::{Console, Shown, Style};

/// Longest evidence text, characters.
const TEXT_CHARS_MAX: usize = 140;

/// Writes one change of an alert: a headline, and for a new one the lines that tell the story.
///
/// # Errors
/// Where it cannot be written.
pub fn tell(event: &AlertEvent, out: &mut Console<impl Write>) -> io::Result<()> {
    let alert = &event.logwake.alert;
    let (word, style) = match (alert.state, alert.severity) {
        (AlertState::Resolved, _) => ("RESOLVED", Style::Good),
        (AlertState::Updated, _) => ("UPDATED ", Style::Warning),
        (AlertState::Acknowledged, _) => ("IN HAND ", Style::Warning),
        (AlertState::Reopened, _) => ("REOPENED", Style::Alarm),
        (_, Severity::Critical | Severity::Error) => ("OPENED  ", Style::Alarm),
        _ => ("OPENED  ", Style::StrongWarning),
    };
    let (at, severity) = (clock(event.timestamp), alert.severity.as_str());
    out.paint(style, format_args!("{at} {word} {severity:<8}"))?;
    write!(out, " ")?;
    out.paint(Style::Strong, format_args!("{}", Shown(&alert.title)))?;
    writeln!(out)?;
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
    out.paint(Style::Faint, format_args!("    {} · {count} · {detail}\n", Shown(&alert.id)))?;
    if alert.state == AlertState::Resolved {
        return Ok(());
    }
    alert.evidence.iter().try_for_each(|line| evidence(line, out))
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

fn evidence(line: &StoryLine, out: &mut Console<impl Write>) -> io::Result<()> {
    let reason = Shown(&line.reason);
    let Some(exemplar) = &line.exemplar else { return writeln!(out, "    {reason}") };
    let first = exemplar.text.lines().next().unwrap_or_default();
    let (text, more) = match first.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => (&first[..end], "…"),
        None => (first, ""),
    };
    let (at, service) = (clock(exemplar.time), Shown(&line.service));
    writeln!(out, "    {at} {service:<12} {}{more}", Shown(text))?;
    let place = place(&exemplar.position);
    let place = Shown(&place);
    out.paint(Style::Faint, format_args!("             └ {reason} ({place})\n"))
}

fn stamp(time: Timestamp, format: &str) -> String {
    let nanos = i128::from(time.as_nanos());
    match jiff::Timestamp::from_nanosecond(nanos) {
        Ok(time) => time.to_zoned(TimeZone::UTC).strftime(format).to_string(),
        Err(_) => "?".to_owned(),
    }
}
