//! Stage 3, alert: anomalies of every shard and alerts of other systems in, alert clusters and
//! decisions out.
//!
//! One machine for an alerting scope.
//! Anomalies are taken in order of event time once every shard has passed them, so the outcome
//! does not depend on how shards interleave. Alerts of other systems are taken as they come.
//!
//! **An alert opens once; after its end it may be reopened, and ends again. No anomaly and no
//! arrival leaves without a decision.**

mod arrival;
mod cluster;
mod decision;
mod event;
mod external;
mod familiar;
mod index;
mod join;
mod mute;
mod receive;
mod settings;
mod story;
mod summary;
mod title;
mod together;
mod topology;
mod weight;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use arrival::{
    AlertInput, Arrival, Arrivals, ExternalAlert, ExternalState, Maintenance, Scope, Silence,
};
pub use cluster::{Clock, Cluster};
pub use decision::{Action, AtSink, Decision, Reason};
pub use event::{AlertChange, AlertOutput, AlertState, EvidenceKind, EvidenceLine};
pub use settings::AlertSettings;
pub use topology::Topology;
pub use weight::{fingerprint_of, weight_of};

use crate::anomaly::{Anomaly, id_of};
use crate::detect::Findings;
use crate::time::Timestamp;
use familiar::Familiar;
use index::Index;
use mute::{Mutes, Subject};
use receive::Ripening;
use together::Together;
use weight::weight;

/// Anomalies that wait for slow shards; beyond it, the earliest are taken without waiting.
const QUEUE_MAX: usize = 65_536;

/// Logs that stand still for so long of wall time are followed by it, so that their alerts end.
const STALL: Duration = Duration::from_secs(300);

/// The alert machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    settings: AlertSettings,
    topology: Arc<Topology>,
    state: AlertMachineState,
    index: Index,
}

/// What the alert machine keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertMachineState {
    shards: BTreeMap<u32, ShardProgress>,
    queue: BTreeMap<(Timestamp, String, String), Anomaly>,
    /// Active clusters, in the order of their start.
    clusters: BTreeMap<u64, Cluster>,
    next_cluster: u64,
    elsewhere: Elsewhere,
    decisions: u64,
    repeated: u64,
}

/// What the machine keeps of what comes from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Elsewhere {
    /// Number of the next arrivals of each source.
    next_seq: BTreeMap<String, u64>,
    /// Wall time as arrivals tell it; it never goes back.
    clock: Timestamp,
    /// When logs were last seen to go on, by that clock.
    moved_at: Option<Timestamp>,
    familiar: Familiar,
    together: Together,
    mutes: Mutes,
    ripening: Ripening,
    /// Clusters that have ended and may be reopened, and when they ended.
    ended: BTreeMap<u64, Cluster>,
    ended_at: BTreeSet<(Timestamp, u64)>,
    /// The newest cluster of each condition, each name at a place, and each name.
    by_key: BTreeMap<u64, u64>,
    by_here: BTreeMap<u64, u64>,
    by_name: BTreeMap<u64, u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ShardProgress {
    next_seq: u64,
    progress: Option<Timestamp>,
    expected: u32,
}

impl Alert {
    /// Makes the machine.
    pub fn new(settings: AlertSettings) -> Self {
        let (state, index) = (AlertMachineState::default(), Index::default());
        Self { settings, topology: Arc::default(), state, index }
    }

    /// Tells it which service depends on which.
    #[must_use]
    pub fn with_topology(mut self, topology: Arc<Topology>) -> Self {
        self.topology = topology;
        self
    }

    /// Continues from a state that [`Self::state`] gave.
    pub fn restore(&mut self, state: AlertMachineState) {
        self.index = Index::of(&state.clusters, &self.settings);
        self.state = state;
    }

    /// Returns what must be kept.
    pub fn state(&self) -> &AlertMachineState {
        &self.state
    }

    /// Takes in the findings of a shard; appends what follows from them.
    pub fn step(&mut self, findings: Findings, out: &mut Vec<AlertOutput>) {
        let shard = self.state.shards.entry(findings.shard).or_insert(ShardProgress {
            next_seq: 0,
            progress: None,
            expected: findings.shards,
        });
        if findings.seq < shard.next_seq {
            self.state.repeated += 1;
            return;
        }
        shard.next_seq = findings.seq + 1;
        if findings.progress > shard.progress {
            self.state.elsewhere.moved_at = None;
        }
        shard.progress = findings.progress;
        shard.expected = findings.shards;
        for anomaly in findings.anomalies {
            let key = (anomaly.at, anomaly.service.clone(), anomaly.id.clone());
            self.state.queue.insert(key, anomaly);
        }
        let progress = self.state.progress();
        let mut waiting = self.state.queue.len();
        while let Some(next) = self.state.queue.first_entry() {
            if Some(next.key().0) > progress && waiting <= QUEUE_MAX {
                break;
            }
            waiting -= 1;
            let anomaly = next.remove();
            self.pass_time(Clock::Logs, anomaly.at, out);
            self.take(&anomaly, out);
        }
        if let Some(progress) = progress {
            self.pass_time(Clock::Logs, progress, out);
        }
    }

    /// Puts an anomaly into the cluster that it belongs to.
    fn take(&mut self, anomaly: &Anomaly, out: &mut Vec<AlertOutput>) {
        let about = About::anomaly(anomaly);
        if self.mute(&Subject::of(anomaly), anomaly.at, about, out).is_some() {
            return;
        }
        let (serial, reason) = match self.find(anomaly) {
            Some((serial, reason)) => {
                self.change(serial, |cluster| cluster.add(anomaly));
                (serial, reason)
            }
            None => {
                self.make_room(anomaly.at, out);
                (self.push(Cluster::new(anomaly)), Reason::FirstEvidence)
            }
        };
        self.index_anomaly(serial, anomaly);
        self.decide(Some(serial), anomaly.at, Action::Merge, reason, about, out);
        self.send_if_due(serial, anomaly.at, out);
    }

    /// Adds a cluster.
    fn push(&mut self, cluster: Cluster) -> u64 {
        let serial = self.state.next_cluster;
        self.state.next_cluster += 1;
        self.index.put(serial, &cluster, &self.settings);
        self.state.clusters.insert(serial, cluster);
        serial
    }

    /// Changes a cluster, and keeps it to be found by what it has become.
    fn change(&mut self, serial: u64, change: impl FnOnce(&mut Cluster)) {
        if let Some(cluster) = self.state.clusters.get_mut(&serial) {
            let services = cluster.services.len();
            change(cluster);
            if cluster.services.len() > services && !self.topology.is_empty() {
                cluster.blame(&self.topology);
            }
            self.index.put(serial, cluster, &self.settings);
        }
    }

    fn send_if_due(&mut self, serial: u64, at: Timestamp, out: &mut Vec<AlertOutput>) {
        let cluster = &self.state.clusters[&serial];
        let severity = cluster.judge_severity();
        if !cluster.is_open {
            if cluster.weight() >= self.settings.open_weight {
                let reason = match cluster.why {
                    Some(why) if !cluster.has_logs() => why,
                    _ => Reason::EnoughEvidence,
                };
                self.send(serial, AlertState::Open, at, reason, out);
            }
            return;
        }
        let newcomer = cluster.services.len() > cluster.services_sent;
        let since = at.since(cluster.sent_at);
        let reason = if severity > cluster.severity {
            Reason::SeverityRaised
        } else if cluster.owes_critical() && since >= cluster::CRITICAL_EVERY {
            Reason::SaidCritical
        } else if cluster.acknowledged_by.is_some() {
            return;
        } else if cluster.has_grown() {
            Reason::Grown
        } else if newcomer && since >= self.settings.update_every / 4 {
            Reason::NewService
        } else if cluster.is_dirty && since >= self.settings.update_every {
            Reason::MoreEvidence
        } else {
            return;
        };
        self.send(serial, AlertState::Updated, at, reason, out);
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one flat event, named at each call")]
    fn send(
        &mut self,
        serial: u64,
        state: AlertState,
        at: Timestamp,
        reason: Reason,
        out: &mut Vec<AlertOutput>,
    ) {
        self.change(serial, |cluster| {
            cluster.sent(at);
        });
        let cluster = &self.state.clusters[&serial];
        out.push(AlertOutput::Change(Box::new(cluster.change(state, at, reason))));
        if matches!(state, AlertState::Open | AlertState::Reopened) && !cluster.has_logs() {
            self.state.elsewhere.familiar.paged(at);
        }
        self.decide(Some(serial), at, Action::Send, reason, About::default(), out);
    }

    /// Does what falls due by a clock: updates and the end of clusters that are quiet.
    fn pass_time(&mut self, clock: Clock, now: Timestamp, out: &mut Vec<AlertOutput>) {
        while let Some((due, serial)) = self.index.next_due(clock).filter(|(due, _)| *due <= now) {
            let cluster = &self.state.clusters[&serial];
            if due < cluster.end(&self.settings) {
                let is_critical = cluster.owes_critical();
                let reason = if is_critical { Reason::SaidCritical } else { Reason::MoreEvidence };
                self.send(serial, AlertState::Updated, due, reason, out);
            } else if clock == Clock::Wall && cluster.has_logs() {
                self.change(serial, |cluster| cluster.externals.is_passed = true);
            } else if cluster.is_open {
                let is_told = !cluster.has_logs() && cluster.externals.is_told_over();
                let reason = if is_told { Reason::ToldOver } else { Reason::QuietAgain };
                self.send(serial, AlertState::Resolved, due, reason, out);
                let id = self.state.clusters[&serial].id.clone();
                self.end(serial, due);
                self.release(&id, out);
            } else {
                let about = About::default();
                let reason = Reason::NotEnoughEvidence;
                self.decide(Some(serial), due, Action::Suppress, reason, about, out);
                self.end(serial, due);
            }
        }
    }

    /// Takes a cluster out; one that was sent may be reopened for a while.
    fn end(&mut self, serial: u64, at: Timestamp) {
        let Some(mut cluster) = self.state.clusters.remove(&serial) else { return };
        self.index.drop(serial, &cluster);
        let elsewhere = &mut self.state.elsewhere;
        for key in cluster.externals.keys() {
            forget(&mut elsewhere.by_key, key, serial);
        }
        for name in &cluster.externals.names {
            forget(&mut elsewhere.by_name, *name, serial);
        }
        cluster.externals.rest();
        if cluster.is_open && cluster.externals.count > 0 {
            elsewhere.ended.insert(serial, cluster);
            elsewhere.ended_at.insert((at, serial));
            self.forget_ended(at);
        } else {
            for here in &cluster.externals.heres {
                forget(&mut elsewhere.by_here, *here, serial);
            }
        }
    }

    /// Forgets clusters that ended too long ago to be reopened, and the oldest of too many.
    fn forget_ended(&mut self, now: Timestamp) {
        let elsewhere = &mut self.state.elsewhere;
        while let Some((at, serial)) = elsewhere.ended_at.first().copied() {
            let is_old = now.since(at) > self.settings.hold_max;
            if !is_old && elsewhere.ended.len() <= self.settings.clusters_max {
                return;
            }
            elsewhere.ended_at.pop_first();
            if let Some(cluster) = elsewhere.ended.remove(&serial) {
                for here in &cluster.externals.heres {
                    forget(&mut elsewhere.by_here, *here, serial);
                }
            }
        }
    }

    fn make_room(&mut self, at: Timestamp, out: &mut Vec<AlertOutput>) {
        if self.state.clusters.len() < self.settings.clusters_max.max(1) {
            return;
        }
        if let Some(serial) = self.index.lightest_unsent() {
            let (action, about) = (Action::Suppress, About::default());
            self.decide(Some(serial), at, action, Reason::LimitReached, about, out);
            self.end(serial, at);
        } else if let Some(serial) = self.state.clusters.keys().next().copied() {
            self.send(serial, AlertState::Resolved, at, Reason::LimitReached, out);
            self.end(serial, at);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one flat event, named at each call")]
    fn decide(
        &mut self,
        serial: Option<u64>,
        at: Timestamp,
        action: Action,
        reason: Reason,
        about: About<'_>,
        out: &mut Vec<AlertOutput>,
    ) {
        let cluster = serial.and_then(|serial| self.state.clusters.get(&serial));
        let alert = cluster.map_or("", |cluster| cluster.id.as_str());
        let number = self.state.decisions.to_string();
        let parts = [alert, action.as_str(), reason.as_str(), about.anomaly.unwrap_or(&number)];
        out.push(AlertOutput::Decision(Decision {
            id: id_of("d", &parts),
            at,
            action,
            reason,
            alert: alert.to_owned(),
            anomaly: about.anomaly.map(str::to_owned),
            external: about.external.map(str::to_owned),
            mute: about.mute.map(str::to_owned),
            weight: cluster.map_or(0.0, Cluster::weight),
            sink: None,
        }));
        self.state.decisions += 1;
    }
}

/// What a decision is about, beside a cluster.
#[derive(Clone, Copy, Debug, Default)]
struct About<'a> {
    anomaly: Option<&'a str>,
    external: Option<&'a str>,
    mute: Option<&'a str>,
}

impl<'a> About<'a> {
    fn anomaly(anomaly: &'a Anomaly) -> Self {
        Self { anomaly: Some(&anomaly.id), ..Self::default() }
    }

    fn external(alert: &'a ExternalAlert) -> Self {
        Self { external: Some(&alert.id), ..Self::default() }
    }

    fn mute(id: &'a str) -> Self {
        Self { mute: Some(id), ..Self::default() }
    }
}

fn forget(of: &mut BTreeMap<u64, u64>, key: u64, serial: u64) {
    if of.get(&key) == Some(&serial) {
        of.remove(&key);
    }
}

impl AlertMachineState {
    /// Returns the active clusters, in the order of their start.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters.values()
    }

    /// Returns the silences that have not ended, by id.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.elsewhere.mutes.silences()
    }

    /// Returns the event time that every shard has reached.
    pub fn progress(&self) -> Option<Timestamp> {
        let expected = self.shards.values().map(|shard| shard.expected).max()?;
        if (self.shards.len() as u64) < u64::from(expected) {
            return None;
        }
        self.shards.values().map(|shard| shard.progress).min().flatten()
    }
}

#[cfg(test)]
pub(crate) mod tests;
