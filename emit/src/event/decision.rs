//! The event of one decision, dataset `logwake.decision`: the ledger of what was sent, merged and
//! suppressed.
//!
//! `event.kind` is `event`: a decision is something that happened, not something to look into.

use logwake_detector::alert::{Action, AtSink, Decision, Reason};
use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::number::finite;
use super::{Ecs, EventBody, MODULE, one_line};

/// Value of `event.dataset`.
const DATASET: &str = "logwake.decision";

/// Renders a decision as one line of JSON, without a line feed.
pub fn decision_json(decision: &Decision) -> Vec<u8> {
    one_line(&DecisionEvent::from(decision))
}

/// A decision as an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionEvent {
    /// Event time.
    #[serde(rename = "@timestamp", with = "super::time")]
    pub timestamp: Timestamp,
    /// Version of ECS.
    pub ecs: Ecs,
    /// What ECS says about any event.
    pub event: EventBody,
    /// The sentence of `event.reason`.
    pub message: String,
    /// What ECS has no name for.
    pub logwake: DecisionLogwake,
}

/// The `logwake` object of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionLogwake {
    /// The decision.
    pub decision: DecisionBody,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionBody {
    /// What was done.
    pub action: Action,
    /// Why, from a closed list.
    pub reason: Reason,
    /// The reason in a clause.
    pub explanation: String,
    /// Id of the alert, empty where it concerns none.
    pub alert: String,
    /// Id of the anomaly, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<String>,
    /// Id of the alert of another system, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// Id of the silence, name of the maintenance window, behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mute: Option<String>,
    /// Weight of the evidence in the cluster afterwards; 0 where it is about a sink.
    pub weight: f64,
    /// Name of the sink, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// Id of the change of the alert, or the digest at one of its revisions, that the sink was or
    /// was not told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Id of the digest that it was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl From<&Decision> for DecisionEvent {
    fn from(decision: &Decision) -> Self {
        let reason = sentence(decision);
        Self {
            timestamp: decision.at,
            ecs: Ecs::default(),
            message: reason.clone(),
            event: EventBody {
                kind: "event".to_owned(),
                id: decision.id.clone(),
                dataset: DATASET.to_owned(),
                module: MODULE.to_owned(),
                reason,
                severity: None,
                start: None,
                end: None,
            },
            logwake: DecisionLogwake { decision: DecisionBody::from(decision) },
        }
    }
}

impl From<&Decision> for DecisionBody {
    fn from(decision: &Decision) -> Self {
        Self {
            action: decision.action,
            reason: decision.reason,
            explanation: decision.reason.explain().to_owned(),
            alert: decision.alert.clone(),
            anomaly: decision.anomaly.clone(),
            external: decision.external.clone(),
            mute: decision.mute.clone(),
            weight: finite(decision.weight),
            sink: decision.sink.as_ref().map(|sink| sink.name.clone()),
            change: decision.sink.as_ref().map(|sink| sink.change.clone()),
            digest: decision.sink.as_ref().and_then(|sink| sink.digest.clone()),
        }
    }
}

fn sentence(decision: &Decision) -> String {
    let (alert, why) = (&decision.alert, decision.reason.explain());
    if let Some(AtSink { name, digest, .. }) = &decision.sink {
        let done = match (decision.action, digest) {
            (Action::Send | Action::Deliver, _) => format!("{name} was sent {alert}"),
            (Action::Merge, Some(digest)) => format!("{alert} went into {digest} for {name}"),
            (Action::Merge, None) => format!("a state of {alert} was passed over for {name}"),
            (Action::Suppress, _) => format!("{name} was not sent {alert}"),
            (Action::Delay, _) => format!("{name} gets {alert} later"),
            (Action::Mute, _) => format!("{name} is silent about {alert}"),
        };
        return format!("{done}: {why}");
    }
    let alert = if alert.is_empty() { "nothing" } else { alert.as_str() };
    let mute = decision.mute.as_deref().unwrap_or_default();
    let about = decision.anomaly.as_ref().or(decision.external.as_ref());
    match (decision.action, about) {
        (Action::Merge, Some(about)) => format!("merged {about} into {alert} because {why}"),
        (Action::Merge, None) => format!("merged into {alert} because {why}"),
        (Action::Suppress, Some(about)) if !mute.is_empty() => {
            format!("suppressed {about} because {why} ({mute})")
        }
        (Action::Suppress, Some(about)) if decision.alert.is_empty() => {
            format!("suppressed {about} because {why}")
        }
        (Action::Suppress, Some(about)) => {
            format!("suppressed {about} of {alert} because {why}")
        }
        (Action::Suppress, None) => format!("suppressed {alert} because {why}"),
        (Action::Send | Action::Deliver, _) => format!("sent {alert} because {why}"),
        (Action::Delay, Some(about)) => format!("delayed {about} because {why}"),
        (Action::Delay, None) => format!("delayed {alert} because {why}"),
        (Action::Mute, _) => format!("silence {mute}: {why}"),
    }
}
