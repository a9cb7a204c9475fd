//! One alert cluster: anomalies and alerts of other systems held to have one cause, what they
//! weigh, and what they say.
//!
//! Weights are those of [`weight_of`]; what is only `info` never opens a cluster by itself, and a
//! condition that repeats adds half of what it added the last time, a quarter of its own at least.
//! Of alerts of other systems only what is news weighs anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::anomaly::{Anomaly, AnomalyKind, Severity};
use crate::text::json_bytes;
use crate::time::Timestamp;

use super::arrival::ExternalState;
use super::decision::Reason;
use super::event::{AlertChange, AlertState, EvidenceKind, EvidenceLine};
use super::external::{Externals, Incoming};
use super::settings::AlertSettings;
use super::story::Story;
use super::topology::Topology;
use super::weight::{fingerprint_of, tokens_of, weight_of};
use super::{summary, title};

/// Hosts and anomaly ids kept in a cluster.
const HOSTS_MAX: usize = 32;
const MEMBERS_MAX: usize = 200;
/// Templates whose words are kept, by which others join it.
const TEXTS_MAX: usize = 24;
/// Bytes of the names of services that an event lists, as JSON: thousands of names, unless somebody
/// makes them long.
const SERVICES_BYTES_MAX: usize = 128 << 10;
/// Services that alerts of other systems add to a cluster; further ones are counted alone.
const SERVICES_MAX: usize = 256;
/// Conditions told apart in a cluster; further ones weigh what a repetition does.
const FINGERPRINTS_MAX: usize = 4096;
/// What anomalies of severity info may add to a cluster in all.
const INFO_WEIGHT_MAX: f64 = 1.0;
/// A cluster to which so many times as much came as when it was sent last is sent again at once.
const GROWN_FACTOR: u64 = 10;
/// Critical alerts of other systems named in a cluster, and the shortest time between two changes
/// that tell of them.
const CRITICAL_MAX: usize = 100;
pub(super) const CRITICAL_EVERY: Duration = Duration::from_secs(1);
/// Fewer are counted as so many.
const GROWN_LEAST: u64 = 10;

/// Which time something waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clock {
    /// Event time that every shard has reached.
    Logs,
    /// Wall time, as arrivals tell it.
    Wall,
}

/// An active alert cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Id, made from its first anomaly.
    pub id: String,
    /// Whether it was sent.
    pub is_open: bool,
    /// Event time of the first evidence.
    pub started_at: Timestamp,
    /// Event time of the last anomaly that keeps it alive: once open, one that is more than `info`.
    pub last_at: Timestamp,
    /// Event time of the last change that was sent.
    pub sent_at: Timestamp,
    /// How many services were named in that.
    pub services_sent: usize,
    /// Whether something came since then.
    pub is_dirty: bool,
    /// Severity sent last.
    pub severity: Severity,
    /// Services by name.
    pub services: BTreeMap<String, ServiceShare>,
    /// Hosts named by the anomalies.
    pub hosts: BTreeSet<String>,
    /// Tokens of the templates in it.
    pub tokens: Vec<BTreeSet<String>>,
    /// What alerts of other systems have in it.
    pub(super) externals: Externals,
    /// Why it was sent first.
    pub(super) why: Option<Reason>,
    /// Who has it in hand.
    pub acknowledged_by: Option<String>,
    /// Whether it has ended and comes back with what is added now.
    pub(super) is_returning: bool,
    /// The alert that was active where this began.
    pub(super) follows: Option<String>,
    /// Gravest alert of another system in it.
    pub(super) said: Option<Severity>,
    /// Critical alerts of other systems in it, and how many of them were sent.
    critical: Vec<String>,
    pub(super) critical_sent: usize,
    anomaly_count: u64,
    members: Vec<String>,
    fingerprints: BTreeMap<String, f64>,
    /// Conditions that last, and until when.
    lasting: BTreeMap<String, Timestamp>,
    grave_weight: f64,
    info_weight: f64,
    story: Story,
}

/// What one service has in a cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceShare {
    /// Gravest anomaly.
    pub severity: Severity,
    /// Earliest evidence of that severity.
    pub first: Timestamp,
    /// Weight of its anomalies.
    pub weight: f64,
    /// Whether the whole service went silent.
    pub is_silent: bool,
    /// Whether another service of the cluster depends on it, and it on none of them.
    pub is_blamed: bool,
}

impl Cluster {
    /// Starts a cluster with its first anomaly.
    pub fn new(anomaly: &Anomaly) -> Self {
        let mut cluster = Self::begin(&anomaly.id, evidence_time(anomaly), anomaly.at);
        cluster.add(anomaly);
        cluster
    }

    /// Starts a cluster that has nothing in it yet, named by what comes first.
    pub(super) fn begin(first: &str, started_at: Timestamp, at: Timestamp) -> Self {
        Self {
            id: crate::anomaly::id_of("alert", &[first]),
            is_open: false,
            started_at,
            last_at: at,
            sent_at: at,
            services_sent: 0,
            is_dirty: false,
            severity: Severity::Info,
            services: BTreeMap::new(),
            hosts: BTreeSet::new(),
            tokens: Vec::new(),
            externals: Externals::default(),
            why: None,
            acknowledged_by: None,
            is_returning: false,
            follows: None,
            said: None,
            critical: Vec::new(),
            critical_sent: 0,
            anomaly_count: 0,
            members: Vec::new(),
            fingerprints: BTreeMap::new(),
            lasting: BTreeMap::new(),
            grave_weight: 0.0,
            info_weight: 0.0,
            story: Story::default(),
        }
    }

    /// Takes in an anomaly.
    pub fn add(&mut self, anomaly: &Anomaly) {
        let weight = self.weigh(anomaly);
        self.keep_waiting(anomaly);
        self.anomaly_count += 1;
        if !self.is_open || anomaly.severity > Severity::Info {
            self.last_at = self.last_at.max(anomaly.at);
        }
        self.started_at = self.started_at.min(evidence_time(anomaly));
        self.is_dirty = true;
        if self.members.len() < MEMBERS_MAX {
            self.members.push(anomaly.id.clone());
        }
        if self.hosts.len() < HOSTS_MAX {
            self.hosts.extend(anomaly.host.clone());
        }
        self.add_service(anomaly, weight);
        if let Some(template) = &anomaly.template {
            let tokens = tokens_of(&template.text);
            if self.tokens.len() < TEXTS_MAX && !self.tokens.contains(&tokens) {
                self.tokens.push(tokens);
            }
        }
        let line = anomaly.exemplars.first();
        self.story.tell(EvidenceLine {
            id: anomaly.id.clone(),
            kind: EvidenceKind::Anomaly(anomaly.kind),
            at: line.map_or(anomaly.at, |line| line.exemplar.time),
            severity: anomaly.severity,
            service: anomaly.service.clone(),
            reason: anomaly.reason.clone(),
            line: line.cloned(),
            url: None,
        });
    }

    /// Takes in an alert of another system that is news, with what it weighs.
    pub(super) fn add_news(&mut self, incoming: &Incoming<'_>, weight: f64) {
        let (alert, severity) = (incoming.alert, incoming.severity());
        if severity == Severity::Info {
            self.info_weight += weight;
        } else {
            self.grave_weight += weight;
        }
        // What spreads is no news of another kind: it does not draw in what comes next to it.
        if !self.externals.names.contains(&incoming.name) {
            self.externals.news_at = self.externals.news_at.max(incoming.at);
        }
        self.last_at = self.last_at.max(incoming.at);
        self.started_at = self.started_at.min(incoming.since());
        self.is_dirty = true;
        self.said = self.said.max(Some(severity));
        if self.members.len() < MEMBERS_MAX {
            self.members.push(alert.id.clone());
        }
        if self.hosts.len() < HOSTS_MAX {
            self.hosts.extend(alert.host.clone().filter(|host| !host.is_empty()));
        }
        if self.services.len() < SERVICES_MAX || self.services.contains_key(alert.place()) {
            self.add_share(alert.place(), severity, incoming.since(), weight);
        }
        if severity == Severity::Critical && self.critical.len() < CRITICAL_MAX {
            let line = format!("{}: {}", alert.place(), title::said(alert));
            if !self.critical.contains(&line) {
                self.critical.push(line);
            }
        }
        if alert.state == ExternalState::Trigger {
            self.story.tell(EvidenceLine {
                id: alert.id.clone(),
                kind: EvidenceKind::External,
                at: incoming.since(),
                severity,
                service: alert.place().to_owned(),
                reason: title::said(alert),
                line: None,
                url: alert.url.clone(),
            });
        }
    }

    /// Tells whether a critical alert has joined it that nobody was told of.
    pub(super) fn owes_critical(&self) -> bool {
        self.critical.len() > self.critical_sent
    }

    /// Marks everything in it as sent.
    pub(super) fn sent(&mut self, at: Timestamp) {
        self.severity = self.severity.max(self.judge_severity());
        self.is_open = true;
        self.is_dirty = false;
        self.services_sent = self.services.len();
        self.externals.count_sent = self.externals.count;
        self.critical_sent = self.critical.len();
        self.sent_at = at;
    }

    /// Returns the weight of the evidence.
    pub fn weight(&self) -> f64 {
        self.grave_weight + self.info_weight.min(INFO_WEIGHT_MAX)
    }

    /// Returns until when conditions in it last.
    pub fn lasts_until(&self) -> Option<Timestamp> {
        self.lasting.values().copied().max()
    }

    /// Tells whether a condition is part of the cluster.
    pub fn holds(&self, fingerprint: &str) -> bool {
        self.fingerprints.contains_key(fingerprint)
    }

    /// Returns the conditions of its anomalies.
    pub(super) fn fingerprints(&self) -> impl Iterator<Item = &str> {
        self.fingerprints.keys().map(String::as_str)
    }

    /// Returns the lines that tell of it.
    pub(super) fn story(&self) -> &[EvidenceLine] {
        self.story.lines()
    }

    /// Returns why it was sent first.
    pub(super) fn why(&self) -> Option<Reason> {
        self.why
    }

    /// Returns how many anomalies came.
    pub(super) fn anomaly_count(&self) -> u64 {
        self.anomaly_count
    }

    /// Tells whether a log tells of it.
    pub fn has_logs(&self) -> bool {
        self.anomaly_count > 0
    }

    /// Tells whether so much more came since it was sent last that it must be sent again.
    pub(super) fn has_grown(&self) -> bool {
        let Externals { count, count_sent, .. } = self.externals;
        count_sent > 0 && count >= GROWN_FACTOR * count_sent.max(GROWN_LEAST)
    }

    /// Returns when something of it is due, and by which clock: an update, or its end.
    ///
    /// Alerts of other systems end by wall time, anomalies by what the logs have reached; a cluster
    /// that has both waits for the one, then for the other.
    pub(super) fn due(&self, settings: &AlertSettings) -> (Clock, Timestamp) {
        let end = self.end(settings);
        let clock = self.clock();
        if self.is_open && self.owes_critical() {
            return (clock, end.min(self.sent_at + CRITICAL_EVERY));
        }
        if self.is_open && self.is_dirty && self.acknowledged_by.is_none() {
            return (clock, end.min(self.sent_at + settings.update_every));
        }
        (clock, end)
    }

    fn clock(&self) -> Clock {
        let waits = self.externals.count > 0 && !(self.externals.is_passed && self.has_logs());
        if waits { Clock::Wall } else { Clock::Logs }
    }

    /// When it ends if nothing more comes, by the clock that it waits for: one that was never sent
    /// is soon forgotten, so that stale evidence does not draw in what belongs to another cause; an
    /// open one lasts as long as what it waits for.
    pub(super) fn end(&self, settings: &AlertSettings) -> Timestamp {
        if self.clock() == Clock::Wall {
            return self.externals.until().unwrap_or(self.last_at);
        }
        let quiet = self.last_at + self.quiet(settings);
        let quiet = self.externals.until().map_or(quiet, |until| quiet.max(until));
        self.lasts_until().filter(|_| self.is_open).map_or(quiet, |until| quiet.max(until))
    }

    /// How long it stays without anything new.
    pub(super) fn quiet(&self, settings: &AlertSettings) -> Duration {
        if self.is_open {
            settings.resolve_after
        } else {
            settings.resolve_after.min(settings.join_gap * 2)
        }
    }

    /// Makes it ready to be sent again after its end.
    pub(super) fn come_back(&mut self, at: Timestamp) {
        self.is_returning = true;
        self.started_at = at;
        self.externals.formed_at = at;
        self.severity = Severity::Info;
        self.said = None;
        self.critical.clear();
        self.critical_sent = 0;
        self.why = None;
        self.acknowledged_by = None;
        for share in self.services.values_mut() {
            share.severity = Severity::Info;
        }
    }

    /// Returns the severity of the cluster as a whole.
    ///
    /// Critical is a service gone silent while another fails, or failures in three services.
    pub fn judge_severity(&self) -> Severity {
        let failing =
            self.services.values().filter(|share| share.severity >= Severity::Error).count();
        let silent = self.services.values().any(|share| share.is_silent);
        let gravest = self.services.values().map(|share| share.severity).max();
        if failing >= 3 || (silent && failing >= 2) {
            return Severity::Critical;
        }
        gravest.max(self.said).unwrap_or(Severity::Info).max(Severity::Warning)
    }

    /// Describes the cluster at a change.
    pub fn change(&self, state: AlertState, at: Timestamp, reason: Reason) -> AlertChange {
        let mut services = self.ranked_services();
        let mut left = SERVICES_BYTES_MAX;
        let fits = services.iter().take_while(|name| {
            let bytes = json_bytes(name);
            left = left.saturating_sub(bytes);
            left > 0
        });
        let fits = fits.count().max(1);
        services.truncate(fits);
        AlertChange {
            id: self.id.clone(),
            state,
            at,
            reason,
            severity: self.severity,
            title: title::title(&services, self.story.lines(), self.has_logs()),
            summary: summary::summary(self, &services, state, at),
            started_at: self.started_at,
            updated_at: self.last_at,
            ended_at: (state == AlertState::Resolved).then_some(self.last_at),
            hosts: self.hosts.iter().cloned().collect(),
            anomaly_count: self.anomaly_count,
            external_count: self.externals.count,
            critical: self.critical.clone(),
            lacks_logs: !self.has_logs(),
            follows: self.follows.clone(),
            acknowledged_by: self.acknowledged_by.clone(),
            members: self.members.clone(),
            evidence: self.story.evidence(),
            dedup_key: format!("logwake/{}", self.id),
            services,
        }
    }

    /// Finds out who is to blame: what others of its services depend on, the deepest of them.
    pub(super) fn blame(&mut self, topology: &Topology) {
        let names: BTreeSet<String> = self.services.keys().cloned().collect();
        let is_here = |name: &&str| names.contains(*name);
        for (name, share) in &mut self.services {
            let (below, above) = (topology.below(name), topology.above(name));
            let depends = below.iter().filter(|on| is_here(on)).any(|on| !above.contains(on));
            share.is_blamed =
                above.iter().any(is_here) && !depends && share.severity >= Severity::Warning;
        }
    }

    /// Services, the probable origin first: who is to blame by what services depend on, else the
    /// gravest, and of these the earliest.
    fn ranked_services(&self) -> Vec<String> {
        let mut ranked: Vec<_> = self.services.iter().collect();
        ranked.sort_by(|(a_name, a), (b_name, b)| {
            let blamed = b.is_blamed.cmp(&a.is_blamed);
            blamed
                .then(b.severity.cmp(&a.severity))
                .then(a.first.cmp(&b.first))
                .then(b.weight.total_cmp(&a.weight))
                .then(a_name.cmp(b_name))
        });
        ranked.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// Remembers until when a condition lasts, and forgets one that has ended.
    fn keep_waiting(&mut self, anomaly: &Anomaly) {
        let Some(until) = anomaly.lasts_until else { return };
        let fingerprint = fingerprint_of(anomaly);
        if until <= anomaly.at {
            self.lasting.remove(&fingerprint);
            self.last_at = self.last_at.max(anomaly.at);
        } else if self.lasting.len() < FINGERPRINTS_MAX {
            self.lasting.insert(fingerprint, until);
        }
    }

    fn weigh(&mut self, anomaly: &Anomaly) -> f64 {
        let full = weight_of(anomaly);
        let fingerprint = fingerprint_of(anomaly);
        let is_full = self.fingerprints.len() >= FINGERPRINTS_MAX;
        let next = match self.fingerprints.get(&fingerprint) {
            Some(next) => *next,
            None if is_full => 0.0,
            None => full,
        };
        let weight = next.max(full * 0.25).min(full);
        if !is_full || self.fingerprints.contains_key(&fingerprint) {
            self.fingerprints.insert(fingerprint, weight / 2.0);
        }
        if anomaly.severity == Severity::Info {
            self.info_weight += weight;
        } else {
            self.grave_weight += weight;
        }
        weight
    }

    fn add_service(&mut self, anomaly: &Anomaly, weight: f64) {
        let first = evidence_time(anomaly);
        let share = self.add_share(&anomaly.service, anomaly.severity, first, weight);
        share.is_silent |= anomaly.kind == AnomalyKind::Silence && anomaly.template.is_none();
    }

    fn add_share(
        &mut self,
        service: &str,
        severity: Severity,
        first: Timestamp,
        weight: f64,
    ) -> &mut ServiceShare {
        let new = ServiceShare { severity, first, weight: 0.0, is_silent: false, is_blamed: false };
        let share = self.services.entry(service.to_owned()).or_insert(new);
        share.weight += weight;
        if severity > share.severity {
            share.severity = severity;
            share.first = first;
        } else if severity == share.severity {
            share.first = share.first.min(first);
        }
        share
    }
}

fn evidence_time(anomaly: &Anomaly) -> Timestamp {
    match anomaly.kind {
        AnomalyKind::RateDrop | AnomalyKind::Silence => anomaly.window_start,
        // A record that came too late tells of when it came.
        AnomalyKind::NewTemplate => {
            anomaly.exemplars.first().map_or(anomaly.window_start, |first| {
                let exemplar = &first.exemplar;
                if exemplar.time < anomaly.window_start { exemplar.at } else { exemplar.time }
            })
        }
        _ => anomaly.exemplars.first().map_or(anomaly.window_start, |first| first.exemplar.time),
    }
}
