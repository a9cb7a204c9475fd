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
mod delivery;
mod digest;
mod held;
mod landing;
mod owed;
mod sink;
mod turn;
mod week;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

pub use delivery::{Answer, Content, Delivery, Notice, NotifyInput, NotifyOutput, SinkSettings};
pub use digest::{Digest, DigestKind, DigestLine};
use sink::SinkState;
use turn::Turn;
pub use week::Pages;

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

    /// Returns what the services that an alert probably began in cost a sink in the last week.
    pub fn week_of(&self, sink: &str) -> impl Iterator<Item = (&str, Pages)> {
        self.sinks.get(sink).into_iter().flat_map(SinkState::week)
    }
}

#[cfg(test)]
mod tests;
