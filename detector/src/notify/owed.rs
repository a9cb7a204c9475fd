//! One alert at one sink: what the sink has, what it is to get, and what is on the way.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::AlertState;
use crate::anomaly::Severity;
use crate::time::Timestamp;

use super::Notice;

/// Waits between attempts: the first and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// When something may be tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Attempts {
    count: u32,
    not_before: Timestamp,
}

/// Something to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Due {
    pub(super) since: Timestamp,
    /// Whether the sink has this change already and is only reminded of it.
    pub(super) is_reminder: bool,
    /// Whether it was said that the budget does not reach for it.
    pub(super) is_delayed: bool,
}

/// What a sink was told of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) severity: Severity,
    pub(super) services: Vec<String>,
    pub(super) critical: usize,
}

/// A request without an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Flight {
    pub(super) id: u64,
    pub(super) notice: Notice,
    pub(super) due: Due,
}

/// An alert that a sink has or is to get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Owed {
    /// Its newest state.
    pub(super) notice: Notice,
    pub(super) due: Option<Due>,
    pub(super) flight: Option<Flight>,
    pub(super) told: Option<Told>,
    /// When the sink last took something of it.
    pub(super) told_at: Timestamp,
    pub(super) attempts: Attempts,
}

/// How urgent something is: what may go first, and spend how much of the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// May spend all.
    Critical,
    /// Ends and digests, which save pages: may spend half of the reserve.
    Relief,
    /// Leaves the reserve.
    Ordinary,
}

impl Attempts {
    pub(super) fn may_start(&self, now: Timestamp) -> bool {
        self.not_before <= now
    }

    /// Puts the next attempt off, for longer each time.
    pub(super) fn put_off(&mut self, now: Timestamp, at_least: Duration) {
        self.count += 1;
        let doubled = BACK_OFF.0.saturating_mul(1 << self.count.min(16).saturating_sub(1));
        self.not_before = now + doubled.clamp(at_least, BACK_OFF.1.max(at_least));
    }

    /// Lets the next attempt start at once, since the sink answers again.
    pub(super) fn wake(&mut self) {
        self.not_before = Timestamp::default();
    }
}

impl Due {
    pub(super) fn now(now: Timestamp) -> Self {
        Self { since: now, is_reminder: false, is_delayed: false }
    }
}

impl Told {
    pub(super) fn of(notice: &Notice) -> Self {
        Self {
            severity: notice.severity,
            services: notice.services.clone(),
            critical: notice.critical,
        }
    }

    /// Tells whether somebody who knows this must hear of that.
    fn is_news(&self, notice: &Notice) -> bool {
        matches!(notice.state, AlertState::Resolved | AlertState::Reopened)
            || notice.severity > self.severity
            || notice.critical > self.critical
            || notice.services.iter().any(|service| !self.services.contains(service))
    }
}

impl Owed {
    pub(super) fn new(notice: Notice, now: Timestamp) -> Self {
        Self {
            notice,
            due: Some(Due::now(now)),
            flight: None,
            told: None,
            told_at: now,
            attempts: Attempts::default(),
        }
    }

    pub(super) fn is_ready(&self, now: Timestamp) -> bool {
        self.due.is_some() && self.flight.is_none() && self.attempts.may_start(now)
    }

    pub(super) fn is_reminder(&self) -> bool {
        self.due.as_ref().is_some_and(|due| due.is_reminder)
    }

    pub(super) fn is_over(&self) -> bool {
        self.notice.state == AlertState::Resolved
    }

    /// Tells whether a change of a known alert brings news, by what is on the way or was taken.
    pub(super) fn is_news(&self, notice: &Notice) -> bool {
        match (&self.flight, &self.told) {
            (Some(flight), _) => Told::of(&flight.notice).is_news(notice),
            (None, Some(told)) => told.is_news(notice),
            (None, None) => true,
        }
    }

    /// Tells how urgent it is; a reminder never is, or reminders would keep news from being sent.
    pub(super) fn urgency(&self) -> Urgency {
        match (self.is_over(), self.notice.severity) {
            _ if self.is_reminder() => Urgency::Ordinary,
            (true, _) => Urgency::Relief,
            (false, Severity::Critical) => Urgency::Critical,
            (false, _) => Urgency::Ordinary,
        }
    }
}
