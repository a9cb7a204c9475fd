//! What the alert stage puts out: changes of alert clusters, and the decisions behind them.

use serde::{Deserialize, Serialize};

use crate::anomaly::{AnomalyKind, Evidence, Severity};
use crate::time::Timestamp;

use super::decision::{Decision, Reason};

/// One output of the alert stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "most are decisions, and a box for each costs more")]
pub enum AlertOutput {
    /// An alert cluster changed.
    Change(Box<AlertChange>),
    /// Something was sent, merged or suppressed.
    Decision(Decision),
}

/// Where an alert cluster stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Evidence is being gathered; nothing was sent.
    Pending,
    /// Sent for the first time.
    Open,
    /// Sent again since it changed.
    Updated,
    /// Somebody has it in hand.
    Acknowledged,
    /// Quiet again.
    Resolved,
    /// Back after its end.
    Reopened,
}

impl AlertState {
    /// Every state that is sent, in the order of the enumeration.
    pub const SENT: [Self; 5] =
        [Self::Open, Self::Updated, Self::Acknowledged, Self::Resolved, Self::Reopened];

    /// Returns the name that events use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::Updated => "updated",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
        }
    }
}

/// An alert cluster at one of its changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertChange {
    /// The same whichever replica, run or replay made it.
    pub id: String,
    /// What it changed to.
    pub state: AlertState,
    /// Event time of the change.
    pub at: Timestamp,
    /// Why it is sent now.
    pub reason: Reason,
    /// Severity of the cluster as a whole.
    pub severity: Severity,
    /// What happened, in one line.
    pub title: String,
    /// What happened, where, since when, how unusual it is and what else, in a few sentences.
    pub summary: String,
    /// Event time of the first evidence.
    pub started_at: Timestamp,
    /// Event time of the last anomaly.
    pub updated_at: Timestamp,
    /// Event time at which it was over.
    pub ended_at: Option<Timestamp>,
    /// Services, the probable origin first.
    pub services: Vec<String>,
    /// Hosts, capped.
    pub hosts: Vec<String>,
    /// Number of anomalies in it.
    pub anomaly_count: u64,
    /// Number of alerts of other systems in it, repetitions too.
    pub external_count: u64,
    /// The critical alerts of other systems in it, each once, in order; the first hundred.
    pub critical: Vec<String>,
    /// Whether alerts of other systems are all there is: no log tells of it.
    pub lacks_logs: bool,
    /// The alert that was active where this began, and is not held to have the same cause.
    pub follows: Option<String>,
    /// Who has it in hand.
    pub acknowledged_by: Option<String>,
    /// Ids of the first anomalies and alerts of other systems, capped.
    pub members: Vec<String>,
    /// The few lines that tell the story, in order of time.
    pub evidence: Vec<EvidenceLine>,
    /// The text by which a pager joins trigger and resolve.
    pub dedup_key: String,
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// Anomaly or alert of another system that brought it.
    pub id: String,
    /// What is unusual about it.
    pub kind: EvidenceKind,
    /// Event time: of the record, else of what brought it.
    pub at: Timestamp,
    /// How much it matters by itself.
    pub severity: Severity,
    /// Service that wrote it.
    pub service: String,
    /// The sentence of the anomaly, or what the other system says.
    pub reason: String,
    /// The record.
    pub line: Option<Evidence>,
    /// Where the other system says more.
    pub url: Option<String>,
}

/// What a line of the story comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EvidenceKind {
    /// An anomaly of this kind.
    Anomaly(AnomalyKind),
    /// An alert of another system.
    External,
}

impl EvidenceKind {
    /// Returns the name that events use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anomaly(kind) => kind.as_str(),
            Self::External => "external",
        }
    }
}
