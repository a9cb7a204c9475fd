//! From scores to p-values, by the theory of extreme values, online.
//!
//! The body of the distribution is known by a few quantiles that follow the stream (Robbins and
//! Monro 1951, with steps by the local density). What exceeds the highest of them is taken as a
//! generalised Pareto distribution, as in SPOT (Siffer et al., KDD 2017), but fitted by the method
//! of moments (Hosking and Wallis 1987), which needs two sums in place of all peaks.
//! It knows nothing of what the values mean; higher is more anomalous.

use serde::{Deserialize, Serialize};

/// Probabilities of the quantiles that are followed; the last is where the tail begins.
const LEVELS: [f64; 6] = [0.05, 0.25, 0.5, 0.75, 0.9, 0.95];
const TOP: usize = LEVELS.len() - 1;
/// Values from which the quantiles start.
const FIRST: usize = 32;
/// Peaks that the first guess of the tail is worth.
const PRIOR_PEAKS: f64 = 4.0;
/// A peak less likely than this is learned as the peak of this probability.
const WINSOR: f64 = 1e-4;
/// Beyond it, the method of moments does not hold.
const SHAPE_MAX: f64 = 0.45;

/// The upper tail of a stream of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    memory: f64,
    seen: u64,
    /// The values of the beginning, sorted; empty once the quantiles have started.
    first: Vec<f64>,
    quantiles: [f64; LEVELS.len()],
    /// Mean distance of a value from the median.
    spread: f64,
    peaks: f64,
    excess_mean: f64,
    excess_square: f64,
}

impl Tail {
    /// Starts with nothing known; `memory` is the number of values that it looks back, at least
    /// 100.
    pub fn new(memory: u32) -> Self {
        Self {
            memory: f64::from(memory.max(100)),
            seen: 0,
            first: Vec::new(),
            quantiles: [0.0; LEVELS.len()],
            spread: 0.0,
            peaks: 0.0,
            excess_mean: 0.0,
            excess_square: 0.0,
        }
    }

    /// Returns how many values were observed.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Returns the probability of a value as high or higher, in (0, 1]; 1 for `NaN`.
    ///
    /// Judge a value before observing it.
    pub fn p_value(&self, value: f64) -> f64 {
        if value.is_nan() {
            return 1.0;
        }
        if self.seen < FIRST as u64 {
            let as_high = self.first.iter().filter(|&&first| first >= value).count();
            return (as_high + 1) as f64 / (self.first.len() + 1) as f64;
        }
        let excess = value - self.quantiles[TOP];
        if excess > 0.0 { self.p_of_excess(excess) } else { self.p_of_body(value) }
    }

    /// Learns a value, in constant time; `NaN` is not one.
    pub fn observe(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.seen += 1;
        if self.seen <= FIRST as u64 {
            let at = self.first.partition_point(|&first| first < value);
            self.first.insert(at, value);
            if self.first.len() == FIRST {
                self.start();
            }
            return;
        }
        let share = (1.0 / self.seen as f64).max(1.0 / self.memory);
        let excess = value - self.quantiles[TOP];
        if excess > 0.0 {
            self.observe_excess(excess);
        }
        self.follow(value, share);
    }

    fn start(&mut self) {
        let first = std::mem::take(&mut self.first);
        self.quantiles = LEVELS.map(|level| first[(level * FIRST as f64) as usize]);
        let median = self.quantiles[2];
        self.spread = first.iter().map(|value| (value - median).abs()).sum::<f64>() / FIRST as f64;
        let [.., high, _, top] = self.quantiles;
        // Of an exponential tail, the step from .75 to .95 is ln 5 times the mean.
        let mean = ((top - high) / 5f64.ln()).max(0.1 * self.spread).max(f64::MIN_POSITIVE);
        (self.peaks, self.excess_mean, self.excess_square) = (PRIOR_PEAKS, mean, 2.0 * mean * mean);
    }

    fn observe_excess(&mut self, excess: f64) {
        let (shape, scale) = self.shape_and_scale();
        let highest = scale * ((WINSOR / (1.0 - LEVELS[TOP])).powf(-shape) - 1.0) / shape;
        let excess = excess.min(highest);
        let memory = (self.memory * (1.0 - LEVELS[TOP])).max(20.0);
        self.peaks = (self.peaks + 1.0).min(memory);
        self.excess_mean += (excess - self.excess_mean) / self.peaks;
        self.excess_square += (excess * excess - self.excess_square) / self.peaks;
    }

    /// Moves each quantile towards the value by a step of its level over the density there.
    fn follow(&mut self, value: f64, share: f64) {
        let old = self.quantiles;
        self.spread += share * ((value - old[2]).abs() - self.spread);
        for (i, quantile) in self.quantiles.iter_mut().enumerate() {
            let (low, high) = (i.saturating_sub(1), (i + 1).min(TOP));
            let width = (old[high] - old[low]) / (LEVELS[high] - LEVELS[low]);
            let step = share * width.max(0.5 * self.spread);
            let below = if value < *quantile { 1.0 } else { 0.0 };
            *quantile += step * (LEVELS[i] - below);
        }
        for i in 1..LEVELS.len() {
            self.quantiles[i] = self.quantiles[i].max(self.quantiles[i - 1]);
        }
    }

    /// Returns shape and scale of the tail, the shape raised by the uncertainty of few peaks: the
    /// predictive distribution of an exponential with an unknown mean has a shape of 1/peaks.
    fn shape_and_scale(&self) -> (f64, f64) {
        let mean = self.excess_mean;
        let variance = (self.excess_square - mean * mean).max(1e-12 * mean * mean);
        let ratio = mean * mean / variance;
        let shape = (0.5 * (1.0 - ratio)).clamp(0.0, SHAPE_MAX);
        (shape + 1.0 / self.peaks, (mean * (1.0 - shape)).max(f64::MIN_POSITIVE))
    }

    fn p_of_excess(&self, excess: f64) -> f64 {
        let (shape, scale) = self.shape_and_scale();
        let ln_p = -(shape * excess / scale).ln_1p() / shape;
        ((1.0 - LEVELS[TOP]) * ln_p.exp()).max(f64::MIN_POSITIVE)
    }

    fn p_of_body(&self, value: f64) -> f64 {
        let above = self.quantiles.iter().position(|&quantile| value <= quantile).unwrap_or(TOP);
        if above == 0 {
            return 1.0 - LEVELS[0] / 2.0;
        }
        let (low, high) = (self.quantiles[above - 1], self.quantiles[above]);
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        1.0 - (LEVELS[above - 1] + share * (LEVELS[above] - LEVELS[above - 1]))
    }
}
