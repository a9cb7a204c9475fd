//! What one sink knows, waits for and is owed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::{Action, AlertState, Reason};
use crate::anomaly::Severity;
use crate::time::Timestamp;

use super::budget::Budget;
use super::{Answer, Content, Digest, DigestLine, Notice, NotifyOutput, Turn};

/// Requests in flight at a time: enough for two a second at four seconds an answer.
const IN_FLIGHT_MAX: usize = 8;
/// Alerts that may wait one by one; further ones go to the digest.
const WAITING_MAX: usize = 10_000;
/// Share of the budget that is kept for critical alerts, the end of alerts, and the digest.
const RESERVE_SHARE: usize = 5;
/// Wait for budget after which an alert joins the digest.
const DIGEST_AFTER: Duration = Duration::from_secs(10);
/// Shortest time between two messages of a digest that grows.
const DIGEST_EVERY: Duration = Duration::from_secs(300);
/// Waits between attempts: the first and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// The state of one sink.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SinkState {
    alerts: BTreeMap<String, Owed>,
    digest: Option<Owed<Digest>>,
    budget: Budget,
    digests: u64,
}

/// Something that a sink has or is to get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Owed<T = Notice> {
    what: T,
    /// Since when something is to be sent, `None` while nothing is.
    due: Option<Timestamp>,
    /// Since when it has wanted to be sent, attempts included.
    owed_since: Option<Timestamp>,
    /// When it was last accepted.
    sent_at: Option<Timestamp>,
    flight: Option<u64>,
    attempts: u32,
    not_before: Timestamp,
}

impl<T> Owed<T> {
    fn new(what: T, due: Timestamp) -> Self {
        Self {
            what,
            due: Some(due),
            owed_since: Some(due),
            sent_at: None,
            flight: None,
            attempts: 0,
            not_before: due,
        }
    }

    fn is_ready(&self, now: Timestamp) -> bool {
        self.due.is_some() && self.flight.is_none() && self.not_before <= now
    }

    /// Puts the next attempt off.
    fn put_off(&mut self, now: Timestamp, at_least: Duration) {
        self.attempts += 1;
        let doubled = BACK_OFF.0.saturating_mul(1 << self.attempts.min(16).saturating_sub(1));
        self.not_before = now + doubled.clamp(at_least, BACK_OFF.1.max(at_least));
    }

    fn accepted(&mut self, now: Timestamp) {
        self.sent_at = Some(now);
        self.owed_since = self.due;
        self.attempts = 0;
    }
}

impl Owed {
    /// Urgent alerts may spend the reserve: critical ones, and ends, which take a page away.
    fn is_urgent(&self) -> bool {
        self.what.severity == Severity::Critical || self.what.state == AlertState::Resolved
    }
}

impl SinkState {
    pub(super) fn waiting(&self) -> usize {
        self.alerts.values().filter(|owed| owed.due.is_some()).count()
    }

    pub(super) fn in_flight(&self) -> usize {
        let alerts = self.alerts.values().filter(|owed| owed.flight.is_some()).count();
        alerts + usize::from(self.digest.as_ref().is_some_and(|digest| digest.flight.is_some()))
    }

    /// Takes everything in flight as not sent.
    pub(super) fn forget_flights(&mut self) {
        for owed in self.alerts.values_mut() {
            if owed.flight.take().is_some() {
                owed.due = owed.due.or(Some(owed.not_before));
            }
        }
        if let Some(digest) = &mut self.digest
            && digest.flight.take().is_some()
        {
            digest.due = digest.due.or(Some(digest.not_before));
        }
    }

    /// Takes a change of an alert.
    pub(super) fn change(&mut self, notice: &Notice, turn: &mut Turn<'_>) {
        if let Some(owed) = self.alerts.get_mut(&notice.alert) {
            owed.what = notice.clone();
            let never = owed.sent_at.is_none() && owed.flight.is_none();
            if notice.state == AlertState::Resolved && never {
                turn.decide(Action::Suppress, Reason::OverBeforeSent, &notice.alert);
                self.alerts.remove(&notice.alert);
            } else if notice.state == AlertState::Resolved && !turn.settings.sends_resolved {
                turn.decide(Action::Suppress, Reason::EndNotWanted, &notice.alert);
                self.alerts.remove(&notice.alert);
            } else {
                owed.due = owed.due.or(Some(turn.now));
                owed.owed_since = owed.owed_since.or(owed.due);
            }
            return;
        }
        if self.changed_in_digest(notice, turn) || notice.state == AlertState::Resolved {
            return;
        }
        if let Some(reason) = turn.settings.unwanted(notice) {
            if notice.state == AlertState::Open {
                turn.decide(Action::Suppress, reason, &notice.alert);
            }
            return;
        }
        if self.alerts.len() >= WAITING_MAX && notice.severity < Severity::Critical {
            self.hold(notice, turn);
            return;
        }
        self.alerts.insert(notice.alert.clone(), Owed::new(notice.clone(), turn.now));
    }

    /// Follows an alert that the digest holds; one that became critical leaves it.
    fn changed_in_digest(&mut self, notice: &Notice, turn: &mut Turn<'_>) -> bool {
        let Some(digest) = &mut self.digest else { return false };
        let Some(line) = digest.what.open.get_mut(&notice.alert) else { return false };
        if notice.state == AlertState::Resolved {
            digest.what.open.remove(&notice.alert);
            turn.decide(Action::Suppress, Reason::InDigest, &notice.alert);
            if digest.what.open.is_empty() {
                digest.due = digest.due.or(Some(turn.now));
            }
            return true;
        }
        if notice.severity == Severity::Critical && line.severity < Severity::Critical {
            digest.what.open.remove(&notice.alert);
            return false;
        }
        line.severity = notice.severity;
        line.title.clone_from(&notice.title);
        true
    }

    /// Puts an alert into the digest.
    fn hold(&mut self, notice: &Notice, turn: &mut Turn<'_>) {
        if self.digest.is_none() {
            self.digests += 1;
            let number = self.digests;
            let dedup_key = format!("logwake-digest-{}-{number}", turn.settings.name);
            let digest = Digest { dedup_key, began: turn.now, ..Digest::default() };
            self.digest = Some(Owed::new(digest, turn.now));
        }
        let Some(digest) = &mut self.digest else { return };
        let line = DigestLine {
            severity: notice.severity,
            title: notice.title.clone(),
            services: notice.services.clone(),
        };
        digest.what.open.insert(notice.alert.clone(), line);
        digest.what.total += 1;
        if digest.due.is_none() && digest.flight.is_none() {
            let next = digest.sent_at.map_or(turn.now, |sent| sent + DIGEST_EVERY);
            digest.not_before = digest.not_before.max(next);
            digest.due = Some(turn.now);
        }
        turn.decide(Action::Delay, Reason::BudgetSpent, &notice.alert);
    }

    /// Takes what the sink answered.
    pub(super) fn answered(&mut self, id: u64, answer: &Answer, turn: &mut Turn<'_>) {
        if let Some(digest) = self.digest.as_mut().filter(|digest| digest.flight == Some(id)) {
            digest.flight = None;
            match answer {
                Answer::Accepted => {
                    digest.accepted(turn.now);
                    if digest.what.open.is_empty() && digest.due.is_none() {
                        self.digest = None;
                    }
                }
                Answer::Later(wait) => {
                    digest.due = digest.due.or(Some(turn.now));
                    digest.put_off(turn.now, *wait);
                }
                Answer::Refused(_) => self.digest = None,
            }
            return;
        }
        let found = self.alerts.iter_mut().find(|(_, owed)| owed.flight == Some(id));
        let Some((alert, owed)) = found else { return };
        let alert = alert.clone();
        owed.flight = None;
        match answer {
            Answer::Accepted => self.accepted(&alert, turn),
            Answer::Later(wait) => {
                owed.due = owed.due.or(Some(turn.now));
                owed.put_off(turn.now, *wait);
                let since = *owed.owed_since.get_or_insert(turn.now);
                if turn.now.since(since) >= turn.settings.give_up_after {
                    self.bury(&alert, "the sink did not take it in time", turn);
                }
            }
            Answer::Refused(why) => self.bury(&alert, why, turn),
        }
    }

    fn accepted(&mut self, alert: &str, turn: &mut Turn<'_>) {
        let Some(owed) = self.alerts.get_mut(alert) else { return };
        owed.accepted(turn.now);
        turn.decide(Action::Deliver, Reason::Delivered, alert);
        if owed.due.is_some() {
            return;
        }
        if owed.what.state == AlertState::Resolved {
            self.alerts.remove(alert);
        }
    }

    fn bury(&mut self, alert: &str, why: &str, turn: &mut Turn<'_>) {
        let Some(owed) = self.alerts.remove(alert) else { return };
        turn.decide(Action::Suppress, Reason::NotTaken, alert);
        let (sink, attempts) = (turn.settings.name.clone(), owed.attempts);
        let content = Content::Alert(owed.what);
        let delivery = Box::new(super::Delivery { id: *turn.next_id, sink, attempts, content });
        turn.out.push(NotifyOutput::Dead { delivery, reason: why.to_owned() });
    }

    /// Sends what is due, the gravest first, as far as the budget goes.
    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        self.remind(turn);
        let mut ready: Vec<(bool, Reverse<Severity>, Timestamp, String)> = self
            .alerts
            .iter()
            .filter(|(_, owed)| owed.is_ready(turn.now))
            .map(|(alert, owed)| {
                let (severity, due) = (Reverse(owed.what.severity), owed.due.unwrap_or(turn.now));
                (!owed.is_urgent(), severity, due, alert.clone())
            })
            .collect();
        ready.sort();
        let mut room = IN_FLIGHT_MAX.saturating_sub(self.in_flight());
        for (not_urgent, _, due, alert) in ready {
            let reserve = if not_urgent { reserve_of(turn) } else { 0 };
            if room > 0 && self.budget.take(turn.now, turn.settings.per_minute, reserve) {
                self.send(&alert, turn);
                room -= 1;
            } else if not_urgent && room > 0 && turn.now.since(due) >= DIGEST_AFTER {
                self.fold(&alert, turn);
            }
        }
        if room > 0 {
            self.send_digest(turn);
        }
    }

    /// Makes open alerts due again where the sink wants to be reminded.
    fn remind(&mut self, turn: &Turn<'_>) {
        let Some(every) = turn.settings.resend_every else { return };
        for owed in self.alerts.values_mut() {
            let old = owed.sent_at.is_some_and(|sent| turn.now.since(sent) >= every);
            if old && owed.flight.is_none() && owed.due.is_none() {
                owed.due = Some(turn.now);
            }
        }
    }

    fn send(&mut self, alert: &str, turn: &mut Turn<'_>) {
        let Some(owed) = self.alerts.get_mut(alert) else { return };
        owed.due = None;
        owed.flight = Some(turn.deliver(Content::Alert(owed.what.clone()), owed.attempts));
        owed.not_before = turn.now;
    }

    /// Moves an alert that was never sent into the digest; one that was sent waits on.
    fn fold(&mut self, alert: &str, turn: &mut Turn<'_>) {
        let never = self.alerts.get(alert).is_some_and(|owed| owed.sent_at.is_none());
        if never && let Some(owed) = self.alerts.remove(alert) {
            self.hold(&owed.what, turn);
        }
    }

    fn send_digest(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let Some(digest) = self.digest.as_mut().filter(|digest| digest.is_ready(now)) else {
            return;
        };
        let over = digest.what.open.is_empty();
        if over && digest.sent_at.is_none() {
            self.digest = None;
            return;
        }
        if !self.budget.take(now, turn.settings.per_minute, 0) {
            return;
        }
        digest.due = None;
        digest.not_before = now;
        digest.flight = Some(turn.deliver(Content::Digest(digest.what.clone()), digest.attempts));
    }
}

fn reserve_of(turn: &Turn<'_>) -> usize {
    turn.settings.per_minute.div_ceil(RESERVE_SHARE)
}
