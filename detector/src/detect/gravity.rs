//! How grave a record is by its level and, where it states none, by its words.
//!
//! Many logs state no level, or write failures at `info`; the words of failure are the same in all
//! of them.

use crate::record::Level;

/// How grave a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Speaks of normal work.
    Plain,
    /// A warning, or words of failure in a record that says it is none.
    Notable,
    /// An error.
    Grave,
}

/// Beginnings of words that tell of failure in plain log English.
const FAILURE_STEMS: [&str; 38] = [
    "error",
    "fail",
    "fatal",
    "exception",
    "panic",
    "refus",
    "timeout",
    "timed",
    "denied",
    "cannot",
    "unable",
    "crash",
    "abort",
    "corrupt",
    "exhaust",
    "unreachable",
    "unavailable",
    "killed",
    "terminat",
    "deadlock",
    "overflow",
    "invalid",
    "reject",
    "lost",
    "broken",
    "violat",
    "traceback",
    "segfault",
    "oom",
    "unhealthy",
    "disconnect",
    "reset",
    "expired",
    "insufficient",
    "degraded",
    "rollback",
    "unexpected",
    "down",
];

/// Judges the level that a record states and the text of its template.
pub fn gravity_of(level: Level, text: &str) -> Gravity {
    match level {
        Level::Error | Level::Fatal => Gravity::Grave,
        Level::Warn => Gravity::Notable,
        Level::Unknown if tells_failure(text) => Gravity::Grave,
        Level::Info if tells_failure(text) => Gravity::Notable,
        _ => Gravity::Plain,
    }
}

fn tells_failure(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphabetic()).any(|word| {
        FAILURE_STEMS.iter().any(|stem| {
            word.len() >= stem.len()
                && word.as_bytes()[..stem.len()].eq_ignore_ascii_case(stem.as_bytes())
                && (stem.len() > 4 || word.len() <= stem.len() + 4)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_speak_where_no_level_does() {
        assert_eq!(gravity_of(Level::Unknown, "connection refused by <*>"), Gravity::Grave);
        assert_eq!(gravity_of(Level::Info, "request failed, trying again"), Gravity::Notable);
        assert_eq!(gravity_of(Level::Unknown, "user <*> logged in"), Gravity::Plain);
        assert_eq!(gravity_of(Level::Debug, "no error"), Gravity::Plain);
    }
}
