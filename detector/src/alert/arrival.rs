//! What reaches the alert stage from elsewhere: alerts of other systems, and what people ask for.
//!
//! Arrivals stand in the same log as findings, one partition in one order, so that a restart and a
//! replay see them between the same findings.
//! Wall time enters with them: an empty one is a tick.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::anomaly::Severity;
use crate::detect::Findings;
use crate::time::Timestamp;

/// One input of the alert stage, as it stands in its log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AlertInput {
    /// What a shard of the detect stage found.
    Findings(Findings),
    /// What came from elsewhere.
    Arrivals(Arrivals),
}

/// What one source of arrivals brought in one commit interval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrivals {
    /// Where they were read: topic and partition.
    pub source: String,
    /// Number of these arrivals in their source, from 0, without gaps.
    pub seq: u64,
    /// Wall time at which they were handed on.
    pub wall: Timestamp,
    /// What arrived, in the order of the source.
    pub items: Vec<Arrival>,
    /// Maintenance that is on at `wall`, `None` where this source does not tell.
    pub maintenance: Option<Vec<Maintenance>>,
}

/// One arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arrival {
    /// Another system says that something is wrong, is looked at, or is over.
    Alert(Box<ExternalAlert>),
    /// Somebody silences what matches, or changes that.
    Silence(Silence),
    /// Somebody ends a silence.
    Unsilence {
        /// Id of the silence.
        id: String,
        /// When it was asked for.
        at: Timestamp,
    },
    /// Somebody has taken an alert cluster in hand.
    Acknowledge {
        /// Id of the alert cluster.
        alert: String,
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
    },
}

/// What an alert of another system says of its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExternalState {
    /// It is wrong.
    Trigger,
    /// Somebody looks at it there.
    Acknowledge,
    /// It is over.
    Resolve,
}

/// An alert of another system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalAlert {
    /// The same whenever the same record of a source is read.
    pub id: String,
    /// Name of the configured source that sent it.
    pub from: String,
    /// What identifies the condition at that source: its dedup key, or the hash of its labels.
    pub key: String,
    /// What it says.
    pub state: ExternalState,
    /// When it came, or its own time where that is believed.
    pub at: Timestamp,
    /// Since when the condition holds, as it says.
    pub started_at: Option<Timestamp>,
    /// When the condition is over unless it is told again.
    pub ends_at: Option<Timestamp>,
    /// What the alert is called, without values: `alertname`, the class, or the summary's template.
    pub name: String,
    /// What it says in a sentence.
    pub summary: String,
    /// How grave it says it is.
    pub severity: Option<Severity>,
    /// Service that it is about; empty where it names none.
    pub service: String,
    /// Host that it is about.
    pub host: Option<String>,
    /// Further labels and details, capped.
    pub labels: BTreeMap<String, String>,
    /// Where to read more.
    pub url: Option<String>,
}

/// What a silence or a maintenance window is about; what is not stated matches anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// Services, by name or with `*` for any part of it.
    pub services: Vec<String>,
    /// Hosts, in the same way.
    pub hosts: Vec<String>,
    /// Names of alerts or texts of templates, in the same way.
    pub names: Vec<String>,
}

/// A silence that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub scope: Scope,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when; there is none without an end.
    pub ends_at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub comment: String,
    /// The ticket that it goes with.
    pub ticket: Option<String>,
    /// Up to this severity it is accepted; what is graver is sent all the same.
    pub accepts: Severity,
    /// Occurrences an hour that are accepted; above it the silence ends.
    pub rate_max: Option<u32>,
}

/// A maintenance window that is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Its name in the configuration.
    pub name: String,
    /// What it is about.
    pub scope: Scope,
    /// When it is over.
    pub ends_at: Timestamp,
}
