//! What comes from elsewhere to the alert stage's one log: accepted events of `logwake.external`,
//! and alerts in topics of others.
//!
//! The first partition of `logwake.external` is the clock of the alert stage: about once a second it
//! hands on wall time and the maintenance windows that are on, with or without arrivals.
//! **What people ask for stands in that partition alone**, so its task knows which silences there are.
//! It decides nothing about alerts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use logwake_detector::alert::{AlertInput, Arrival, Arrivals, Silence};
use logwake_detector::anomaly::id_of;
use logwake_detector::record::Source;
use logwake_detector::time::Timestamp;
use logwake_emit::event::ExternalEvent;
use logwake_emit::kafka::{OutMessage, Outbox};
use logwake_emit::wire;
use logwake_ingest::intake::{Receipt, Received, decode_any};
use logwake_ingest::kafka::Partition;
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::maintenance::Calendar;
use crate::telemetry::{IntakeResult, Metrics, Stage};

use super::dead_letter::dead_letter;
use super::stage::wall_now;
use super::task::{Cut, Input, Task};
use super::topics::Topics;

/// Time between two ticks.
const TICK: Duration = Duration::from_secs(1);
/// Arrivals that are handed on together at most.
const ITEMS_MAX: usize = 1_000;
/// Silences that are remembered at the same time.
pub const SILENCES_MAX: usize = 1_000;
/// Reason of dead letters of the intake.
pub const NO_ALERT: &str = "no_alert";

/// What every task of the stage shares.
pub struct IntakeShared {
    /// Names of topics.
    pub topics: Topics,
    /// How far ahead a stated time is believed.
    pub future_max: Duration,
    /// How long an alert without an end goes on.
    pub resolve_timeout: Duration,
    /// Maintenance windows.
    pub calendar: Calendar,
    /// The live board.
    pub board: Arc<Board>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// The intake of one partition.
pub struct IntakeTask {
    shared: Arc<IntakeShared>,
    place: Source,
    name: String,
    /// Whether it is one of `logwake.external`, and the one that keeps time.
    is_own: bool,
    is_clock: bool,
    state: IntakeState,
    items: Vec<Arrival>,
    ticked_at: Option<Timestamp>,
    counts: Vec<(IntakeResult, u64)>,
    dead: u64,
    has_silences_changed: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct IntakeState {
    next_seq: u64,
    silences: BTreeMap<String, Silence>,
}

impl IntakeTask {
    /// Makes the task of a partition.
    pub fn new(shared: &Arc<IntakeShared>, partition: &Partition) -> Self {
        let (topic, number) = (Arc::from(partition.0.as_str()), partition.1);
        let is_own = topic == shared.topics.external;
        let place = Source::Partition { topic, partition: number };
        Self {
            shared: Arc::clone(shared),
            name: place.to_string(),
            place,
            is_own,
            is_clock: is_own && number == 0,
            state: IntakeState::default(),
            items: Vec::new(),
            ticked_at: None,
            counts: Vec::new(),
            dead: 0,
            has_silences_changed: true,
        }
    }

    /// Reads what was accepted.
    fn read_own(&mut self, input: Input<'_>) -> Result<(), String> {
        let event: ExternalEvent =
            serde_json::from_slice(input.payload).map_err(|error| error.to_string())?;
        let arrival = event.into_arrival(|| self.id_of(input.offset, 0));
        match &arrival {
            Arrival::Alert(_) => {}
            // Elsewhere it would have no order among its like.
            _ if !self.is_clock => return Err("a request outside of partition 0".to_owned()),
            Arrival::Silence(silence) => {
                let silences = &mut self.state.silences;
                if silences.len() < SILENCES_MAX || silences.contains_key(&silence.id) {
                    silences.insert(silence.id.clone(), silence.clone());
                }
                self.has_silences_changed = true;
            }
            Arrival::Unsilence { id, .. } => {
                self.has_silences_changed |= self.state.silences.remove(id).is_some();
            }
            Arrival::Acknowledge { .. } => {}
        }
        self.items.push(arrival);
        Ok(())
    }

    /// Reads alerts of a topic of others.
    fn read_others(&mut self, input: Input<'_>) -> Result<(), String> {
        let Source::Partition { topic, .. } = &self.place else { return Ok(()) };
        let (future_max, resolve_timeout) = (self.shared.future_max, self.shared.resolve_timeout);
        let at = input.time.unwrap_or_else(wall_now);
        let receipt = Receipt { from: topic, at, future_max, resolve_timeout };
        let received = decode_any(input.payload, &receipt).map_err(|error| error.to_string())?;
        let Received { alerts, refused, truncated, own } = received;
        self.counts.push((IntakeResult::Accepted, alerts.len() as u64));
        self.counts.push((IntakeResult::Truncated, truncated));
        self.counts.push((IntakeResult::Own, own));
        for (idx, mut alert) in alerts.into_iter().enumerate() {
            alert.id = self.id_of(input.offset, idx);
            self.items.push(Arrival::Alert(Box::new(alert)));
        }
        if refused.is_empty() { Ok(()) } else { Err(refused.join("; ")) }
    }

    fn id_of(&self, offset: i64, idx: usize) -> String {
        external_id(&self.name, offset, idx)
    }

    fn hand_on(&mut self, wall: Timestamp, out: &mut Outbox) {
        let maintenance = self.is_clock.then(|| self.shared.calendar.maintenance_at(wall));
        let arrivals = Arrivals {
            source: self.name.clone(),
            seq: self.state.next_seq,
            wall,
            items: std::mem::take(&mut self.items),
            maintenance,
        };
        self.state.next_seq += 1;
        self.ticked_at = Some(wall);
        out.push(OutMessage {
            topic: Arc::clone(&self.shared.topics.findings),
            partition: Some(0),
            key: self.name.clone().into_bytes(),
            payload: Some(wire::encode_alert_input(&AlertInput::Arrivals(arrivals))),
            headers: Vec::new(),
        });
    }
}

/// Names what stands at a place: the same whenever it is read.
pub fn external_id(place: &str, offset: i64, idx: usize) -> String {
    id_of("x", &[place, &offset.to_string(), &idx.to_string()])
}

impl Task for IntakeTask {
    const REPLAYS: bool = false;

    fn handle(&mut self, input: Input<'_>, out: &mut Outbox) {
        if input.payload.is_empty() {
            return;
        }
        let read = if self.is_own { self.read_own(input) } else { self.read_others(input) };
        if let Err(reason) = read {
            let offset = u64::try_from(input.offset).unwrap_or(0);
            let place = (&self.place, offset);
            out.push(dead_letter(&self.shared.topics.deadletter, place, &reason, input.payload));
            self.dead += 1;
            self.counts.push((IntakeResult::Invalid, 1));
        }
        if self.items.len() >= ITEMS_MAX {
            self.hand_on(wall_now(), out);
        }
    }

    fn cut(&mut self, cut: Cut, out: &mut Outbox) {
        let is_due = |last: Timestamp| cut.wall.since(last) >= TICK || cut.wall < last;
        let ticks = self.is_clock && self.ticked_at.is_none_or(is_due);
        if self.is_clock {
            let known = self.state.silences.len();
            self.state.silences.retain(|_, silence| silence.ends_at > cut.wall);
            self.has_silences_changed |= known != self.state.silences.len();
        }
        if ticks || !self.items.is_empty() {
            self.hand_on(cut.wall, out);
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        let bytes = wire::encode(wire::INTAKE_STATE_VERSION, &self.state);
        if self.is_clock {
            self.shared.metrics.state_size(Stage::Intake, bytes.len() as u64);
        }
        bytes
    }

    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()> {
        self.state = wire::decode("intake state", wire::INTAKE_STATE_VERSION, state)?;
        Ok(())
    }

    /// Arrivals are numbered by wall time in milliseconds from then on, since no more than one of
    /// those before came in each.
    fn begin(&mut self, _: i64) {
        self.state.next_seq = u64::try_from(wall_now().as_nanos() / 1_000_000).unwrap_or(0);
    }

    fn committed(&mut self) {
        let Source::Partition { topic, .. } = &self.place else { return };
        for (result, count) in self.counts.drain(..) {
            self.shared.metrics.intake(topic, result, count);
        }
        self.shared.metrics.dead_letters(NO_ALERT, std::mem::take(&mut self.dead));
        if self.is_clock && std::mem::take(&mut self.has_silences_changed) {
            self.shared.board.silences_stand(self.state.silences.values().cloned().collect());
        }
    }
}
