//! The one place where the detect stage calls the forest as a linfa algorithm.

use linfa::DatasetBase;
use linfa::traits::Fit;
use logwake_models::forest::IsolationForest;
use ndarray::Array2;

/// Rows a tree is grown on, as in the paper.
const SAMPLE: usize = 256;

/// Fits a forest on rows of shape `[n_windows, n_features]`; `None` where they cannot be fitted.
pub(super) fn fit(rows: &Array2<f64>, seed: u64) -> Option<IsolationForest> {
    let sample = rows.nrows().min(SAMPLE);
    IsolationForest::params().sample(sample).seed(seed).fit(&DatasetBase::from(rows.view())).ok()
}
