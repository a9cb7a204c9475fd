//! What the next value would be, from the last ones and from what is usual at its time.
//!
//! The forecast is linear, its weights followed by recursive least squares with forgetting (Haykin, Adaptive
//! Filter Theory, chapter 10), of standardised values. An outlier moves the weights no further
//! than [`ERROR_MAX`] does, and the gain is bounded, so that a constant series does not wind it up.

use super::recent::Recent;
use serde::{Deserialize, Serialize};

/// Constant, last value, the one before, usual value of the time, mean of the last few.
const INPUTS: usize = 5;
type Row = [f64; INPUTS];

/// Points before which no forecast is made.
const SEEN_MIN: u64 = 20;
/// Weight of a new value in the level, and in its mean deviation.
const LEVEL_SHARE: f64 = 0.02;
const SPREAD_SHARE: f64 = 0.001;
/// Standardised values are no larger.
const INPUT_MAX: f64 = 1e6;
const FORGETTING: f64 = 0.999;
const ERROR_MAX: f64 = 5.0;
const GAIN_FIRST: f64 = 100.0;
const GAIN_MAX: f64 = 1e4;

/// Weights of a linear forecast, and the scale they hold in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Forecast {
    seen: u64,
    level: f64,
    spread: f64,
    weights: Row,
    gain: [Row; INPUTS],
}

impl Forecast {
    pub(super) fn new() -> Self {
        let (weights, gain) = ([0.0; INPUTS], first_gain());
        Self { seen: 0, level: 0.0, spread: 0.0, weights, gain }
    }

    /// Returns the distance of a value from its forecast in mean deviations and from the last value
    /// on a logarithmic scale, and learns it.
    pub(super) fn step(
        &mut self,
        value: f64,
        recent: &Recent,
        expected: Option<f64>,
    ) -> [Option<f64>; 2] {
        let mut distances = [None; 2];
        if let Some([last, before, mean]) = recent.last() {
            let expected = expected.map_or(0.0, |expected| self.standardised(expected));
            let inputs = [
                1.0,
                self.standardised(last),
                self.standardised(before),
                expected,
                self.standardised(mean),
            ];
            let error = self.standardised(value) - dot(&inputs, &self.weights);
            self.adapt(&inputs, error.clamp(-ERROR_MAX, ERROR_MAX));
            let change = self.logarithm(value) - self.logarithm(last);
            distances = [error, change].map(|one| (self.seen > SEEN_MIN).then_some(one.abs()));
        }
        self.follow(value);
        distances
    }

    /// Returns the logarithm of what is large for this series; of what is small, the value itself.
    fn logarithm(&self, value: f64) -> f64 {
        (value / self.spread.max(f64::MIN_POSITIVE)).asinh()
    }

    fn standardised(&self, value: f64) -> f64 {
        ((value - self.level) / self.spread.max(f64::MIN_POSITIVE)).clamp(-INPUT_MAX, INPUT_MAX)
    }

    fn adapt(&mut self, inputs: &Row, error: f64) {
        let towards: Row = std::array::from_fn(|i| dot(&self.gain[i], inputs));
        let scale = FORGETTING + dot(&towards, inputs);
        if scale < FORGETTING {
            // Rounding and bounds have made the gain indefinite: it starts afresh.
            self.gain = first_gain();
            return;
        }
        for ((weight, row), step) in self.weights.iter_mut().zip(&mut self.gain).zip(towards) {
            *weight += step / scale * error;
            for (gain, other) in row.iter_mut().zip(towards) {
                *gain = ((*gain - step * other / scale) / FORGETTING).clamp(-GAIN_MAX, GAIN_MAX);
            }
        }
    }

    fn follow(&mut self, value: f64) {
        if self.seen == 0 {
            self.level = value;
        }
        self.seen += 1;
        let even = 1.0 / self.seen as f64;
        let change = value - self.level;
        self.spread += SPREAD_SHARE.max(even) * (change.abs() - self.spread);
        self.level += LEVEL_SHARE.max(even) * change;
    }
}

fn first_gain() -> [Row; INPUTS] {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { GAIN_FIRST } else { 0.0 }))
}

fn dot(left: &Row, right: &Row) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}
