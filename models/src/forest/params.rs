//! Parameters of the forest, unchecked and checked, and what can be wrong with them.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Most points that a tree is grown on.
pub(super) const SAMPLE_MAX: usize = 1 << 16;

/// Most features that a forest has.
pub(super) const FEATURES_MAX: usize = 1 << 16;

/// How the trees choose their cuts and what a leaf is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flavour {
    /// Liu, Ting and Zhou 2008: feature and threshold uniform. The fastest to fit.
    Plain,
    /// The best of a few such cuts, by how much narrower the sides are than the whole: the pooled
    /// gain of Liu, Ting and Zhou, "On Detecting Clustered Anomalies Using SCiForest", ECML 2010,
    /// along the axes. Finds anomalies that hide among many uninformative features.
    /// Unlike there, a cut that leaves one value on each side gains nothing, or features with two
    /// values would win every contest.
    Gain,
}

/// Why a forest could not be fitted.
#[derive(Debug, Error)]
pub enum ForestError {
    /// There must be a tree.
    #[error("forest has 0 trees, at least 1 is needed")]
    NoTrees,
    /// Two points are the least that can be told apart.
    #[error("trees sample {0} points, at least 2 are needed")]
    SampleTooSmall(usize),
    /// A tree of so many points would be deep and no better.
    #[error("trees sample {0} points, at most {SAMPLE_MAX} are taken")]
    SampleTooLarge(usize),
    /// A feature has 16 bits.
    #[error("records have {0} columns, at most {FEATURES_MAX} are taken")]
    TooManyFeatures(usize),
    /// There is nothing to learn from.
    #[error("records have {rows} rows and {columns} columns, at least 1 of each is needed")]
    Empty {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
    },
    /// Trees of other features cannot stand beside those there are.
    #[error("records have {rows} rows and {columns} columns, the forest has {features} features")]
    OtherColumns {
        /// Rows given.
        rows: usize,
        /// Columns given.
        columns: usize,
        /// Features of the forest.
        features: usize,
    },
    /// What was read back is none that was written.
    #[error("stored nodes make no forest")]
    Corrupt,
    /// linfa refused.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}

/// Parameters that were checked: see [`IsolationForestParams`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsolationForestValidParams {
    pub(super) trees: usize,
    pub(super) sample: usize,
    pub(super) first: u64,
    pub(super) seed: u64,
    pub(super) flavour: Flavour,
}

impl IsolationForestValidParams {
    /// Returns the number of trees.
    pub fn trees(&self) -> usize {
        self.trees
    }

    /// Returns the number of points drawn for each tree.
    pub fn sample(&self) -> usize {
        self.sample
    }

    /// Splits a fit into up to `count` of which each grows some of the trees: appended one after the
    /// other ([`append`](super::IsolationForest::append)), they are the forest of one fit.
    pub fn parts(&self, count: usize) -> Vec<Self> {
        let share = self.trees.div_ceil(count.max(1));
        let firsts = (0..self.trees).step_by(share);
        let part = |first: usize| Self {
            first: self.first + first as u64,
            trees: share.min(self.trees - first),
            ..self.clone()
        };
        firsts.map(part).collect()
    }

    /// Returns the seed of all randomness.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// Parameters of an isolation forest, not yet checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IsolationForestParams(IsolationForestValidParams);

impl Default for IsolationForestParams {
    /// 100 trees of 256 points, the values of the paper, with cuts by gain.
    fn default() -> Self {
        Self(IsolationForestValidParams {
            trees: 100,
            sample: 256,
            first: 0,
            seed: 0,
            flavour: Flavour::Gain,
        })
    }
}

impl IsolationForestParams {
    /// Sets the number of trees.
    pub fn trees(mut self, trees: usize) -> Self {
        self.0.trees = trees;
        self
    }

    /// Sets how many points are drawn for each tree, without replacement; at most all rows are.
    pub fn sample(mut self, sample: usize) -> Self {
        self.0.sample = sample;
        self
    }

    /// Sets the seed of all randomness: the same seed, parameters and rows give the same forest.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Sets how cuts are chosen and leaves valued.
    pub fn flavour(mut self, flavour: Flavour) -> Self {
        self.0.flavour = flavour;
        self
    }
}

impl ParamGuard for IsolationForestParams {
    type Checked = IsolationForestValidParams;
    type Error = ForestError;

    fn check_ref(&self) -> Result<&Self::Checked, ForestError> {
        let IsolationForestValidParams { trees, sample, .. } = self.0;
        if trees == 0 {
            return Err(ForestError::NoTrees);
        }
        if sample < 2 {
            return Err(ForestError::SampleTooSmall(sample));
        }
        if sample > SAMPLE_MAX {
            return Err(ForestError::SampleTooLarge(sample));
        }
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked, ForestError> {
        self.check_ref()?;
        Ok(self.0)
    }
}
