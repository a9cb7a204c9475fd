//! Why: an anomaly or alert with everything that was decided about it.

use std::sync::Arc;

use serde::Serialize;

use super::{AlertView, AnomalyView, Board, DecisionView, lock};

/// Everything known of one id.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// One sentence a decision, in their order.
    pub story: Vec<String>,
    /// The alert that it is, or belongs to.
    pub alert: Option<Arc<AlertView>>,
    /// The anomalies: itself, or those of the alert that are still remembered.
    pub anomalies: Vec<Arc<AnomalyView>>,
    /// The decisions about it, the oldest first.
    pub decisions: Vec<Arc<DecisionView>>,
}

impl Board {
    /// Explains an anomaly, an alert or a decision by its id; `None` where it is not remembered.
    pub fn explain(&self, id: &str) -> Option<Explanation> {
        let anomaly = self.find_anomaly(id);
        let decisions = self.decisions_about(id);
        let alert_id = match self.alerts.contains_key(id) {
            true => Some(id.to_owned()),
            false => decisions.last().map(|decision| decision.alert.clone()),
        };
        let alert = alert_id.and_then(|id| self.alerts.get(&id).map(|alert| Arc::clone(&alert)));
        if alert.is_none() && anomaly.is_none() && decisions.is_empty() {
            return None;
        }
        let anomalies = match (anomaly, &alert) {
            (Some(anomaly), _) => vec![anomaly],
            (None, Some(alert)) => {
                alert.members.iter().filter_map(|id| self.find_anomaly(id)).collect()
            }
            (None, None) => Vec::new(),
        };
        let story = decisions.iter().map(|decision| sentence(decision)).collect();
        Some(Explanation { story, alert, anomalies, decisions })
    }

    fn find_anomaly(&self, id: &str) -> Option<Arc<AnomalyView>> {
        lock(&self.anomalies).iter().rev().find(|anomaly| anomaly.id == id).cloned()
    }

    fn decisions_about(&self, id: &str) -> Vec<Arc<DecisionView>> {
        let about = |decision: &&Arc<DecisionView>| {
            decision.id == id || decision.alert == id || decision.anomaly.as_deref() == Some(id)
        };
        lock(&self.decisions).iter().filter(about).cloned().collect()
    }
}

fn sentence(decision: &DecisionView) -> String {
    let subject = match (&decision.anomaly, decision.action) {
        (Some(anomaly), _) => format!("anomaly {anomaly} was put into alert {}", decision.alert),
        (None, "send") => format!("alert {} was sent", decision.alert),
        (None, _) => format!("alert {} was not sent", decision.alert),
    };
    format!(
        "{} {subject}, since {} (weight {:.1})",
        decision.at, decision.explanation, decision.weight
    )
}
