//! The storm digest: what the budget does not reach for, in one message that grows and ends.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::{Action, AlertState, Reason};
use crate::anomaly::{Severity, id_of};
use crate::time::Timestamp;

use super::owed::{Attempts, Due};
use super::{Answer, Content, Notice, Turn};

/// Time that a digest gathers before it is sent first.
const GATHER: Duration = Duration::from_secs(10);
/// Shortest time between two messages of a digest that grows.
const EVERY: Duration = Duration::from_secs(300);
/// Open alerts that a digest follows.
pub(super) const OPEN_MAX: usize = 20_000;
/// Alerts whose titles it keeps, the first ones.
const TITLES_MAX: usize = 200;

/// What is held back by a spent budget, in one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// Its id, by which a pager joins its trigger and resolve.
    pub id: String,
    /// How often it was sent before.
    pub revision: u64,
    /// Wall time at which it was begun.
    pub began: Timestamp,
    /// Alerts in it that are still open.
    pub open: BTreeMap<String, DigestLine>,
    /// Alerts that were ever in it.
    pub total: u64,
}

/// One alert of a digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigestLine {
    /// Severity.
    pub severity: Severity,
    /// The service that it probably began in.
    pub service: String,
    /// Title, empty beyond the first two hundred.
    pub title: String,
}

impl Digest {
    /// Names this digest at this revision.
    pub fn change(&self) -> String {
        format!("{}-{}", self.id, self.revision)
    }
}

/// A digest at a sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    digest: Digest,
    due: Option<Due>,
    flight: Option<(u64, Digest)>,
    told_at: Option<Timestamp>,
    attempts: Attempts,
    not_before: Timestamp,
}

impl Held {
    pub(super) fn new(turn: &Turn<'_>) -> Self {
        let began = turn.now.as_nanos().to_string();
        let id = id_of("digest", &[&turn.settings.name, &began]);
        Self {
            digest: Digest { id, began: turn.now, ..Digest::default() },
            due: None,
            flight: None,
            told_at: None,
            attempts: Attempts::default(),
            not_before: turn.now + GATHER,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.digest.open.len() >= OPEN_MAX
    }

    pub(super) fn due_since(&self) -> Option<Timestamp> {
        self.due.as_ref().map(|due| due.since)
    }

    pub(super) fn flight(&self) -> Option<u64> {
        self.flight.as_ref().map(|(id, _)| *id)
    }

    /// Puts an alert in.
    pub(super) fn hold(&mut self, notice: &Notice, turn: &mut Turn<'_>) {
        let titled = self.digest.open.len() < TITLES_MAX;
        let line = DigestLine {
            severity: notice.severity,
            service: notice.services.first().cloned().unwrap_or_default(),
            title: if titled { notice.title.clone() } else { String::new() },
        };
        self.digest.open.insert(notice.alert.clone(), line);
        self.digest.total += 1;
        self.want(turn.now);
        let about = (notice.alert.as_str(), notice.change.as_str());
        turn.decide_on(Action::Merge, Reason::InDigest, about, Some(&self.digest.id));
    }

    fn want(&mut self, now: Timestamp) {
        self.due.get_or_insert(Due::now(now));
    }

    /// Follows an alert that it holds; reports `false` for one that it does not, and for one that
    /// became critical, which leaves.
    pub(super) fn follow(&mut self, notice: &Notice, turn: &mut Turn<'_>) -> bool {
        let Some(line) = self.digest.open.get_mut(&notice.alert) else { return false };
        let about = (notice.alert.as_str(), notice.change.as_str());
        let is_known = self.told_at.is_some() || self.flight.is_some();
        let is_over = notice.state == AlertState::Resolved;
        let leaves = notice.severity == Severity::Critical && line.severity < Severity::Critical;
        if is_over || leaves {
            self.digest.open.remove(&notice.alert);
            if self.digest.open.is_empty() && is_known {
                self.not_before = turn.now;
                self.want(turn.now);
            }
            if is_over && is_known {
                turn.decide_on(Action::Merge, Reason::InDigest, about, Some(&self.digest.id));
            } else if is_over {
                turn.decide(Action::Suppress, Reason::OverBeforeSent, notice);
            }
            return is_over;
        }
        line.severity = notice.severity;
        if !line.title.is_empty() {
            line.title.clone_from(&notice.title);
        }
        turn.decide_on(Action::Merge, Reason::InDigest, about, Some(&self.digest.id));
        true
    }

    /// Tells whether nothing is left to send or to follow; says so where nobody ever heard of it.
    pub(super) fn is_done(&self, turn: &mut Turn<'_>) -> bool {
        if !self.digest.open.is_empty() || self.flight.is_some() {
            return false;
        }
        let about = (self.digest.id.as_str(), &*self.digest.change());
        if self.told_at.is_none() {
            turn.decide_on(Action::Suppress, Reason::OverBeforeSent, about, None);
            return true;
        }
        if self.due.is_some() && !turn.settings.sends_resolved {
            turn.decide_on(Action::Suppress, Reason::EndNotWanted, about, None);
            return true;
        }
        self.due.is_none()
    }

    pub(super) fn is_ready(&self, now: Timestamp) -> bool {
        let waited = self.not_before <= now && self.attempts.may_start(now);
        self.due.is_some() && self.flight.is_none() && waited
    }

    pub(super) fn send(&mut self, turn: &mut Turn<'_>) {
        self.due = None;
        let id = turn.deliver(Content::Digest(self.digest.clone()));
        self.flight = Some((id, self.digest.clone()));
        self.digest.revision += 1;
    }

    /// Takes an answer, `None` for one that will never come; reports whether the digest lives on.
    pub(super) fn answered(&mut self, answer: Option<&Answer>, turn: &mut Turn<'_>) -> bool {
        let Some((_, sent)) = self.flight.take() else { return true };
        let change = sent.change();
        let about = (sent.id.as_str(), change.as_str());
        match answer {
            Some(Answer::Accepted) => {
                self.told_at = Some(turn.now);
                self.attempts = Attempts::default();
                if !self.digest.open.is_empty() {
                    self.not_before = turn.now + EVERY;
                }
                turn.decide_on(Action::Deliver, Reason::Delivered, about, None);
            }
            Some(Answer::Refused(why)) => {
                turn.decide_on(Action::Suppress, Reason::NotTaken, about, None);
                turn.bury(Content::Digest(sent), why);
                return false;
            }
            Some(Answer::Later(wait) | Answer::TooMany(wait) | Answer::Unknown(wait)) => {
                let is_unknown = matches!(answer, Some(Answer::Unknown(_)));
                self.attempts.put_off(turn.now, *wait);
                self.fly_again((Reason::SinkFailing, is_unknown), &sent, turn);
            }
            None => self.fly_again((Reason::AnswerLost, true), &sent, turn),
        }
        true
    }

    /// Makes it due again; where nobody knows whether the sink has it, it counts as told, so that
    /// its end is sent.
    fn fly_again(
        &mut self,
        (reason, is_unknown): (Reason, bool),
        sent: &Digest,
        turn: &mut Turn<'_>,
    ) {
        turn.decide_on(Action::Delay, reason, (&sent.id, &sent.change()), None);
        if is_unknown {
            self.told_at = self.told_at.or(Some(turn.now));
        }
        if sent.open == self.digest.open {
            self.digest.revision = sent.revision;
        }
        self.want(turn.now);
    }

    pub(super) fn wake(&mut self) {
        self.attempts.wake();
    }
}
