//! How surprising a distance is, against the distances so far.
//!
//! A tail fitted to them extrapolates beyond what was seen. [`Extremes`] corrects it where it was
//! often wrong: that which recurs is no news, whatever the fit says. The greatest distances of the
//! recent past are kept, and the share of points that reached a distance is at least the lower
//! confidence bound of a Poisson rate (Wilson and Hilferty 1931): one event proves little, three
//! show a habit. A backup that runs every night is what it is for.

use crate::rate::Tail;
use serde::{Deserialize, Serialize};

/// Distances that must have been seen for a surprise to be believed.
const SEEN_MIN: u64 = 100;
/// Distances that are looked back upon.
const MEMORY: u32 = 5000;
/// Only what is less likely than this is looked up among the extremes.
const RARE: f64 = 0.05;
/// Values that are kept.
const KEPT: usize = 32;
/// Standard normal quantile of the confidence: 95 %, one-sided.
const CONFIDENCE: f64 = 1.645;
/// A value that falls short by a tenth is as extreme.
const ALIKE: f64 = 0.9;

/// A scale of surprise for one kind of distance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Gauge {
    tail: Tail,
    extremes: Extremes,
}

impl Gauge {
    pub(super) fn new() -> Self {
        Self { tail: Tail::new(MEMORY), extremes: Extremes::new(MEMORY) }
    }

    /// Returns the surprise of a distance, `-log10` of its p-value, and learns it.
    pub(super) fn step(&mut self, distance: Option<f64>) -> f64 {
        let Some(distance) = distance else { return 0.0 };
        let surprise = if self.tail.seen() > SEEN_MIN { self.surprise(distance) } else { 0.0 };
        self.tail.observe(distance);
        self.extremes.observe(distance);
        surprise
    }

    fn surprise(&self, distance: f64) -> f64 {
        let mut p_value = self.tail.p_value(distance);
        if p_value < RARE {
            p_value = p_value.max(self.extremes.share_at_least(distance)).min(1.0);
        }
        -p_value.log10()
    }
}

/// The greatest values of the last `memory` ones; values are not negative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Extremes {
    memory: u64,
    seen: u64,
    /// Values with their places, greatest first.
    kept: Vec<(f64, u64)>,
    /// Place of the oldest that is kept.
    oldest: u64,
}

impl Extremes {
    pub(super) fn new(memory: u32) -> Self {
        Self { memory: u64::from(memory), seen: 0, kept: Vec::new(), oldest: 0 }
    }

    /// Returns a lower bound of the share of values that are as extreme as this one, 0 if none is.
    pub(super) fn share_at_least(&self, value: f64) -> f64 {
        let count = self.kept.partition_point(|(kept, _)| *kept >= ALIKE * value) as f64;
        if count == 0.0 {
            return 0.0;
        }
        let root = 1.0 - 1.0 / (9.0 * count) - CONFIDENCE / (3.0 * count.sqrt());
        count * root.max(0.0).powi(3) / self.seen.min(self.memory) as f64
    }

    pub(super) fn observe(&mut self, value: f64) {
        self.seen += 1;
        if self.oldest + self.memory < self.seen {
            self.forget();
        }
        let is_full = self.kept.len() == KEPT;
        if is_full && self.kept.last().is_some_and(|(least, _)| *least >= value) {
            return;
        }
        if is_full {
            self.kept.pop();
        }
        let at = self.kept.partition_point(|(kept, _)| *kept > value);
        self.kept.insert(at, (value, self.seen));
    }

    fn forget(&mut self) {
        let (seen, memory) = (self.seen, self.memory);
        self.kept.retain(|(_, at)| at + memory >= seen);
        self.oldest = self.kept.iter().map(|(_, at)| *at).min().unwrap_or(seen);
    }
}
