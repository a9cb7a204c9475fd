//! The event of one anomaly, dataset `logwake.anomaly`.
//!
//! `event.kind` is `alert`, which ECS defines as a notable event of a detection rule that runs
//! outside the Elastic Stack; `signal`, the other candidate, is reserved for Elastic's own rules.
//! What woke somebody is told apart by `event.dataset`, not by the kind.

use logwake_detector::anomaly::{Anomaly, AnomalyKind, Severity};
use logwake_detector::record::Level;
use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::number::{finite, unit};
use super::{Ecs, EventBody, ExemplarBody, MODULE, Named, one_line, severity_number};

/// Value of `event.dataset`.
const DATASET: &str = "logwake.anomaly";
/// Value of `logwake.origin`.
const ORIGIN: &str = "logwake";

/// Renders an anomaly as one line of JSON, without a line feed.
pub fn anomaly_json(anomaly: &Anomaly) -> Vec<u8> {
    one_line(&AnomalyEvent::from(anomaly))
}

/// An anomaly as an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyEvent {
    /// Event time at which it could be known.
    #[serde(rename = "@timestamp", with = "super::time")]
    pub timestamp: Timestamp,
    /// Version of ECS.
    pub ecs: Ecs,
    /// What ECS says about any event.
    pub event: EventBody,
    /// The sentence of `event.reason`.
    pub message: String,
    /// Level and template.
    #[serde(default, skip_serializing_if = "Log::is_empty")]
    pub log: Log,
    /// Service that it is about.
    pub service: Named,
    /// Host, where all evidence comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Named>,
    /// What ECS has no name for.
    pub logwake: AnomalyBody,
}

/// The `log` object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Gravest level among the records, absent where none states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The record as the OpenTelemetry drain processor describes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<LogRecord>,
}

impl Log {
    fn is_empty(&self) -> bool {
        self.level.is_none() && self.record.is_none()
    }
}

/// The `log.record` object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Text of the template with `<*>` for variables.
    pub template: String,
}

/// The `logwake` object of an anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnomalyBody {
    /// What is unusual.
    pub kind: AnomalyKind,
    /// How much it matters by itself.
    pub severity: Severity,
    /// In [0, 1], higher is more anomalous.
    pub score: f64,
    /// Probability of something at least as extreme by the baseline, in [0, 1].
    pub p_value: f64,
    /// What was judged.
    pub window: Window,
    /// Template, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateBody>,
    /// What was seen, in records a window unless the reason says otherwise.
    pub actual: f64,
    /// What was expected.
    pub typical: f64,
    /// Lower end of the band that the baseline allows.
    pub lower: f64,
    /// Upper end of that band.
    pub upper: f64,
    /// What the score is made of.
    pub contributions: Vec<Contribution>,
    /// The records that tell, first ones first.
    pub exemplars: Vec<ExemplarBody>,
    /// Whether the window closed before every source was heard.
    pub incomplete: bool,
    /// Key of the session, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Who found it: `logwake`.
    pub origin: String,
}

/// A half-open span of event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First instant in it.
    #[serde(with = "super::time")]
    pub start: Timestamp,
    /// First instant after it.
    #[serde(with = "super::time")]
    pub end: Timestamp,
}

/// A template as it was when the anomaly was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateBody {
    /// Id for life.
    pub id: String,
    /// Text with `<*>` for variables.
    pub text: String,
}

/// A part of the score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Name of the feature.
    pub name: String,
    /// Share in [0, 1].
    pub share: f64,
}

impl From<&Anomaly> for AnomalyEvent {
    fn from(anomaly: &Anomaly) -> Self {
        Self {
            timestamp: anomaly.at,
            ecs: Ecs::default(),
            event: EventBody::from(anomaly),
            message: anomaly.reason.clone(),
            log: Log::from(anomaly),
            service: Named::new(&anomaly.service),
            host: anomaly.host.as_deref().map(Named::new),
            logwake: AnomalyBody::from(anomaly),
        }
    }
}

impl From<&Anomaly> for EventBody {
    fn from(anomaly: &Anomaly) -> Self {
        Self {
            kind: "alert".to_owned(),
            id: anomaly.id.clone(),
            dataset: DATASET.to_owned(),
            module: MODULE.to_owned(),
            reason: anomaly.reason.clone(),
            severity: Some(severity_number(anomaly.severity)),
            start: Some(anomaly.window_start),
            end: Some(anomaly.window_end),
        }
    }
}

impl From<&Anomaly> for Log {
    fn from(anomaly: &Anomaly) -> Self {
        let template = anomaly.template.as_ref();
        Self {
            level: (anomaly.level != Level::Unknown).then_some(anomaly.level),
            record: template.map(|template| LogRecord { template: template.text.clone() }),
        }
    }
}

impl From<&Anomaly> for AnomalyBody {
    fn from(anomaly: &Anomaly) -> Self {
        let contribution = |(name, share): &(String, f64)| Contribution {
            name: name.clone(),
            share: unit(*share, 0.0),
        };
        Self {
            kind: anomaly.kind,
            severity: anomaly.severity,
            score: unit(anomaly.score, 0.0),
            p_value: unit(anomaly.p_value, 1.0),
            window: Window { start: anomaly.window_start, end: anomaly.window_end },
            template: anomaly.template.as_ref().map(|template| TemplateBody {
                id: template.id.to_string(),
                text: template.text.clone(),
            }),
            actual: finite(anomaly.actual),
            typical: finite(anomaly.typical),
            lower: finite(anomaly.lower),
            upper: finite(anomaly.upper),
            contributions: anomaly.contributions.iter().map(contribution).collect(),
            exemplars: anomaly.exemplars.iter().map(ExemplarBody::from).collect(),
            incomplete: anomaly.incomplete,
            session: anomaly.session.clone(),
            origin: ORIGIN.to_owned(),
        }
    }
}
