//! One alert cluster: anomalies held to have one cause, what they weigh, and what they say.
//!
//! Weights are those of [`weight_of`]; what is only `info` never opens a cluster by itself, and a
//! condition that repeats adds half of what it added the last time, a quarter of its own at least.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::anomaly::{Anomaly, AnomalyKind, Severity};
use crate::record::Level;
use crate::time::Timestamp;

use super::event::{AlertChange, AlertState, EvidenceLine, Reason};
use super::title;

/// Hosts, anomaly ids and lines kept in a cluster.
const HOSTS_MAX: usize = 32;
const MEMBERS_MAX: usize = 200;
const STORY_MAX: usize = 24;
/// Conditions told apart in a cluster; further ones weigh what a repetition does.
const FINGERPRINTS_MAX: usize = 4096;
/// Lines shown with an alert.
const EVIDENCE_MAX: usize = 6;
/// What anomalies of severity info may add to a cluster in all.
const INFO_WEIGHT_MAX: f64 = 1.0;

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
    anomaly_count: u64,
    members: Vec<String>,
    fingerprints: BTreeMap<String, f64>,
    /// Conditions that last, and until when.
    lasting: BTreeMap<String, Timestamp>,
    grave_weight: f64,
    info_weight: f64,
    story: Vec<EvidenceLine>,
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
}

impl Cluster {
    /// Starts a cluster with its first anomaly.
    pub fn new(anomaly: &Anomaly) -> Self {
        let mut cluster = Self {
            id: crate::anomaly::id_of("alert", &[&anomaly.id]),
            is_open: false,
            started_at: evidence_time(anomaly),
            last_at: anomaly.at,
            sent_at: anomaly.at,
            services_sent: 0,
            is_dirty: false,
            severity: Severity::Info,
            services: BTreeMap::new(),
            hosts: BTreeSet::new(),
            tokens: Vec::new(),
            anomaly_count: 0,
            members: Vec::new(),
            fingerprints: BTreeMap::new(),
            lasting: BTreeMap::new(),
            grave_weight: 0.0,
            info_weight: 0.0,
            story: Vec::new(),
        };
        cluster.add(anomaly);
        cluster
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
        self.tell(anomaly);
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
        gravest.unwrap_or(Severity::Info).max(Severity::Warning)
    }

    /// Describes the cluster at a change.
    pub fn change(&self, state: AlertState, at: Timestamp, reason: Reason) -> AlertChange {
        let services = self.ranked_services();
        AlertChange {
            id: self.id.clone(),
            state,
            at,
            reason,
            severity: self.severity,
            title: title::title(&services, &self.story),
            started_at: self.started_at,
            updated_at: self.last_at,
            ended_at: (state == AlertState::Resolved).then_some(self.last_at),
            hosts: self.hosts.iter().cloned().collect(),
            anomaly_count: self.anomaly_count,
            members: self.members.clone(),
            evidence: self.evidence(),
            dedup_key: format!("logwake/{}", self.id),
            services,
        }
    }

    /// Services, the probable origin first: the gravest, and of these the earliest.
    fn ranked_services(&self) -> Vec<String> {
        let mut ranked: Vec<_> = self.services.iter().collect();
        ranked.sort_by(|(a_name, a), (b_name, b)| {
            let graver = b.severity.cmp(&a.severity);
            graver
                .then(a.first.cmp(&b.first))
                .then(b.weight.total_cmp(&a.weight))
                .then(a_name.cmp(b_name))
        });
        ranked.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// The gravest lines, in order of time.
    fn evidence(&self) -> Vec<EvidenceLine> {
        let mut lines: Vec<&EvidenceLine> = self.story.iter().collect();
        lines.sort_by_key(|line| (std::cmp::Reverse(line.severity), line_time(line)));
        let mut lines: Vec<EvidenceLine> = lines.into_iter().take(EVIDENCE_MAX).cloned().collect();
        lines.sort_by_key(line_time);
        lines
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
        let share = self.services.entry(anomaly.service.clone()).or_insert(ServiceShare {
            severity: anomaly.severity,
            first,
            weight: 0.0,
            is_silent: false,
        });
        share.weight += weight;
        share.is_silent |= anomaly.kind == AnomalyKind::Silence && anomaly.template.is_none();
        if anomaly.severity > share.severity {
            share.severity = anomaly.severity;
            share.first = first;
        } else if anomaly.severity == share.severity {
            share.first = share.first.min(first);
        }
    }

    /// Keeps the lines of an anomaly, one for each template, the gravest and earliest of all.
    fn tell(&mut self, anomaly: &Anomaly) {
        if let Some(template) = &anomaly.template {
            let tokens = tokens_of(&template.text);
            if self.tokens.len() < STORY_MAX && !self.tokens.contains(&tokens) {
                self.tokens.push(tokens);
            }
        }
        let line = EvidenceLine {
            anomaly: anomaly.id.clone(),
            kind: anomaly.kind,
            severity: anomaly.severity,
            service: anomaly.service.clone(),
            reason: anomaly.reason.clone(),
            line: anomaly.exemplars.first().cloned(),
        };
        let text = |line: &EvidenceLine| line.line.as_ref().map(|line| line.exemplar.text.clone());
        if let Some(same) = self
            .story
            .iter_mut()
            .find(|known| known.service == line.service && text(known) == text(&line))
        {
            if line.severity > same.severity {
                *same = line;
            }
            return;
        }
        self.story.push(line);
        if self.story.len() > STORY_MAX {
            let least = (0..self.story.len()).rev().min_by_key(|idx| self.story[*idx].severity);
            if let Some(idx) = least {
                self.story.remove(idx);
            }
        }
    }
}

/// Returns what identifies the condition behind an anomaly, apart from when it came.
pub fn fingerprint_of(anomaly: &Anomaly) -> String {
    let template = anomaly.template.as_ref().map(|template| template.id.to_string());
    format!("{}/{}/{}", anomaly.service, anomaly.kind.as_str(), template.unwrap_or_default())
}

/// Returns the words of a template.
pub(super) fn tokens_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2);
    words.map(str::to_lowercase).take(64).collect()
}

/// What an anomaly weighs: by severity, scaled from 0.75 to 1.25 by its score.
///
/// A service gone silent weighs enough alone; what developers ask to see weighs nothing.
pub fn weight_of(anomaly: &Anomaly) -> f64 {
    let base = match anomaly.severity {
        _ if anomaly.kind == AnomalyKind::Silence && anomaly.severity >= Severity::Error => 4.0,
        Severity::Info if matches!(anomaly.level, Level::Trace | Level::Debug) => 0.0,
        Severity::Info => 0.25,
        Severity::Warning if anomaly.kind == AnomalyKind::RateDrop => 2.0,
        Severity::Warning => 1.0,
        Severity::Error if anomaly.level == Level::Fatal => 2.5,
        Severity::Error => 2.0,
        Severity::Critical => 4.0,
    };
    base * (0.75 + anomaly.score.clamp(0.0, 1.0) / 2.0)
}

fn evidence_time(anomaly: &Anomaly) -> Timestamp {
    match anomaly.kind {
        AnomalyKind::RateDrop | AnomalyKind::Silence => anomaly.window_start,
        _ => anomaly.exemplars.first().map_or(anomaly.window_start, |first| first.exemplar.time),
    }
}

fn line_time(line: &EvidenceLine) -> Timestamp {
    line.line.as_ref().map_or(Timestamp::MIN, |line| line.exemplar.time)
}
