//! The live board: what stage threads write and HTTP and the page read.
//!
//! It is a copy for people to look at: no stage reads it, and losing it loses nothing.
//! **A reader never makes a stage wait**: stages write to concurrent maps and short rings, and every
//! list has a limit, so a view is small whatever the logs hold.

#![allow(unreachable_pub, reason = "`pub` marks what a module offers; the program is one crate")]

mod card;
mod explain;
mod query;
mod readiness;
mod silences;
mod sinks;
mod view;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use logwake_detector::alert::{
    AlertChange, AlertMachineState, AlertState, Decision, Reason, Silence,
};
use logwake_detector::anomaly::Anomaly;
use logwake_detector::detect::{DetectSettings, DetectState};
use logwake_detector::record::Source;
use logwake_detector::tally::TallyBatch;
use logwake_detector::time::Timestamp;

pub use query::Query;
pub use readiness::{Check, Readiness, StageProgress};
pub use sinks::SinkView;
pub use view::{
    AlertView, AnomalyView, DecisionView, ServiceView, SourceView, StageView, StatusView,
    TemplateView, rfc3339,
};

use crate::telemetry::{Commit, Stage};
use card::{Pace, ServiceCard, SourceCard, StageCard};

/// Anomalies kept.
const ANOMALIES_MAX: usize = 1_000;
/// Resolved alerts kept beside all active ones.
const RESOLVED_MAX: usize = 500;
/// Decisions kept.
const DECISIONS_MAX: usize = 2_000;
/// Template cards kept over all services.
const TEMPLATES_MAX: usize = 20_000;
/// Windows of a sparkline.
const SPARK_WINDOWS: usize = 60;
/// How often the services of a shard are looked at.
const REFRESH: Duration = Duration::from_secs(1);

/// The board of one process.
#[derive(Debug)]
pub struct Board {
    settings: Mutex<DetectSettings>,
    started: Instant,
    started_at: Timestamp,
    ready: AtomicBool,
    lines: Lines,
    pace: Mutex<Pace>,
    sources: DashMap<Source, SourceCard>,
    shards: DashMap<u32, ShardCard>,
    services: DashMap<String, ServiceCard>,
    /// Records by window, per service; the newest [`SPARK_WINDOWS`] of them.
    rates: DashMap<String, BTreeMap<Timestamp, u64>>,
    anomalies: Mutex<VecDeque<Arc<AnomalyView>>>,
    anomaly_count: AtomicU64,
    alerts: DashMap<String, Arc<AlertView>>,
    resolved: Mutex<VecDeque<String>>,
    decisions: Mutex<VecDeque<Arc<DecisionView>>>,
    stages: DashMap<Stage, StageCard>,
    loops: readiness::Loops,
    sinks: Mutex<Vec<SinkView>>,
    /// `None` where another process knows them.
    silences: Mutex<Option<Vec<Silence>>>,
}

#[derive(Debug, Default)]
struct Lines {
    tallied: AtomicU64,
    late: AtomicU64,
    rejected: AtomicU64,
    corrected: AtomicU64,
}

#[derive(Debug, Default)]
struct ShardCard {
    progress: Option<Timestamp>,
    looked_at: Option<Instant>,
}

impl Board {
    /// Makes an empty board; the settings tell when a service is warm.
    pub fn new(settings: DetectSettings) -> Self {
        Self {
            settings: Mutex::new(settings),
            started: Instant::now(),
            started_at: now(),
            ready: AtomicBool::new(false),
            lines: Lines::default(),
            pace: Mutex::default(),
            sources: DashMap::new(),
            shards: DashMap::new(),
            services: DashMap::new(),
            rates: DashMap::new(),
            anomalies: Mutex::default(),
            anomaly_count: AtomicU64::new(0),
            alerts: DashMap::new(),
            resolved: Mutex::default(),
            decisions: Mutex::default(),
            stages: DashMap::new(),
            loops: readiness::Loops::default(),
            sinks: Mutex::default(),
            silences: Mutex::default(),
        }
    }

    /// Goes on with settings that changed.
    pub fn set_settings(&self, settings: DetectSettings) {
        *lock(&self.settings) = settings;
    }

    /// Says whether the stages run; a pager that is down changes nothing here.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Tells whether the stages run and commit what they read, and what is wrong where not.
    pub fn readiness(&self) -> Readiness {
        self.loops.readiness(self.ready.load(Ordering::Relaxed), Instant::now())
    }

    /// Takes how often stages commit.
    pub fn set_commit_interval(&self, interval: Duration) {
        self.loops.set_commit_interval(interval);
    }

    /// Adds a loop of a stage, which reports its progress to what is returned until it drops it.
    pub fn stage_progress(&self, stage: Stage) -> Arc<StageProgress> {
        self.loops.add(stage)
    }

    /// Takes a batch that a tally machine put out: its source's progress and its lines.
    pub fn tallied(&self, batch: &TallyBatch) {
        let lines = &batch.lines;
        self.lines.tallied.fetch_add(lines.tallied, Ordering::Relaxed);
        self.lines.late.fetch_add(lines.late, Ordering::Relaxed);
        self.lines.rejected.fetch_add(lines.rejected, Ordering::Relaxed);
        self.lines.corrected.fetch_add(lines.corrected, Ordering::Relaxed);
        self.sources.entry(batch.source.clone()).or_default().tallied(batch);
        lock(&self.pace).mark(Instant::now(), self.lines_in());
    }

    /// Takes the end of a source, from which its lag follows.
    pub fn source_end(&self, source: &Source, end: u64) {
        self.sources.entry(source.clone()).or_default().end = Some(end);
    }

    /// Forgets a source that another process reads now.
    pub fn source_released(&self, source: &Source) {
        self.sources.remove(source);
    }

    /// Takes a batch that a detect machine is given: its counts make the sparklines.
    pub fn counted(&self, batch: &TallyBatch) {
        for tallies in &batch.services {
            let known = self.rates.contains_key(&tallies.name);
            if !known && self.rates.len() >= lock(&self.settings).services_max {
                continue;
            }
            let mut windows = self.rates.entry(tallies.name.clone()).or_default();
            for tally in &tallies.skeletons {
                *windows.entry(tally.window).or_insert(0) += tally.count();
            }
            while windows.len() > SPARK_WINDOWS {
                windows.pop_first();
            }
        }
    }

    /// Takes the state of a detect shard; it looks at it once a second at most.
    pub fn detected(&self, shard: u32, state: &DetectState) {
        let now = Instant::now();
        let mut card = self.shards.entry(shard).or_default();
        card.progress = state.progress();
        if card.looked_at.is_some_and(|last| now.duration_since(last) < REFRESH) {
            return;
        }
        card.looked_at = Some(now);
        drop(card);
        self.refresh(shard, state);
    }

    /// Takes the state of a detect shard at once: at the end of a replay, and in tests.
    pub fn refresh(&self, shard: u32, state: &DetectState) {
        self.shards.entry(shard).or_default().progress = state.progress();
        let progress = state.progress().unwrap_or_default();
        let templates_max = (TEMPLATES_MAX / state.services().len().max(1)).clamp(10, 200);
        for (name, service) in state.services() {
            let seen = self.services.get(name).map(|card| card.records);
            if seen != Some(service.records) {
                let card = ServiceCard::new(shard, service, progress, templates_max);
                self.services.insert(name.clone(), card);
            } else if let Some(mut card) = self.services.get_mut(name) {
                card.windows = service.windows;
            }
        }
    }

    /// Forgets a detect shard that another process has now.
    pub fn shard_released(&self, shard: u32) {
        self.shards.remove(&shard);
        self.services.retain(|_, card| card.shard != shard);
        self.rates.retain(|name, _| self.services.contains_key(name));
    }

    /// Takes an anomaly.
    pub fn anomaly(&self, anomaly: &Anomaly) {
        self.anomaly_count.fetch_add(1, Ordering::Relaxed);
        push(&self.anomalies, ANOMALIES_MAX, Arc::new(AnomalyView::new(anomaly)));
    }

    /// Takes a change of an alert.
    pub fn alert(&self, change: &AlertChange) {
        self.alerts.insert(change.id.clone(), Arc::new(AlertView::new(change)));
        if change.state == AlertState::Resolved {
            let gone = push(&self.resolved, RESOLVED_MAX, change.id.clone());
            if let Some(gone) = gone {
                self.alerts
                    .remove_if(&gone, |_, alert| alert.state == AlertState::Resolved.as_str());
            }
        }
    }

    /// Takes the open alerts of a restored state.
    pub fn alerts_restored(&self, state: &AlertMachineState) {
        for cluster in state.clusters().filter(|cluster| cluster.is_open) {
            self.alert(&cluster.change(AlertState::Updated, cluster.sent_at, Reason::MoreEvidence));
        }
    }

    /// Takes a decision.
    pub fn decision(&self, decision: &Decision) {
        push(&self.decisions, DECISIONS_MAX, Arc::new(DecisionView::new(decision)));
    }

    /// Takes a commit that has just ended.
    pub fn committed(&self, commit: &Commit) {
        self.stages.entry(commit.stage).or_default().committed(commit, now());
    }

    /// Returns how many lines were accounted for.
    pub fn lines_in(&self) -> u64 {
        let lines = &self.lines;
        [&lines.tallied, &lines.late, &lines.rejected]
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}

/// Adds to a ring; returns what had to give way.
fn push<T>(ring: &Mutex<VecDeque<T>>, max: usize, item: T) -> Option<T> {
    let mut ring = lock(ring);
    ring.push_back(item);
    if ring.len() > max { ring.pop_front() } else { None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wall time.
fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
