//! What one sink knows, waits for and is owed.

mod round;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alert::{Action, AlertState, Reason};
use crate::anomaly::Severity;
use crate::time::Timestamp;

use super::budget::Budget;
use super::digest::DigestKind;
use super::held::Held;
use super::owed::Owed;
use super::week::{Pages, Week};
use super::{Answer, Notice, Standing, Turn};

/// Alerts that a sink has or is to get one by one; further ones go to the digest.
const ALERTS_MAX: usize = 2_000;
/// The same for critical ones, which others must not crowd out.
const CRITICAL_MAX: usize = 2 * ALERTS_MAX;
/// Failures in a row after which the first success lets everything be tried at once.
const DOWN_AFTER: u32 = 3;

/// The state of one sink.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SinkState {
    alerts: BTreeMap<String, Owed>,
    /// One of each kind at most.
    digests: Vec<Held>,
    budget: Budget,
    week: Week,
    /// Failures in a row.
    failures: u32,
    /// Nothing is sent before: the sink asked for quiet.
    quiet_until: Timestamp,
}

/// How many alerts there may be before one of this severity goes to the digest.
fn most_for(severity: Severity) -> usize {
    if severity == Severity::Critical { CRITICAL_MAX } else { ALERTS_MAX }
}

impl SinkState {
    pub(super) fn standing(&self) -> Standing {
        let alerts = self.alerts.values().filter_map(|owed| owed.due.as_ref());
        let digests = || self.digests.iter().filter_map(Held::due_since);
        let dues = || alerts.clone().map(|due| due.since).chain(digests());
        Standing {
            waiting: dues().count(),
            oldest: dues().min(),
            in_flight: self.flights().count(),
            spent: self.budget.spent(),
        }
    }

    /// Lists what services cost this sink in the last week.
    pub(super) fn week(&self) -> impl Iterator<Item = (&str, Pages)> {
        self.week.services()
    }

    /// Numbers of the requests without an answer.
    fn flights(&self) -> impl Iterator<Item = u64> {
        let alerts = self.alerts.values().filter_map(|owed| owed.flight.as_ref());
        alerts.map(|flight| flight.id).chain(self.digests.iter().filter_map(Held::flight))
    }

    /// Takes a change of an alert.
    pub(super) fn change(&mut self, notice: &Notice, turn: &mut Turn<'_>) {
        if let Some(owed) = self.alerts.get_mut(&notice.alert) {
            let is_gone = owed.follow(notice, turn);
            if is_gone {
                self.alerts.remove(&notice.alert);
            }
            return;
        }
        if self.digests.iter_mut().any(|held| held.follow(notice, turn)) {
            return;
        }
        if let Some(reason) = turn.settings.unwanted(notice) {
            turn.decide(Action::Suppress, reason, notice);
        } else if notice.state == AlertState::Resolved {
            turn.decide(Action::Suppress, Reason::NeverSent, notice);
        } else if turn.now.since(notice.at) >= turn.settings.give_up_after {
            turn.decide(Action::Suppress, Reason::TooOld, notice);
        } else if self.alerts.len() >= most_for(notice.severity) {
            self.hold(DigestKind::Storm, notice, turn);
        } else {
            self.alerts.insert(notice.alert.clone(), Owed::new(notice.clone(), turn.now));
        }
    }

    /// Puts an alert into a digest.
    fn hold(&mut self, kind: DigestKind, notice: &Notice, turn: &mut Turn<'_>) {
        let found = self.digests.iter().position(|held| held.kind() == kind);
        let idx = found.unwrap_or_else(|| {
            self.digests.push(Held::new(kind, turn));
            self.digests.len() - 1
        });
        if self.digests[idx].is_full() {
            turn.decide(Action::Suppress, Reason::LimitReached, notice);
        } else {
            self.digests[idx].hold(notice, turn);
        }
    }

    /// Takes what the sink answered.
    pub(super) fn answered(&mut self, id: u64, answer: &Answer, turn: &mut Turn<'_>) {
        self.land(id, Some(answer), turn);
    }

    /// Takes everything in flight as sent or not, which nobody will ever know.
    pub(super) fn lose_flights(&mut self, turn: &mut Turn<'_>) {
        let ids: Vec<u64> = self.flights().collect();
        for id in ids {
            self.land(id, None, turn);
        }
    }

    /// Ends a flight, with an answer or without.
    fn land(&mut self, id: u64, answer: Option<&Answer>, turn: &mut Turn<'_>) {
        let is_flight = |owed: &Owed| owed.flight.as_ref().is_some_and(|flight| flight.id == id);
        if let Some(idx) = self.digests.iter().position(|held| held.flight() == Some(id)) {
            if !self.digests[idx].answered(answer, turn) {
                self.digests.remove(idx);
            }
        } else if let Some((alert, owed)) = self.alerts.iter_mut().find(|(_, owed)| is_flight(owed))
        {
            let (alert, was_told) = (alert.clone(), owed.told.is_some());
            let is_gone = owed.land(answer, turn);
            if !was_told && owed.told.is_some() {
                self.week.page(owed.notice.origin(), turn.now);
            }
            if is_gone {
                self.alerts.remove(&alert);
            }
        } else {
            return;
        }
        self.budget.answered(turn.now);
        self.hear(answer, turn);
    }

    /// Learns from an answer how the sink as a whole is.
    fn hear(&mut self, answer: Option<&Answer>, turn: &Turn<'_>) {
        match answer {
            Some(Answer::Later(_) | Answer::Unknown(_)) => {
                self.failures = self.failures.saturating_add(1);
            }
            Some(Answer::TooMany(wait)) => self.quiet_until = turn.now + *wait,
            Some(Answer::Accepted) => {
                if std::mem::take(&mut self.failures) >= DOWN_AFTER {
                    self.alerts.values_mut().for_each(|owed| owed.attempts.wake());
                    self.digests.iter_mut().for_each(Held::wake);
                }
            }
            Some(Answer::Refused(_)) | None => {}
        }
    }
}
