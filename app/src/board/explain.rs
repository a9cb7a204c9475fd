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
            let others = [&decision.anomaly, &decision.digest].map(Option::as_deref);
            decision.id == id || decision.alert == id || others.contains(&Some(id))
        };
        lock(&self.decisions).iter().filter(about).cloned().collect()
    }
}

fn sentence(decision: &DecisionView) -> String {
    let (at, alert, why) = (&decision.at, &decision.alert, decision.explanation);
    if let Some(sink) = &decision.sink {
        let done = match (decision.action, &decision.digest) {
            ("deliver", _) => format!("{sink} was sent {alert}"),
            ("merge", Some(digest)) => format!("{alert} went into {digest} for {sink}"),
            ("merge", None) => format!("a state of {alert} was passed over for {sink}"),
            ("delay", _) => format!("{sink} gets {alert} later"),
            (_, _) => format!("{sink} was not sent {alert}"),
        };
        return format!("{at} {done}: {why}");
    }
    let subject = match (&decision.anomaly, decision.action) {
        (Some(anomaly), _) => format!("anomaly {anomaly} was put into alert {alert}"),
        (None, "send") => format!("alert {alert} was sent"),
        (None, _) => format!("alert {alert} was not sent"),
    };
    format!("{at} {subject}, since {why} (weight {:.1})", decision.weight)
}
