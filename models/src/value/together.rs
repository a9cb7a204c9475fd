//! How alike the values of a block are: the intraclass correlation (Fisher 1925), from fading sums.

use serde::{Deserialize, Serialize};

/// Blocks that are remembered: those older weigh less than 1/e.
pub(super) const MEMORY: f64 = 360.0;
/// Blocks that say that a tenth of the high values come together, before any were seen.
const PRIOR_BLOCKS: f64 = 8.0;
const PRIOR_CORRELATION: f64 = 0.1;
const CORRELATION_MIN: f64 = 0.01;

/// Sums over the blocks of the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Together {
    blocks: f64,
    /// Fading mean of the means of blocks, of their squared distance from it, and of one over the
    /// number of values.
    mean: f64,
    between: f64,
    per_value: f64,
    /// Squared distances from the mean of their own block, and how many of them are free.
    within: f64,
    free: f64,
}

impl Together {
    /// Learns a block.
    pub(super) fn observe(&mut self, values: impl Iterator<Item = f64> + Clone, weight: f64) {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        let kept = 1.0 - weight / MEMORY;
        self.within = self.within * kept
            + weight * values.map(|value| (value - mean) * (value - mean)).sum::<f64>();
        self.free = self.free * kept + weight * (count - 1.0);
        self.blocks = self.blocks * kept + weight;
        let share = weight / self.blocks;
        let change = mean - self.mean;
        self.mean += share * change;
        self.between = (1.0 - share) * (self.between + share * change * change);
        self.per_value += share * (1.0 / count - self.per_value);
    }

    /// Returns the share of the variance that lies between blocks, in [0, 1].
    pub(super) fn correlation(&self) -> f64 {
        let within = if self.free > 0.0 { self.within / self.free } else { 0.0 };
        let between = (self.between - within * self.per_value).max(0.0);
        if between > 0.0 { between / (between + within) } else { 0.0 }
    }

    /// Returns the correlation, nearer to that of a guess the fewer blocks there were.
    pub(super) fn cautious_correlation(&self) -> f64 {
        let sum = self.blocks * self.correlation() + PRIOR_BLOCKS * PRIOR_CORRELATION;
        (sum / (self.blocks + PRIOR_BLOCKS)).clamp(CORRELATION_MIN, 1.0 - CORRELATION_MIN)
    }

    /// Returns the sum of the weights of the blocks.
    pub(super) fn blocks(&self) -> f64 {
        self.blocks
    }

    /// Returns the mean of the means of the blocks.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }
}
