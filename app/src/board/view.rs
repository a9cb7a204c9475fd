//! What the API and the page show: plain values with times as RFC 3339.

use logwake_detector::alert::{AlertChange, Decision, EvidenceLine};
use logwake_detector::anomaly::{Anomaly, Evidence};
use logwake_detector::detect::{Service, TemplateStats};
use logwake_detector::time::Timestamp;
use logwake_models::template::TemplateId;
use serde::Serialize;

/// The whole pipeline at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct StatusView {
    /// Version of the program.
    pub version: &'static str,
    /// Whether the stages run and commit what they read.
    pub ready: bool,
    /// What is wrong where they do not, a sentence each.
    pub not_ready: Vec<String>,
    /// When the process started.
    pub started_at: String,
    /// How long it has run, seconds.
    pub uptime_secs: u64,
    /// Lines since then: `in` is the sum of `tallied`, `late` and `rejected`.
    pub lines: LinesView,
    /// Lines a second over the last ten seconds.
    pub lines_per_second: f64,
    /// Event time that every shard has reached.
    pub watermark: Option<String>,
    /// How far that is behind the clock, seconds.
    pub watermark_lag_secs: Option<f64>,
    /// Payloads that are still to be read, over all sources whose end is known.
    pub lag_records: Option<u64>,
    /// Services known.
    pub services: usize,
    /// Templates known.
    pub templates: usize,
    /// Anomalies found since the start.
    pub anomalies: u64,
    /// Alerts that are open.
    pub alerts_open: usize,
    /// Width of the windows, seconds.
    pub window_secs: f64,
    /// The stages, in the order of the stream.
    pub stages: Vec<StageView>,
    /// The sources, by name.
    pub sources: Vec<SourceView>,
}

/// What became of the lines.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LinesView {
    /// All.
    #[serde(rename = "in")]
    pub total: u64,
    /// Counted in a window.
    pub tallied: u64,
    /// Too late for their window.
    pub late: u64,
    /// Not decoded.
    pub rejected: u64,
    /// Among the tallied, those whose time was missing or not believed.
    pub corrected: u64,
}

/// One stage.
#[derive(Clone, Debug, Serialize)]
pub struct StageView {
    /// Its name.
    pub stage: &'static str,
    /// Commits that succeeded.
    pub commits: u64,
    /// Commits that did not.
    pub failures: u64,
    /// When the last commit ended.
    pub last_commit_at: Option<String>,
    /// How it ended.
    pub last_outcome: Option<&'static str>,
    /// How long it took, seconds.
    pub last_commit_secs: Option<f64>,
    /// When the last one that succeeded ended.
    pub last_success_at: Option<String>,
    /// Why it is not ready, as a sentence.
    pub fault: Option<String>,
}

/// One source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceView {
    /// Topic and partition, or file.
    pub source: String,
    /// Lines accounted for.
    pub lines: u64,
    /// First offset not taken in yet.
    pub to: u64,
    /// End of the source.
    pub end: Option<u64>,
    /// Payloads that are still to be read.
    pub lag: Option<u64>,
    /// Newest event time.
    pub newest: Option<String>,
    /// Whether it is at its end.
    pub idle: bool,
}

/// One service.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceView {
    /// Its name.
    pub name: String,
    /// Records.
    pub records: u64,
    /// Records whose window was closed when they came.
    pub late: u64,
    /// Templates.
    pub templates: usize,
    /// Whether it is judged yet.
    pub warm: bool,
    /// How far it is learned, in [0, 1].
    pub warmup: f64,
    /// Episodes of anomalies told in the last week, older ones fading.
    pub episodes: f64,
    /// Event time of the last exemplar.
    pub last_seen: Option<String>,
    /// Records a minute in the last whole window.
    pub per_minute: f64,
    /// Records a minute in each of the last 60 windows, the newest last.
    pub rates: Vec<f64>,
}

/// One template.
#[derive(Clone, Debug, Serialize)]
pub struct TemplateView {
    /// Id for life.
    pub id: String,
    /// Service.
    pub service: String,
    /// Text with `<*>` for variables.
    pub text: String,
    /// Records.
    pub count: u64,
    /// Gravest usual level.
    pub level: &'static str,
    /// Expected records a window.
    pub per_window: f64,
    /// Event time of the first record.
    pub first_seen: String,
    /// Event time of the last exemplar.
    pub last_seen: String,
    /// The last exemplar.
    pub exemplar: ExemplarView,
}

/// One record and where it stands.
#[derive(Clone, Debug, Serialize)]
pub struct ExemplarView {
    /// Topic and partition, or file.
    pub source: String,
    /// Offset or line from 0.
    pub offset: u64,
    /// Event time.
    pub time: String,
    /// Host.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Level.
    pub level: &'static str,
    /// Text.
    pub text: String,
}

/// One anomaly.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of `Anomaly`")]
pub struct AnomalyView {
    pub id: String,
    pub kind: &'static str,
    pub severity: &'static str,
    pub at: String,
    pub service: String,
    pub host: Option<String>,
    pub level: &'static str,
    pub window_start: String,
    pub window_end: String,
    pub template_id: Option<String>,
    pub template: Option<String>,
    pub score: f64,
    pub p_value: f64,
    pub actual: f64,
    pub typical: f64,
    pub lower: f64,
    pub upper: f64,
    pub contributions: Vec<(String, f64)>,
    pub exemplars: Vec<ExemplarView>,
    pub reason: String,
    pub incomplete: bool,
}

/// One alert cluster at its last change.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of `AlertChange`")]
pub struct AlertView {
    pub id: String,
    pub state: &'static str,
    pub severity: &'static str,
    pub title: String,
    pub summary: String,
    pub at: String,
    pub reason: &'static str,
    pub explanation: &'static str,
    pub started_at: String,
    pub updated_at: String,
    pub ended_at: Option<String>,
    pub services: Vec<String>,
    pub hosts: Vec<String>,
    pub anomaly_count: u64,
    pub external_count: u64,
    pub lacks_logs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_by: Option<String>,
    pub members: Vec<String>,
    pub evidence: Vec<EvidenceView>,
    pub dedup_key: String,
}

/// One line of the story of an alert.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of `EvidenceLine`")]
pub struct EvidenceView {
    pub id: String,
    pub kind: &'static str,
    pub at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub severity: &'static str,
    pub service: String,
    pub reason: String,
    pub line: Option<ExemplarView>,
}

/// One decision.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of `Decision`")]
pub struct DecisionView {
    pub id: String,
    pub at: String,
    pub action: &'static str,
    pub reason: &'static str,
    pub explanation: &'static str,
    pub alert: String,
    pub anomaly: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mute: Option<String>,
    pub weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl ExemplarView {
    pub(super) fn new(evidence: &Evidence) -> Self {
        let exemplar = &evidence.exemplar;
        Self {
            source: evidence.source.to_string(),
            offset: exemplar.offset,
            time: rfc3339(exemplar.time),
            host: exemplar.host.clone(),
            level: exemplar.level.as_str(),
            text: exemplar.text.clone(),
        }
    }
}

impl TemplateView {
    /// Views a template of a service.
    pub fn new(service: &Service, id: TemplateId, stats: &TemplateStats) -> Self {
        Self {
            id: id.to_string(),
            service: service.name.clone(),
            text: service.catalogue.text(id).to_string(),
            count: stats.total,
            level: stats.level().as_str(),
            per_window: stats.rate.mean(),
            first_seen: rfc3339(stats.first_seen),
            last_seen: rfc3339(stats.last_seen),
            exemplar: ExemplarView::new(&stats.last),
        }
    }
}

impl AnomalyView {
    /// Views an anomaly.
    pub fn new(anomaly: &Anomaly) -> Self {
        let template = anomaly.template.as_ref();
        Self {
            id: anomaly.id.clone(),
            kind: anomaly.kind.as_str(),
            severity: anomaly.severity.as_str(),
            at: rfc3339(anomaly.at),
            service: anomaly.service.clone(),
            host: anomaly.host.clone(),
            level: anomaly.level.as_str(),
            window_start: rfc3339(anomaly.window_start),
            window_end: rfc3339(anomaly.window_end),
            template_id: template.map(|template| template.id.to_string()),
            template: template.map(|template| template.text.clone()),
            score: anomaly.score,
            p_value: anomaly.p_value,
            actual: anomaly.actual,
            typical: anomaly.typical,
            lower: anomaly.lower,
            upper: anomaly.upper,
            contributions: anomaly.contributions.clone(),
            exemplars: anomaly.exemplars.iter().map(ExemplarView::new).collect(),
            reason: anomaly.reason.clone(),
            incomplete: anomaly.incomplete,
        }
    }
}

impl AlertView {
    /// Views an alert at a change.
    pub fn new(change: &AlertChange) -> Self {
        Self {
            id: change.id.clone(),
            state: change.state.as_str(),
            severity: change.severity.as_str(),
            title: change.title.clone(),
            summary: change.summary.clone(),
            at: rfc3339(change.at),
            reason: change.reason.as_str(),
            explanation: change.reason.explain(),
            started_at: rfc3339(change.started_at),
            updated_at: rfc3339(change.updated_at),
            ended_at: change.ended_at.map(rfc3339),
            services: change.services.clone(),
            hosts: change.hosts.clone(),
            anomaly_count: change.anomaly_count,
            external_count: change.external_count,
            lacks_logs: change.lacks_logs,
            follows: change.follows.clone(),
            acknowledged_by: change.acknowledged_by.clone(),
            members: change.members.clone(),
            evidence: change.evidence.iter().map(EvidenceView::new).collect(),
            dedup_key: change.dedup_key.clone(),
        }
    }
}

impl EvidenceView {
    fn new(line: &EvidenceLine) -> Self {
        Self {
            id: line.id.clone(),
            kind: line.kind.as_str(),
            at: rfc3339(line.at),
            url: line.url.clone(),
            severity: line.severity.as_str(),
            service: line.service.clone(),
            reason: line.reason.clone(),
            line: line.line.as_ref().map(ExemplarView::new),
        }
    }
}

impl DecisionView {
    /// Views a decision.
    pub fn new(decision: &Decision) -> Self {
        Self {
            id: decision.id.clone(),
            at: rfc3339(decision.at),
            action: decision.action.as_str(),
            reason: decision.reason.as_str(),
            explanation: decision.reason.explain(),
            alert: decision.alert.clone(),
            anomaly: decision.anomaly.clone(),
            external: decision.external.clone(),
            mute: decision.mute.clone(),
            weight: decision.weight,
            sink: decision.sink.as_ref().map(|sink| sink.name.clone()),
            digest: decision.sink.as_ref().and_then(|sink| sink.digest.clone()),
        }
    }
}

/// Prints an instant as RFC 3339 in UTC, to the millisecond.
pub fn rfc3339(time: Timestamp) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos())) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => String::new(),
    }
}
