//! Stage 3, alert: anomalies of every shard in, alert clusters and decisions out.
//!
//! One machine for an alerting scope.
//! Anomalies are taken in order of event time once every shard has passed them, so the outcome
//! does not depend on how shards interleave.
//!
//! **An alert opens once and resolves once. No anomaly leaves without a decision.**

mod arrival;
mod cluster;
mod event;
mod title;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use arrival::{
    AlertInput, Arrival, Arrivals, ExternalAlert, ExternalState, Maintenance, Scope, Silence,
};
pub use cluster::{Cluster, fingerprint_of, weight_of};
pub use event::{
    Action, AlertChange, AlertOutput, AlertState, AtSink, Decision, EvidenceLine, Reason,
};

use crate::anomaly::{Anomaly, id_of};
use crate::detect::Findings;
use crate::time::Timestamp;

/// Anomalies that wait for slow shards; beyond it, the earliest are taken without waiting.
const QUEUE_MAX: usize = 65_536;

/// How alerts are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlertSettings {
    /// Weight of evidence at which a cluster is sent.
    pub open_weight: f64,
    /// Event time within which anomalies of different services belong together.
    pub join_gap: Duration,
    /// Quiet event time after which a cluster resolves.
    pub resolve_after: Duration,
    /// Shortest event time between updates that bring only more of the same.
    pub update_every: Duration,
    /// Active clusters at most.
    pub clusters_max: usize,
}

/// The alert machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    settings: AlertSettings,
    state: AlertMachineState,
}

/// What the alert machine keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertMachineState {
    shards: BTreeMap<u32, ShardProgress>,
    queue: BTreeMap<(Timestamp, String, String), Anomaly>,
    clusters: Vec<Cluster>,
    decisions: u64,
    repeated: u64,
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
        Self { settings, state: AlertMachineState::default() }
    }

    /// Continues from a state that [`Self::state`] gave.
    pub fn restore(&mut self, state: AlertMachineState) {
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
            self.pass_time(anomaly.at, out);
            self.take(&anomaly, out);
        }
        if let Some(progress) = progress {
            self.pass_time(progress, out);
        }
    }

    /// Takes in what came from elsewhere; appends what follows from it.
    pub fn receive(&mut self, arrivals: Arrivals, out: &mut Vec<AlertOutput>) {
        let _ = (arrivals, out);
    }

    /// Puts an anomaly into the cluster that it belongs to.
    fn take(&mut self, anomaly: &Anomaly, out: &mut Vec<AlertOutput>) {
        let (idx, reason) = match self.find(anomaly) {
            Some((idx, reason)) => {
                self.state.clusters[idx].add(anomaly);
                (idx, reason)
            }
            None => {
                self.make_room(anomaly.at, out);
                self.state.clusters.push(Cluster::new(anomaly));
                (self.state.clusters.len() - 1, Reason::FirstEvidence)
            }
        };
        self.decide(idx, anomaly.at, Action::Merge, reason, Some(&anomaly.id), out);
        self.send_if_due(idx, anomaly.at, out);
    }

    /// Finds the active cluster that an anomaly belongs to, by the strongest bond there is.
    fn find(&self, anomaly: &Anomaly) -> Option<(usize, Reason)> {
        let fingerprint = fingerprint_of(anomaly);
        let bonds = self.state.clusters.iter().enumerate().filter_map(|(idx, cluster)| {
            let reason = self.bond(cluster, anomaly, &fingerprint)?;
            Some((std::cmp::Reverse(reason), cluster.is_open, cluster.last_at, idx))
        });
        bonds.max().map(|(reason, _, _, idx)| (idx, reason.0))
    }

    fn bond(&self, cluster: &Cluster, anomaly: &Anomaly, fingerprint: &str) -> Option<Reason> {
        let gap = anomaly.at.since(cluster.last_at);
        if cluster.holds(fingerprint) {
            return Some(Reason::SameFingerprint);
        }
        // One that only waits for what was missed does not take in what else goes wrong meanwhile.
        let is_same_wait = cluster.lasts_until().is_some() && anomaly.lasts_until.is_some();
        let is_alive = anomaly.at <= cluster.last_at + self.quiet_of(cluster) || is_same_wait;
        if is_alive && cluster.services.contains_key(&anomaly.service) {
            return Some(Reason::SameService);
        }
        let text = anomaly.template.as_ref().map(|template| template.text.as_str());
        if is_alive && text.is_some_and(|text| cluster.resembles(text)) {
            return Some(Reason::SimilarTemplate);
        }
        let same_host = anomaly.host.as_ref().is_some_and(|host| cluster.hosts.contains(host));
        if same_host && gap <= self.settings.join_gap * 2 {
            return Some(Reason::SameHost);
        }
        (gap <= self.settings.join_gap).then_some(Reason::CloseInTime)
    }

    fn send_if_due(&mut self, idx: usize, at: Timestamp, out: &mut Vec<AlertOutput>) {
        let cluster = &self.state.clusters[idx];
        let severity = cluster.judge_severity();
        if !cluster.is_open {
            if cluster.weight() >= self.settings.open_weight {
                self.send(idx, AlertState::Open, at, Reason::EnoughEvidence, out);
            }
            return;
        }
        let newcomer = cluster.services.len() > cluster.services_sent;
        let reason = if severity > cluster.severity {
            Reason::SeverityRaised
        } else if newcomer && at.since(cluster.sent_at) >= self.settings.update_every / 4 {
            Reason::NewService
        } else if at.since(cluster.sent_at) >= self.settings.update_every {
            Reason::MoreEvidence
        } else {
            return;
        };
        self.send(idx, AlertState::Updated, at, reason, out);
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one flat event, named at each call")]
    fn send(
        &mut self,
        idx: usize,
        state: AlertState,
        at: Timestamp,
        reason: Reason,
        out: &mut Vec<AlertOutput>,
    ) {
        let cluster = &mut self.state.clusters[idx];
        cluster.severity = cluster.severity.max(cluster.judge_severity());
        cluster.is_open = true;
        cluster.is_dirty = false;
        cluster.services_sent = cluster.services.len();
        cluster.sent_at = at;
        out.push(AlertOutput::Change(Box::new(cluster.change(state, at, reason))));
        self.decide(idx, at, Action::Send, reason, None, out);
    }

    /// Does what falls due up to a time: updates and the end of clusters that are quiet.
    fn pass_time(&mut self, now: Timestamp, out: &mut Vec<AlertOutput>) {
        while let Some((due, idx)) = self.next_due().filter(|(due, _)| *due <= now) {
            let cluster = &self.state.clusters[idx];
            if due < self.end_of(cluster) {
                self.send(idx, AlertState::Updated, due, Reason::MoreEvidence, out);
                continue;
            }
            if cluster.is_open {
                self.send(idx, AlertState::Resolved, due, Reason::QuietAgain, out);
            } else {
                self.decide(idx, due, Action::Suppress, Reason::NotEnoughEvidence, None, out);
            }
            self.state.clusters.remove(idx);
        }
    }

    /// When a cluster ends if nothing more comes: one that was never sent is soon forgotten, so that
    /// stale evidence does not draw in what belongs to another cause; an open one lasts as long as
    /// what it waits for.
    fn end_of(&self, cluster: &Cluster) -> Timestamp {
        let quiet = cluster.last_at + self.quiet_of(cluster);
        cluster.lasts_until().filter(|_| cluster.is_open).map_or(quiet, |until| quiet.max(until))
    }

    fn quiet_of(&self, cluster: &Cluster) -> Duration {
        if cluster.is_open {
            self.settings.resolve_after
        } else {
            self.settings.resolve_after.min(self.settings.join_gap * 2)
        }
    }

    fn next_due(&self) -> Option<(Timestamp, usize)> {
        let due = |cluster: &Cluster| {
            let end = self.end_of(cluster);
            let update = cluster.sent_at + self.settings.update_every;
            if cluster.is_open && cluster.is_dirty { end.min(update) } else { end }
        };
        let clusters = self.state.clusters.iter().enumerate();
        clusters.map(|(idx, cluster)| (due(cluster), idx)).min()
    }

    fn make_room(&mut self, at: Timestamp, out: &mut Vec<AlertOutput>) {
        if self.state.clusters.len() < self.settings.clusters_max.max(1) {
            return;
        }
        let weight = |idx: &usize| self.state.clusters[*idx].weight();
        let unsent =
            (0..self.state.clusters.len()).filter(|idx| !self.state.clusters[*idx].is_open);
        if let Some(idx) = unsent.min_by(|a, b| weight(a).total_cmp(&weight(b))) {
            self.decide(idx, at, Action::Suppress, Reason::LimitReached, None, out);
            self.state.clusters.remove(idx);
        } else {
            self.send(0, AlertState::Resolved, at, Reason::LimitReached, out);
            self.state.clusters.remove(0);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one flat event, named at each call")]
    fn decide(
        &mut self,
        idx: usize,
        at: Timestamp,
        action: Action,
        reason: Reason,
        anomaly: Option<&str>,
        out: &mut Vec<AlertOutput>,
    ) {
        let cluster = &self.state.clusters[idx];
        let number = self.state.decisions.to_string();
        let parts = [&cluster.id, action.as_str(), reason.as_str(), anomaly.unwrap_or(&number)];
        out.push(AlertOutput::Decision(Decision {
            id: id_of("d", &parts),
            at,
            action,
            reason,
            alert: cluster.id.clone(),
            anomaly: anomaly.map(str::to_owned),
            weight: cluster.weight(),
            sink: None,
        }));
        self.state.decisions += 1;
    }
}

impl AlertMachineState {
    /// Returns the active clusters, in the order of their start.
    pub fn clusters(&self) -> &[Cluster] {
        &self.clusters
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

impl Cluster {
    /// Tells whether a template shares at least three fifths of its words with one of the cluster.
    fn resembles(&self, text: &str) -> bool {
        let tokens = cluster::tokens_of(text);
        self.tokens.iter().any(|known| {
            let shared = known.intersection(&tokens).count();
            let all = known.union(&tokens).count();
            shared >= 3 && shared * 5 >= all * 3
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
