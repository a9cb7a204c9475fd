//! Level words and numbers, as loggers, syslog and pagers spell them.

use logwake_detector::record::Level;

/// Reads a level word in upper, lower or capitalised case.
pub(crate) fn word(text: &[u8]) -> Option<Level> {
    let len = text.len();
    if !(3..=13).contains(&len) || !text[0].is_ascii_alphabetic() {
        return None;
    }
    let mut lower = [0_u8; 13];
    for (to, from) in lower.iter_mut().zip(text) {
        *to = from | 0x20;
    }
    let level =
        match &lower[..len] {
            b"trace" | b"trc" | b"finest" | b"finer" | b"verbose" | b"vrb" | b"trace1"
            | b"trace2" => Level::Trace,
            b"debug" | b"dbg" | b"fine" | b"debug1" | b"debug2" | b"debug3" | b"debug4"
            | b"debug5" => Level::Debug,
            b"info" | b"inf" | b"information" | b"informational" | b"notice" | b"note" | b"log"
            | b"config" | b"system" | b"audit" => Level::Info,
            b"warn" | b"wrn" | b"warning" => Level::Warn,
            b"error" | b"err" | b"severe" | b"failure" | b"eror" => Level::Error,
            b"fatal" | b"ftl" | b"crit" | b"critical" | b"alert" | b"emerg" | b"emergency"
            | b"panic" | b"dpanic" => Level::Fatal,
            _ => return None,
        };
    is_one_case(text).then_some(level)
}

/// Reads what a level field of a structured record holds: a word, a letter or a number.
pub(crate) fn field(text: &str) -> Option<Level> {
    let text = text.trim().as_bytes();
    if let Some(level) = word(text) {
        return Some(level);
    }
    if let [letter] = text {
        return self::letter(*letter).or_else(|| syslog(letter.wrapping_sub(b'0')));
    }
    std::str::from_utf8(text).ok()?.parse().ok().and_then(number)
}

/// Reads the one-letter levels of glog, Android, MongoDB and Ruby.
pub(crate) fn letter(letter: u8) -> Option<Level> {
    Some(match letter.to_ascii_uppercase() {
        b'V' | b'T' => Level::Trace,
        b'D' => Level::Debug,
        b'I' | b'N' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' | b'C' | b'A' => Level::Fatal,
        _ => return None,
    })
}

/// Reads a numeric level: syslog up to 7, tens of Bunyan and Pino, hundreds of Monolog.
pub(crate) fn number(value: i64) -> Option<Level> {
    match value {
        0..=7 => syslog(value as u8),
        10..=19 => Some(Level::Trace),
        20..=29 => Some(Level::Debug),
        30..=39 => Some(Level::Info),
        40..=49 => Some(Level::Warn),
        50..=59 => Some(Level::Error),
        60..=69 | 500..=699 => Some(Level::Fatal),
        100..=199 => Some(Level::Debug),
        200..=299 => Some(Level::Info),
        300..=399 => Some(Level::Warn),
        400..=499 => Some(Level::Error),
        _ => None,
    }
}

/// Reads a syslog severity from 0 (emergency) to 7 (debug); RFC 5424 section 6.2.1.
pub(crate) fn syslog(severity: u8) -> Option<Level> {
    Some(match severity {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        7 => Level::Debug,
        _ => return None,
    })
}

/// Reads an OpenTelemetry severity number from 1 to 24; the logs data model, `SeverityNumber`.
pub(crate) fn otlp(severity: i64) -> Option<Level> {
    Some(match severity {
        1..=4 => Level::Trace,
        5..=8 => Level::Debug,
        9..=12 => Level::Info,
        13..=16 => Level::Warn,
        17..=20 => Level::Error,
        21..=24 => Level::Fatal,
        _ => return None,
    })
}

/// The level of an HTTP access: 5xx is the server's failure; 4xx is the client's doing, and calm
/// (scanners and stale links would otherwise drown real errors; a surge of them is seen in the rate).
pub(crate) fn http(status: u16) -> Level {
    if (500..600).contains(&status) { Level::Error } else { Level::Info }
}

fn is_one_case(text: &[u8]) -> bool {
    let is_upper = text[0].is_ascii_uppercase();
    let mut rest = text[1..].iter().filter(|byte| byte.is_ascii_alphabetic());
    rest.clone().all(|byte| byte.is_ascii_lowercase())
        || is_upper && rest.all(|byte| byte.is_ascii_uppercase())
}
