//! Level words and numbers, as loggers, syslog and pagers spell them.

use logwake_detector::record::Level;

/// Longest level word.
const WORD_BYTES_MAX: usize = 13;

/// Level words by their first letter, in lower case, packed to be compared at once.
macro_rules! words {
    ($($word:literal => $level:ident),+ $(,)?) => {{
        const WORDS: &[(u128, Level)] = &[$((pack($word), Level::$level)),+];
        WORDS
    }};
}

/// Reads a level word in upper, lower or capitalised case.
pub(crate) fn word(text: &[u8]) -> Option<Level> {
    let words: &[(u128, Level)] = match text.first()? | 0x20 {
        b'i' => {
            words!(b"info" => Info, b"inf" => Info, b"information" => Info, b"informational" => Info)
        }
        b'w' => words!(b"warn" => Warn, b"warning" => Warn, b"wrn" => Warn),
        b'e' => {
            words!(b"error" => Error, b"err" => Error, b"eror" => Error, b"emerg" => Fatal, b"emergency" => Fatal)
        }
        b'd' => words!(
            b"debug" => Debug, b"dbg" => Debug, b"debug1" => Debug, b"debug2" => Debug, b"debug3" => Debug,
            b"debug4" => Debug, b"debug5" => Debug, b"dpanic" => Fatal,
        ),
        b'f' => words!(
            b"fatal" => Fatal, b"ftl" => Fatal, b"failure" => Error, b"fine" => Debug, b"finer" => Trace,
            b"finest" => Trace,
        ),
        b'n' => words!(b"notice" => Info, b"note" => Info),
        b't' => words!(b"trace" => Trace, b"trc" => Trace, b"trace1" => Trace, b"trace2" => Trace),
        b'v' => words!(b"verbose" => Trace, b"vrb" => Trace),
        b'c' => words!(b"critical" => Fatal, b"crit" => Fatal, b"config" => Info),
        b's' => words!(b"severe" => Error, b"system" => Info),
        b'a' => words!(b"alert" => Fatal, b"audit" => Info),
        b'l' => words!(b"log" => Info),
        b'p' => words!(b"panic" => Fatal),
        _ => return None,
    };
    if !(3..=WORD_BYTES_MAX).contains(&text.len()) {
        return None;
    }
    let packed = pack(text);
    let (_, level) = words.iter().find(|(word, _)| *word == packed)?;
    is_one_case(text).then_some(*level)
}

/// Packs up to 16 bytes, letters in lower case.
const fn pack(text: &[u8]) -> u128 {
    let mut packed = 0;
    let mut at = 0;
    while at < text.len() {
        packed = packed << 8 | (text[at] | 0x20) as u128;
        at += 1;
    }
    packed
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
