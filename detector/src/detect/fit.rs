//! The one place where the detect stage calls the forest as a linfa algorithm.

use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use logwake_models::forest::{IsolationForest, IsolationForestValidParams};
use ndarray::Array2;

/// Trees of a forest, as in the paper.
const TREES: usize = 100;
/// Rows that a tree is grown on, as there.
const SAMPLE: usize = 256;

/// Fits a forest on rows of shape `[n_windows, n_features]`; `None` where they cannot be fitted.
pub(super) fn fit(rows: &Array2<f64>, seed: u64) -> Option<IsolationForest> {
    params(seed)?.fit(&DatasetBase::from(rows.view())).ok()
}

/// Grows one in so many of the trees again, the oldest ones, on other rows.
pub(super) fn renew(forest: &mut IsolationForest, rows: &Array2<f64>, seed: u64, portions: usize) {
    if let Some(params) = params(seed) {
        // Refused for rows of other features: then the trees stay as they are.
        let _ = forest.renew(&params, rows, TREES / portions);
    }
}

fn params(seed: u64) -> Option<IsolationForestValidParams> {
    IsolationForest::params().trees(TREES).sample(SAMPLE).seed(seed).check().ok()
}
