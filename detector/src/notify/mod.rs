//! Stage 4, notify: changes of alerts in, deliveries to pagers and chats out.
//!
//! One machine for all sinks of a prefix. It knows no HTTP and no clock: wall time comes with each
//! input, and the outcome of a delivery comes back as one.
//! What is in flight is part of its state, so a process that is killed sends it again; pagers join
//! the repetition to the same alert by its dedup key.
//!
//! **Every change of an alert ends in exactly one decision a sink**: delivered, suppressed, or
//! merged into a newer state or a digest. What is put off on the way is a decision too.
//! **A sink that is down or slow holds up nobody else.**

mod budget;
mod digest;
mod owed;
mod sink;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::{Action, AlertState, AtSink, Decision, Reason};
use crate::anomaly::{Severity, id_of};
use crate::time::Timestamp;

pub use digest::{Digest, DigestLine};
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
    /// How many of them only critical alerts, ends and digests may take.
    pub reserve: usize,
    /// Time after which an open alert is sent again, where the sink forgets it otherwise.
    pub resend_every: Option<Duration>,
    /// Time after which what was never taken is given up.
    pub give_up_after: Duration,
}

/// An alert at one of its changes, as far as the machine looks at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Alert.
    pub alert: String,
    /// Id of the change.
    pub change: String,
    /// Wall time at which the change was published.
    pub at: Timestamp,
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

/// What to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// One alert.
    Alert(Notice),
    /// What is held back, or that it is over where nothing is open.
    Digest(Digest),
}

impl Content {
    /// Returns what is the same for each repetition of a request and different for any other.
    pub fn key(&self) -> String {
        match self {
            Self::Alert(notice) => notice.change.clone(),
            Self::Digest(digest) => digest.change(),
        }
    }
}

/// One request to one sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Number, unique for ever.
    pub id: u64,
    /// Name of the sink.
    pub sink: String,
    /// What to send.
    pub content: Content,
}

/// What a sink answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It has it.
    Accepted,
    /// It did not take it: try again, not before so long.
    Later(Duration),
    /// It may have taken it: try again, not before so long.
    Unknown(Duration),
    /// It took too many: try again, and send nothing at all before so long.
    TooMany(Duration),
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
    /// A sink refused this for good, or did not take it for too long.
    Dead {
        /// Name of the sink.
        sink: String,
        /// What it was.
        content: Box<Content>,
        /// Why.
        reason: String,
    },
}

/// The notify machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Notify {
    settings: Vec<SinkSettings>,
    state: NotifyState,
    /// Whether requests are in flight that nobody waits for any more.
    has_lost: bool,
}

/// What the notify machine keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NotifyState {
    sinks: BTreeMap<String, SinkState>,
    next_id: u64,
    decisions: u64,
}

/// How a sink stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Alerts and digests that are to be sent.
    pub waiting: usize,
    /// Since when the first of them waits.
    pub oldest: Option<Timestamp>,
    /// Requests without an answer.
    pub in_flight: usize,
    /// Requests that count against the budget.
    pub spent: usize,
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
        Self { settings, state: NotifyState::default(), has_lost: false }
    }

    /// Continues from a state that [`Self::state`] gave: sinks that are not configured any more
    /// are forgotten, and what was in flight is sent again.
    pub fn restore(&mut self, state: NotifyState) {
        self.state = state;
        let settings = &self.settings;
        self.state.sinks.retain(|name, _| settings.iter().any(|sink| sink.name == *name));
        self.has_lost = true;
    }

    /// Returns what must be kept.
    pub fn state(&self) -> &NotifyState {
        &self.state
    }

    /// Handles one input at wall time `now`; appends what follows from it.
    pub fn step(&mut self, input: NotifyInput, now: Timestamp, out: &mut Vec<NotifyOutput>) {
        let has_lost = std::mem::take(&mut self.has_lost);
        let NotifyState { sinks, next_id, decisions } = &mut self.state;
        for settings in &self.settings {
            let sink = sinks.entry(settings.name.clone()).or_default();
            let turn = &mut Turn { settings, now, next_id, decisions, out };
            if has_lost {
                sink.lose_flights(turn);
            }
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
    /// Returns how each sink stands.
    pub fn standings(&self) -> impl Iterator<Item = (&str, Standing)> {
        self.sinks.iter().map(|(name, sink)| (name.as_str(), sink.standing()))
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
    /// Writes down what becomes of a change.
    fn decide(&mut self, action: Action, reason: Reason, notice: &Notice) {
        self.decide_on(action, reason, (&notice.alert, &notice.change), None);
    }

    fn decide_on(
        &mut self,
        action: Action,
        reason: Reason,
        (alert, change): (&str, &str),
        digest: Option<&str>,
    ) {
        let number = self.decisions.to_string();
        let sink = &self.settings.name;
        let parts = ["notify", sink, action.as_str(), reason.as_str(), change, &number];
        self.out.push(NotifyOutput::Decision(Decision {
            id: id_of("d", &parts),
            at: self.now,
            action,
            reason,
            alert: alert.to_owned(),
            anomaly: None,
            weight: 0.0,
            sink: Some(AtSink {
                name: sink.clone(),
                change: change.to_owned(),
                digest: digest.map(str::to_owned),
            }),
        }));
        *self.decisions += 1;
    }

    fn deliver(&mut self, content: Content) -> u64 {
        let id = *self.next_id;
        *self.next_id += 1;
        let sink = self.settings.name.clone();
        self.out.push(NotifyOutput::Deliver(Box::new(Delivery { id, sink, content })));
        id
    }

    fn bury(&mut self, content: Content, why: &str) {
        self.out.push(NotifyOutput::Dead {
            sink: self.settings.name.clone(),
            content: Box::new(content),
            reason: why.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests;
