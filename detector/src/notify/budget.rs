//! How many requests a sink may still get: at most so many in any span of a minute.
//!
//! A token bucket would let a full bucket and its refill through within one minute; pagers count
//! the last 60 seconds, and so does this.
//! A request counts from when it is handed out until a minute after its answer, since nobody knows
//! when in between the pager saw it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What a pager looks back over.
const SPAN: Duration = Duration::from_secs(60);

/// The requests of the last minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Budget {
    answered: VecDeque<Timestamp>,
    in_flight: usize,
}

impl Budget {
    /// Takes one request of `per_minute` unless that leaves fewer than `reserve`.
    pub(super) fn take(&mut self, now: Timestamp, per_minute: usize, reserve: usize) -> bool {
        self.expire(now);
        let takes = self.spent() + reserve < per_minute;
        self.in_flight += usize::from(takes);
        takes
    }

    /// Takes note that a request was answered, or never will be.
    pub(super) fn answered(&mut self, now: Timestamp) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.answered.push_back(now);
    }

    /// Forgets what is older than a minute.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while self.answered.front().is_some_and(|&oldest| now.since(oldest) >= SPAN) {
            self.answered.pop_front();
        }
    }

    /// Returns how many requests count now.
    pub(super) fn spent(&self) -> usize {
        self.answered.len() + self.in_flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    #[test]
    fn no_minute_holds_more_than_the_budget() {
        let mut budget = Budget::default();
        let mut takes = |secs| {
            let taken = budget.take(at(secs), 7, 0);
            if taken {
                budget.answered(at(secs));
            }
            taken
        };
        let taken: Vec<i64> = (0..600).filter(|&secs| takes(secs)).collect();
        for window in taken.windows(8) {
            assert!(window[7] - window[0] >= 60, "{window:?}");
        }
        assert_eq!(taken.len(), 70);
    }

    #[test]
    fn the_reserve_is_left_for_those_who_may_touch_it() {
        let mut budget = Budget::default();
        assert_eq!((0..10).filter(|_| budget.take(at(0), 10, 4)).count(), 6);
        assert_eq!((0..10).filter(|_| budget.take(at(0), 10, 0)).count(), 4);
    }

    #[test]
    fn a_request_counts_until_a_minute_after_its_answer() {
        let mut budget = Budget::default();
        assert!(budget.take(at(0), 1, 0));
        assert!(!budget.take(at(70), 1, 0), "it may be seen only now");
        budget.answered(at(75));
        assert!(!budget.take(at(134), 1, 0));
        assert!(budget.take(at(135), 1, 0));
    }
}
