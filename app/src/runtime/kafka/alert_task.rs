//! Stage 3: findings of all shards to alert events and decisions.

use std::sync::Arc;

use logwake_detector::alert::{Alert, AlertInput, AlertOutput, AlertSettings, Topology};
use logwake_emit::event::{alert_json, decision_json};
use logwake_emit::kafka::{OutMessage, Outbox};
use logwake_emit::wire;

use crate::board::Board;
use crate::telemetry::{Metrics, Stage};

use super::task::{Cut, Input, Task};
use super::topics::Topics;

/// What the task is made with.
pub struct AlertShared {
    /// Names of topics.
    pub topics: Topics,
    /// How alerts are made.
    pub settings: AlertSettings,
    /// What services depend on.
    pub topology: Arc<Topology>,
    /// The live board.
    pub board: Arc<Board>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// Stage 3 of one alerting scope.
pub struct AlertTask {
    shared: Arc<AlertShared>,
    alert: Alert,
    outputs: Vec<AlertOutput>,
    waiting: Vec<AlertOutput>,
    /// Findings that were passed over.
    unreadable: u64,
}

impl AlertTask {
    /// Makes the task.
    pub fn new(shared: &Arc<AlertShared>) -> Self {
        Self {
            alert: Alert::new(shared.settings).with_topology(Arc::clone(&shared.topology)),
            shared: Arc::clone(shared),
            outputs: Vec::new(),
            waiting: Vec::new(),
            unreadable: 0,
        }
    }

    fn put_out(&mut self, out: &mut Outbox) {
        for output in self.outputs.drain(..) {
            let (topic, key, payload) = match &output {
                AlertOutput::Change(change) => {
                    (&self.shared.topics.alerts, &change.id, alert_json(change))
                }
                AlertOutput::Decision(decision) => {
                    (&self.shared.topics.decisions, &decision.alert, decision_json(decision))
                }
            };
            out.push(OutMessage {
                topic: Arc::clone(topic),
                partition: None,
                key: key.clone().into_bytes(),
                payload: Some(payload),
                headers: Vec::new(),
            });
            self.waiting.push(output);
        }
    }
}

impl Task for AlertTask {
    const REPLAYS: bool = true;

    fn handle(&mut self, input: Input<'_>, out: &mut Outbox) {
        match wire::decode_alert_input(input.payload) {
            Ok(AlertInput::Findings(findings)) => self.alert.step(findings, &mut self.outputs),
            Ok(AlertInput::Arrivals(arrivals)) => self.alert.receive(arrivals, &mut self.outputs),
            Err(error) => {
                self.unreadable += 1;
                let count = self.unreadable;
                self.shared.metrics.unreadable(Stage::Alert);
                if count.is_power_of_two() {
                    tracing::warn!(%error, count, "input of the alert stage not readable, passed over");
                }
            }
        }
        self.put_out(out);
    }

    fn cut(&mut self, _: Cut, _: &mut Outbox) {}

    fn snapshot(&self) -> Vec<u8> {
        let bytes = wire::encode(wire::ALERT_STATE_VERSION, self.alert.state());
        self.shared.metrics.state_size(Stage::Alert, bytes.len() as u64);
        bytes
    }

    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()> {
        self.alert.restore(wire::decode("alert state", wire::ALERT_STATE_VERSION, state)?);
        self.shared.board.alerts_restored(self.alert.state());
        self.shared.metrics.alerts_restored(self.alert.state());
        Ok(())
    }

    fn is_urgent(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn committed(&mut self) {
        for output in self.waiting.drain(..) {
            match &output {
                AlertOutput::Change(change) => {
                    self.shared.board.alert(change);
                    self.shared.metrics.alert(change);
                }
                AlertOutput::Decision(decision) => {
                    self.shared.board.decision(decision);
                    self.shared.metrics.decision(decision);
                }
            }
        }
    }
}
