//! The sentence that an anomaly carries: service first, then what, how much, and what was expected.

use std::time::Duration;

use super::series::{Deviation, Direction};

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

/// Says how a count deviates.
pub(super) fn rate(subject: &str, actual: u64, window: Duration, deviation: &Deviation) -> String {
    let verdict = &deviation.verdict;
    let expected = if verdict.upper >= 1.0 {
        format!("expected {} to {}", count(verdict.lower), count(verdict.upper))
    } else {
        "expected none".to_owned()
    };
    let lasting = span(window * deviation.windows);
    let usual = format!("usually {} in {}", count(verdict.typical), span(window));
    match deviation.direction {
        Direction::Gone => format!("{subject} none for {lasting}, {usual}"),
        _ if deviation.windows > 1 => {
            format!("{subject} {} in {}, {expected}, for {lasting}", grouped(actual), span(window))
        }
        _ => format!("{subject} {} in {}, {expected}", grouped(actual), span(window)),
    }
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
    use super::*;

    #[test]
    fn numbers_and_spans_read_well() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
        assert_eq!(span(Duration::from_secs(90)), "90 s");
        assert_eq!(span(Duration::from_secs(7300)), "2 h");
        assert_eq!(count(0.25), "0.2");
    }
}
