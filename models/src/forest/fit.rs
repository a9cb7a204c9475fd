//! Fitting a forest, whole or in parts, and renewing its oldest trees.

use super::grow::Grower;
use super::params::FEATURES_MAX;
use super::tree::Tree;
use super::{ForestError, IsolationForest, IsolationForestValidParams};
use linfa::{DatasetBase, Float, traits::Fit};
use ndarray::{ArrayBase, Data, Ix2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64_with_seed;

impl<F: Float, D: Data<Elem = F>, T> Fit<ArrayBase<D, Ix2>, T, ForestError>
    for IsolationForestValidParams
{
    type Object = IsolationForest;

    /// Grows a forest on the records `[n_points, n_features]`; targets are ignored.
    ///
    /// # Errors
    /// If there are no rows, no columns or too many.
    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<IsolationForest, ForestError> {
        let records = dataset.records();
        let next = self.first + self.trees as u64;
        let trees = self.grow(records, self.first..next)?;
        Ok(IsolationForest { features: records.ncols(), next, trees })
    }
}

impl IsolationForestValidParams {
    fn grow<F: Float, D: Data<Elem = F>>(
        &self,
        records: &ArrayBase<D, Ix2>,
        numbers: Range<u64>,
    ) -> Result<Vec<Tree>, ForestError> {
        let (rows, columns) = records.dim();
        if rows == 0 || columns == 0 {
            return Err(ForestError::Empty { rows, columns });
        }
        if columns > FEATURES_MAX {
            return Err(ForestError::TooManyFeatures(columns));
        }
        let sample = self.sample.min(rows);
        let mut deck: Vec<u32> = (0..rows as u32).collect();
        let mut grower = Grower::new(self.flavour, columns, sample);
        let trees = numbers.map(|number| {
            let seed = xxh3_64_with_seed(&number.to_le_bytes(), self.seed);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let dealt = deal(&mut deck, sample, &mut rng);
            let value = |row: &u32, column: usize| records[[*row as usize, column]];
            let hand = &deck[..sample];
            let values =
                (0..columns).flat_map(|column| hand.iter().map(move |row| value(row, column)));
            let values = values.map(|value| value.to_f32().unwrap_or(f32::NAN));
            let tree = grower.grow(sample, values, &mut rng);
            undo(&mut deck, &dealt);
            tree
        });
        Ok(trees.collect())
    }
}

/// Draws cards to the front of the deck, the first steps of a Fisher-Yates shuffle; returns with
/// which card each was swapped.
fn deal(deck: &mut [u32], cards: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let mut draw = |at: usize| {
        let other = rng.gen_range(at..deck.len());
        deck.swap(at, other);
        other
    };
    (0..cards).map(&mut draw).collect()
}

/// Puts the deck in the order again that it had before.
fn undo(deck: &mut [u32], dealt: &[usize]) {
    for (at, &other) in dealt.iter().enumerate().rev() {
        deck.swap(at, other);
    }
}

impl IsolationForest {
    /// Replaces its `count` oldest trees by ones grown on other records.
    ///
    /// A forest whose trees are renewed a few at a time can score at any moment and never changes
    /// its mind at once. Which trees they are is told by the seed and by how many came before; the
    /// parameters may be other ones than those of the fit.
    ///
    /// # Errors
    /// If the records have no rows, or other columns than those that it was fitted on.
    pub fn renew<F: Float, D: Data<Elem = F>>(
        &mut self,
        params: &IsolationForestValidParams,
        records: &ArrayBase<D, Ix2>,
        count: usize,
    ) -> Result<(), ForestError> {
        if records.ncols() != self.features {
            let (rows, columns) = records.dim();
            return Err(ForestError::OtherColumns { rows, columns, features: self.features });
        }
        let last = self.next + count.min(self.trees.len()) as u64;
        for tree in params.grow(records, self.next..last)? {
            let oldest = (self.next % self.trees.len() as u64) as usize;
            self.trees[oldest] = tree;
            self.next += 1;
        }
        Ok(())
    }

    /// Adds the trees of a forest that was fitted on the same records: of two
    /// [`parts`](super::IsolationForestValidParams::parts) of a fit, both together are what it would
    /// have grown.
    ///
    /// # Panics
    /// If the two have other features.
    pub fn append(&mut self, other: Self) {
        assert_eq!(self.features, other.features, "features of two parts of a forest");
        self.trees.extend(other.trees);
        self.next = other.next;
    }
}
