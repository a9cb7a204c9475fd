//! How many requests a sink may still get: at most so many in any span of a minute.
//!
//! A token bucket would let a full bucket and its refill through within one minute; pagers count
//! the last 60 seconds, and so does this.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What a pager looks back over.
const SPAN: Duration = Duration::from_secs(60);

/// The requests of the last minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Budget {
    spent: VecDeque<Timestamp>,
}

impl Budget {
    /// Takes one request of `per_minute` less `reserve`; reports whether there was one left.
    pub(super) fn take(&mut self, now: Timestamp, per_minute: usize, reserve: usize) -> bool {
        while self.spent.front().is_some_and(|&oldest| now.since(oldest) >= SPAN) {
            self.spent.pop_front();
        }
        let left = per_minute.saturating_sub(self.spent.len());
        if left <= reserve {
            return false;
        }
        self.spent.push_back(now);
        true
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
        let taken: Vec<i64> = (0..600).filter(|&secs| budget.take(at(secs), 7, 0)).collect();
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
}
