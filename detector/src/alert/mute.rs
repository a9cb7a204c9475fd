//! What is not to wake anybody for now: silences, maintenance, and what a dependency says already.
//!
//! A silence accepts alerts up to a severity and so many an hour; what is graver passes, and more
//! of it ends the silence. Alerts of other systems that are held back are kept, and taken as if
//! they came then when what held them back is over, unless they are over themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::anomaly::{Anomaly, Severity};
use crate::time::Timestamp;

use super::arrival::{ExternalAlert, Maintenance, Scope, Silence};
use super::decision::Reason;

/// Silences at most.
const SILENCES_MAX: usize = 1_000;
/// Alerts that are kept while they are held back.
const HELD_MAX: usize = 10_000;
/// Minutes over which occurrences are counted.
const MINUTES: usize = 60;

/// What is muted, by what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mutes {
    silences: BTreeMap<String, Active>,
    maintenance: Vec<Maintenance>,
    /// By the hash of source and key.
    held: BTreeMap<u64, Held>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Active {
    silence: Silence,
    /// Occurrences by minute of the last hour.
    counts: Vec<u32>,
    minute: i64,
}

/// An alert of another system that is held back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) alert: ExternalAlert,
    /// What holds it back.
    pub(super) by: String,
}

/// Something that may be muted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) service: &'a str,
    pub(super) host: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) severity: Severity,
}

/// Why something is muted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Muted {
    pub(super) reason: Reason,
    pub(super) by: String,
}

impl<'a> Subject<'a> {
    /// Returns what a silence sees of an anomaly.
    pub(super) fn of(anomaly: &'a Anomaly) -> Self {
        let name = anomaly.template.as_ref().map(|template| template.text.as_str());
        Self {
            service: &anomaly.service,
            host: anomaly.host.as_deref(),
            name: name.unwrap_or_else(|| anomaly.kind.as_str()),
            severity: anomaly.severity,
        }
    }
}

impl Scope {
    fn covers(&self, subject: &Subject<'_>) -> bool {
        let any = |wanted: &[String], text: &str| {
            wanted.is_empty() || wanted.iter().any(|wanted| fits(wanted, text))
        };
        any(&self.services, subject.service)
            && any(&self.hosts, subject.host.unwrap_or(""))
            && any(&self.names, subject.name)
    }
}

impl Mutes {
    /// Tells what mutes something, and counts it against what the silence accepts; the silence that
    /// it broke with that comes second.
    pub(super) fn judge(
        &mut self,
        subject: &Subject<'_>,
        at: Timestamp,
    ) -> (Option<Muted>, Option<String>) {
        let window = self.maintenance.iter();
        let mut window =
            window.filter(|window| at < window.ends_at && window.scope.covers(subject));
        if let Some(window) = window.next() {
            let muted = Muted { reason: Reason::InMaintenance, by: window.name.clone() };
            return (Some(muted), None);
        }
        let covers = |active: &&mut Active| {
            let Silence { scope, starts_at, ends_at, accepts, .. } = &active.silence;
            (*starts_at..*ends_at).contains(&at)
                && subject.severity <= *accepts
                && scope.covers(subject)
        };
        let Some(active) = self.silences.values_mut().find(covers) else { return (None, None) };
        let by = active.silence.id.clone();
        if active.is_exceeded_by_one_more(at) {
            return (None, Some(by));
        }
        (Some(Muted { reason: Reason::Silenced, by }), None)
    }

    /// Keeps an alert that is held back.
    pub(super) fn hold(&mut self, key: u64, alert: &ExternalAlert, by: &str) {
        if self.held.len() < HELD_MAX || self.held.contains_key(&key) {
            self.held.insert(key, Held { alert: alert.clone(), by: by.to_owned() });
        }
    }

    /// Lets go of an alert that is over, and tells whether it was held back.
    pub(super) fn let_go(&mut self, key: u64) -> bool {
        self.held.remove(&key).is_some()
    }

    /// Takes out what something held back.
    pub(super) fn release(&mut self, by: &str) -> Vec<ExternalAlert> {
        if self.held.values().all(|held| held.by != by) {
            return Vec::new();
        }
        let (freed, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|(_, held): &(u64, Held)| held.by == by);
        self.held = held;
        let freed: BTreeMap<u64, Held> = freed;
        freed.into_values().map(|held| held.alert).collect()
    }

    /// Adds a silence or changes the one of its id; reports whether there was room.
    pub(super) fn silence(&mut self, silence: Silence) -> bool {
        if self.silences.len() >= SILENCES_MAX && !self.silences.contains_key(&silence.id) {
            return false;
        }
        let (id, counts) = (silence.id.clone(), vec![0; MINUTES]);
        match self.silences.get_mut(&id) {
            Some(active) => active.silence = silence,
            None => _ = self.silences.insert(id, Active { silence, counts, minute: i64::MIN }),
        }
        true
    }

    /// Ends a silence; reports whether there was one.
    pub(super) fn unsilence(&mut self, id: &str) -> bool {
        self.silences.remove(id).is_some()
    }

    /// Takes out a silence that has reached its end.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<String> {
        let over = self.silences.values().find(|active| active.silence.ends_at <= now)?;
        let id = over.silence.id.clone();
        self.silences.remove(&id);
        Some(id)
    }

    /// Takes over which maintenance is on; returns the names of what is not any more.
    pub(super) fn maintain(&mut self, now_on: Vec<Maintenance>) -> Vec<String> {
        let before = std::mem::replace(&mut self.maintenance, now_on);
        let is_on = |name: &String| self.maintenance.iter().any(|window| window.name == *name);
        before.into_iter().map(|window| window.name).filter(|name| !is_on(name)).collect()
    }

    /// Takes out maintenance that has reached its end.
    pub(super) fn end_maintenance(&mut self, now: Timestamp) -> Option<String> {
        let over = self.maintenance.iter().position(|window| window.ends_at <= now)?;
        Some(self.maintenance.remove(over).name)
    }

    /// Returns the silences, by id.
    pub(super) fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.silences.values().map(|active| &active.silence)
    }
}

impl Active {
    /// Counts an occurrence; tells whether it is one too many within the hour.
    fn is_exceeded_by_one_more(&mut self, at: Timestamp) -> bool {
        let minute = at.as_nanos().div_euclid(60_000_000_000);
        if minute > self.minute {
            let gone = minute.saturating_sub(self.minute).min(MINUTES as i64);
            for passed in 0..gone {
                self.counts[(minute - passed).rem_euclid(MINUTES as i64) as usize] = 0;
            }
            self.minute = minute;
        }
        let slot = minute.rem_euclid(MINUTES as i64) as usize;
        self.counts[slot] = self.counts[slot].saturating_add(1);
        let lately = self.counts.iter().fold(0u32, |sum, count| sum.saturating_add(*count));
        self.silence.rate_max.is_some_and(|most| lately > most)
    }
}

/// Tells whether a text is what is wanted, where `*` stands for any part of it.
pub(super) fn fits(wanted: &str, text: &str) -> bool {
    let mut parts = wanted.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(found) = rest.find(part) else { return false };
        rest = &rest[found + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_part() {
        for (wanted, text) in
            [("a", "a"), ("a*", "abc"), ("*c", "abc"), ("a*c", "abbc"), ("*", ""), ("*b*", "abc")]
        {
            assert!(fits(wanted, text), "{wanted} {text}");
        }
        for (wanted, text) in [("a", "ab"), ("a*", "ba"), ("ab*ba", "aba"), ("a*b*c", "acb")] {
            assert!(!fits(wanted, text), "{wanted} {text}");
        }
    }
}
