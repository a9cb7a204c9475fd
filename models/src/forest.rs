//! An isolation forest as a linfa algorithm.
//!
//! Points that are few and different are separated from the rest by few random cuts, so the mean
//! depth at which random trees isolate a point tells how unusual it is.
//! The forest knows nothing of logs, windows or time: it is given rows of numbers, in which `NaN`
//! means missing.
//!
//! Invariants: a tree is a function of the rows, the parameters and its number, of nothing else,
//! so forests may be grown in parts and trees replaced one by one.
//! Values are taken in single precision, as in scikit-learn: what differs by less is the same.
//!
//! Sources: Liu, Ting, Zhou, "Isolation Forest", ICDM 2008, and "Isolation-Based Anomaly
//! Detection", TKDD 2012. [`Flavour::Plain`] is the algorithm of 2008.
//!
//! ```
//! use linfa::{DatasetBase, traits::{Fit, Predict}};
//! use logwake_models::forest::IsolationForest;
//! use ndarray::Array2;
//!
//! let mut rows = Array2::from_shape_fn((200, 2), |(i, j)| ((i * (7 + j)) % 13) as f64);
//! rows[[3, 1]] = 400.0;
//! let forest = IsolationForest::params().seed(1).fit(&DatasetBase::from(rows.clone()))?;
//! let scores = forest.predict(&rows);
//! assert!(scores.iter().all(|&score| score <= scores[3]));
//! # Ok::<(), logwake_models::forest::ForestError>(())
//! ```

mod contest;
mod explain;
mod fit;
mod grow;
mod params;
mod saved;
mod score;
mod tree;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod oracle;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub use params::{Flavour, ForestError, IsolationForestParams, IsolationForestValidParams};

use serde::{Deserialize, Serialize};

use tree::Tree;

/// A fitted isolation forest.
///
/// Scores lie in (0, 1], higher is more anomalous, and a point as deep as the average scores 0.5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "saved::SavedForest", into = "saved::SavedForest")]
pub struct IsolationForest {
    features: usize,
    /// Number of the next tree; the one with number `n` stands at `n` modulo the trees.
    next: u64,
    trees: Vec<Tree>,
}

impl IsolationForest {
    /// Starts a set of parameters with their defaults.
    pub fn params() -> IsolationForestParams {
        IsolationForestParams::default()
    }

    /// Returns the number of columns that it was fitted on.
    pub fn n_features(&self) -> usize {
        self.features
    }

    /// Returns the number of trees.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }
}
