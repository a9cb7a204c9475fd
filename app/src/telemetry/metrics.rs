//! The metrics of Logwake: what the stages tell, as OpenTelemetry instruments read by Prometheus.
//!
//! Series of closed lists exist at zero from the start, so that a rate over them is never missing.
//! What can go away (lag of a partition, open alerts, a shard) is observed from [`Held`] at each
//! scrape, so nothing stale is shown.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use logwake_detector::alert::{
    Action, AlertChange, AlertMachineState, AlertState, Decision, Reason,
};
use logwake_detector::anomaly::{Anomaly, AnomalyKind, Severity};
use logwake_detector::detect::DetectState;
use logwake_detector::notify::{NotifyState, SinkSettings};
use logwake_detector::record::Source;
use logwake_detector::tally::TallyBatch;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::held::{Counted, Held, LAGS_MAX, lock, observe, wall_secs};
use super::instruments::{Instruments, export_constants};
use super::sinks::Sink;
use super::trace::resource_of;
use super::{Commit, Exposition, IntakeResult, NotificationOutcome, Outcome, Stage};

/// Every decision that a stage can take.
const DECISIONS: [(Action, &[Reason]); 6] = [
    (
        Action::Send,
        &[
            Reason::EnoughEvidence,
            Reason::NeverSeen,
            Reason::CameBack,
            Reason::SaidCritical,
            Reason::SeverityRaised,
            Reason::NewService,
            Reason::MoreEvidence,
            Reason::Grown,
            Reason::TakenInHand,
            Reason::ToldOver,
            Reason::QuietAgain,
            Reason::LimitReached,
        ],
    ),
    (
        Action::Merge,
        &[
            Reason::FirstEvidence,
            Reason::SameFingerprint,
            Reason::SameService,
            Reason::SimilarTemplate,
            Reason::SameHost,
            Reason::SameName,
            Reason::ComeTogether,
            Reason::DependencyFails,
            Reason::CloseInTime,
            Reason::KeepsComing,
            Reason::ToldOver,
            Reason::TakenInHand,
            Reason::NewerState,
            Reason::InDigest,
            Reason::WeekSpent,
        ],
    ),
    (
        Action::Suppress,
        &[
            Reason::KeepsComing,
            Reason::NothingOpen,
            Reason::Silenced,
            Reason::InMaintenance,
            Reason::Inhibited,
            Reason::NotEnoughEvidence,
            Reason::LimitReached,
            Reason::BelowSeverity,
            Reason::OtherService,
            Reason::OverBeforeSent,
            Reason::EndNotWanted,
            Reason::NeverSent,
            Reason::TooOld,
            Reason::MoreOfTheSame,
            Reason::NotTaken,
        ],
    ),
    (Action::Deliver, &[Reason::Delivered]),
    (Action::Delay, &[Reason::BudgetSpent, Reason::SinkFailing, Reason::AnswerLost]),
    (
        Action::Mute,
        &[
            Reason::SilenceAsked,
            Reason::SilenceLifted,
            Reason::SilenceOver,
            Reason::RateExceeded,
            Reason::NothingOpen,
            Reason::LimitReached,
        ],
    ),
];

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: prometheus::Registry,
    /// Keeps the reader alive.
    _provider: SdkMeterProvider,
    pub(super) instruments: Instruments,
    held: Arc<Mutex<Held>>,
}

/// Sizes of the catalogues of one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CatalogueCounts {
    /// Distinct skeletons remembered.
    pub skeletons: u64,
    /// Merges since the last call.
    pub merges: u64,
    /// Skeletons that came after the limit on templates was reached.
    pub overflows: u64,
}

impl Metrics {
    /// Makes every metric, those of closed lists at zero.
    ///
    /// # Panics
    /// Never: the registry is new, so the exporter is the first to register.
    pub fn new(service_name: &str) -> Self {
        let registry = prometheus::Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .expect("a new registry takes its first collector");
        let provider = SdkMeterProvider::builder()
            .with_reader(exporter)
            .with_resource(resource_of(service_name))
            .build();
        let meter = provider.meter("logwake");
        let held = Arc::new(Mutex::new(Held::default()));
        observe(&meter, &held);
        export_constants(&meter, wall_secs());
        let metrics =
            Self { registry, instruments: Instruments::new(&meter), _provider: provider, held };
        metrics.start_at_zero();
        metrics
    }

    /// Renders every metric.
    pub fn render(&self, exposition: Exposition) -> String {
        exposition.render(&self.registry.gather())
    }

    /// Counts lines and bytes as they were read; zeros make a topic known.
    pub fn ingested(&self, topic: &str, lines: u64, bytes: u64) {
        let labels = [KeyValue::new("topic", topic.to_owned())];
        self.instruments.lines.add(lines, &labels);
        self.instruments.bytes.add(bytes, &labels);
    }

    /// Counts lines that could not be decoded; zero makes a reason known.
    pub fn rejected(&self, reason: &'static str, lines: u64) {
        self.instruments.rejected.add(lines, &[KeyValue::new("reason", reason)]);
    }

    /// Counts payloads written to the dead-letter topic; zero makes a reason known.
    pub fn dead_letters(&self, reason: &'static str, payloads: u64) {
        self.instruments.dead_letters.add(payloads, &[KeyValue::new("reason", reason)]);
    }

    /// Counts a value of another version that was passed over.
    pub fn unreadable(&self, stage: Stage) {
        self.instruments.unreadable.add(1, &[stage_label(stage)]);
    }

    /// Counts what a tally batch accounts for.
    pub fn tallied(&self, batch: &TallyBatch) {
        self.instruments.tallied.add(batch.lines.tallied, &[]);
        self.instruments.late.add(batch.lines.late, &[]);
        self.instruments.corrected.add(batch.lines.corrected, &[]);
    }

    /// Takes over how far behind its end a source is, in payloads.
    pub fn lag(&self, source: &Source, records: u64) {
        let Source::Partition { topic, partition } = source else { return };
        let mut held = lock(&self.held);
        let key = (topic.to_string(), *partition);
        if held.lags.len() < LAGS_MAX || held.lags.contains_key(&key) {
            held.lags.insert(key, records);
        }
    }

    /// Forgets a source that another process reads now.
    pub fn source_released(&self, source: &Source) {
        if let Source::Partition { topic, partition } = source {
            lock(&self.held).lags.remove(&(topic.to_string(), *partition));
        }
    }

    /// Takes over what a detect shard knows.
    pub fn detected(&self, shard: u32, state: &DetectState, anomaly_budget: f64) {
        let now = Counted {
            detect: *state.counts(),
            sessions: state.session_counts(),
            kept_back: state.kept_back(),
        };
        let spent: Vec<f64> =
            state.episodes().map(|(_, episodes)| episodes / anomaly_budget).collect();
        let mut held = lock(&self.held);
        let shard = held.shards.entry(shard).or_default();
        shard.services = state.services().len() as u64;
        shard.templates =
            state.services().values().map(|service| service.templates.len() as u64).sum();
        shard.progress = state.progress();
        shard.sessions_open = state.open_sessions() as u64;
        shard.spent = spent.iter().copied().fold(0.0, f64::max);
        shard.overspent = spent.iter().filter(|spent| **spent > 1.0).count() as u64;
        let before = shard.counted.replace(now).unwrap_or(now);
        drop(held);
        self.add_counted(&now, &before);
    }

    /// Adds what a shard has counted since it was looked at before.
    fn add_counted(&self, now: &Counted, before: &Counted) {
        let to = &self.instruments;
        for (counter, now, before) in [
            (&to.windows, now.detect.windows, before.detect.windows),
            (&to.windows_dropped, now.detect.records_dropped, before.detect.records_dropped),
            (&to.batches_repeated, now.detect.repeated, before.detect.repeated),
            (&to.kept_back, now.kept_back, before.kept_back),
            (&to.sessions.judged, now.sessions.judged, before.sessions.judged),
            (&to.sessions.broken, now.sessions.broken, before.sessions.broken),
            (&to.sessions.given_up, now.sessions.given_up, before.sessions.given_up),
        ] {
            counter.add(now.saturating_sub(before), &[]);
        }
    }

    /// Takes over the sizes of the catalogues of a shard.
    pub fn catalogues(&self, shard: u32, counts: CatalogueCounts) {
        lock(&self.held).shards.entry(shard).or_default().skeletons = Some(counts.skeletons);
        self.instruments.merges.add(counts.merges, &[]);
        self.instruments.overflows.add(counts.overflows, &[]);
    }

    /// Forgets a detect shard that another process has now.
    pub fn shard_released(&self, shard: u32) {
        lock(&self.held).shards.remove(&shard);
    }

    /// Counts an anomaly.
    pub fn anomaly(&self, anomaly: &Anomaly) {
        self.instruments.anomalies.add(1, &[KeyValue::new("kind", anomaly.kind.as_str())]);
    }

    /// Takes the time from the record that tells to its anomaly being written.
    pub fn detection_delay(&self, delay: Duration) {
        self.instruments.delay.record(delay.as_secs_f64(), &[]);
    }

    /// Counts a change of an alert and keeps count of open ones.
    pub fn alert(&self, change: &AlertChange) {
        let severity = change.severity;
        self.instruments.alerts.add(1, &alert_labels(change.state, severity));
        let mut held = lock(&self.held);
        match change.state {
            AlertState::Open
            | AlertState::Updated
            | AlertState::Acknowledged
            | AlertState::Reopened => {
                held.open.insert(change.id.clone(), severity);
            }
            AlertState::Resolved => _ = held.open.remove(&change.id),
            AlertState::Pending => {}
        }
    }

    /// Takes over which alerts are open in a restored state.
    pub fn alerts_restored(&self, state: &AlertMachineState) {
        let open = state.clusters().filter(|cluster| cluster.is_open);
        lock(&self.held).open =
            open.map(|cluster| (cluster.id.clone(), cluster.severity)).collect();
    }

    /// Counts a decision.
    pub fn decision(&self, decision: &Decision) {
        self.instruments.decisions.add(1, &decision_labels(decision.action, decision.reason));
    }

    /// Makes every series of a sink known.
    pub fn notifications_start(&self, sink: &str, kind: &'static str) {
        for outcome in NotificationOutcome::ALL {
            self.notification(sink, kind, outcome, 0);
        }
    }

    /// Counts requests to a sink.
    pub fn notification(
        &self,
        sink: &str,
        kind: &'static str,
        outcome: NotificationOutcome,
        requests: u64,
    ) {
        let labels = [
            KeyValue::new("sink", sink.to_owned()),
            KeyValue::new("kind", kind),
            KeyValue::new("outcome", outcome.as_str()),
        ];
        self.instruments.notifications.add(requests, &labels);
    }

    /// Counts alerts of a configured source; zeros make it known.
    pub fn intake(&self, source: &str, result: IntakeResult, events: u64) {
        let source = KeyValue::new("source", source.to_owned());
        self.instruments.intake.add(events, &[source, KeyValue::new("result", result.as_str())]);
    }

    /// Takes the time from a request with alerts to its answer.
    pub fn intake_answered(&self, took: Duration) {
        self.instruments.intake_time.record(took.as_secs_f64(), &[]);
    }

    /// Takes over how the sinks stand.
    pub fn notify_standings(&self, state: &NotifyState, settings: &[SinkSettings]) {
        let sinks = state.standings().filter_map(|(name, standing)| {
            let sink = settings.iter().find(|sink| sink.name == name)?;
            Some((name.to_owned(), Sink::new(sink, standing, state.week_of(name))))
        });
        lock(&self.held).sinks = sinks.collect();
    }

    /// Forgets the sinks, which another process tells of alerts now.
    pub fn sinks_released(&self) {
        lock(&self.held).sinks.clear();
    }

    /// Takes the time and outcome of a commit.
    pub fn committed(&self, commit: &Commit) {
        let stage = stage_label(commit.stage);
        self.instruments.commits.add(1, &commit_labels(commit.stage, commit.outcome));
        self.instruments
            .commit_time
            .record(commit.took.as_secs_f64(), std::slice::from_ref(&stage));
        if commit.outcome == Outcome::Committed {
            self.instruments.commit_at.record(wall_secs(), &[stage]);
        }
    }

    /// Takes over the size of the last snapshot of a stage.
    pub fn state_size(&self, stage: Stage, bytes: u64) {
        self.instruments.state.record(bytes, &[stage_label(stage)]);
    }

    fn start_at_zero(&self) {
        let all = &self.instruments;
        for counter in [
            &all.tallied,
            &all.late,
            &all.corrected,
            &all.windows,
            &all.windows_dropped,
            &all.batches_repeated,
            &all.kept_back,
            &all.sessions.judged,
            &all.sessions.broken,
            &all.sessions.given_up,
        ] {
            counter.add(0, &[]);
        }
        for result in IntakeResult::ALL {
            self.intake("unknown", result, 0);
        }
        for kind in AnomalyKind::ALL {
            all.anomalies.add(0, &[KeyValue::new("kind", kind.as_str())]);
        }
        for state in AlertState::SENT {
            for severity in Severity::ALL {
                all.alerts.add(0, &alert_labels(state, severity));
            }
        }
        for (action, reasons) in DECISIONS {
            for reason in reasons {
                all.decisions.add(0, &decision_labels(action, *reason));
            }
        }
        for stage in Stage::ALL {
            for outcome in Outcome::ALL {
                all.commits.add(0, &commit_labels(stage, outcome));
            }
        }
    }
}

pub(super) fn stage_label(stage: Stage) -> KeyValue {
    KeyValue::new("stage", stage.as_str())
}

fn commit_labels(stage: Stage, outcome: Outcome) -> [KeyValue; 2] {
    [stage_label(stage), KeyValue::new("outcome", outcome.as_str())]
}

fn alert_labels(state: AlertState, severity: Severity) -> [KeyValue; 2] {
    [KeyValue::new("state", state.as_str()), KeyValue::new("severity", severity.as_str())]
}

fn decision_labels(action: Action, reason: Reason) -> [KeyValue; 2] {
    [KeyValue::new("action", action.as_str()), KeyValue::new("reason", reason.as_str())]
}
