//! The last values, and how the newest of them differ from those before, on two scales.
//!
//! Sums over the last values are carried along and taken afresh once in a round of the ring, so
//! that a step costs a few additions and rounding errors do not pile up.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Values, a new one included, that are compared with those before them, up to so many in all.
const SHORT: (usize, usize) = (8, 73);
const LONG: (usize, usize) = (24, 217);
/// Last values over which sums are kept: the scales without the new value.
const SPANS: [usize; 4] = [SHORT.0 - 1, SHORT.1 - 1, LONG.0 - 1, LONG.1 - 1];
const KEPT: usize = SPANS[3];

/// A ring of the last values with sums over its newest parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent {
    /// Oldest first.
    values: VecDeque<f64>,
    sums: [f64; SPANS.len()],
    since_summed: usize,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { values: VecDeque::with_capacity(KEPT), sums: [0.0; SPANS.len()], since_summed: 0 }
    }

    /// Returns the last value, the one before, and the mean of the last few, if there are so many.
    pub(super) fn last(&self) -> Option<[f64; 3]> {
        let n = self.values.len();
        (n >= SPANS[0])
            .then(|| [self.values[n - 1], self.values[n - 2], self.sums[0] / SPANS[0] as f64])
    }

    /// Returns by how much the newest values, the given one included, differ from those before, on
    /// each scale.
    pub(super) fn steps(&self, value: f64) -> [Option<f64>; 2] {
        let step = |at: usize, (new, all): (usize, usize)| {
            (self.values.len() >= all - 1).then(|| {
                let newest = (self.sums[at] + value) / new as f64;
                let before = (self.sums[at + 1] - self.sums[at]) / (all - new) as f64;
                (newest - before).abs()
            })
        };
        [step(0, SHORT), step(2, LONG)]
    }

    pub(super) fn push(&mut self, value: f64) {
        let n = self.values.len();
        for (sum, span) in self.sums.iter_mut().zip(SPANS) {
            *sum += value - if n >= span { self.values[n - span] } else { 0.0 };
        }
        if n == KEPT {
            self.values.pop_front();
        }
        self.values.push_back(value);
        self.since_summed += 1;
        if self.since_summed == KEPT {
            self.since_summed = 0;
            self.sums = SPANS.map(|span| self.values.iter().rev().take(span).sum());
        }
    }
}
