//! Scoring: one point without allocation, many points by blocks, and linfa's traits over both.

use super::IsolationForest;
use super::tree::{BLOCK, BYTE, Block, Tree};
use linfa::{Float, traits::PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix2};

impl IsolationForest {
    /// Scores one point of `n_features` values, `NaN` for missing ones: in (0, 1], higher is more
    /// anomalous.
    ///
    /// Allocates nothing. A missing value follows both sides, weighted by the points that went
    /// there.
    ///
    /// # Panics
    /// If the point has another number of values than the forest has features.
    pub fn score_one(&self, point: &[f64]) -> f64 {
        assert_eq!(point.len(), self.features, "values of a point and features of the forest");
        let value = |feature: usize| point[feature] as f32;
        let total = if point.iter().any(|value| value.is_nan()) {
            self.expected_depths(value)
        } else {
            self.trees.iter().map(|tree| tree.depth_of(value)).sum()
        };
        self.score_of(total)
    }

    /// Scores points that lie row by row in `rows`, `[n_points, n_features]`, into `scores`,
    /// `[n_points]`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn score_rows<F: Float>(&self, rows: &[F], scores: &mut [f64]) {
        assert_eq!(rows.len(), scores.len() * self.features, "rows and scores");
        let is_narrow = self.features <= BYTE;
        let mut columns = vec![[0.0; BLOCK]; BYTE];
        let blocks = rows.chunks(BLOCK * self.features).zip(scores.chunks_mut(BLOCK));
        for (rows, totals) in blocks {
            let block = <&mut Block>::try_from(&mut *columns).ok().filter(|_| is_narrow);
            let block = block.map(|block| {
                transpose(rows, self.features, block);
                &*block
            });
            totals.fill(0.0);
            for tree in &self.trees {
                if !block.is_some_and(|block| tree.add_depths(block, totals)) {
                    for (row, total) in rows.chunks_exact(self.features).zip(&mut *totals) {
                        *total += tree.depth_of(|feature| single(&row[feature]));
                    }
                }
            }
            for (row, total) in rows.chunks_exact(self.features).zip(totals) {
                if row.iter().any(|value| value.is_nan()) {
                    *total = self.expected_depths(|feature| single(&row[feature]));
                }
                *total = self.score_of(*total);
            }
        }
    }

    /// Returns the sum over all trees of the depth at which a point with missing values is expected.
    fn expected_depths(&self, value: impl Fn(usize) -> f32) -> f64 {
        self.trees.iter().map(|tree| expected_depth(tree, Tree::ROOT, &value)).sum()
    }

    /// Turns a sum of depths over all trees to a score (equation 2 of the paper).
    fn score_of(&self, total: f64) -> f64 {
        (-total / self.trees.len() as f64).exp2()
    }
}

/// Lays rows out feature by feature.
fn transpose<F: Float>(rows: &[F], features: usize, block: &mut Block) {
    for (point, row) in rows.chunks_exact(features).enumerate() {
        for (column, value) in block.iter_mut().zip(row) {
            column[point] = single(value);
        }
    }
}

fn single<F: Float>(value: &F) -> f32 {
    value.to_f32().unwrap_or(f32::NAN)
}

/// Returns the mean depth over the leaves that a point may fall into.
fn expected_depth(tree: &Tree, root: usize, value: &impl Fn(usize) -> f32) -> f64 {
    let mut at = root;
    while let Some(cut) = tree.cut(at) {
        let value_here = value(cut.feature as usize);
        if value_here.is_nan() {
            let [left, right] = shares(tree, at);
            return left * expected_depth(tree, 2 * at, value)
                + right * expected_depth(tree, 2 * at + 1, value);
        }
        at = 2 * at + usize::from(value_here >= cut.threshold);
    }
    tree.depth(at)
}

/// Returns the shares of the points that went to the left child and to the right one.
pub(super) fn shares(tree: &Tree, at: usize) -> [f64; 2] {
    let left = f64::from(tree.points(2 * at)) / f64::from(tree.points(at));
    [left, 1.0 - left]
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for IsolationForest {
    /// Writes the score of each row of `x`, `[n_points, n_features]`, to `y`.
    ///
    /// # Panics
    /// If `x` and `y` differ in length, or `x` has other columns than the forest was fitted on.
    fn predict_inplace<'a>(&'a self, x: &'a ArrayBase<D, Ix2>, y: &mut Array1<F>) {
        assert_eq!(x.nrows(), y.len(), "points and targets");
        assert_eq!(x.ncols(), self.features, "columns and features of the forest");
        let rows: Vec<F> = x.iter().copied().collect();
        let mut scores = vec![0.0; x.nrows()];
        self.score_rows(&rows, &mut scores);
        for (target, score) in y.iter_mut().zip(scores) {
            *target = F::cast(score);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(x.nrows())
    }
}
