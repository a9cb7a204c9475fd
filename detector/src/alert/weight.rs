//! What evidence weighs, and which of it is the same.

use std::collections::BTreeSet;

use crate::anomaly::{Anomaly, AnomalyKind, Severity};
use crate::record::Level;

/// Returns what identifies the condition behind an anomaly, apart from when it came.
pub fn fingerprint_of(anomaly: &Anomaly) -> String {
    let template = anomaly.template.as_ref().map(|template| template.id.to_string());
    format!("{}/{}/{}", anomaly.service, anomaly.kind.as_str(), template.unwrap_or_default())
}

/// Returns the words of a template.
pub(super) fn tokens_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2);
    words.map(str::to_lowercase).take(64).collect()
}

/// What an anomaly weighs: by severity, scaled from 0.75 to 1.25 by its score.
///
/// A service gone silent weighs enough alone; what developers ask to see weighs nothing.
pub fn weight_of(anomaly: &Anomaly) -> f64 {
    let base = match anomaly.severity {
        _ if anomaly.kind == AnomalyKind::Silence && anomaly.severity >= Severity::Error => 4.0,
        Severity::Info if matches!(anomaly.level, Level::Trace | Level::Debug) => 0.0,
        Severity::Warning if anomaly.kind == AnomalyKind::RateDrop => 2.0,
        Severity::Error if anomaly.level == Level::Fatal => 2.5,
        severity => weight(severity),
    };
    base * (0.75 + anomaly.score.clamp(0.0, 1.0) / 2.0)
}

/// What evidence of a severity weighs.
pub(super) fn weight(severity: Severity) -> f64 {
    match severity {
        Severity::Info => 0.25,
        Severity::Warning => 1.0,
        Severity::Error => 2.0,
        Severity::Critical => 4.0,
    }
}
