//! An alert or a digest, in the words that every sink shares.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;
use logwake_detector::notify::{Content, Digest, DigestKind, DigestLine};

use crate::event::AlertEvent;

/// Services that the title of a digest names.
const NAMED_MAX: usize = 5;

/// An alert or a digest, in the words that every sink shares.
pub(super) struct Message<'a> {
    pub(super) dedup_key: String,
    pub(super) state: &'static str,
    pub(super) is_over: bool,
    pub(super) severity: Severity,
    pub(super) title: String,
    pub(super) services: Vec<String>,
    pub(super) event: Option<AlertEvent>,
    pub(super) digest: Option<&'a Digest>,
    pub(super) link: Option<String>,
}

impl<'a> Message<'a> {
    pub(super) fn of(content: &'a Content, page_url: Option<&str>) -> serde_json::Result<Self> {
        let page = page_url.map(|url| url.trim_end_matches('/').to_owned());
        Ok(match content {
            Content::Alert(notice) => {
                let event: AlertEvent = serde_json::from_slice(&notice.event)?;
                Self {
                    dedup_key: event.logwake.alert.dedup_key.clone(),
                    state: notice.state.as_str(),
                    is_over: notice.state == AlertState::Resolved,
                    severity: notice.severity,
                    title: notice.title.clone(),
                    services: notice.services.clone(),
                    event: Some(event),
                    digest: None,
                    link: page.map(|url| format!("{url}/#{}", notice.alert)),
                }
            }
            Content::Digest(digest) => Self {
                dedup_key: digest.id.clone(),
                state: if digest.open.is_empty() { "resolved" } else { "open" },
                is_over: digest.open.is_empty(),
                severity: gravest(digest),
                title: title_of(digest),
                services: services_of(digest).into_iter().map(|(name, _)| name).collect(),
                event: None,
                digest: Some(digest),
                link: page,
            },
        })
    }

    /// The story line by line: what a person reads below the title.
    pub(super) fn lines(&self) -> Vec<String> {
        if let Some(digest) = self.digest {
            return digest_lines(digest);
        }
        let evidence = self.event.iter().flat_map(|event| &event.logwake.alert.evidence);
        evidence
            .map(|line| match &line.exemplar {
                Some(exemplar) => format!("{}\n    {}", line.reason, first_line(&exemplar.text)),
                None => line.reason.clone(),
            })
            .collect()
    }
}

fn gravest(digest: &Digest) -> Severity {
    digest.open.values().map(|line| line.severity).max().unwrap_or(Severity::Info)
}

fn title_of(digest: &Digest) -> String {
    if digest.open.is_empty() {
        return format!("all {} alerts that were held back are over", digest.total);
    }
    let services = services_of(digest);
    let named: Vec<&str> = services.iter().take(NAMED_MAX).map(|(name, _)| name.as_str()).collect();
    let more = match services.len() - named.len() {
        0 => String::new(),
        1 => " and 1 more service".to_owned(),
        more => format!(" and {more} more services"),
    };
    let why = match digest.kind {
        DigestKind::Storm => "held back by the page budget",
        DigestKind::Week => "whose pages of the week are spent",
    };
    let open = digest.open.len();
    let noun = if open == 1 { "alert" } else { "alerts" };
    format!("{open} more {noun} in {}{more}, {why}", named.join(", "))
}

/// Services with how many alerts began there, most first.
fn services_of(digest: &Digest) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in digest.open.values() {
        *counts.entry(&line.service).or_default() += 1;
    }
    let mut services: Vec<_> =
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    services.sort_by_key(|(name, count)| (Reverse(*count), name.clone()));
    services
}

/// Counts by service, then the titles that are kept, the gravest first.
fn digest_lines(digest: &Digest) -> Vec<String> {
    let counts = services_of(digest).into_iter().map(|(name, count)| format!("{name}: {count}"));
    let mut titled: Vec<&DigestLine> =
        digest.open.values().filter(|line| !line.title.is_empty()).collect();
    titled.sort_by_key(|line| Reverse(line.severity));
    let titles =
        titled.into_iter().map(|line| format!("[{}] {}", line.severity.as_str(), line.title));
    counts.chain(titles).collect()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
