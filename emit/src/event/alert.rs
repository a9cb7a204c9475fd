//! The event of one change of an alert cluster, dataset `logwake.alert`.
//!
//! An alert keeps one id through all its changes; `event.id` names the single change.

use logwake_detector::alert::{AlertChange, AlertState, EvidenceLine, Reason};
use logwake_detector::anomaly::{AnomalyKind, Severity, id_of};
use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ecs, EventBody, ExemplarBody, MODULE, Named, one_line, severity_number};

/// Value of `event.dataset`.
const DATASET: &str = "logwake.alert";

/// Renders a change of an alert as one line of JSON, without a line feed.
pub fn alert_json(change: &AlertChange) -> Vec<u8> {
    one_line(&AlertEvent::from(change))
}

/// A change of an alert as an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// Event time of the change.
    #[serde(rename = "@timestamp", with = "super::time")]
    pub timestamp: Timestamp,
    /// Version of ECS.
    pub ecs: Ecs,
    /// What ECS says about any event.
    pub event: EventBody,
    /// The title.
    pub message: String,
    /// The service that it probably began in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Named>,
    /// The host, where there is exactly one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Named>,
    /// What ECS has no name for.
    pub logwake: AlertLogwake,
}

/// The `logwake` object of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertLogwake {
    /// The alert.
    pub alert: AlertBody,
}

/// An alert cluster at one of its changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertBody {
    /// The same whichever replica, run or replay made it.
    pub id: String,
    /// What it changed to.
    pub state: AlertState,
    /// Severity of the cluster as a whole.
    pub severity: Severity,
    /// What happened, in one line.
    pub title: String,
    /// Event time of the first evidence.
    #[serde(with = "super::time")]
    pub started_at: Timestamp,
    /// Event time of the last anomaly.
    #[serde(with = "super::time")]
    pub updated_at: Timestamp,
    /// Event time at which it was over, `null` while it is not.
    #[serde(with = "super::time::option")]
    pub ended_at: Option<Timestamp>,
    /// Services, the probable origin first.
    pub services: Vec<String>,
    /// Hosts, capped.
    pub hosts: Vec<String>,
    /// Number of anomalies in it.
    pub anomaly_count: u64,
    /// Number of alerts of other systems in it.
    pub external_count: u64,
    /// Ids of the first anomalies, capped; `anomaly_count` is the full count.
    pub members: Vec<String>,
    /// The few lines that tell the story, in order of time.
    pub evidence: Vec<StoryLine>,
    /// The text by which a pager joins trigger and resolve.
    pub dedup_key: String,
    /// Why it is sent now.
    pub reason: Reason,
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryLine {
    /// Anomaly that brought it.
    pub anomaly: String,
    /// Service that it is about.
    pub service: String,
    /// What is unusual about it.
    pub kind: AnomalyKind,
    /// How much it matters by itself.
    pub severity: Severity,
    /// The sentence of the anomaly.
    pub reason: String,
    /// The record, its keys beside the others; absent where nothing was written, as in a silence.
    #[serde(flatten)]
    pub exemplar: Option<ExemplarBody>,
}

impl From<&AlertChange> for AlertEvent {
    fn from(change: &AlertChange) -> Self {
        let host = match change.hosts.as_slice() {
            [host] => Some(Named::new(host)),
            _ => None,
        };
        Self {
            timestamp: change.at,
            ecs: Ecs::default(),
            event: EventBody::from(change),
            message: change.title.clone(),
            service: change.services.first().map(|service| Named::new(service)),
            host,
            logwake: AlertLogwake { alert: AlertBody::from(change) },
        }
    }
}

impl From<&AlertChange> for EventBody {
    fn from(change: &AlertChange) -> Self {
        Self {
            kind: "alert".to_owned(),
            id: change_id(change),
            dataset: DATASET.to_owned(),
            module: MODULE.to_owned(),
            reason: sentence(change),
            severity: Some(severity_number(change.severity)),
            start: Some(change.started_at),
            end: change.ended_at,
        }
    }
}

impl From<&AlertChange> for AlertBody {
    fn from(change: &AlertChange) -> Self {
        Self {
            id: change.id.clone(),
            state: change.state,
            severity: change.severity,
            title: change.title.clone(),
            started_at: change.started_at,
            updated_at: change.updated_at,
            ended_at: change.ended_at,
            services: change.services.clone(),
            hosts: change.hosts.clone(),
            anomaly_count: change.anomaly_count,
            external_count: 0,
            members: change.members.clone(),
            evidence: change.evidence.iter().map(StoryLine::from).collect(),
            dedup_key: change.dedup_key.clone(),
            reason: change.reason,
        }
    }
}

impl From<&EvidenceLine> for StoryLine {
    fn from(line: &EvidenceLine) -> Self {
        Self {
            anomaly: line.anomaly.clone(),
            service: line.service.clone(),
            kind: line.kind,
            severity: line.severity,
            reason: line.reason.clone(),
            exemplar: line.line.as_ref().map(ExemplarBody::from),
        }
    }
}

fn change_id(change: &AlertChange) -> String {
    let at = change.at.as_nanos().to_string();
    let count = change.anomaly_count.to_string();
    id_of("c", &[&change.id, change.state.as_str(), change.reason.as_str(), &at, &count])
}

fn sentence(change: &AlertChange) -> String {
    let verb = match change.state {
        AlertState::Pending => "pending",
        AlertState::Open => "opened",
        AlertState::Updated => "updated",
        AlertState::Resolved => "resolved",
    };
    format!("{}; {verb} because {}", change.title, change.reason.explain())
}
