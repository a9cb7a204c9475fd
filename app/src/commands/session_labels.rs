//! Session anomalies scored against labelled sessions.
//!
//! A session is flagged where any anomaly names it; flagged ones without a label count as wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::bail;
use serde::Serialize;

/// How flagged sessions compare with the labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SessionScores {
    /// Labelled sessions.
    pub sessions: usize,
    /// Those labelled anomalous.
    pub anomalous: usize,
    /// Sessions that an anomaly names.
    pub flagged: usize,
    /// Flagged ones that have no label.
    pub unknown: usize,
    /// Share of flagged ones that are anomalous.
    pub precision: f64,
    /// Share of anomalous ones that are flagged.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

/// Reads one row: a session, and 1 where it is anomalous or 0 where it is not.
///
/// # Errors
/// Where it is neither.
pub fn row(row: &str) -> anyhow::Result<(String, bool)> {
    match row.trim().rsplit_once(',') {
        Some((session, "0")) => Ok((session.to_owned(), false)),
        Some((session, "1")) => Ok((session.to_owned(), true)),
        _ => bail!("`{row}` is not a session, a comma, and 0 or 1"),
    }
}

/// Compares flagged sessions with labels.
pub fn score(labels: &BTreeMap<String, bool>, flagged: &BTreeSet<String>) -> SessionScores {
    let anomalous = labels.values().filter(|anomalous| **anomalous).count();
    let is_right = |session: &&String| labels.get(*session).is_some_and(|anomalous| *anomalous);
    let hits = flagged.iter().filter(is_right).count();
    let share = |whole: usize| if whole > 0 { hits as f64 / whole as f64 } else { 0.0 };
    let (precision, recall) = (share(flagged.len()), share(anomalous));
    let both = precision + recall;
    SessionScores {
        sessions: labels.len(),
        anomalous,
        flagged: flagged.len(),
        unknown: flagged.iter().filter(|session| !labels.contains_key(*session)).count(),
        precision,
        recall,
        f1: if both > 0.0 { 2.0 * precision * recall / both } else { 0.0 },
    }
}

impl fmt::Display for SessionScores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sessions {} anomalous {} flagged {} unknown {} precision {:.4} recall {:.4} F1 {:.4}",
            self.sessions,
            self.anomalous,
            self.flagged,
            self.unknown,
            self.precision,
            self.recall,
            self.f1
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flagged_sessions_without_a_label_are_wrong() {
        let rows = ["a,1", "b,0", "c,1"];
        let labels = rows.iter().map(|text| row(text).unwrap()).collect();
        let flagged = ["a", "b", "x"].map(str::to_owned).into();
        let scores = score(&labels, &flagged);
        assert_eq!((scores.anomalous, scores.flagged, scores.unknown), (2, 3, 1));
        assert!((scores.precision - 1.0 / 3.0).abs() < 1e-12);
        assert!((scores.recall - 0.5).abs() < 1e-12);
        assert!(row("a,2").is_err());
    }
}
