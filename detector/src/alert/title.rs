//! The title of an alert cluster, written from its evidence: what, where, and what else.

use crate::anomaly::AnomalyKind;
use crate::detect::shorten;

use super::arrival::ExternalAlert;
use super::event::{EvidenceKind, EvidenceLine};

/// Services named after the first.
const ALSO_MAX: usize = 3;

/// Writes the title: the gravest earliest line of the first service, then the other services, and
/// whether no log tells of it.
pub(super) fn title(services: &[String], story: &[EvidenceLine], has_logs: bool) -> String {
    let Some(origin) = services.first() else { return String::new() };
    let what = main_line(origin, story).map_or_else(|| "unusual".to_owned(), what);
    let lacking = if has_logs { "" } else { " [no log evidence]" };
    format!("{origin}: {what}{}{lacking}", also(&services[1..]))
}

/// Finds the line that says best what is wrong in a service.
pub(super) fn main_line<'a>(service: &str, story: &'a [EvidenceLine]) -> Option<&'a EvidenceLine> {
    story.iter().filter(|line| line.service == *service).min_by_key(|line| {
        let time = line.line.as_ref().map(|line| line.exemplar.time);
        let is_forest = line.kind == EvidenceKind::Anomaly(AnomalyKind::Forest);
        let is_external = line.kind == EvidenceKind::External;
        (std::cmp::Reverse(line.severity), is_forest, is_external, time)
    })
}

/// Writes what another system says.
pub(super) fn said(alert: &ExternalAlert) -> String {
    let (name, summary) = (alert.name.trim(), alert.summary.trim());
    if summary.is_empty() || summary.contains(name) {
        return shorten(if summary.is_empty() { name } else { summary });
    }
    shorten(&format!("{name}: {summary}"))
}

pub(super) fn what(line: &EvidenceLine) -> String {
    let text =
        line.line.as_ref().map(|line| shorten(line.exemplar.text.trim())).unwrap_or_default();
    match line.kind {
        EvidenceKind::Anomaly(AnomalyKind::NewTemplate) => format!("new: {text}"),
        EvidenceKind::Anomaly(AnomalyKind::LevelShift) if !text.is_empty() => {
            format!("{}: {text}", sentence(line))
        }
        _ => sentence(line).to_owned(),
    }
}

/// The sentence of an anomaly without the service that it begins with.
pub(super) fn sentence(line: &EvidenceLine) -> &str {
    let rest = line.reason.strip_prefix(line.service.as_str());
    rest.and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&line.reason)
}

fn also(others: &[String]) -> String {
    if others.is_empty() {
        return String::new();
    }
    let named: Vec<&str> = others.iter().take(ALSO_MAX).map(String::as_str).collect();
    let more = others.len().saturating_sub(ALSO_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(" (also {}{rest})", named.join(", "))
}
