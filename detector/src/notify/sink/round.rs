//! One round of a sink: what is due is sent, the gravest first, as far as the budget goes; what it
//! does not reach for is folded away.

use std::cmp::Reverse;
use std::time::Duration;

use crate::alert::{Action, Reason};
use crate::time::Timestamp;

use super::super::budget::Budget;
use super::super::digest::DigestKind;
use super::super::owed::{Due, Flight, Owed, Urgency};
use super::super::{Content, Turn};
use super::SinkState;

/// Requests in flight at a time, the fewest and the most: as many as the budget lets out a second.
const IN_FLIGHT_MAX: (usize, usize) = (8, 64);
/// Alerts that may wait one by one; further ones go to the digest, the least grave first.
const WAITING_MAX: usize = 500;
/// Wait for budget after which an alert joins the digest.
const DIGEST_AFTER: Duration = Duration::from_secs(10);

impl SinkState {
    /// Sends what is due, the gravest first, as far as the budget goes.
    pub(in super::super) fn tick(&mut self, turn: &mut Turn<'_>) {
        self.budget.expire(turn.now);
        self.week.expire(turn.now);
        self.remind(turn);
        self.digests.retain_mut(|held| !held.is_done(turn));
        let at_once = (turn.settings.per_minute / 60).clamp(IN_FLIGHT_MAX.0, IN_FLIGHT_MAX.1);
        let mut room = at_once.saturating_sub(self.flights().count());
        if turn.now < self.quiet_until {
            room = 0;
        }
        let mut left = Vec::new();
        for alert in self.ready(turn.now) {
            if self.is_overspent(&alert, turn) {
                self.keep_back(&alert, turn);
            } else if room > 0 && self.take(&alert, turn) {
                self.send(&alert, turn);
                room -= 1;
            } else {
                left.push(alert);
            }
        }
        self.send_digests(room, turn);
        self.fold(&left, turn);
    }

    /// Lists what may be sent now, the most urgent first, and news before reminders.
    fn ready(&self, now: Timestamp) -> Vec<String> {
        let ready = self.alerts.iter().filter(|(_, owed)| owed.is_ready(now));
        let mut ready: Vec<_> = ready
            .map(|(alert, owed)| {
                let since = owed.due.as_ref().map(|due| due.since);
                let severity = Reverse(owed.notice.severity);
                (owed.is_reminder(), owed.urgency(), severity, since, alert)
            })
            .collect();
        ready.sort();
        ready.into_iter().map(|(.., alert)| alert.clone()).collect()
    }

    /// Tells whether an alert would be a page beyond what its service may cost in a week.
    fn is_overspent(&self, alert: &str, turn: &Turn<'_>) -> bool {
        let Some(pages_max) = turn.settings.pages_per_week else { return false };
        let Some(owed) = self.alerts.get(alert) else { return false };
        if owed.told.is_some() || owed.urgency() != Urgency::Ordinary {
            return false;
        }
        let origin = owed.notice.origin();
        let is_page = |other: &&Owed| {
            other.told.is_none() && other.flight.is_some() && other.notice.origin() == origin
        };
        let in_flight = self.alerts.values().filter(is_page).count();
        self.week.paged(origin) as usize + in_flight >= pages_max
    }

    fn keep_back(&mut self, alert: &str, turn: &mut Turn<'_>) {
        if let Some(owed) = self.alerts.remove(alert) {
            self.week.keep_back(owed.notice.origin(), turn.now);
            self.hold(DigestKind::Week, &owed.notice, turn);
        }
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

    /// Makes what is open due again where the sink wants to be reminded.
    fn remind(&mut self, turn: &Turn<'_>) {
        let Some(every) = turn.settings.resend_every else { return };
        for owed in self.alerts.values_mut() {
            let is_old = owed.told.is_some() && turn.now.since(owed.told_at) >= every;
            if is_old && owed.flight.is_none() && owed.due.is_none() {
                owed.due = Some(Due { is_reminder: true, ..Due::now(turn.now) });
            }
        }
        self.digests.iter_mut().for_each(|held| held.remind(every, turn.now));
    }

    fn send(&mut self, alert: &str, turn: &mut Turn<'_>) {
        let Some(owed) = self.alerts.get_mut(alert) else { return };
        let Some(due) = owed.due.take() else { return };
        let id = turn.deliver(Content::Alert(owed.notice.clone()));
        owed.flight = Some(Flight { id, notice: owed.notice.clone(), due });
    }

    fn send_digests(&mut self, room: usize, turn: &mut Turn<'_>) {
        let now = turn.now;
        let ready = self.digests.iter_mut().filter(|held| held.is_ready(now));
        for held in ready.take(room) {
            if take(&mut self.budget, Urgency::Relief, turn) {
                held.send(turn);
            }
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
                self.hold(DigestKind::Storm, &owed.notice, turn);
            }
        }
    }
}

fn take(budget: &mut Budget, urgency: Urgency, turn: &Turn<'_>) -> bool {
    let reserve = match urgency {
        Urgency::Critical => 0,
        Urgency::Relief => turn.settings.reserve / 2,
        Urgency::Ordinary => turn.settings.reserve,
    };
    budget.take(turn.now, turn.settings.per_minute, reserve)
}
