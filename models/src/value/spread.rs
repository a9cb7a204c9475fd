//! How values spread over a logarithmic scale, forgetting: quantiles and shares to within 7 %.
//!
//! Buckets grow by a fixed factor, as in DDSketch (Masson, Rim and Lee, VLDB 2019); weights replace
//! counts so that old values fade. There are at most [`BUCKETS`] of them, whatever comes.

use serde::{Deserialize, Serialize};

/// Each bucket reaches this much further than the one before.
const GROWTH: f64 = 1.15;
/// Values below are taken as 0, values above as this: 1e-9 to 1e15.
const LOWEST: f64 = 1e-9;
const HIGHEST: f64 = 1e15;
/// Buckets between the bounds, the one of 0 and the rounding included.
#[cfg(test)]
pub(super) const BUCKETS: usize = 398;
/// Weights below are forgotten.
const WEIGHT_MIN: f32 = 1e-4;

/// Where a value stands on the scale: a greater one is in the same bucket or in a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Bucket(i16);

/// Weights of values by magnitude.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread {
    /// Bucket and weight, by bucket.
    buckets: Vec<(Bucket, f32)>,
    total: f64,
}

impl Spread {
    /// Adds a value.
    pub(super) fn add(&mut self, bucket: Bucket, weight: f64) {
        match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(at) => self.buckets[at].1 += weight as f32,
            Err(at) => self.buckets.insert(at, (bucket, weight as f32)),
        }
        self.total += weight;
    }

    /// Lets all weights fade to a share of themselves.
    pub(super) fn fade(&mut self, share: f64) {
        for (_, weight) in &mut self.buckets {
            *weight *= share as f32;
        }
        self.buckets.retain(|(_, weight)| *weight >= WEIGHT_MIN);
        self.total = self.buckets.iter().map(|(_, weight)| f64::from(*weight)).sum();
    }

    /// Returns the sum of the weights.
    pub(super) fn total(&self) -> f64 {
        self.total
    }

    /// Returns how many buckets hold a share of at least `least`.
    pub(super) fn variety(&self, least: f64) -> usize {
        let least = least * self.total;
        self.buckets.iter().filter(|(_, weight)| f64::from(*weight) >= least).count()
    }

    /// Returns the least value that at least this share of the weight does not exceed; 0 where
    /// nothing is known.
    pub(super) fn quantile(&self, share: f64) -> Bucket {
        let (mut sum, wanted) = (0.0, share * self.total);
        for (bucket, weight) in &self.buckets {
            sum += f64::from(*weight);
            if sum >= wanted {
                return *bucket;
            }
        }
        self.buckets.last().map_or(Bucket::ZERO, |(bucket, _)| *bucket)
    }

    /// Returns the weight of what lies in higher buckets.
    pub(super) fn above(&self, limit: Bucket) -> f64 {
        self.sum(|bucket| bucket > limit)
    }

    /// Returns the weight of what lies in lower buckets.
    pub(super) fn below(&self, limit: Bucket) -> f64 {
        self.sum(|bucket| bucket < limit)
    }

    /// Returns where each value stands, from 0 to 1, half of its own bucket below it.
    pub(super) fn ranks(&self, values: &[Bucket]) -> Vec<f64> {
        let mut below = 0.0;
        let mut starts = Vec::with_capacity(self.buckets.len());
        for (_, weight) in &self.buckets {
            starts.push(below);
            below += f64::from(*weight);
        }
        let find = |value: &Bucket| self.buckets.binary_search_by_key(value, |(bucket, _)| *bucket);
        let rank = |value: &Bucket| match find(value) {
            Ok(at) => starts[at] + f64::from(self.buckets[at].1) / 2.0,
            Err(at) => starts.get(at).copied().unwrap_or(below),
        };
        values.iter().map(|value| rank(value) / below.max(f64::MIN_POSITIVE)).collect()
    }

    fn sum(&self, holds: impl Fn(Bucket) -> bool) -> f64 {
        self.buckets.iter().filter(|(at, _)| holds(*at)).map(|(_, weight)| f64::from(*weight)).sum()
    }
}

impl Bucket {
    const ZERO: Self = Self(i16::MIN);

    /// Finds the bucket of a value of at least 0.
    pub(super) fn of(value: f64) -> Self {
        if value < LOWEST {
            return Self::ZERO;
        }
        Self((value.min(HIGHEST).ln() / GROWTH.ln()).round() as i16)
    }

    /// Returns the value that stands for the bucket.
    pub(super) fn value(self) -> f64 {
        if self == Self::ZERO { 0.0 } else { (f64::from(self.0) * GROWTH.ln()).exp() }
    }
}
