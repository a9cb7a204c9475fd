//! What is told of a series: how it deviates, by how much, over what stretch; and what that takes.

use std::time::Duration;

use logwake_models::rate::{Due, Verdict};
use serde::{Deserialize, Serialize};

use super::GONE_MAX;

/// Which way a count deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// More than the baseline allows.
    Up,
    /// Fewer.
    Down,
    /// None at all where there were always some.
    Gone,
    /// What was missed by the clock has come.
    Back,
}

/// A deviation worth stating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// Which way.
    pub direction: Direction,
    /// What the baseline says.
    pub verdict: Verdict,
    /// Probability of something at least as extreme.
    pub p_value: f64,
    /// Records that were judged.
    pub count: u64,
    /// What they came in.
    pub stretch: Stretch,
    /// How many windows in a row it has lasted, this one included.
    pub windows: u32,
    /// Whether it was stated before and lasts.
    pub is_repeat: bool,
    /// When it was due, where it comes by the clock and did not.
    pub missed: Option<Missed>,
}

/// What a count was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// A window.
    Window,
    /// The first part of a window, which is still open.
    Part(Duration),
    /// So many windows, up to this one.
    Windows(u32),
}

impl Stretch {
    /// Returns how many windows before the one that is judged it holds.
    pub fn windows_before(self) -> u32 {
        match self {
            Self::Window | Self::Part(_) => 0,
            Self::Windows(windows) => windows.saturating_sub(1),
        }
    }
}

/// Something that comes by the clock and did not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Missed {
    /// When it was due and when it last came.
    pub due: Due,
    /// Time since it last came.
    pub away: Duration,
    /// Time since it was due.
    pub late: Duration,
}

impl Missed {
    pub(super) fn new(due: Due, secs: u64) -> Self {
        let [away, late] =
            [due.last, due.due].map(|then| Duration::from_secs(secs.saturating_sub(then)));
        Self { due, away, late }
    }

    /// Returns how long it is awaited: three times the interval at which it comes, a day at least.
    pub fn patience(&self) -> Duration {
        GONE_MAX.max(Duration::from_secs(self.due.due - self.due.last) * 3)
    }
}

/// How extreme and how large a deviation must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Greatest p-value that counts.
    pub p_value_max: f64,
    /// Smallest ratio to what is typical.
    pub ratio_min: f64,
    /// Smallest difference to what is typical, in records.
    pub records_min: f64,
    /// Whether a few windows are judged together where one alone shows nothing.
    pub is_patient: bool,
}
