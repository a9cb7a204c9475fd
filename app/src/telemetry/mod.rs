//! What Logwake says of itself: metrics, logs, and spans of its commits.
//!
//! **No label of a metric is taken from log text**: labels are stages, kinds, reasons and the names
//! of topics.
//! **A dead collector never blocks**: spans wait in a bounded queue and are dropped when it is full.

#![allow(unreachable_pub, reason = "`pub` marks what a module offers; the program is one crate")]

mod exposition;
mod held;
mod http;
mod instruments;
mod logs;
mod metrics;
mod sinks;
mod trace;

use std::time::Duration;

pub use exposition::Exposition;
pub use logs::init_logs;
pub use metrics::{CatalogueCounts, Metrics};
pub use trace::Tracer;

/// One of the stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Records to tallies.
    Tally,
    /// Tallies to anomalies.
    Detect,
    /// Anomalies to alerts.
    Alert,
    /// Alerts to sinks.
    Notify,
    /// What comes from elsewhere to the alert stage.
    Intake,
}

/// What became of an alert of another system, or of a request that none was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntakeResult {
    /// It is durable.
    Accepted,
    /// It can never be accepted.
    Invalid,
    /// Its sender may not send.
    Refused,
    /// Its sender has sent too many.
    Limited,
    /// The request is too large.
    TooLarge,
    /// The brokers did not take it; it is sent again.
    NotKept,
    /// Its sender left it out of a notification that would have grown too long.
    Truncated,
    /// It is one of Logwake's own that came back, and is passed over.
    Own,
}

/// What came of a request to a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationOutcome {
    /// The sink has it.
    Delivered,
    /// The sink did not answer, or not as it should; it is tried again.
    Failed,
    /// The sink took too many.
    TooMany,
    /// The sink will never take it.
    Refused,
}

/// Why a connection was closed that its peer would have kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The head of a request did not arrive in time.
    HeaderTimeout,
    /// The body did not.
    BodyTimeout,
    /// The answer was not taken in time.
    WriteTimeout,
    /// No request came.
    Idle,
    /// A new one needed its place.
    Limit,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Results and positions are written.
    Committed,
    /// It was undone and its inputs are read again.
    Aborted,
    /// It failed and the stage starts afresh.
    Failed,
}

/// One commit of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The stage.
    pub stage: Stage,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// Payloads that it covers.
    pub inputs: u64,
    /// Payloads that it wrote.
    pub outputs: u64,
}

impl Stage {
    /// Every stage, in the order of the stream, and the one beside it.
    pub const ALL: [Self; 5] = [Self::Tally, Self::Detect, Self::Alert, Self::Notify, Self::Intake];

    /// Returns the name that metrics and the page use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tally => "tally",
            Self::Detect => "detect",
            Self::Alert => "alert",
            Self::Notify => "notify",
            Self::Intake => "intake",
        }
    }
}

impl IntakeResult {
    /// Every result.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Invalid,
        Self::Refused,
        Self::Limited,
        Self::TooLarge,
        Self::NotKept,
        Self::Truncated,
        Self::Own,
    ];

    /// Returns the name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Invalid => "invalid",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::TooLarge => "too_large",
            Self::NotKept => "not_kept",
            Self::Truncated => "truncated",
            Self::Own => "own",
        }
    }
}

impl Closed {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::HeaderTimeout, Self::BodyTimeout, Self::WriteTimeout, Self::Idle, Self::Limit];

    /// Returns the name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HeaderTimeout => "header_timeout",
            Self::BodyTimeout => "body_timeout",
            Self::WriteTimeout => "write_timeout",
            Self::Idle => "idle",
            Self::Limit => "limit",
        }
    }
}

impl NotificationOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::TooMany, Self::Refused];

    /// Returns the name that metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::TooMany => "too_many",
            Self::Refused => "refused",
        }
    }
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Committed, Self::Aborted, Self::Failed];

    /// Returns the name that metrics and the page use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests;
