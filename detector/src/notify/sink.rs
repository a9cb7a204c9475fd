//! What one sink knows, waits for and is owed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::{Action, AlertState, Reason};
use crate::time::Timestamp;

use super::budget::Budget;
use super::digest::Held;
use super::owed::{Attempts, Due, Flight, Owed, Told, Urgency};
use super::{Answer, Content, Notice, Standing, Turn};

/// Requests in flight at a time, the fewest and the most: as many as the budget lets out a second.
const IN_FLIGHT_MAX: (usize, usize) = (8, 64);
/// Alerts that may wait one by one; further ones go to the digest, the least grave first.
const WAITING_MAX: usize = 500;
/// Alerts that a sink has or is to get one by one; further ones go to the digest.
const ALERTS_MAX: usize = 2_000;
/// Wait for budget after which an alert joins the digest.
const DIGEST_AFTER: Duration = Duration::from_secs(10);
/// Failures in a row after which the first success lets everything be tried at once.
const DOWN_AFTER: u32 = 3;

/// The state of one sink.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SinkState {
    alerts: BTreeMap<String, Owed>,
    digest: Option<Held>,
    budget: Budget,
    /// Failures in a row.
    failures: u32,
    /// Nothing is sent before: the sink asked for quiet.
    quiet_until: Timestamp,
}

impl SinkState {
    pub(super) fn standing(&self) -> Standing {
        let alerts = self.alerts.values().filter_map(|owed| owed.due.as_ref());
        let dues = || alerts.clone().map(|due| due.since).chain(self.digest_due());
        let flights = self.alerts.values().filter(|owed| owed.flight.is_some()).count();
        Standing {
            waiting: dues().count(),
            oldest: dues().min(),
            in_flight: flights + usize::from(self.digest_flight().is_some()),
            spent: self.budget.spent(),
        }
    }

    fn digest_due(&self) -> Option<Timestamp> {
        self.digest.as_ref().and_then(Held::due_since)
    }

    fn digest_flight(&self) -> Option<u64> {
        self.digest.as_ref().and_then(Held::flight)
    }

    /// Takes a change of an alert.
    pub(super) fn change(&mut self, notice: &Notice, turn: &mut Turn<'_>) {
        if let Some(owed) = self.alerts.get_mut(&notice.alert) {
            let is_gone = follow(owed, notice, turn);
            if is_gone {
                self.alerts.remove(&notice.alert);
            }
            return;
        }
        if self.digest.as_mut().is_some_and(|held| held.follow(notice, turn)) {
            return;
        }
        if let Some(reason) = turn.settings.unwanted(notice) {
            turn.decide(Action::Suppress, reason, notice);
        } else if notice.state == AlertState::Resolved {
            turn.decide(Action::Suppress, Reason::NeverSent, notice);
        } else if turn.now.since(notice.at) >= turn.settings.give_up_after {
            turn.decide(Action::Suppress, Reason::TooOld, notice);
        } else if self.alerts.len() >= ALERTS_MAX {
            self.hold(notice, turn);
        } else {
            self.alerts.insert(notice.alert.clone(), Owed::new(notice.clone(), turn.now));
        }
    }

    /// Puts an alert into the digest.
    fn hold(&mut self, notice: &Notice, turn: &mut Turn<'_>) {
        let held = self.digest.get_or_insert_with(|| Held::new(turn));
        if held.is_full() {
            turn.decide(Action::Suppress, Reason::LimitReached, notice);
        } else {
            held.hold(notice, turn);
        }
    }

    /// Takes what the sink answered.
    pub(super) fn answered(&mut self, id: u64, answer: &Answer, turn: &mut Turn<'_>) {
        self.land(id, Some(answer), turn);
    }

    /// Takes everything in flight as sent or not, which nobody will ever know.
    pub(super) fn lose_flights(&mut self, turn: &mut Turn<'_>) {
        let flights = self.alerts.values().filter_map(|owed| owed.flight.as_ref());
        let ids: Vec<u64> = flights.map(|flight| flight.id).chain(self.digest_flight()).collect();
        for id in ids {
            self.land(id, None, turn);
        }
    }

    /// Ends a flight, with an answer or without.
    fn land(&mut self, id: u64, answer: Option<&Answer>, turn: &mut Turn<'_>) {
        let is_flight = |owed: &Owed| owed.flight.as_ref().is_some_and(|flight| flight.id == id);
        if self.digest_flight() == Some(id) {
            let held = self.digest.as_mut();
            if held.is_some_and(|held| !held.answered(answer, turn)) {
                self.digest = None;
            }
        } else if let Some((alert, owed)) = self.alerts.iter_mut().find(|(_, owed)| is_flight(owed))
        {
            let alert = alert.clone();
            if land(owed, answer, turn) {
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
                    self.digest.iter_mut().for_each(Held::wake);
                }
            }
            Some(Answer::Refused(_)) | None => {}
        }
    }

    /// Sends what is due, the gravest first, as far as the budget goes.
    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        self.budget.expire(turn.now);
        self.remind(turn);
        if self.digest.as_ref().is_some_and(|held| held.is_done(turn)) {
            self.digest = None;
        }
        let at_once = (turn.settings.per_minute / 60).clamp(IN_FLIGHT_MAX.0, IN_FLIGHT_MAX.1);
        let mut room = at_once.saturating_sub(self.standing().in_flight);
        if turn.now < self.quiet_until {
            room = 0;
        }
        let mut left = Vec::new();
        for alert in self.ready(turn.now) {
            if room > 0 && self.take(&alert, turn) {
                self.send(&alert, turn);
                room -= 1;
            } else {
                left.push(alert);
            }
        }
        if room > 0 {
            self.send_digest(turn);
        }
        self.fold(&left, turn);
    }

    /// Lists what may be sent now, the most urgent first.
    fn ready(&self, now: Timestamp) -> Vec<String> {
        let ready = self.alerts.iter().filter(|(_, owed)| owed.is_ready(now));
        let mut ready: Vec<_> = ready
            .map(|(alert, owed)| {
                let since = owed.due.as_ref().map(|due| due.since);
                (owed.urgency(), Reverse(owed.notice.severity), since, alert)
            })
            .collect();
        ready.sort();
        ready.into_iter().map(|(.., alert)| alert.clone()).collect()
    }

    /// Takes a request for an alert out of the budget, or writes down that there is none left.
    fn take(&mut self, alert: &str, turn: &mut Turn<'_>) -> bool {
        let Some(owed) = self.alerts.get_mut(alert) else { return false };
        if take(&mut self.budget, owed.urgency(), turn) {
            return true;
        }
        if let Some(due) = &mut owed.due
            && !due.is_delayed
            && !due.is_reminder
        {
            due.is_delayed = true;
            turn.decide(Action::Delay, Reason::BudgetSpent, &owed.notice);
        }
        false
    }

    /// Makes open alerts due again where the sink wants to be reminded.
    fn remind(&mut self, turn: &Turn<'_>) {
        let Some(every) = turn.settings.resend_every else { return };
        for owed in self.alerts.values_mut() {
            let is_old = owed.told.is_some() && turn.now.since(owed.told_at) >= every;
            if is_old && owed.flight.is_none() && owed.due.is_none() {
                owed.due = Some(Due { is_reminder: true, ..Due::now(turn.now) });
            }
        }
    }

    fn send(&mut self, alert: &str, turn: &mut Turn<'_>) {
        let Some(owed) = self.alerts.get_mut(alert) else { return };
        let Some(due) = owed.due.take() else { return };
        let id = turn.deliver(Content::Alert(owed.notice.clone()));
        owed.flight = Some(Flight { id, notice: owed.notice.clone(), due });
    }

    fn send_digest(&mut self, turn: &mut Turn<'_>) {
        let Some(held) = self.digest.as_mut().filter(|held| held.is_ready(turn.now)) else {
            return;
        };
        if take(&mut self.budget, Urgency::Relief, turn) {
            held.send(turn);
        }
    }

    /// Moves what has waited for too long, or is too much, into the digest.
    ///
    /// Alerts that the sink has heard of wait on: a digest could not end them.
    fn fold(&mut self, left: &[String], turn: &mut Turn<'_>) {
        let backing_off = self.standing().waiting.saturating_sub(left.len());
        for (idx, alert) in left.iter().enumerate() {
            let Some(owed) = self.alerts.get(alert) else { continue };
            let since = owed.due.as_ref().map_or(turn.now, |due| due.since);
            let before = match owed.urgency() {
                Urgency::Critical => idx,
                Urgency::Relief | Urgency::Ordinary => backing_off + idx,
            };
            let is_late = owed.urgency() == Urgency::Ordinary
                && owed.due.as_ref().is_some_and(|due| due.is_delayed)
                && turn.now.since(since) >= DIGEST_AFTER;
            if owed.told.is_none()
                && (is_late || before >= WAITING_MAX)
                && let Some(owed) = self.alerts.remove(alert)
            {
                self.hold(&owed.notice, turn);
            }
        }
    }
}

/// Follows an alert that the sink has or is to get; reports whether it can be forgotten.
fn follow(owed: &mut Owed, notice: &Notice, turn: &mut Turn<'_>) -> bool {
    let is_over = notice.state == AlertState::Resolved;
    // What a lost answer leaves open counts as told, so that the end is sent.
    let is_unknown = owed.told.is_none() && owed.flight.is_none();
    let is_waiting = owed.due.as_ref().is_some_and(|due| !due.is_reminder);
    let is_news = is_waiting || owed.is_news(notice);
    let old = std::mem::replace(&mut owed.notice, notice.clone());
    if is_waiting {
        turn.decide(Action::Merge, Reason::NewerState, &old);
    }
    if is_over && is_unknown {
        turn.decide(Action::Suppress, Reason::OverBeforeSent, notice);
        return true;
    }
    if is_over && !turn.settings.sends_resolved {
        turn.decide(Action::Suppress, Reason::EndNotWanted, notice);
        owed.due = None;
        return owed.flight.is_none();
    }
    if !is_news {
        turn.decide(Action::Suppress, Reason::MoreOfTheSame, notice);
        return false;
    }
    let since = owed.due.as_ref().filter(|_| is_waiting).map_or(turn.now, |due| due.since);
    owed.due = Some(Due { since, ..Due::now(turn.now) });
    false
}

/// Ends the flight of an alert; reports whether the alert can be forgotten.
fn land(owed: &mut Owed, answer: Option<&Answer>, turn: &mut Turn<'_>) -> bool {
    let Some(flight) = owed.flight.take() else { return false };
    if let Some(Answer::Later(wait) | Answer::TooMany(wait) | Answer::Unknown(wait)) = answer {
        owed.attempts.put_off(turn.now, *wait);
    }
    match answer {
        Some(Answer::Accepted) => accepted(owed, &flight, turn),
        Some(Answer::Refused(why)) => refused(owed, &flight, why, turn),
        Some(Answer::Later(_) | Answer::TooMany(_)) => {
            fly_again(owed, flight, Reason::SinkFailing, turn)
        }
        Some(Answer::Unknown(_)) => {
            owed.told.get_or_insert_with(|| Told::of(&flight.notice));
            fly_again(owed, flight, Reason::SinkFailing, turn)
        }
        None => {
            owed.told.get_or_insert_with(|| Told::of(&flight.notice));
            fly_again(owed, flight, Reason::AnswerLost, turn)
        }
    }
}

fn accepted(owed: &mut Owed, flight: &Flight, turn: &mut Turn<'_>) -> bool {
    if !flight.due.is_reminder {
        turn.decide(Action::Deliver, Reason::Delivered, &flight.notice);
    }
    owed.told = Some(Told::of(&flight.notice));
    owed.told_at = turn.now;
    owed.attempts = Attempts::default();
    if owed.due.is_none() && turn.settings.resend_every.is_none() {
        owed.notice.event = Vec::new();
    }
    owed.due.is_none() && owed.is_over()
}

fn refused(owed: &mut Owed, flight: &Flight, why: &str, turn: &mut Turn<'_>) -> bool {
    if !flight.due.is_reminder {
        turn.decide(Action::Suppress, Reason::NotTaken, &flight.notice);
        turn.bury(Content::Alert(flight.notice.clone()), why);
    }
    owed.told_at = turn.now;
    owed.due.is_none() && (owed.told.is_none() || owed.is_over())
}

/// Makes what was in flight due again, unless a newer state takes its place or it is too late.
fn fly_again(owed: &mut Owed, flight: Flight, reason: Reason, turn: &mut Turn<'_>) -> bool {
    let is_old = turn.now.since(flight.due.since) >= turn.settings.give_up_after;
    let is_over = owed.is_over() && owed.due.is_none();
    if flight.due.is_reminder {
        if is_over {
            return true;
        }
    } else if owed.due.is_some() {
        turn.decide(Action::Merge, Reason::NewerState, &flight.notice);
    } else if is_over && flight.notice.state != AlertState::Resolved {
        turn.decide(Action::Suppress, Reason::OverBeforeSent, &flight.notice);
        return true;
    } else if is_old {
        return refused(owed, &flight, "not taken in time", turn);
    } else {
        turn.decide(Action::Delay, reason, &flight.notice);
    }
    owed.due.get_or_insert(flight.due);
    false
}

fn take(budget: &mut Budget, urgency: Urgency, turn: &Turn<'_>) -> bool {
    let reserve = match urgency {
        Urgency::Critical => 0,
        Urgency::Relief => turn.settings.reserve / 2,
        Urgency::Ordinary => turn.settings.reserve,
    };
    budget.take(turn.now, turn.settings.per_minute, reserve)
}
