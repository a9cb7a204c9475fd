//! The title of an alert cluster, written from its evidence: what, where, and what else.

use crate::anomaly::AnomalyKind;
use crate::detect::shorten;

use super::event::EvidenceLine;

/// Services named after the first.
const ALSO_MAX: usize = 3;

/// Writes the title: the gravest earliest line of the first service, then the other services.
pub(super) fn title(services: &[String], story: &[EvidenceLine]) -> String {
    let Some(origin) = services.first() else { return String::new() };
    let main = story.iter().filter(|line| line.service == *origin).min_by_key(|line| {
        let time = line.line.as_ref().map(|line| line.exemplar.time);
        (std::cmp::Reverse(line.severity), line.kind == AnomalyKind::Forest, time)
    });
    let what = main.map_or_else(|| "unusual".to_owned(), what);
    format!("{origin}: {what}{}", also(&services[1..]))
}

fn what(line: &EvidenceLine) -> String {
    let text =
        line.line.as_ref().map(|line| shorten(line.exemplar.text.trim())).unwrap_or_default();
    match line.kind {
        AnomalyKind::NewTemplate => format!("new: {text}"),
        AnomalyKind::LevelShift if !text.is_empty() => format!("{}: {text}", sentence(line)),
        _ => sentence(line).to_owned(),
    }
}

/// The sentence of an anomaly without the service that it begins with.
fn sentence(line: &EvidenceLine) -> &str {
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
