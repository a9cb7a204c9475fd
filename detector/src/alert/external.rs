//! What a cluster knows of alerts of other systems: conditions, and until when each holds.
//!
//! A condition that is told again is a repetition. One that is over, or whose stated end has
//! passed, is kept for as long as it uses to stay away, so that what flaps stays one alert.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::anomaly::Severity;
use crate::time::Timestamp;

use super::arrival::{ExternalAlert, ExternalState};
use super::settings::AlertSettings;

/// Conditions told apart in a cluster; of further ones only the latest end is kept.
const CONDITIONS_MAX: usize = 4_096;

/// An alert of another system with what identifies it, as hashes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Incoming<'a> {
    pub(super) alert: &'a ExternalAlert,
    /// Of its source and key.
    pub(super) key: u64,
    /// Of its name.
    pub(super) name: u64,
    /// Of its name and place.
    pub(super) here: u64,
    /// When it is taken to have come.
    pub(super) at: Timestamp,
}

/// What a cluster knows of alerts of other systems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Externals {
    /// How many came, repetitions too.
    pub(super) count: u64,
    /// How many had come when the cluster was sent last.
    pub(super) count_sent: u64,
    /// When something came that was news.
    pub(super) news_at: Timestamp,
    /// When the first of them came.
    pub(super) formed_at: Timestamp,
    /// Whether all of them are over.
    pub(super) is_passed: bool,
    conditions: BTreeMap<u64, Condition>,
    ends: BTreeSet<(Timestamp, u64)>,
    beyond: Option<Timestamp>,
    /// Names in it, and names at places.
    pub(super) names: BTreeSet<u64>,
    pub(super) heres: BTreeSet<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Condition {
    /// When it is over as far as was said.
    ends: Timestamp,
    /// Until when it is held to last.
    until: Timestamp,
    is_over: bool,
    severity: Severity,
}

impl<'a> Incoming<'a> {
    /// Identifies an alert that came at a time.
    pub(super) fn new(alert: &'a ExternalAlert, at: Timestamp) -> Self {
        Self {
            alert,
            key: hash(&["key", &alert.from, &alert.key]),
            name: hash(&["name", &alert.name]),
            here: hash(&["here", &alert.name, &alert.service, alert.host.as_deref().unwrap_or("")]),
            at,
        }
    }

    /// Returns how grave it is held to be.
    pub(super) fn severity(&self) -> Severity {
        self.alert.severity.unwrap_or(Severity::Warning)
    }

    /// Returns since when its condition holds: as it says, within a day.
    pub(super) fn since(&self) -> Timestamp {
        let earliest = self.at - Duration::from_secs(86_400);
        self.alert.started_at.filter(|start| (earliest..self.at).contains(start)).unwrap_or(self.at)
    }
}

impl ExternalAlert {
    /// Returns what it is about: its service, else its host, else who sent it.
    pub fn place(&self) -> &str {
        if !self.service.is_empty() {
            return &self.service;
        }
        self.host.as_deref().filter(|host| !host.is_empty()).unwrap_or(&self.from)
    }
}

impl Externals {
    /// Takes in what was said of a condition, which is held for so long after it was last heard of.
    pub(super) fn hear(
        &mut self,
        incoming: &Incoming<'_>,
        hold: Duration,
        settings: &AlertSettings,
    ) {
        let alert = incoming.alert;
        if self.count == 0 {
            self.formed_at = incoming.at;
        }
        self.count += 1;
        let is_over = alert.state == ExternalState::Resolve;
        let ends = match alert.ends_at {
            _ if is_over => incoming.at,
            Some(end) => end.clamp(incoming.at, incoming.at + settings.forget_after),
            None => incoming.at + settings.forget_after,
        };
        let severity = incoming.severity();
        self.keep(incoming.key, Condition { ends, until: ends + hold, is_over, severity });
        self.is_passed = false;
        if self.heres.len() < CONDITIONS_MAX {
            self.heres.insert(incoming.here);
            self.names.insert(incoming.name);
        }
    }

    fn keep(&mut self, key: u64, condition: Condition) {
        if let Some(old) = self.conditions.get(&key) {
            self.ends.remove(&(old.until, key));
        } else if self.conditions.len() >= CONDITIONS_MAX {
            self.beyond = self.beyond.max(Some(condition.until));
            return;
        }
        self.ends.insert((condition.until, key));
        self.conditions.insert(key, condition);
    }

    /// Returns when the last of them is held to be over.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.ends.last().map(|(until, _)| *until).max(self.beyond)
    }

    /// Tells whether an alert says again what is known, and nothing graver.
    pub(super) fn is_repeated(&self, incoming: &Incoming<'_>) -> bool {
        self.conditions.get(&incoming.key).is_some_and(|known| {
            let is_on = !known.is_over && incoming.at <= known.ends;
            is_on && incoming.severity() <= known.severity
        })
    }

    /// Tells whether every condition was told to be over.
    pub(super) fn is_told_over(&self) -> bool {
        self.beyond.is_none() && self.conditions.values().all(|condition| condition.is_over)
    }

    /// Tells whether a condition is kept.
    pub(super) fn holds(&self, key: u64) -> bool {
        self.conditions.contains_key(&key)
    }

    /// Returns the keys of its conditions.
    pub(super) fn keys(&self) -> impl Iterator<Item = u64> + '_ {
        self.conditions.keys().copied()
    }

    /// Forgets the conditions of a cluster that has ended.
    pub(super) fn rest(&mut self) {
        self.conditions.clear();
        self.ends.clear();
        self.beyond = None;
    }
}

/// Returns the hash of what the parts identify.
pub(super) fn hash(parts: &[&str]) -> u64 {
    let mut text = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        text.push_str(part);
        text.push('\u{1f}');
    }
    xxh3_64(text.as_bytes())
}
