//! Stage 4: changes of alerts to requests to sinks, and the decisions about them.
//!
//! **Nothing is sent that is not committed**: a request leaves once the state that holds it as in
//! flight is written, together with the position of the change that asked for it.
//! Its answer is an input of a later interval.
//! So a crash at any moment leaves requests that the next process knows may have arrived; it sends
//! them again under the same key.

use std::collections::BTreeMap;
use std::sync::Arc;

use logwake_detector::alert::Decision;
use logwake_detector::notify::{
    Answer, Content, Delivery, Notice, Notify, NotifyInput, NotifyOutput, SinkSettings,
};
use logwake_detector::record::Source;
use logwake_detector::time::Timestamp;
use logwake_emit::event::{AlertEvent, decision_json, undelivered_headers};
use logwake_emit::kafka::{OutMessage, Outbox};
use logwake_emit::wire;

use crate::board::{Board, SinkView};
use crate::telemetry::{Metrics, NotificationOutcome, Stage};

use super::courier::{Courier, Door, Landed};
use super::dead_letter::dead_letter;
use super::task::{Cut, Input, Task};
use super::topics::Topics;

/// Reason of a dead letter that was no alert event.
const NO_EVENT: &str = "not_an_alert";
/// Reason of a dead letter that a sink did not take.
pub const UNDELIVERED: &str = "undelivered";

/// What the task is made with.
pub struct NotifyShared {
    /// Names of topics.
    pub topics: Topics,
    /// What each sink is to get.
    pub settings: Vec<SinkSettings>,
    /// The ways to the sinks.
    pub doors: Vec<Arc<Door>>,
    /// The live board.
    pub board: Arc<Board>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// Stage 4 of one alerting scope.
pub struct NotifyTask {
    shared: Arc<NotifyShared>,
    partition: i32,
    kinds: BTreeMap<String, &'static str>,
    notify: Notify,
    courier: Courier,
    /// Changes that wait for the wall time of the cut.
    changes: Vec<Notice>,
    /// Requests that wait for the commit.
    flights: Vec<Delivery>,
    decisions: Vec<Decision>,
    dead: Vec<&'static str>,
}

impl NotifyTask {
    /// Makes the task of a partition of the alerts topic.
    pub fn new(shared: &Arc<NotifyShared>, partition: i32) -> Self {
        let kind = |door: &Arc<Door>| (door.name().to_owned(), door.kind());
        Self {
            partition,
            kinds: shared.doors.iter().map(kind).collect(),
            notify: Notify::new(shared.settings.clone()),
            courier: Courier::new(&shared.doors),
            shared: Arc::clone(shared),
            changes: Vec::new(),
            flights: Vec::new(),
            decisions: Vec::new(),
            dead: Vec::new(),
        }
    }

    /// Counts an answer and makes an input of it.
    fn hear(&self, landed: Landed) -> NotifyInput {
        let Landed { id, sink, answer } = landed;
        let outcome = match &answer {
            Answer::Accepted => NotificationOutcome::Delivered,
            Answer::Later(_) | Answer::Unknown(_) => NotificationOutcome::Failed,
            Answer::TooMany(_) => NotificationOutcome::TooMany,
            Answer::Refused(_) => NotificationOutcome::Refused,
        };
        let kind = self.kinds.get(&sink).copied().unwrap_or_default();
        self.shared.metrics.notification(&sink, kind, outcome, 1);
        NotifyInput::Answered { id, sink, answer }
    }

    fn put_out(&mut self, outputs: Vec<NotifyOutput>, out: &mut Outbox) {
        let topics = &self.shared.topics;
        for output in outputs {
            match output {
                NotifyOutput::Deliver(delivery) => self.flights.push(*delivery),
                NotifyOutput::Decision(decision) => {
                    out.push(OutMessage {
                        topic: Arc::clone(&topics.decisions),
                        partition: None,
                        key: decision.alert.clone().into_bytes(),
                        payload: Some(decision_json(&decision)),
                        headers: Vec::new(),
                    });
                    self.decisions.push(decision);
                }
                NotifyOutput::Dead { sink, content, reason } => {
                    out.push(OutMessage {
                        topic: Arc::clone(&topics.deadletter),
                        partition: None,
                        key: Vec::new(),
                        headers: undelivered_headers(&sink, &content.key(), &reason),
                        payload: Some(payload_of(*content)),
                    });
                    self.dead.push(UNDELIVERED);
                }
            }
        }
    }
}

impl Task for NotifyTask {
    const REPLAYS: bool = false;

    fn handle(&mut self, input: Input<'_>, out: &mut Outbox) {
        if input.payload.is_empty() {
            return;
        }
        match notice_of(input.payload, input.time) {
            Ok(notice) => self.changes.push(notice),
            Err(error) => {
                let topics = &self.shared.topics;
                let source = Source::Partition {
                    topic: Arc::clone(&topics.alerts),
                    partition: self.partition,
                };
                let offset = u64::try_from(input.offset).unwrap_or(0);
                let reason = error.to_string();
                out.push(dead_letter(
                    &topics.deadletter,
                    (&source, offset),
                    &reason,
                    input.payload,
                ));
                self.dead.push(NO_EVENT);
            }
        }
    }

    fn cut(&mut self, cut: Cut, out: &mut Outbox) {
        let mut outputs = Vec::new();
        for notice in std::mem::take(&mut self.changes) {
            self.notify.step(NotifyInput::Change(notice), cut.wall, &mut outputs);
        }
        let landed: Vec<Landed> = self.courier.landed().collect();
        for landed in landed {
            let input = self.hear(landed);
            self.notify.step(input, cut.wall, &mut outputs);
        }
        self.notify.step(NotifyInput::Tick, cut.wall, &mut outputs);
        self.put_out(outputs, out);
    }

    fn snapshot(&self) -> Vec<u8> {
        let bytes = wire::encode(wire::NOTIFY_STATE_VERSION, self.notify.state());
        self.shared.metrics.state_size(Stage::Notify, bytes.len() as u64);
        bytes
    }

    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()> {
        self.notify.restore(wire::decode("notify state", wire::NOTIFY_STATE_VERSION, state)?);
        Ok(())
    }

    fn committed(&mut self) {
        for delivery in self.flights.drain(..) {
            self.courier.send(delivery);
        }
        for decision in self.decisions.drain(..) {
            self.shared.board.decision(&decision);
            self.shared.metrics.decision(&decision);
        }
        for reason in self.dead.drain(..) {
            self.shared.metrics.dead_letters(reason, 1);
        }
        let (state, settings) = (self.notify.state(), &self.shared.settings);
        self.shared.metrics.notify_standings(state, settings);
        let kind = |sink: &str| self.kinds.get(sink).copied().unwrap_or_default();
        self.shared.board.sinks_stand(SinkView::all(state, settings, kind));
    }
}

/// Returns what the dead-letter topic keeps of a delivery.
fn payload_of(content: Content) -> Vec<u8> {
    match content {
        Content::Alert(notice) => notice.event,
        Content::Digest(digest) => serde_json::to_vec(&digest).unwrap_or_default(),
    }
}

/// Reads a change of an alert; `published` is when it came into its topic.
fn notice_of(payload: &[u8], published: Option<Timestamp>) -> serde_json::Result<Notice> {
    let event: AlertEvent = serde_json::from_slice(payload)?;
    let alert = event.logwake.alert;
    Ok(Notice {
        alert: alert.id,
        change: event.event.id,
        at: published.unwrap_or(event.timestamp),
        state: alert.state,
        severity: alert.severity,
        title: alert.title,
        services: alert.services,
        critical: alert.critical.len(),
        event: payload.to_vec(),
    })
}
