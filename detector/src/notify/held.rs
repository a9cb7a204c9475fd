//! A digest at a sink: what it follows, when it is sent, when it is over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::{Action, AlertState, Reason};
use crate::anomaly::{Severity, id_of};
use crate::time::Timestamp;

use super::owed::{Attempts, Due};
use super::{Answer, Content, Digest, DigestKind, DigestLine, Notice, Turn};

/// Time that a digest gathers before it is sent first.
const GATHER: Duration = Duration::from_secs(10);
/// Shortest time between two messages of a digest that grows.
const EVERY: Duration = Duration::from_secs(300);
/// The same for services that have spent their pages of the week.
const EVERY_OF_WEEK: Duration = Duration::from_secs(86_400);
/// Open alerts that a digest follows.
const OPEN_MAX: usize = 20_000;
/// Alerts whose titles it keeps, the first ones.
const TITLES_MAX: usize = 200;

/// A digest at a sink.
///
/// A storm's is forgotten when it has ended; a week's is kept for a day after it was sent, so that
/// another one does not page before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    digest: Digest,
    due: Option<Due>,
    flight: Option<(u64, Digest)>,
    /// Since when the sink shows its newest message, while that is open there.
    told_at: Option<Timestamp>,
    attempts: Attempts,
    not_before: Timestamp,
    /// Once it has ended, it does not page again before.
    rests_until: Timestamp,
}

impl Held {
    pub(super) fn new(kind: DigestKind, turn: &Turn<'_>) -> Self {
        let began = turn.now.as_nanos().to_string();
        let id = id_of("digest", &[&turn.settings.name, &began, kind.reason().as_str()]);
        Self {
            digest: Digest { kind, id, began: turn.now, ..Digest::default() },
            due: None,
            flight: None,
            told_at: None,
            attempts: Attempts::default(),
            not_before: turn.now,
            rests_until: turn.now,
        }
    }

    pub(super) fn kind(&self) -> DigestKind {
        self.digest.kind
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

    /// Whether the sink shows it, or may do so soon.
    fn is_known(&self) -> bool {
        self.told_at.is_some() || self.flight.is_some()
    }

    /// Puts an alert in.
    pub(super) fn hold(&mut self, notice: &Notice, turn: &mut Turn<'_>) {
        if self.digest.open.is_empty() && !self.is_known() {
            self.digest.total = 0;
            self.digest.began = turn.now;
            self.not_before = self.rests_until.max(turn.now + GATHER);
        }
        let titled = self.digest.open.len() < TITLES_MAX;
        let line = DigestLine {
            severity: notice.severity,
            service: notice.origin().to_owned(),
            title: if titled { notice.title.clone() } else { String::new() },
        };
        self.digest.open.insert(notice.alert.clone(), line);
        self.digest.total += 1;
        self.want(turn.now);
        self.merge(notice, turn);
    }

    fn want(&mut self, now: Timestamp) {
        self.due.get_or_insert(Due::now(now));
    }

    fn merge(&self, notice: &Notice, turn: &mut Turn<'_>) {
        let about = (notice.alert.as_str(), notice.change.as_str());
        turn.decide_on(Action::Merge, self.kind().reason(), about, Some(&self.digest.id));
    }

    /// Follows an alert that it holds; reports `false` for one that it does not, and for one that
    /// became critical, which leaves.
    pub(super) fn follow(&mut self, notice: &Notice, turn: &mut Turn<'_>) -> bool {
        let Some(line) = self.digest.open.get_mut(&notice.alert) else { return false };
        let is_over = notice.state == AlertState::Resolved;
        let leaves = notice.severity == Severity::Critical && line.severity < Severity::Critical;
        if is_over || leaves {
            self.let_go(notice, is_over, turn);
            return is_over;
        }
        line.severity = notice.severity;
        if !line.title.is_empty() {
            line.title.clone_from(&notice.title);
        }
        self.merge(notice, turn);
        true
    }

    fn let_go(&mut self, notice: &Notice, is_over: bool, turn: &mut Turn<'_>) {
        let is_known = self.is_known();
        self.digest.open.remove(&notice.alert);
        if self.digest.open.is_empty() && is_known {
            self.not_before = turn.now;
            self.want(turn.now);
        }
        if is_over && is_known {
            self.merge(notice, turn);
        } else if is_over {
            turn.decide(Action::Suppress, Reason::OverBeforeSent, notice);
        }
    }

    /// Tells whether nothing is left to send or to follow; says so where its end is sent to nobody.
    pub(super) fn is_done(&mut self, turn: &mut Turn<'_>) -> bool {
        if !self.digest.open.is_empty() || self.flight.is_some() {
            return false;
        }
        let reason = match self.told_at {
            None => Some(Reason::OverBeforeSent),
            Some(_) if !turn.settings.sends_resolved => Some(Reason::EndNotWanted),
            Some(_) => None,
        };
        if let Some(reason) = reason
            && self.due.take().is_some()
        {
            let about = (self.digest.id.as_str(), &*self.digest.change());
            turn.decide_on(Action::Suppress, reason, about, None);
            self.digest.revision += 1;
            self.told_at = None;
        }
        self.due.is_none() && self.rests_until <= turn.now
    }

    /// Makes it due again where the sink forgets it otherwise.
    pub(super) fn remind(&mut self, every: Duration, now: Timestamp) {
        let is_old = self.told_at.is_some_and(|told_at| now.since(told_at) >= every);
        if is_old && !self.digest.open.is_empty() && self.due.is_none() && self.flight.is_none() {
            self.not_before = now;
            self.want(now);
        }
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

    pub(super) fn wake(&mut self) {
        self.attempts.wake();
    }

    /// Takes an answer, `None` for one that will never come; reports whether the digest lives on.
    pub(super) fn answered(&mut self, answer: Option<&Answer>, turn: &mut Turn<'_>) -> bool {
        let Some((_, sent)) = self.flight.take() else { return true };
        let change = sent.change();
        let about = (sent.id.as_str(), change.as_str());
        match answer {
            Some(Answer::Accepted) => {
                turn.decide_on(Action::Deliver, Reason::Delivered, about, None);
                self.accepted(&sent, turn.now);
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

    fn accepted(&mut self, sent: &Digest, now: Timestamp) {
        self.attempts = Attempts::default();
        let is_end = sent.open.is_empty();
        self.told_at = (!is_end).then_some(now);
        let every = match self.kind() {
            DigestKind::Storm => EVERY,
            DigestKind::Week => EVERY_OF_WEEK,
        };
        if !is_end && self.kind() == DigestKind::Week {
            self.rests_until = now + every;
        }
        if !self.digest.open.is_empty() {
            self.not_before = if is_end { self.rests_until.max(now + GATHER) } else { now + every };
        }
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
}
