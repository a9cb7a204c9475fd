//! What a series remembers of a deviation: what was normal before it, when it was told, what was
//! expected when it stopped.

use logwake_models::rate::{Regime, Verdict};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

use super::deviation::Direction;

/// A norm of fewer records a window has empty windows: one in twenty, were they Poisson.
pub(super) const NORM_EMPTY: f64 = 3.0;

/// How long a norm is kept after the last deviation, windows: half an hour at ten seconds.
pub(super) const NORM_WINDOWS: u16 = 180;

/// What was normal before a series began to deviate; to come back to it is no anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Norm {
    pub(super) mean: f64,
    pub(super) windows_left: u16,
}

impl Norm {
    /// Tells whether a count of some windows is within a factor of two of the norm, and what chance
    /// adds; nothing at all is normal only where there often was nothing.
    pub(super) fn admits(&self, count: u64, windows: u32) -> bool {
        let mean = self.mean * f64::from(windows);
        if count == 0 && mean >= NORM_EMPTY {
            return false;
        }
        let (seen, chance) = (count as f64, 3.0 * mean.sqrt());
        seen >= mean / 2.0 - chance && seen <= mean * 2.0 + chance
    }
}

/// What was stated last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stated {
    pub(super) direction: Direction,
    pub(super) at: Timestamp,
    /// How often, without a pause of more than twice `REPEAT_AFTER`.
    pub(super) times: u32,
}

/// What was expected of a series when it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) since: Timestamp,
    pub(super) typical: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) p_value: f64,
}

impl Gone {
    pub(super) fn new(since: Timestamp, verdict: &Verdict, p_value: f64) -> Self {
        let Verdict { typical, lower, upper, .. } = *verdict;
        Self { since, typical, lower, upper, p_value }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let Self { typical, lower, upper, p_value, .. } = *self;
        let regime = Regime::Stopped;
        Verdict { regime, typical, lower, upper, p_upper: 1.0, p_lower: p_value }
    }
}
