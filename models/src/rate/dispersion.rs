//! How over-dispersed counts are, and how sure that is.
//!
//! A grid of dispersions `φ` (variance = mean + φ mean²) carries the logarithm of its likelihood,
//! forgetting exponentially. Predictions are mixtures over the grid, so that with a short history
//! the wide candidates keep the tails heavy: false alarms stay near their nominal rate, where
//! plugging in an estimate makes too many.

use super::negative_binomial::NegativeBinomial;
use serde::{Deserialize, Serialize};

/// Poisson, then steps that a mixture bridges: fine where large means show small dispersions.
const GRID: [f64; 12] = [0.0, 1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 40.0];
/// Candidates less likely than this, against the likeliest, are left out: they cost time and hold
/// p-values up.
const WEIGHT_MIN: f64 = 1e-9;

/// Weights of the grid of dispersions, by likelihood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Dispersion {
    ln_likelihood: [f32; GRID.len()],
}

/// What is expected of the next count: a mixture of negative binomials.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prediction {
    weights: [f64; GRID.len()],
    parts: [NegativeBinomial; GRID.len()],
}

impl Dispersion {
    pub(super) fn new() -> Self {
        Self { ln_likelihood: [0.0; GRID.len()] }
    }

    fn weights(&self) -> [f64; GRID.len()] {
        let top = self.ln_likelihood.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut weights = self.ln_likelihood.map(|value| f64::from(value - top).exp());
        weights.iter_mut().filter(|weight| **weight < WEIGHT_MIN).for_each(|weight| *weight = 0.0);
        let sum: f64 = weights.iter().sum();
        weights.map(|weight| weight / sum)
    }

    /// Returns the mean dispersion.
    pub(super) fn mean(&self) -> f64 {
        self.weights().iter().zip(GRID).map(|(weight, dispersion)| weight * dispersion).sum()
    }

    /// Predicts a count whose mean was learned from `windows` windows.
    ///
    /// The uncertainty of the mean widens each part: for Poisson counts that is exactly the
    /// Gamma-Poisson predictive distribution, for others its variance.
    pub(super) fn predict(&self, mean: f64, windows: f64) -> Prediction {
        let parts = GRID.map(|dispersion| {
            let widened = dispersion * (1.0 + 1.0 / windows) + 1.0 / (windows * mean);
            NegativeBinomial::new(mean, 1.0 / widened)
        });
        Prediction { weights: self.weights(), parts }
    }

    /// Learns from a count and its prediction, forgetting at `keep` a window.
    pub(super) fn observe(&mut self, prediction: &Prediction, count: f64, keep: f32) {
        for (value, part) in self.ln_likelihood.iter_mut().zip(&prediction.parts) {
            *value = *value * keep + part.ln_pmf(count) as f32;
        }
        let top = self.ln_likelihood.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        self.ln_likelihood.iter_mut().for_each(|value| *value -= top);
    }

    /// Halves what is known, after a change.
    pub(super) fn doubt(&mut self) {
        self.ln_likelihood.iter_mut().for_each(|value| *value *= 0.5);
    }
}

impl Prediction {
    fn mix(&self, of: impl Fn(&NegativeBinomial) -> f64) -> f64 {
        let parts = self.weights.iter().zip(&self.parts).filter(|(weight, _)| **weight > 0.0);
        parts.map(|(weight, part)| weight * of(part)).sum()
    }

    /// Returns the probability of this count or more.
    pub(super) fn upper(&self, count: f64) -> f64 {
        self.mix(|part| part.upper(count)).clamp(f64::MIN_POSITIVE, 1.0)
    }

    /// Returns the probability of this count or less.
    pub(super) fn lower(&self, count: f64) -> f64 {
        self.mix(|part| part.lower(count)).clamp(f64::MIN_POSITIVE, 1.0)
    }

    /// Returns the logarithm of the probability of a count.
    pub(super) fn ln_pmf(&self, count: f64) -> f64 {
        let parts = self.weights.iter().zip(&self.parts).filter(|(weight, _)| **weight > 0.0);
        let terms = parts.map(|(weight, part)| weight.ln() + part.ln_pmf(count));
        let (top, sum) = terms.fold((f64::NEG_INFINITY, 0.0), |(top, sum), term| {
            if term > top {
                (term, sum * (top - term).exp() + 1.0)
            } else {
                (top, sum + (term - top).exp())
            }
        });
        top + f64::ln(sum)
    }

    pub(super) fn variance(&self) -> f64 {
        self.mix(NegativeBinomial::variance)
    }

    /// Returns the least count whose upper tail is below `p`.
    pub(super) fn upper_bound(&self, mean: f64, p: f64) -> f64 {
        let step = self.variance().sqrt().max(1.0);
        let mut high = (mean + 4.0 * step).ceil();
        let mut low = mean.floor();
        while self.upper(high) >= p && high < 1e15 {
            low = high;
            high = (high * 2.0 - mean).ceil();
        }
        bisect(low, high, |count| self.upper(count) < p)
    }

    /// Returns the greatest count whose lower tail is below `p`, or -1 if there is none.
    pub(super) fn lower_bound(&self, mean: f64, p: f64) -> f64 {
        bisect(-1.0, mean.ceil(), |count| self.lower(count) >= p) - 1.0
    }
}

/// Returns the least integer in `(low, high]` from which on `holds`.
fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}
