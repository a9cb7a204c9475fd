//! Stage 4, notify: changes of alerts in, deliveries to pagers and chats out.
//!
//! One machine for all sinks of a prefix. It knows no HTTP and no clock: wall time comes with each
//! input, and the outcome of a delivery comes back as one.
//! What is in flight is part of its state, so a process that is killed sends it again; pagers join
//! the repetition to the same alert by its dedup key.
//!
//! **An alert reaches each sink, or a decision says why not.** **A sink that is down or slow holds
//! up nobody else.**

mod budget;
mod sink;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::{Action, AlertState, Decision, Reason};
use crate::anomaly::{Severity, id_of};
use crate::time::Timestamp;

use sink::SinkState;

/// A sink and what it is to get.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkSettings {
    /// Name, unique among sinks.
    pub name: String,
    /// Alerts below this severity are not sent.
    pub severity_min: Severity,
    /// Services whose alerts are sent, all where empty; a `*` at the end stands for any rest.
    pub services: Vec<String>,
    /// Whether the end of an alert is sent.
    pub sends_resolved: bool,
    /// Requests in any minute at most.
    pub per_minute: usize,
    /// Time after which an open alert is sent again, where the sink forgets it otherwise.
    pub resend_every: Option<Duration>,
    /// Time after which a delivery that never succeeded is given up.
    pub give_up_after: Duration,
}

/// An alert at one of its changes, as far as the machine looks at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Alert.
    pub alert: String,
    /// What it changed to.
    pub state: AlertState,
    /// Severity.
    pub severity: Severity,
    /// What happened, in one line.
    pub title: String,
    /// Services, the probable origin first.
    pub services: Vec<String>,
    /// The event as it was published.
    pub event: Vec<u8>,
}

/// What is held back by a spent budget, in one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// The text by which a pager joins its trigger and resolve.
    pub dedup_key: String,
    /// Wall time at which it was begun.
    pub began: Timestamp,
    /// Alerts in it that are still open.
    pub open: BTreeMap<String, DigestLine>,
    /// Alerts that were ever in it.
    pub total: u64,
}

/// One alert of a digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigestLine {
    /// Severity.
    pub severity: Severity,
    /// Title.
    pub title: String,
    /// Services.
    pub services: Vec<String>,
}

/// What to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// One alert.
    Alert(Notice),
    /// What is held back, or that it is over where nothing is open.
    Digest(Digest),
}

/// One request to one sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Number, unique for ever.
    pub id: u64,
    /// Name of the sink.
    pub sink: String,
    /// How often it was tried before.
    pub attempts: u32,
    /// What to send.
    pub content: Content,
}

/// What a sink answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It has it.
    Accepted,
    /// Try again, not before so long.
    Later(Duration),
    /// It will never take this.
    Refused(String),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum NotifyInput {
    /// An alert changed.
    Change(Notice),
    /// A sink answered a delivery.
    Answered {
        /// Which delivery.
        id: u64,
        /// Name of its sink.
        sink: String,
        /// What it answered.
        answer: Answer,
    },
    /// Time went on.
    Tick,
}

/// One output of the notify stage.
#[derive(Clone, Debug, PartialEq)]
pub enum NotifyOutput {
    /// Send this.
    Deliver(Box<Delivery>),
    /// What was done.
    Decision(Decision),
    /// A sink refused this for good.
    Dead {
        /// What it was.
        delivery: Box<Delivery>,
        /// Why.
        reason: String,
    },
}

/// The notify machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Notify {
    settings: Vec<SinkSettings>,
    state: NotifyState,
}

/// What the notify machine keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NotifyState {
    sinks: BTreeMap<String, SinkState>,
    next_id: u64,
    decisions: u64,
}

/// What a sink's state is stepped with.
struct Turn<'a> {
    settings: &'a SinkSettings,
    now: Timestamp,
    next_id: &'a mut u64,
    decisions: &'a mut u64,
    out: &'a mut Vec<NotifyOutput>,
}

impl Notify {
    /// Makes the machine.
    pub fn new(settings: Vec<SinkSettings>) -> Self {
        Self { settings, state: NotifyState::default() }
    }

    /// Continues from a state that [`Self::state`] gave: sinks that are not configured any more
    /// are forgotten, and what was in flight is sent again.
    pub fn restore(&mut self, state: NotifyState) {
        self.state = state;
        let settings = &self.settings;
        self.state.sinks.retain(|name, _| settings.iter().any(|sink| sink.name == *name));
        self.state.sinks.values_mut().for_each(SinkState::forget_flights);
    }

    /// Returns what must be kept.
    pub fn state(&self) -> &NotifyState {
        &self.state
    }

    /// Handles one input at wall time `now`; appends what follows from it.
    pub fn step(&mut self, input: NotifyInput, now: Timestamp, out: &mut Vec<NotifyOutput>) {
        let NotifyState { sinks, next_id, decisions } = &mut self.state;
        for settings in &self.settings {
            let sink = sinks.entry(settings.name.clone()).or_default();
            let turn = &mut Turn { settings, now, next_id, decisions, out };
            match &input {
                NotifyInput::Change(notice) => sink.change(notice, turn),
                NotifyInput::Answered { id, sink: name, answer } if *name == settings.name => {
                    sink.answered(*id, answer, turn);
                }
                NotifyInput::Answered { .. } => {}
                NotifyInput::Tick => sink.tick(turn),
            }
        }
    }
}

impl NotifyState {
    /// Returns, by sink, how many alerts wait to be sent and how many are in flight.
    pub fn queues(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.sinks.iter().map(|(name, sink)| (name.as_str(), sink.waiting(), sink.in_flight()))
    }
}

impl SinkSettings {
    /// Tells why an alert is not for this sink.
    fn unwanted(&self, notice: &Notice) -> Option<Reason> {
        if notice.severity < self.severity_min {
            return Some(Reason::BelowSeverity);
        }
        let fits = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => notice.services.iter().any(|service| service.starts_with(start)),
            None => notice.services.contains(wanted),
        };
        let wanted = self.services.is_empty() || self.services.iter().any(fits);
        (!wanted).then_some(Reason::OtherService)
    }
}

impl Turn<'_> {
    fn decide(&mut self, action: Action, reason: Reason, alert: &str) {
        let number = self.decisions.to_string();
        let parts =
            ["notify", &self.settings.name, action.as_str(), reason.as_str(), alert, &number];
        self.out.push(NotifyOutput::Decision(Decision {
            id: id_of("d", &parts),
            at: self.now,
            action,
            reason,
            alert: alert.to_owned(),
            anomaly: None,
            weight: 0.0,
            sink: Some(self.settings.name.clone()),
        }));
        *self.decisions += 1;
    }

    fn deliver(&mut self, content: Content, attempts: u32) -> u64 {
        let id = *self.next_id;
        *self.next_id += 1;
        let sink = self.settings.name.clone();
        self.out.push(NotifyOutput::Deliver(Box::new(Delivery { id, sink, attempts, content })));
        id
    }
}

#[cfg(test)]
mod tests;
