//! `report.html`: a replay on one page that needs nothing else, to look at and to pass on.
//!
//! What it holds is bounded, whatever was replayed; beyond that the page says how much there was,
//! and the JSONL files beside it have the rest.

mod timeline;

use std::collections::BTreeMap;
use std::time::Duration;

use logwake_detector::alert::{Action, AlertChange, AlertState, Decision};
use logwake_detector::anomaly::Anomaly;
use logwake_detector::detect::DetectState;
use logwake_detector::tally::TallyBatch;
use serde::Serialize;

use crate::board::{AlertView, AnomalyView, DecisionView, TemplateView};
use crate::page::assemble;
use timeline::{Drawn, Timeline};

const FRAME: &str = include_str!("../assets/report.html");
/// Alerts shown.
const ALERTS_MAX: usize = 200;
/// Decisions shown of an alert.
const DECISIONS_MAX: usize = 100;
/// Clusters shown that were never sent.
const SUPPRESSED_MAX: usize = 200;
/// Anomalies shown.
const ANOMALIES_MAX: usize = 1_000;
/// Templates shown.
const TEMPLATES_MAX: usize = 300;

/// What the page is made of, gathered while the replay runs.
#[derive(Debug)]
pub struct Report {
    timeline: Timeline,
    alerts: Vec<AlertView>,
    alerts_total: u64,
    anomalies: Vec<AnomalyView>,
    anomalies_total: u64,
    decisions: BTreeMap<String, Vec<DecisionView>>,
    /// By cluster: the sentence of its first anomaly while it is not sent.
    unsent: BTreeMap<String, String>,
    suppressed: Vec<Suppressed>,
    suppressed_total: u64,
}

/// A cluster that was not sent.
#[derive(Debug, Serialize)]
struct Suppressed {
    what: String,
    #[serde(flatten)]
    decision: DecisionView,
}

#[derive(Serialize)]
struct Data<'a, S> {
    summary: &'a S,
    timeline: Drawn,
    alerts: &'a [AlertView],
    alerts_total: u64,
    suppressed: &'a [Suppressed],
    suppressed_total: u64,
    anomalies: &'a [AnomalyView],
    anomalies_total: u64,
    decisions: &'a BTreeMap<String, Vec<DecisionView>>,
    templates: Vec<TemplateView>,
}

impl Report {
    /// Starts a report of counts in windows of this width.
    pub fn new(window: Duration) -> Self {
        Self {
            timeline: Timeline::new(window),
            alerts: Vec::new(),
            alerts_total: 0,
            anomalies: Vec::new(),
            anomalies_total: 0,
            decisions: BTreeMap::new(),
            unsent: BTreeMap::new(),
            suppressed: Vec::new(),
            suppressed_total: 0,
        }
    }

    /// Takes what was counted.
    pub fn counted(&mut self, batch: &TallyBatch) {
        self.timeline.add(batch);
    }

    /// Takes an anomaly.
    pub fn anomaly(&mut self, anomaly: &Anomaly) {
        self.anomalies_total += 1;
        if self.anomalies.len() < ANOMALIES_MAX {
            self.anomalies.push(AnomalyView::new(anomaly));
        }
    }

    /// Takes a change of an alert.
    pub fn change(&mut self, change: &AlertChange) {
        self.unsent.remove(&change.id);
        if change.state == AlertState::Open {
            self.alerts_total += 1;
            if self.alerts.len() < ALERTS_MAX {
                self.alerts.push(AlertView::new(change));
            }
        } else if let Some(alert) = self.alerts.iter_mut().find(|alert| alert.id == change.id) {
            *alert = AlertView::new(change);
        }
    }

    /// Takes a decision.
    pub fn decision(&mut self, decision: &Decision) {
        let view = DecisionView::new(decision);
        if decision.action == Action::Suppress {
            self.suppress(view);
            return;
        }
        if !self.decisions.contains_key(&decision.alert) && decision.anomaly.is_some() {
            let first = self.anomalies.iter().rev().find(|a| Some(&a.id) == view.anomaly.as_ref());
            let what = first.map(|first| first.reason.clone()).unwrap_or_default();
            self.unsent.insert(decision.alert.clone(), what);
        }
        let known = self.decisions.entry(decision.alert.clone()).or_default();
        if known.len() < DECISIONS_MAX {
            known.push(view);
        }
    }

    fn suppress(&mut self, decision: DecisionView) {
        let what = self.unsent.remove(&decision.alert).unwrap_or_default();
        self.decisions.remove(&decision.alert);
        self.suppressed_total += 1;
        if self.suppressed.len() < SUPPRESSED_MAX {
            self.suppressed.push(Suppressed { what, decision });
        }
    }

    /// Counts what was still gathering evidence at the end among what was not sent.
    fn close(&mut self) {
        for (alert, what) in std::mem::take(&mut self.unsent) {
            let last =
                self.decisions.remove(&alert).and_then(|known| known.into_iter().next_back());
            let Some(last) = last else { continue };
            let explanation = "the capture ends before the evidence weighs enough";
            self.suppressed_total += 1;
            if self.suppressed.len() < SUPPRESSED_MAX {
                let decision = DecisionView { explanation, ..last };
                self.suppressed.push(Suppressed { what, decision });
            }
        }
    }

    /// Writes the page.
    ///
    /// # Errors
    /// Where a value cannot be written as JSON, which none of these does.
    pub fn render(
        mut self,
        summary: &impl Serialize,
        state: &DetectState,
    ) -> serde_json::Result<String> {
        self.close();
        let shown = |id: &String| self.alerts.iter().any(|alert| alert.id == *id);
        self.decisions.retain(|id, _| shown(id));
        let data = serde_json::to_string(&Data {
            summary,
            timeline: self.timeline.draw(),
            alerts: &self.alerts,
            alerts_total: self.alerts_total,
            suppressed: &self.suppressed,
            suppressed_total: self.suppressed_total,
            anomalies: &self.anomalies,
            anomalies_total: self.anomalies_total,
            decisions: &self.decisions,
            templates: templates(state),
        })?;
        Ok(assemble(FRAME).replacen("{{data}}", &harmless(&data), 1))
    }
}

fn templates(state: &DetectState) -> Vec<TemplateView> {
    let mut all: Vec<_> = state
        .services()
        .values()
        .flat_map(|service| service.templates.iter().map(move |(id, stats)| (service, *id, stats)))
        .collect();
    all.sort_by_key(|(service, id, stats)| {
        (std::cmp::Reverse(stats.total), service.name.clone(), *id)
    });
    all.truncate(TEMPLATES_MAX);
    all.into_iter().map(|(service, id, stats)| TemplateView::new(service, id, stats)).collect()
}

/// Writes JSON so that no text of a log can end the element that holds it.
fn harmless(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests;
