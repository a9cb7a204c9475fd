//! A share of trials over a long memory and over the last few, both forgetting exponentially.

use serde::{Deserialize, Serialize};

/// Trials that the long memory holds: those older weigh less than 1/e.
const LASTING: f64 = 8192.0;
/// Trials that the short memory holds.
const RECENT: f64 = 256.0;
/// Square of the normal deviate that leaves one hundredth above it.
const Z_SQUARED: f64 = 2.326_347_9 * 2.326_347_9;

/// How many of the trials so far were hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    total: u64,
    hits: f64,
    recent_hits: f64,
}

impl Share {
    /// Makes a share of trials that all were, or all were not, hits.
    pub fn uniform(trials: u64, is_hit: bool) -> Self {
        let mut share = Self { total: trials, ..Self::default() };
        if is_hit {
            share.hits = weight(trials, LASTING);
            share.recent_hits = weight(trials, RECENT);
        }
        share
    }

    /// Takes one more trial.
    pub fn add(&mut self, is_hit: bool) {
        self.skip(1);
        if is_hit {
            self.hits += 1.0;
            self.recent_hits += 1.0;
        }
    }

    /// Takes trials without a hit.
    pub fn skip(&mut self, trials: u64) {
        self.total += trials;
        self.hits *= (1.0 - 1.0 / LASTING).powf(trials as f64);
        self.recent_hits *= (1.0 - 1.0 / RECENT).powf(trials as f64);
    }

    /// Adds the trials of another share.
    pub fn merge(&mut self, other: &Self) {
        self.total += other.total;
        self.hits = (self.hits + other.hits).min(self.trials());
        self.recent_hits = (self.recent_hits + other.recent_hits).min(weight(self.total, RECENT));
    }

    /// Adds the hits of another share of the same trials.
    pub fn join(&mut self, other: &Self) {
        self.hits = (self.hits + other.hits).min(self.trials());
        self.recent_hits = (self.recent_hits + other.recent_hits).min(weight(self.total, RECENT));
    }

    /// Returns how many trials there were.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns how many trials are remembered.
    pub fn trials(&self) -> f64 {
        weight(self.total, LASTING)
    }

    /// Returns the share of hits, one more counted, in (0, 1].
    pub fn with_one_more(&self) -> f64 {
        (self.hits + 1.0) / (self.trials() + 1.0)
    }

    /// Returns the share of hits in the long memory, 0 without trials.
    pub fn lasting(&self) -> f64 {
        self.hits / self.trials().max(1.0)
    }

    /// Returns the share of hits in the short memory, 0 without trials.
    pub fn recent(&self) -> f64 {
        self.recent_hits / weight(self.total, RECENT).max(1.0)
    }

    /// Tells whether the share is below `bound` with a confidence of 99 %, and the share of the
    /// last trials below `change` likewise.
    pub fn is_below(&self, bound: f64, change: f64) -> bool {
        upper(self.hits, self.trials()) < bound
            && upper(self.recent_hits, weight(self.total, RECENT)) < change
    }
}

/// Sum of the weights of so many trials.
fn weight(trials: u64, memory: f64) -> f64 {
    memory * (1.0 - (1.0 - 1.0 / memory).powf(trials as f64))
}

/// Upper end of the one-sided score interval of a share (Wilson 1927), confidence 99 %.
pub(super) fn upper(hits: f64, trials: f64) -> f64 {
    if trials <= 0.0 {
        return 1.0;
    }
    let share = (hits / trials).clamp(0.0, 1.0);
    let spread = (Z_SQUARED * (share * (1.0 - share) + Z_SQUARED / (4.0 * trials)) / trials).sqrt();
    (share + Z_SQUARED / (2.0 * trials) + spread) / (1.0 + Z_SQUARED / trials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_undercut_only_after_enough_trials() {
        assert!(!Share::uniform(530, false).is_below(0.01, 0.2));
        assert!(Share::uniform(560, false).is_below(0.01, 0.2));
        assert!(!Share::uniform(102, false).is_below(0.05, 0.2));
        assert!(Share::uniform(105, false).is_below(0.05, 0.2));
        assert!(!Share::default().is_below(1.0, 1.0));
    }

    #[test]
    fn what_comes_often_now_is_not_below() {
        let mut share = Share::uniform(5000, false);
        (0..10).for_each(|_| share.add(true));
        assert!(share.lasting() < 0.01);
        assert!(share.is_below(0.01, 0.2));
        (0..50).for_each(|_| share.add(true));
        assert!(!share.is_below(0.05, 0.2));
    }

    #[test]
    fn skipping_is_adding_misses() {
        let (mut one, mut other) = (Share::uniform(10, true), Share::uniform(10, true));
        one.skip(100);
        (0..100).for_each(|_| other.add(false));
        assert!((one.lasting() - other.lasting()).abs() < 1e-12);
        assert_eq!(one.total(), other.total());
    }
}
