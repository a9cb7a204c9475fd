//! The summary of an alert cluster, as somebody would write it into the channel of the incident:
//! what, where, since when, how unusual, what else, and what it is known from.

use std::fmt::Write as _;

use crate::detect::span;
use crate::time::Timestamp;

use super::cluster::Cluster;
use super::decision::Reason;
use super::event::{AlertState, EvidenceKind, EvidenceLine};
use super::title;

/// Services and hosts named, and further lines told.
const NAMED_MAX: usize = 4;
const ELSE_MAX: usize = 3;

/// Writes a few sentences.
pub(super) fn summary(
    cluster: &Cluster,
    services: &[String],
    state: AlertState,
    at: Timestamp,
) -> String {
    let story = cluster.story();
    let Some(origin) = services.first() else { return String::new() };
    let main = title::main_line(origin, story);
    let mut text = String::new();
    let what = main.map_or_else(|| "something unusual".to_owned(), title::what);
    let _ = write!(text, "{origin}: {}", sentence(&what));
    if let Some(why) = main.and_then(|main| unusual(main, cluster)) {
        let _ = write!(text, " {why}");
    }
    let (lasted, is_over) =
        (cluster.last_at.since(cluster.started_at), state == AlertState::Resolved);
    if is_over {
        let _ = write!(text, " It is over after {}.", span(lasted));
    } else if at.since(cluster.started_at).as_secs() > 0 {
        let _ = write!(text, " It began {} ago.", span(at.since(cluster.started_at)));
    }
    affected(&services[1..], cluster, &mut text);
    others(story, main, &mut text);
    known_from(cluster, &mut text);
    text
}

/// How unusual the main line is, where its own sentence does not say it.
fn unusual(main: &EvidenceLine, cluster: &Cluster) -> Option<String> {
    match (main.kind, cluster.why()) {
        (EvidenceKind::Anomaly(_), _) => {
            let (said, why) = (title::what(main), title::sentence(main));
            (!said.contains(why)).then(|| sentence(why))
        }
        (EvidenceKind::External, Some(Reason::NeverSeen)) => {
            Some("An alert of this name was never seen there.".to_owned())
        }
        (EvidenceKind::External, Some(Reason::CameBack)) => {
            Some("It is back after it stayed away for longer than it uses to.".to_owned())
        }
        _ => None,
    }
}

fn affected(others: &[String], cluster: &Cluster, text: &mut String) {
    if !others.is_empty() {
        let _ = write!(text, " Also affected: {}.", listed(others.iter()));
    }
    if cluster.hosts.len() > 1 {
        let _ = write!(text, " Hosts: {}.", listed(cluster.hosts.iter()));
    }
}

fn others(story: &[EvidenceLine], main: Option<&EvidenceLine>, text: &mut String) {
    let mut lines: Vec<&EvidenceLine> = story.iter().collect();
    lines.retain(|line| Some(line.id.as_str()) != main.map(|main| main.id.as_str()));
    lines.sort_by_key(|line| (std::cmp::Reverse(line.severity), line.at));
    let told: Vec<String> = lines
        .iter()
        .take(ELSE_MAX)
        .map(|line| format!("{}: {}", line.service, title::what(line)))
        .collect();
    if !told.is_empty() {
        let _ = write!(text, " With it came {}.", told.join("; "));
    }
}

fn known_from(cluster: &Cluster, text: &mut String) {
    let (anomalies, alerts) = (cluster.anomaly_count(), cluster.externals.count);
    let count = |count: u64, one: &str, many: &str| {
        if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
    };
    let alerts_told = count(alerts, "alert of other systems", "alerts of other systems");
    let _ = match (anomalies, alerts) {
        (_, 0) => write!(text, " Known from {}.", count(anomalies, "anomaly", "anomalies")),
        (0, _) => write!(text, " Known from {alerts_told}; no log tells of it."),
        _ => {
            let anomalies = count(anomalies, "anomaly", "anomalies");
            write!(text, " Known from {anomalies} of the logs and {alerts_told}.")
        }
    };
    if let Some(follows) = &cluster.follows {
        let _ = write!(text, " {follows} was open there when it began.");
    }
    if let Some(who) = &cluster.acknowledged_by {
        let _ = write!(text, " {who} has it in hand.");
    }
}

fn listed<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let named: Vec<&str> = names.take(NAMED_MAX).map(String::as_str).collect();
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// Begins with a capital letter and ends with a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let stop = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{text}{stop}")
}
