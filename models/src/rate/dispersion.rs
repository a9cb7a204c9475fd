//! How over-dispersed counts are, and how sure that is.
//!
//! A grid of dispersions `φ` (variance = mean + φ mean²) carries the logarithm of its likelihood,
//! forgetting exponentially. Predictions are mixtures over the grid, so that with a short history
//! the wide candidates keep the tails heavy: false alarms stay near their nominal rate, where
//! plugging in an estimate makes too many.

use super::negative_binomial::{NegativeBinomial, ln_base};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Poisson first, then steps of √10: fine where large means show small dispersions.
const GRID: [f64; 13] =
    [0.0, 1e-4, 3.2e-4, 1e-3, 3.2e-3, 0.01, 0.032, 0.1, 0.32, 1.0, 3.2, 10.0, 32.0];
/// Steps between two candidates of the grid, where the likelihood is interpolated.
const STEPS: usize = 3;
const FINE: usize = (GRID.len() - 2) * STEPS + 2;
/// The grid with steps between.
static FINE_GRID: LazyLock<[f64; FINE]> = LazyLock::new(|| {
    std::array::from_fn(|i| match i {
        0 => 0.0,
        _ => {
            let (i, share) = (1 + (i - 1) / STEPS, ((i - 1) % STEPS) as f64 / STEPS as f64);
            GRID[i] * (GRID[(i + 1).min(GRID.len() - 1)] / GRID[i]).powf(share)
        }
    })
});
/// Candidates less likely than this, against the likeliest, are left out: they cost time and hold
/// p-values up.
const WEIGHT_MIN: f64 = 1e-9;

/// Likelihood of the grid of dispersions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Dispersion {
    ln_likelihood: [f32; GRID.len()],
}

/// What is expected of the next count: a mixture of negative binomials.
#[derive(Debug, Clone)]
pub(super) struct Prediction {
    mean: f64,
    parts: Vec<(f64, NegativeBinomial)>,
}

impl Dispersion {
    pub(super) fn new() -> Self {
        Self { ln_likelihood: [0.0; GRID.len()] }
    }

    /// Returns the candidates that matter, the grid with steps between, with weights that sum to 1.
    fn candidates(&self) -> Vec<(f64, f64)> {
        let at = |i: usize| f64::from(self.ln_likelihood[i.clamp(1, GRID.len() - 1)]);
        let value = |i: usize| match i {
            // Poisson has as much weight beforehand as a whole step of the grid.
            0 => f64::from(self.ln_likelihood[0]) + (STEPS as f64).ln(),
            _ => {
                let (i, share) = (1 + (i - 1) / STEPS, ((i - 1) % STEPS) as f64 / STEPS as f64);
                cubic([at(i - 1), at(i), at(i + 1), at(i + 2)], share)
            }
        };
        let fine = FINE_GRID.iter().enumerate().map(|(i, &dispersion)| (value(i), dispersion));
        let mut candidates: Vec<(f64, f64)> = fine.collect();
        let top = candidates.iter().map(|(value, _)| *value).fold(f64::NEG_INFINITY, f64::max);
        let least = top + WEIGHT_MIN.ln() - 1.0;
        candidates.retain(|(value, _)| *value >= least);
        candidates.iter_mut().for_each(|(value, _)| *value = (*value - top).exp());
        candidates.retain(|(weight, _)| *weight >= WEIGHT_MIN);
        let sum: f64 = candidates.iter().map(|(weight, _)| weight).sum();
        candidates.iter_mut().for_each(|(weight, _)| *weight /= sum);
        candidates
    }

    /// Returns the mean dispersion.
    pub(super) fn mean(&self) -> f64 {
        self.candidates().iter().map(|(weight, dispersion)| weight * dispersion).sum()
    }

    /// Predicts a count whose mean was learned from `windows` windows.
    pub(super) fn predict(&self, mean: f64, windows: f64) -> Prediction {
        self.predict_among(&[(1.0, mean)], windows)
    }

    /// Predicts a count that has one of these means, by weights that sum to 1, each learned from
    /// `windows` windows.
    pub(super) fn predict_among(&self, means: &[(f64, f64)], windows: f64) -> Prediction {
        let candidates = self.candidates();
        let mut parts = Vec::with_capacity(means.len() * candidates.len());
        for (believed, mean) in means {
            let of_mean = candidates
                .iter()
                .map(|(weight, dispersion)| (weight * believed, part(*mean, windows, *dispersion)));
            parts.extend(of_mean);
        }
        let mean = means.iter().map(|(believed, mean)| believed * mean).sum();
        Prediction { mean, parts }
    }

    /// Learns from a count that was predicted from this mean and its windows, forgetting at `keep`
    /// a window.
    pub(super) fn observe(&mut self, mean: f64, windows: f64, count: f64, keep: f32) {
        let seen = GRID.map(|dispersion| part(mean, windows, dispersion).ln_likelihood(count));
        let top = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (value, seen) in self.ln_likelihood.iter_mut().zip(seen) {
            *value = *value * keep + (seen - top) as f32;
        }
        self.level();
    }

    /// Learns from a run of empty windows, as if each had been predicted from this mean and its
    /// windows.
    pub(super) fn observe_empty(&mut self, mean: f64, windows: f64, run: u32, keep: f64) {
        let (mut weight, mut kept) = (0.0, 1.0);
        for _ in 0..run {
            (weight, kept) = (weight + kept, kept * keep);
        }
        for (value, dispersion) in self.ln_likelihood.iter_mut().zip(GRID) {
            let each = part(mean, windows, dispersion).ln_likelihood(0.0);
            *value = (f64::from(*value) * kept + weight * each) as f32;
        }
        self.level();
    }

    /// Sets the likeliest to 0.
    fn level(&mut self) {
        let top = self.ln_likelihood.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        self.ln_likelihood.iter_mut().for_each(|value| *value -= top);
    }

    /// Halves what is known, after a change.
    pub(super) fn doubt(&mut self) {
        self.ln_likelihood.iter_mut().for_each(|value| *value *= 0.5);
    }
}

/// The uncertainty of the mean widens a candidate: for Poisson counts that is exactly the
/// Gamma-Poisson predictive distribution, for others its variance.
fn part(mean: f64, windows: f64, dispersion: f64) -> NegativeBinomial {
    NegativeBinomial::new(mean, 1.0 / (dispersion * (1.0 + 1.0 / windows) + 1.0 / (windows * mean)))
}

/// Interpolates between the middle two of four values at even steps (Catmull and Rom 1974).
fn cubic([a, b, c, d]: [f64; 4], share: f64) -> f64 {
    let (linear, square) = (c - a, 2.0 * a - 5.0 * b + 4.0 * c - d);
    b + 0.5 * share * (linear + share * (square + share * (3.0 * (b - c) + d - a)))
}

impl Prediction {
    fn mix(&self, of: impl Fn(&NegativeBinomial) -> f64) -> f64 {
        self.parts.iter().map(|(weight, part)| weight * of(part)).sum()
    }

    /// Tells whether this count or more, or this count or fewer, is less likely than `p`, for a
    /// `p` far below 1/2.
    ///
    /// Only the tail that the count lies in can be; the sum is broken off once it has reached `p`.
    pub(super) fn is_outside(&self, count: f64, p: f64) -> bool {
        let mut sum = 0.0;
        let is_high = count > self.mean;
        !self.parts.iter().any(|(weight, part)| {
            sum += weight * if is_high { part.upper(count) } else { part.lower(count) };
            sum >= p
        })
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
        let ln_part = |part: &NegativeBinomial| {
            let shift = if count > 0.0 { count * (part.mean() / self.mean).ln() } else { 0.0 };
            part.ln_likelihood(count) + shift
        };
        let terms: Vec<(f64, f64)> =
            self.parts.iter().map(|(weight, part)| (*weight, ln_part(part))).collect();
        let top = terms.iter().map(|(_, term)| *term).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = terms.iter().map(|(weight, term)| weight * (term - top).exp()).sum();
        // The likeliest part has a weight of 1e-9 or more, so the sum is not zero.
        top + sum.ln() + ln_base(self.mean, count)
    }

    /// Returns counts about `z` standard deviations below and above the mean, cheaply: the cube
    /// root of a gamma variable is nearly normal (Wilson and Hilferty 1931).
    pub(super) fn rough_bounds(&self, z: f64) -> [f64; 2] {
        let variance = self.mix(|part| part.variance().ln()).exp();
        let shape = self.mean * self.mean / variance;
        [-z, z].map(|z| {
            let root = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt());
            self.mean * root.max(0.0).powi(3)
        })
    }

    /// Returns the least count whose upper tail is below `p`.
    pub(super) fn upper_bound(&self, p: f64) -> f64 {
        let mut low = self.mean.floor();
        let mut high = self.rough_bounds(5.0)[1].ceil().max(low + 1.0);
        while self.upper(high) >= p && high < 1e14 {
            low = high;
            high = (high * 2.0).ceil();
        }
        bisect(low, high, |count| self.upper(count) < p)
    }

    /// Returns the least count whose lower tail is not below `p`.
    pub(super) fn lower_bound(&self, p: f64) -> f64 {
        bisect(-1.0, self.mean.ceil(), |count| self.lower(count) >= p)
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
