//! How grave other systems say that something is, in the four words of ours.

use logwake_detector::anomaly::Severity;

/// Reads a severity or priority as monitoring systems spell them.
///
/// `page` wakes somebody in Prometheus's own examples, `ticket` does not; `P1` and `SEV1` are the
/// highest where there is no `P0`.
pub fn word(text: &str) -> Option<Severity> {
    let text = text.trim();
    if text.len() > 16 {
        return None;
    }
    Some(match text.to_ascii_lowercase().as_str() {
        "critical" | "crit" | "fatal" | "emergency" | "emerg" | "alert" | "page" | "disaster"
        | "blocker" | "p0" | "p1" | "sev0" | "sev1" | "sev-0" | "sev-1" | "s1" => {
            Severity::Critical
        }
        "error" | "err" | "high" | "major" | "severe" | "p2" | "sev2" | "sev-2" | "s2" => {
            Severity::Error
        }
        "warning" | "warn" | "medium" | "moderate" | "average" | "minor" | "ticket" | "p3"
        | "sev3" | "sev-3" | "s3" => Severity::Warning,
        "info" | "information" | "informational" | "notice" | "low" | "debug" | "none" | "ok"
        | "p4" | "p5" | "sev4" | "sev5" | "sev-4" | "sev-5" | "s4" | "s5" => Severity::Info,
        _ => return None,
    })
}
