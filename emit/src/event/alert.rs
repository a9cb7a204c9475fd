//! The event of one change of an alert cluster, dataset `logwake.alert`.
//!
//! An alert keeps one id through all its changes; `event.id` names the single change.

use logwake_detector::alert::{AlertChange, AlertState, EvidenceKind, EvidenceLine, Reason};
use logwake_detector::anomaly::{Severity, id_of};
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
    /// What happened, where, since when, how unusual it is and what else, in a few sentences.
    pub summary: String,
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
    /// Number of alerts of other systems in it, repetitions too.
    pub external_count: u64,
    /// The critical alerts of other systems in it, each once, in order; the first hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub critical: Vec<String>,
    /// Whether no log tells of it: alerts of other systems are all there is.
    pub lacks_logs: bool,
    /// The alert that was open there when this began, where it is held to be another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// Who has it in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    /// Ids of the first anomalies and alerts of other systems that were news, capped.
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
    /// Anomaly that brought it, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<String>,
    /// Alert of another system that brought it, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// Service that it is about.
    pub service: String,
    /// The kind of the anomaly, or `external`.
    pub kind: String,
    /// How much it matters by itself.
    pub severity: Severity,
    /// The sentence of the anomaly, or what the other system says.
    pub reason: String,
    /// Since when the other system says so.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "super::time::option")]
    pub since: Option<Timestamp>,
    /// Where the other system says more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
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
            summary: change.summary.clone(),
            started_at: change.started_at,
            updated_at: change.updated_at,
            ended_at: change.ended_at,
            services: change.services.clone(),
            hosts: change.hosts.clone(),
            anomaly_count: change.anomaly_count,
            external_count: change.external_count,
            critical: change.critical.clone(),
            lacks_logs: change.lacks_logs,
            follows: change.follows.clone(),
            acknowledged_by: change.acknowledged_by.clone(),
            members: change.members.clone(),
            evidence: change.evidence.iter().map(StoryLine::from).collect(),
            dedup_key: change.dedup_key.clone(),
            reason: change.reason,
        }
    }
}

impl From<&EvidenceLine> for StoryLine {
    fn from(line: &EvidenceLine) -> Self {
        let is_external = line.kind == EvidenceKind::External;
        let id = || line.id.clone();
        Self {
            anomaly: (!is_external).then(id),
            external: is_external.then(id),
            service: line.service.clone(),
            kind: line.kind.as_str().to_owned(),
            severity: line.severity,
            reason: line.reason.clone(),
            since: is_external.then_some(line.at),
            url: line.url.clone(),
            exemplar: line.line.as_ref().map(ExemplarBody::from),
        }
    }
}

fn change_id(change: &AlertChange) -> String {
    let at = change.at.as_nanos().to_string();
    let count = change.anomaly_count.to_string();
    let mut parts = vec![&*change.id, change.state.as_str(), change.reason.as_str(), &at, &count];
    let external = change.external_count.to_string();
    if change.external_count > 0 {
        parts.push(&external);
    }
    id_of("c", &parts)
}

fn sentence(change: &AlertChange) -> String {
    let verb = match change.state {
        AlertState::Pending => "pending",
        AlertState::Open => "opened",
        AlertState::Updated => "updated",
        AlertState::Acknowledged => "acknowledged",
        AlertState::Resolved => "resolved",
        AlertState::Reopened => "reopened",
    };
    format!("{}; {verb} because {}", change.title, change.reason.explain())
}
