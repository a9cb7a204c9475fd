//! Which features made a point anomalous.
//!
//! Path attribution: at each cut on the way down, the mean depth of the sampled points changes
//! from that of the parent to that of the child, and the feature of the cut answers for the
//! change. The changes add up exactly, from the mean depth of the root to the depth of the leaf.
//! It is Saabas' attribution of random forests applied to depths.

use super::IsolationForest;
use super::score::shares;
use super::tree::Tree;

impl IsolationForest {
    /// Returns per feature, `[n_features]`, by how many bits it raised the score: the sum is
    /// `log2(score_one(point)) - log2(score of the average sampled point)`, with the averages
    /// taken over depths.
    ///
    /// Negative where a feature makes the point look more normal. A missing value moves nothing by
    /// itself. Costs a visit of every node.
    ///
    /// # Panics
    /// If the point has another number of values than the forest has features.
    pub fn attributions(&self, point: &[f64]) -> Vec<f64> {
        assert_eq!(point.len(), self.features, "values of a point and features of the forest");
        let point: Vec<f32> = point.iter().map(|&value| value as f32).collect();
        let mut bits = vec![0.0; self.features];
        let mut means = Vec::new();
        for tree in &self.trees {
            mean_depths(tree, &mut means);
            let weight = 1.0 / self.trees.len() as f64;
            Way { tree, means: &means, point: &point }.attribute(Tree::ROOT, weight, &mut bits);
        }
        bits
    }

    /// Returns per feature, `[n_features]`, its share in what makes the point anomalous: none is
    /// negative, they sum to 1.
    ///
    /// The shares are the positive [`attributions`](Self::attributions); a point that nothing
    /// makes anomalous has equal shares.
    ///
    /// # Panics
    /// If the point has another number of values than the forest has features.
    pub fn contributions(&self, point: &[f64]) -> Vec<f64> {
        let mut shares = self.attributions(point);
        shares.iter_mut().for_each(|share| *share = share.max(0.0));
        let sum: f64 = shares.iter().sum();
        if sum > 0.0 {
            shares.iter_mut().for_each(|share| *share /= sum);
        } else {
            shares.fill(1.0 / self.features as f64);
        }
        shares
    }
}

/// Writes for each node the mean depth of the sampled points below it.
fn mean_depths(tree: &Tree, means: &mut Vec<f64>) {
    let nodes = 2 << tree.height();
    means.clear();
    means.resize(nodes, 0.0);
    for at in (Tree::ROOT..nodes).rev().filter(|&at| tree.points(at) > 0) {
        means[at] = match tree.cut(at) {
            None => tree.depth(at),
            Some(_) => {
                let [left, right] = shares(tree, at);
                left * means[2 * at] + right * means[2 * at + 1]
            }
        };
    }
}

/// A point on its way down a tree.
struct Way<'a> {
    tree: &'a Tree,
    means: &'a [f64],
    point: &'a [f32],
}

impl Way<'_> {
    fn attribute(&self, root: usize, weight: f64, bits: &mut [f64]) {
        let mut at = root;
        while let Some(cut) = self.tree.cut(at) {
            let value = self.point[cut.feature as usize];
            if value.is_nan() {
                let [left, right] = shares(self.tree, at);
                self.attribute(2 * at, weight * left, bits);
                self.attribute(2 * at + 1, weight * right, bits);
                return;
            }
            let child = 2 * at + usize::from(value >= cut.threshold);
            bits[cut.feature as usize] += weight * (self.means[at] - self.means[child]);
            at = child;
        }
    }
}
