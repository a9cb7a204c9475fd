//! The life of alerts: each opens once, ends, may be reopened and ends again, and leaves no change without its decision.
//!
//! The changes are fed first: what is decided while a topic is read has its decision already.

use std::collections::BTreeSet;

use logwake_detector::alert::{Action, AlertState};
use logwake_detector::time::Timestamp;
use logwake_emit::event::{AlertEvent, DecisionEvent};

use super::Problems;
use super::ids::Ids;

/// Changes that may wait for their decision; further ones are not held against the ledger.
const UNMATCHED_MAX: usize = 100_000;

/// The alerts that are open, and what was decided.
#[derive(Debug, Default)]
pub struct Changes {
    may_repeat: bool,
    open: BTreeSet<String>,
    seen: Ids,
    resolved: Ids,
    unmatched: BTreeSet<(String, &'static str, Timestamp)>,
    /// Changes of alerts.
    pub changes: u64,
    /// Decisions.
    pub decisions: u64,
    /// Changes and decisions that came before.
    pub repeated: u64,
    decided: Ids,
}

impl Changes {
    /// Starts; with `may_repeat` changes and decisions may come again.
    pub fn new(may_repeat: bool) -> Self {
        Self { may_repeat, ..Self::default() }
    }

    /// Takes in the next change of an alert.
    pub fn change(&mut self, event: &AlertEvent, problems: &mut Problems) {
        if !self.seen.add(&event.event.id) {
            self.repeat(&format!("change {}", event.event.id), problems);
            return;
        }
        self.changes += 1;
        let alert = &event.logwake.alert;
        if self.unmatched.len() < UNMATCHED_MAX {
            let key = (alert.id.clone(), alert.reason.as_str(), event.timestamp);
            self.unmatched.insert(key);
        }
        let is_over = self.resolved.holds(&alert.id) && !self.open.contains(&alert.id);
        if is_over && alert.state != AlertState::Reopened {
            problems.add(format!("alert {} {} after its end", alert.id, alert.state.as_str()));
        }
        if alert.state == AlertState::Open && self.open.contains(&alert.id) {
            problems.add(format!("alert {} opened twice", alert.id));
        }
        if alert.state == AlertState::Resolved {
            self.open.remove(&alert.id);
            self.resolved.add(&alert.id);
        } else {
            self.open.insert(alert.id.clone());
        }
    }

    /// Takes in the next decision; feed these after all changes.
    pub fn decide(&mut self, event: &DecisionEvent, problems: &mut Problems) {
        if !self.decided.add(&event.event.id) {
            self.repeat(&format!("decision {}", event.event.id), problems);
            return;
        }
        self.decisions += 1;
        let decision = &event.logwake.decision;
        if decision.action == Action::Send {
            let key = (decision.alert.clone(), decision.reason.as_str(), event.timestamp);
            self.unmatched.remove(&key);
        }
    }

    /// Holds the changes that no decision explains against the ledger.
    pub fn close(&self, problems: &mut Problems) {
        for (alert, reason, _) in &self.unmatched {
            problems.add(format!("alert {alert} was sent ({reason}) without a decision"));
        }
    }

    /// Returns how many alerts are open at the end.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn repeat(&mut self, what: &str, problems: &mut Problems) {
        self.repeated += 1;
        if !self.may_repeat {
            problems.add(format!("{what} came twice"));
        }
    }
}
