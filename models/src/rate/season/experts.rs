//! Who is believed on how a count goes on: experts that predict its growth, weighted by how well
//! they did lately.
//!
//! One says that it stays, one that its trend goes on, one that this hour is as usual, two that it
//! is as an hour before or after (clocks were changed), one that it is as the day before (a
//! holiday). Weights follow the likelihood of what came and are shared out again in part, so that
//! any expert may take over soon (fixed share: Herbster and Warmuth, Machine Learning 32, 1998).
//! All share one level, which moves on as they agree; `ratio` is where each sees it against that.

use serde::{Deserialize, Serialize};

/// Stays, trend, usual, usual an hour later, usual an hour before, as the day before.
pub(super) const EXPERTS: usize = 6;
const PRIOR: [f32; EXPERTS] = [0.15, 0.15, 0.4, 0.1, 0.1, 0.1];
const USUAL: usize = 2;
const LATER: usize = 3;
/// Weight that is shared out again with each block: four hours' memory.
const SHARE: f32 = 1.0 / 256.0;
/// Minutes are not independent of each other: their evidence counts half.
const TEMPER: f64 = 2.0;
/// One block tells no more than this, in natural logarithms.
const TOLD_MAX: f32 = 2.0;
const RATIO_MAX: f64 = 16.0;

/// The experts of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Experts {
    weights: [f32; EXPERTS],
    /// Expected mean of each over the common level.
    ratios: [f64; EXPERTS],
}

impl Experts {
    pub(super) fn new() -> Self {
        Self { weights: PRIOR, ratios: [1.0; EXPERTS] }
    }

    /// Makes all agree on the level.
    pub(super) fn agree(&mut self) {
        self.ratios = [1.0; EXPERTS];
    }

    /// Returns the weight of each, and its expected mean over the common level.
    pub(super) fn views(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.weights.iter().map(|weight| f64::from(*weight)).zip(self.ratios)
    }

    /// Returns the expected mean of all together over the common level.
    pub(super) fn ratio(&self) -> f64 {
        self.views().map(|(weight, ratio)| weight * ratio).sum()
    }

    /// Moves on by logarithms of growth; returns the growth that they agree on, as a logarithm.
    pub(super) fn grow(&mut self, growth: [f64; EXPERTS]) -> f64 {
        let agreed: f64 =
            self.weights.iter().zip(growth).map(|(weight, one)| f64::from(*weight) * one).sum();
        for (ratio, one) in self.ratios.iter_mut().zip(growth) {
            let change = one - agreed;
            if change != 0.0 {
                *ratio = (*ratio * change.exp()).clamp(1.0 / RATIO_MAX, RATIO_MAX);
            }
        }
        agreed
    }

    /// Weighs all by a block of counts.
    ///
    /// `expected` is what the common level made of the block, `inflation` the variance over that of
    /// Poisson.
    pub(super) fn weigh(&mut self, count: f64, expected: f64, inflation: f64) {
        let scale = 1.0 / (TEMPER * inflation);
        let mut told = self.ratios.map(|ratio| {
            if ratio == 1.0 {
                return 0.0;
            }
            ((count * ratio.ln() - expected * (ratio - 1.0)) * scale) as f32
        });
        let top = told.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        told.iter_mut().for_each(|one| *one = (*one - top).max(-TOLD_MAX));
        let mut sum = 0.0;
        for (weight, told) in self.weights.iter_mut().zip(told) {
            *weight *= if told == 0.0 { 1.0 } else { told.exp() };
            sum += *weight;
        }
        for (weight, prior) in self.weights.iter_mut().zip(PRIOR) {
            *weight = *weight / sum * (1.0 - SHARE) + prior * SHARE;
        }
    }

    /// Makes the view of an hour later, or before, the usual one.
    pub(super) fn turn(&mut self, is_later: bool) {
        let (new, other) = if is_later { (LATER, LATER + 1) } else { (LATER + 1, LATER) };
        self.weights.swap(USUAL, new);
        self.weights[other] = self.weights[other].min(PRIOR[other]);
        self.ratios[other] = self.ratios[USUAL];
        self.ratios[USUAL] = self.ratios[new];
    }

    /// Draws all to the common level, of which `old` is the share made before the last block.
    pub(super) fn settle(&mut self, old: f64) {
        for ratio in &mut self.ratios {
            if *ratio != 1.0 {
                *ratio = 1.0 / (1.0 + (1.0 / *ratio - 1.0) * old);
            }
        }
    }
}
