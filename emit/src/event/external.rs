//! The event of what came from elsewhere, dataset `logwake.external`: an alert of another system, a
//! silence, an acknowledgement.
//!
//! It is what is made durable before a sender is told that it was accepted, and the only form in
//! which the intake stage reads it back.
//! It has no id: the place in its topic identifies it.

use std::collections::BTreeMap;

use logwake_detector::alert::{Arrival, ExternalAlert, ExternalState, Scope, Silence};
use logwake_detector::anomaly::Severity;
use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ecs, MODULE, Named, one_line, severity_number};

/// Value of `event.dataset`.
const DATASET: &str = "logwake.external";

/// Renders an arrival that came at `received` as one line of JSON, without a line feed.
pub fn external_json(arrival: &Arrival, received: Timestamp) -> Vec<u8> {
    one_line(&ExternalEvent::new(arrival, received))
}

/// An arrival as an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalEvent {
    /// When it came, or its own time where that is believed.
    #[serde(rename = "@timestamp", with = "super::time")]
    pub timestamp: Timestamp,
    /// Version of ECS.
    pub ecs: Ecs,
    /// What ECS says about any event.
    pub event: ExternalBody,
    /// Service that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Named>,
    /// Host that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Named>,
    /// Further labels and details of an alert.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What ECS has no name for.
    pub logwake: ExternalLogwake,
}

/// The `event` object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalBody {
    /// `alert` for alerts, `event` for what people ask for.
    pub kind: String,
    /// `logwake.external`.
    pub dataset: String,
    /// `logwake`.
    pub module: String,
    /// When it was received.
    #[serde(with = "super::time")]
    pub created: Timestamp,
    /// What it says in a sentence.
    pub reason: String,
    /// From 0 to 100, higher is graver, where an alert says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// Since when the condition holds, as it says.
    #[serde(default, with = "super::time::option", skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
}

/// The `logwake` object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalLogwake {
    /// What arrived.
    pub external: External,
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum External {
    /// An alert of another system.
    Alert(ExternalAlertBody),
    /// A silence.
    Silence(SilenceBody),
    /// The end of a silence.
    Unsilence {
        /// Id of the silence.
        id: String,
    },
    /// Somebody has taken an alert cluster in hand.
    Acknowledge {
        /// Id of the alert cluster.
        alert: String,
        /// Who.
        by: String,
    },
}

/// What an alert says beyond what ECS has names for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalAlertBody {
    /// Name of the source that sent it.
    pub from: String,
    /// What identifies the condition at that source.
    pub key: String,
    /// `trigger`, `acknowledge` or `resolve`.
    pub state: ExternalState,
    /// What it is called, without values.
    pub name: String,
    /// How grave it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// When it is over unless it is told again.
    #[serde(default, with = "super::time::option", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A silence as events and the API show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceBody {
    /// Its id.
    pub id: String,
    /// Services, by name or with `*` for any part of it.
    #[serde(default)]
    pub services: Vec<String>,
    /// Hosts, in the same way.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Names of alerts or texts of templates, in the same way.
    #[serde(default)]
    pub names: Vec<String>,
    /// From when.
    #[serde(with = "super::time")]
    pub starts_at: Timestamp,
    /// Until when.
    #[serde(with = "super::time")]
    pub ends_at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub comment: String,
    /// The ticket that it goes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Up to this severity it is accepted.
    pub accepts: Severity,
    /// Occurrences an hour that are accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_max: Option<u32>,
}

impl ExternalEvent {
    /// Makes the event of an arrival that came at `received`.
    pub fn new(arrival: &Arrival, received: Timestamp) -> Self {
        match arrival {
            Arrival::Alert(alert) => Self::of_alert(alert, received),
            Arrival::Silence(silence) => {
                let reason = format!("{} silences: {}", silence.by, silence.comment);
                let body = External::Silence(SilenceBody::from(silence));
                Self::of_request(received, reason, body, received)
            }
            Arrival::Unsilence { id, at } => {
                let body = External::Unsilence { id: id.clone() };
                Self::of_request(*at, format!("silence {id} ends"), body, received)
            }
            Arrival::Acknowledge { alert, by, at } => {
                let body = External::Acknowledge { alert: alert.clone(), by: by.clone() };
                Self::of_request(*at, format!("{by} has {alert} in hand"), body, received)
            }
        }
    }

    fn of_alert(alert: &ExternalAlert, received: Timestamp) -> Self {
        let name = |name: &String| (!name.is_empty()).then(|| Named::new(name));
        Self {
            timestamp: alert.at,
            ecs: Ecs::default(),
            event: ExternalBody {
                severity: alert.severity.map(severity_number),
                start: alert.started_at,
                ..ExternalBody::new("alert", alert.summary.clone(), received)
            },
            service: name(&alert.service),
            host: alert.host.as_ref().and_then(name),
            labels: alert.labels.clone(),
            logwake: ExternalLogwake {
                external: External::Alert(ExternalAlertBody {
                    from: alert.from.clone(),
                    key: alert.key.clone(),
                    state: alert.state,
                    name: alert.name.clone(),
                    severity: alert.severity,
                    ends_at: alert.ends_at,
                    url: alert.url.clone(),
                }),
            },
        }
    }

    fn of_request(at: Timestamp, reason: String, external: External, received: Timestamp) -> Self {
        Self {
            timestamp: at,
            ecs: Ecs::default(),
            event: ExternalBody::new("event", reason, received),
            service: None,
            host: None,
            labels: BTreeMap::new(),
            logwake: ExternalLogwake { external },
        }
    }

    /// Returns the arrival; an alert takes the `id` of its place.
    pub fn into_arrival(self, id: impl FnOnce() -> String) -> Arrival {
        let at = self.timestamp;
        match self.logwake.external {
            External::Alert(body) => Arrival::Alert(Box::new(ExternalAlert {
                id: id(),
                from: body.from,
                key: body.key,
                state: body.state,
                at,
                started_at: self.event.start,
                ends_at: body.ends_at,
                name: body.name,
                summary: self.event.reason,
                severity: body.severity,
                service: self.service.map_or_else(String::new, |service| service.name),
                host: self.host.map(|host| host.name),
                labels: self.labels,
                url: body.url,
            })),
            External::Silence(body) => Arrival::Silence(body.into()),
            External::Unsilence { id } => Arrival::Unsilence { id, at },
            External::Acknowledge { alert, by } => Arrival::Acknowledge { alert, by, at },
        }
    }
}

impl ExternalBody {
    fn new(kind: &str, reason: String, created: Timestamp) -> Self {
        Self {
            kind: kind.to_owned(),
            dataset: DATASET.to_owned(),
            module: MODULE.to_owned(),
            created,
            reason,
            severity: None,
            start: None,
        }
    }
}

impl From<&Silence> for SilenceBody {
    fn from(silence: &Silence) -> Self {
        let Scope { services, hosts, names } = silence.scope.clone();
        Self {
            id: silence.id.clone(),
            services,
            hosts,
            names,
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            by: silence.by.clone(),
            comment: silence.comment.clone(),
            ticket: silence.ticket.clone(),
            accepts: silence.accepts,
            rate_max: silence.rate_max,
        }
    }
}

impl From<SilenceBody> for Silence {
    fn from(body: SilenceBody) -> Self {
        let SilenceBody { services, hosts, names, .. } = body;
        Self {
            id: body.id,
            scope: Scope { services, hosts, names },
            starts_at: body.starts_at,
            ends_at: body.ends_at,
            by: body.by,
            comment: body.comment,
            ticket: body.ticket,
            accepts: body.accepts,
            rate_max: body.rate_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> ExternalAlert {
        ExternalAlert {
            id: "x_1".to_owned(),
            from: "prometheus".to_owned(),
            key: "7f".to_owned(),
            state: ExternalState::Trigger,
            at: Timestamp::from_secs(1_772_366_400),
            started_at: Some(Timestamp::from_secs(1_772_366_340)),
            ends_at: Some(Timestamp::from_secs(1_772_366_700)),
            name: "QueueGrows".to_owned(),
            summary: "queue of 4182 grows".to_owned(),
            severity: Some(Severity::Error),
            service: "mail".to_owned(),
            host: Some("mx-1".to_owned()),
            labels: BTreeMap::from([("team".to_owned(), "post".to_owned())]),
            url: Some("http://prom.example/graph".to_owned()),
        }
    }

    fn silence() -> Silence {
        Silence {
            id: "s_1".to_owned(),
            scope: Scope { services: vec!["mail*".to_owned()], ..Scope::default() },
            starts_at: Timestamp::from_secs(1_772_366_400),
            ends_at: Timestamp::from_secs(1_772_370_000),
            by: "ada".to_owned(),
            comment: "moves to the new rack".to_owned(),
            ticket: Some("OPS-7".to_owned()),
            accepts: Severity::Error,
            rate_max: Some(30),
        }
    }

    #[test]
    fn what_arrived_comes_back_and_is_as_the_schema_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema/external.schema.json");
        let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let schema = options.build(&schema).unwrap();
        let at = Timestamp::from_secs(1_772_366_405);
        let bare = ExternalAlert {
            state: ExternalState::Resolve,
            started_at: None,
            ends_at: None,
            severity: None,
            service: String::new(),
            host: None,
            labels: BTreeMap::new(),
            url: None,
            ..alert()
        };
        for arrival in [
            Arrival::Alert(Box::new(alert())),
            Arrival::Alert(Box::new(bare)),
            Arrival::Silence(silence()),
            Arrival::Unsilence { id: "s_1".to_owned(), at },
            Arrival::Acknowledge { alert: "alert_1".to_owned(), by: "ada".to_owned(), at },
        ] {
            let line = external_json(&arrival, at);
            let value: serde_json::Value = serde_json::from_slice(&line).unwrap();
            let errors: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?} {value:#}");
            let event: ExternalEvent = serde_json::from_slice(&line).unwrap();
            assert_eq!(event.into_arrival(|| "x_1".to_owned()), arrival);
        }
    }
}
