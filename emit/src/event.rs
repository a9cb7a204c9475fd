//! Events as the world reads them: one line of JSON, ECS names where ECS has one, the rest under
//! `logwake`.
//!
//! Every event can be read back into the type that wrote it; unknown keys are passed over, so that
//! what a later version or a collector has added does no harm.
//! Keys stand in the order of the fields, so equal facts give equal bytes.
//! It does not know where an event goes.
//!
//! Source: Elastic Common Schema 9.0; the shapes are held by `docs/schema/*.schema.json`.

mod alert;
mod anomaly;
mod deadletter;
mod decision;
mod exemplar;
mod external;
#[cfg(test)]
mod largest;
mod number;
mod time;

use logwake_detector::anomaly::Severity;
use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

pub use alert::{AlertBody, AlertEvent, AlertLogwake, StoryLine, alert_json};
pub use anomaly::{
    AnomalyBody, AnomalyEvent, Contribution, Log, LogRecord, TemplateBody, Window, anomaly_json,
};
pub use deadletter::{DeadLetter, dead_letter_headers, undelivered_headers};
pub use decision::{DecisionBody, DecisionEvent, DecisionLogwake, decision_json};
pub use exemplar::{ExemplarBody, Position};
pub use external::{
    External, ExternalAlertBody, ExternalBody, ExternalEvent, ExternalLogwake, SilenceBody,
    external_json,
};

/// Version of the Elastic Common Schema that the events follow.
pub const ECS_VERSION: &str = "9.0.0";

/// Value of `event.module`.
pub const MODULE: &str = "logwake";

/// The `ecs` object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ecs {
    /// Version of the schema.
    pub version: String,
}

impl Default for Ecs {
    fn default() -> Self {
        Self { version: ECS_VERSION.to_owned() }
    }
}

/// The `event` object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventBody {
    /// `alert` for anomalies and alerts, `event` for decisions.
    pub kind: String,
    /// Deterministic id of the event.
    pub id: String,
    /// `logwake.anomaly`, `logwake.alert` or `logwake.decision`.
    pub dataset: String,
    /// `logwake`.
    pub module: String,
    /// One sentence that a person can act on.
    pub reason: String,
    /// From 0 to 100, higher is graver; decisions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// Start of the window of an anomaly, first evidence of an alert.
    #[serde(default, with = "time::option", skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// End of the window of an anomaly, end of an alert that is over.
    #[serde(default, with = "time::option", skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
}

/// Anything of which ECS wants the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The name.
    pub name: String,
}

impl Named {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}

/// Returns the number of a severity in `event.severity`, from 0 to 100.
///
/// The values are those that Elastic's detection rules give to low, medium, high and critical.
pub const fn severity_number(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 21,
        Severity::Warning => 47,
        Severity::Error => 73,
        Severity::Critical => 99,
    }
}

/// Writes an instant as events do.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time::text(time)
}

fn one_line<T: Serialize>(event: &T) -> Vec<u8> {
    serde_json::to_vec(event).expect("events have text keys and no failing serializer")
}

#[cfg(test)]
mod tests;
