//! How alerts are made: what the machine is told once.

use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// How alerts are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlertSettings {
    /// Weight of evidence at which a cluster is sent.
    pub open_weight: f64,
    /// Event time within which anomalies of different services belong together.
    pub join_gap: Duration,
    /// Quiet event time after which a cluster resolves.
    pub resolve_after: Duration,
    /// Shortest event time between updates that bring only more of the same.
    pub update_every: Duration,
    /// Active clusters at most.
    pub clusters_max: usize,
    /// Time after which an alert of another system is held to be over, where it states no end and
    /// is not told again.
    pub forget_after: Duration,
    /// Longest time for which what keeps coming back holds its alert open.
    pub hold_max: Duration,
    /// Times that an alert of another system must come before it counts.
    pub count_min: u32,
    /// Time that an alert of another system must last before it counts.
    pub duration_min: Duration,
    /// Pages a day beyond which what comes back must have been away for longer.
    pub pages_a_day: f64,
}

impl AlertSettings {
    /// What holds where nothing is configured.
    pub const DEFAULT: Self = Self {
        open_weight: 3.0,
        join_gap: MINUTE,
        resolve_after: Duration::from_secs(120),
        update_every: MINUTE,
        clusters_max: 1_000,
        forget_after: DAY,
        hold_max: DAY,
        count_min: 1,
        duration_min: Duration::ZERO,
        pages_a_day: 24.0,
    };
}

impl Default for AlertSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
