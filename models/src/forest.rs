//! An isolation forest as a linfa algorithm.
//!
//! Points that are few and different are separated from the rest by few random cuts, so the mean
//! depth at which random trees isolate a point tells how unusual it is.
//! The forest knows nothing of logs, windows or time: it is given rows of numbers, in which `NaN`
//! means missing.
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

mod explain;
mod grow;
mod params;
mod score;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod oracle;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub use params::{Flavour, ForestError, IsolationForestParams, IsolationForestValidParams};

use serde::{Deserialize, Serialize};

/// A fitted isolation forest: all trees in one arena.
///
/// Scores lie in (0, 1], higher is more anomalous, and a point as deep as the average scores 0.5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsolationForest {
    features: usize,
    normalizer: f64,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    summaries: Vec<Summary>,
}

/// Where one tree lies in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Tree {
    root: u32,
    /// Splits on the longest way from the root to a leaf.
    height: u32,
}

/// What is read on the way down.
///
/// A leaf points at itself and has the greatest finite threshold, so that a walk of `height` steps
/// needs no test for leaves: it stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Node {
    /// Values below it go left, all others right.
    threshold: f64,
    feature: u32,
    /// The left child; the right one follows it.
    left: u32,
}

/// What is read at the end of the way, and for missing values and explanations on it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Summary {
    /// Of a leaf its adjusted depth, of any other node the mean over the sampled points below it.
    depth: f64,
    /// Sampled points that came here.
    points: u32,
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

    fn is_leaf(&self, at: u32) -> bool {
        self.nodes[at as usize].left == at
    }
}
