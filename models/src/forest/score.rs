//! Scoring: one point without allocation, many points by blocks, and linfa's traits over both.

use super::{IsolationForest, Tree};
use linfa::{Float, traits::PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix2};

/// Points that walk down a tree together: enough to hide the latency of the loads.
const LANES: usize = 8;
/// Points for which a tree is kept in the first-level cache.
const BLOCK: usize = 128;

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
        let total: f64 = if point.iter().all(|&value| is_plain(value)) {
            self.trees.iter().map(|tree| self.depth_of(tree, point)).sum()
        } else {
            self.trees.iter().map(|tree| self.expected_depth(tree.root, point)).sum()
        };
        self.score_of(total)
    }

    /// Scores points that lie row by row in `rows`, `[n_points, n_features]`, into `scores`,
    /// `[n_points]`.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn score_rows(&self, rows: &[f64], scores: &mut [f64]) {
        assert_eq!(rows.len(), scores.len() * self.features, "rows and scores");
        let blocks = rows.chunks(BLOCK * self.features).zip(scores.chunks_mut(BLOCK));
        for (rows, scores) in blocks {
            if rows.iter().all(|&value| is_plain(value)) {
                self.score_block(rows, scores);
            } else {
                for (row, score) in rows.chunks_exact(self.features).zip(scores) {
                    *score = self.score_one(row);
                }
            }
        }
    }

    fn score_block(&self, rows: &[f64], scores: &mut [f64]) {
        scores.fill(0.0);
        let whole = scores.len() / LANES * LANES;
        let (rows, rest_rows) = rows.split_at(whole * self.features);
        let (scores, rest_scores) = scores.split_at_mut(whole);
        for tree in &self.trees {
            let lanes =
                rows.chunks_exact(LANES * self.features).zip(scores.chunks_exact_mut(LANES));
            for (rows, scores) in lanes {
                self.add_depths(tree, rows, scores);
            }
        }
        for score in scores {
            *score = self.score_of(*score);
        }
        for (row, score) in rest_rows.chunks_exact(self.features).zip(rest_scores) {
            *score = self.score_one(row);
        }
    }

    /// Walks `LANES` points down a tree in step and adds their depths to `totals`.
    fn add_depths(&self, tree: &Tree, rows: &[f64], totals: &mut [f64]) {
        let mut at = [tree.root; LANES];
        for _ in 0..tree.height {
            for (lane, at) in at.iter_mut().enumerate() {
                let node = &self.nodes[*at as usize];
                let value = rows[lane * self.features + node.feature as usize];
                *at = node.left + u32::from(value >= node.threshold);
            }
        }
        for (at, total) in at.iter().zip(totals) {
            *total += self.summaries[*at as usize].depth;
        }
    }

    fn depth_of(&self, tree: &Tree, point: &[f64]) -> f64 {
        let mut at = tree.root;
        for _ in 0..tree.height {
            let node = &self.nodes[at as usize];
            at = node.left + u32::from(point[node.feature as usize] >= node.threshold);
        }
        self.summaries[at as usize].depth
    }

    /// Returns the mean depth over the leaves that the point may fall into.
    fn expected_depth(&self, root: u32, point: &[f64]) -> f64 {
        let mut at = root;
        while !self.is_leaf(at) {
            let node = &self.nodes[at as usize];
            let value = point[node.feature as usize];
            if value.is_nan() {
                let [left, right] = self.shares(node.left);
                return left * self.expected_depth(node.left, point)
                    + right * self.expected_depth(node.left + 1, point);
            }
            at = node.left + u32::from(value >= node.threshold);
        }
        self.summaries[at as usize].depth
    }

    /// Returns the shares of the points that went to the left child and to its right sibling.
    pub(super) fn shares(&self, left: u32) -> [f64; 2] {
        let count = |at: u32| f64::from(self.summaries[at as usize].points);
        let share = count(left) / (count(left) + count(left + 1));
        [share, 1.0 - share]
    }

    /// Turns a sum of depths over all trees to a score (equation 2 of the paper).
    ///
    /// A forest that was shown a single point can tell nothing: all scores are 0.5.
    fn score_of(&self, total: f64) -> f64 {
        if self.normalizer == 0.0 {
            return 0.5;
        }
        (-total / (self.trees.len() as f64 * self.normalizer)).exp2()
    }
}

/// Whether a value can take the walk that does not look for leaves: known, and less than the
/// threshold of a leaf.
fn is_plain(value: f64) -> bool {
    value < f64::MAX
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for IsolationForest {
    /// Writes the score of each row of `x`, `[n_points, n_features]`, to `y`.
    ///
    /// # Panics
    /// If `x` and `y` differ in length, or `x` has other columns than the forest was fitted on.
    fn predict_inplace<'a>(&'a self, x: &'a ArrayBase<D, Ix2>, y: &mut Array1<F>) {
        assert_eq!(x.nrows(), y.len(), "points and targets");
        assert_eq!(x.ncols(), self.features, "columns and features of the forest");
        let mut rows = Vec::with_capacity(BLOCK * self.features);
        let mut scores = [0.0; BLOCK];
        for start in (0..x.nrows()).step_by(BLOCK) {
            let end = (start + BLOCK).min(x.nrows());
            rows.clear();
            for row in start..end {
                rows.extend(x.row(row).iter().map(|value| value.to_f64().unwrap_or(f64::NAN)));
            }
            let scores = &mut scores[..end - start];
            self.score_rows(&rows, scores);
            for (target, &score) in y.iter_mut().skip(start).zip(scores.iter()) {
                *target = F::cast(score);
            }
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(x.nrows())
    }
}
