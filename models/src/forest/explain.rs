//! Which features made a point anomalous.
//!
//! Path attribution: at each cut on the way down, the mean depth of the sampled points changes
//! from that of the parent to that of the child, and the feature of the cut answers for the
//! change. The changes add up exactly, from the mean depth of the root to the depth of the leaf.
//! It is Saabas' attribution of random forests applied to depths, and costs one walk.

use super::IsolationForest;

impl IsolationForest {
    /// Returns per feature, `[n_features]`, by how many bits it raised the score: the sum is
    /// `log2(score_one(point)) - log2(score of the average sampled point)`, with the averages
    /// taken over depths.
    ///
    /// Negative where a feature makes the point look more normal. A missing value moves nothing by
    /// itself.
    ///
    /// # Panics
    /// If the point has another number of values than the forest has features.
    pub fn attributions(&self, point: &[f64]) -> Vec<f64> {
        assert_eq!(point.len(), self.features, "values of a point and features of the forest");
        let mut bits = vec![0.0; self.features];
        if self.normalizer > 0.0 {
            let weight = 1.0 / (self.trees.len() as f64 * self.normalizer);
            for tree in &self.trees {
                self.attribute(tree.root, point, weight, &mut bits);
            }
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

    fn attribute(&self, root: u32, point: &[f64], weight: f64, bits: &mut [f64]) {
        let mut at = root;
        while !self.is_leaf(at) {
            let node = &self.nodes[at as usize];
            let value = point[node.feature as usize];
            if value.is_nan() {
                let [left, right] = self.shares(node.left);
                self.attribute(node.left, point, weight * left, bits);
                self.attribute(node.left + 1, point, weight * right, bits);
                return;
            }
            let child = node.left + u32::from(value >= node.threshold);
            let gained = self.summaries[at as usize].depth - self.summaries[child as usize].depth;
            bits[node.feature as usize] += weight * gained;
            at = child;
        }
    }
}
