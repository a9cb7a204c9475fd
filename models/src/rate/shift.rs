//! A change of level that persists.
//!
//! A window that the baseline finds extreme calls up a challenger, which starts from that window
//! alone. The two predict each further window, and the sum of their log-likelihood ratios is the
//! evidence (a sequential probability ratio test, Wald 1945, with an estimated alternative). Below
//! zero the challenger is dismissed and its windows were a passing burst; with enough evidence over
//! enough windows it becomes the baseline.

use serde::{Deserialize, Serialize};

/// The level of a baseline changed for good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LevelShift {
    /// Mean count of a window before.
    pub from: f64,
    /// Mean count of a window since.
    pub to: f64,
    /// Windows since the change.
    pub windows: u64,
}

/// Odds of 10,000 to 1.
const EVIDENCE_MIN: f32 = 9.2;
/// No single window may carry more than this.
const STEP_MAX: f64 = 4.0;

/// The level that began with an extreme window, if there is one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Challenger {
    /// Windows since the change; 0 while there is no challenger.
    pub(super) windows: u16,
    pub(super) first: f32,
    pub(super) sum: f32,
    evidence: f32,
}

/// What became of the challenger.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Undecided,
    Dismissed,
    Adopted,
}

impl Challenger {
    pub(super) fn start(count: f64) -> Self {
        Self { windows: 1, first: count as f32, sum: count as f32, evidence: 0.0 }
    }

    pub(super) fn is_active(&self) -> bool {
        self.windows > 0
    }

    /// Returns its mean count of a window, kept from zero.
    pub(super) fn mean(&self) -> f64 {
        (f64::from(self.sum) + 0.5) / (f64::from(self.windows) + 0.5)
    }

    /// Weighs a count by the logarithms of its probability for challenger and baseline.
    pub(super) fn weigh(&mut self, count: f64, ln_ratio: f64, windows_min: u16) -> Outcome {
        self.evidence += ln_ratio.clamp(-STEP_MAX, STEP_MAX) as f32;
        if self.evidence < 0.0 {
            return Outcome::Dismissed;
        }
        self.sum += count as f32;
        self.windows = self.windows.saturating_add(1);
        if self.windows >= windows_min && self.evidence > EVIDENCE_MIN {
            Outcome::Adopted
        } else {
            Outcome::Undecided
        }
    }
}
