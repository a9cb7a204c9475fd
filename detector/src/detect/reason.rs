//! The sentence that an anomaly carries: service first, then what, how much, and what was expected.

use std::time::Duration;

use super::features::Isolation;
use super::series::{Deviation, Direction, Missed, Stretch};

/// Longest template text in a sentence, characters.
const TEXT_CHARS_MAX: usize = 160;

/// Says that a template was never seen before.
pub(super) fn novelty(
    service: &str,
    text: &str,
    level: &str,
    records: u64,
    since: Duration,
) -> String {
    format!(
        "{service}: first `{}`{level} in {} records over {}",
        shorten(text),
        grouped(records),
        span(since)
    )
}

/// What a count is of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    /// Records of a kind, in the plural.
    Records(&'a str),
    /// Records of the template with this text.
    Template(&'a str),
}

/// Says how a count deviates.
pub(super) fn rate(
    service: &str,
    subject: Subject<'_>,
    window: Duration,
    deviation: &Deviation,
) -> String {
    let verdict = &deviation.verdict;
    let lasting = span(window * deviation.windows);
    let width = window;
    let window = span(window);
    if deviation.direction == Direction::Gone {
        let what = match subject {
            Subject::Records(kind) => kind.to_owned(),
            Subject::Template(text) => format!("`{}`", shorten(text)),
        };
        if let Some(missed) = &deviation.missed {
            return format!("{service}: no {what}: {}", overdue(missed));
        }
        let usual = count(verdict.typical);
        return format!("{service}: no {what} for {lasting}, usually {usual} in {window}");
    }
    let what = match subject {
        Subject::Records(kind) => format!("{} {kind}", grouped(deviation.count)),
        Subject::Template(text) if deviation.count == 1 => format!("1 time `{}`", shorten(text)),
        Subject::Template(text) => {
            format!("{} times `{}`", grouped(deviation.count), shorten(text))
        }
    };
    let expected = match verdict.upper {
        upper if upper < 1.0 => "none".to_owned(),
        upper => format!("{} to {}", count(verdict.lower), count(upper)),
    };
    let lasting = match deviation.windows {
        0 | 1 => String::new(),
        _ => format!(", for {lasting} so far"),
    };
    let within = match deviation.stretch {
        Stretch::Window => window,
        Stretch::Part(part) if part >= width => window,
        Stretch::Part(part) => format!("the first {} of {window}", span(part)),
        Stretch::Windows(windows) => span(width * windows),
    };
    format!("{service}: {what} in {within}, expected {expected}{lasting}")
}

/// Says when something last came and when it was due.
fn overdue(missed: &Missed) -> String {
    let Missed { due, away, late } = missed;
    let times = due.times;
    format!(
        "last at {}, {} ago, due at {}, {} ago, on time {times} times before",
        time_of_day(due.last),
        span(*away),
        time_of_day(due.due),
        span(*late),
    )
}

/// Writes the time of day of a second since the epoch.
fn time_of_day(secs: u64) -> String {
    format!("{:02}:{:02} UTC", secs / 3600 % 24, secs / 60 % 60)
}

/// Says in what a window as a whole is unusual.
pub(super) fn forest(service: &str, window: Duration, isolation: &Isolation) -> String {
    let share = |(name, share): &(String, f64)| format!("{name} ({:.0} %)", share * 100.0);
    let because: Vec<String> = isolation.contributions.iter().take(3).map(share).collect();
    let most = if because.is_empty() { "" } else { ", most of all in " };
    format!(
        "{service}: these {} as a whole are unusual{most}{}; isolation {:.2}, usually {:.2}",
        span(window),
        because.join(", "),
        isolation.score,
        isolation.typical,
    )
}

/// Cuts a text at a number of characters.
pub fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// Writes a span of time in its largest fitting unit.
pub fn span(span: Duration) -> String {
    match span.as_secs() {
        0 => format!("{} ms", span.as_millis()),
        1..10 if span.subsec_millis() > 0 => format!("{:.1} s", span.as_secs_f64()),
        secs @ 1..120 => format!("{secs} s"),
        secs @ 120..7200 => format!("{} min", secs / 60),
        secs @ 7200..172_800 => format!("{} h", secs / 3600),
        secs => format!("{} days", secs / 86_400),
    }
}

/// Writes a whole number with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn count(value: f64) -> String {
    if value >= 10.0 || value.fract().abs() < 0.05 {
        grouped(value.round().max(0.0) as u64)
    } else {
        format!("{value:.1}")
    }
}

#[cfg(test)]
mod tests {
    use logwake_models::rate::Due;

    use super::*;

    #[test]
    fn numbers_and_spans_read_well() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
        assert_eq!(span(Duration::from_secs(90)), "90 s");
        assert_eq!(span(Duration::from_secs(7300)), "2 h");
        assert_eq!(count(0.25), "0.2");
    }

    #[test]
    fn what_was_missed_is_told_with_its_times() {
        let at = |day: u64, hour: u64, minute: u64| day * 86_400 + hour * 3600 + minute * 60;
        let due = Due { last: at(20, 3, 2), due: at(21, 3, 1), times: 12, p_value: 1e-9 };
        let missed =
            Missed { due, away: Duration::from_secs(25 * 3600), late: Duration::from_secs(4440) };
        assert_eq!(
            overdue(&missed),
            "last at 03:02 UTC, 25 h ago, due at 03:01 UTC, 74 min ago, on time 12 times before"
        );
    }
}
