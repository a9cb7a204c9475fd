//! Digests: what the budget does not reach for, in one message that grows and ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alert::Reason;
use crate::anomaly::Severity;
use crate::time::Timestamp;

/// Why alerts are in a digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestKind {
    /// There were more than a minute has requests for.
    #[default]
    Storm,
    /// Their services have spent their pages of the week.
    Week,
}

/// What is held back by a spent budget, in one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// Why they are in it.
    pub kind: DigestKind,
    /// Its id, by which a pager joins its trigger and resolve.
    pub id: String,
    /// How often it was sent before.
    pub revision: u64,
    /// Wall time at which it was begun.
    pub began: Timestamp,
    /// Alerts in it that are still open.
    pub open: BTreeMap<String, DigestLine>,
    /// Alerts that were ever in it.
    pub total: u64,
}

/// One alert of a digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigestLine {
    /// Severity.
    pub severity: Severity,
    /// The service that it probably began in.
    pub service: String,
    /// Title, empty beyond the first two hundred.
    pub title: String,
}

impl Digest {
    /// Names this digest at this revision.
    pub fn change(&self) -> String {
        format!("{}-{}", self.id, self.revision)
    }
}

impl DigestKind {
    /// Returns why an alert was merged into a digest of this kind.
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::Storm => Reason::InDigest,
            Self::Week => Reason::WeekSpent,
        }
    }
}
