//! One input partition of a stage: its task, where it stands, and what waits to be committed.
//!
//! **A state that does not follow from its messages is kept with the outputs that it made.**
//! Where a transaction binds state, outputs and offsets there are none to keep.
//! Without one the state is written first, so a crash anywhere later leaves a state that knows what
//! may be missing, and never outputs that no state knows of.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use logwake_detector::record::Source;
use logwake_detector::time::Timestamp;
use logwake_emit::event::END_HEADER;
use logwake_emit::kafka::{OutMessage, Outbox};
use logwake_emit::wire::{self, snapshot};
use logwake_ingest::kafka::{Partition, Run};
use xxhash_rust::xxh3::xxh3_64;

use super::caution::Caution;
use super::dead_letter::{CRASHED, UNREADABLE_BATCH, dead_letter};
use super::port::Place;
use super::restore::Kept;
use super::settings::StageSettings;
use super::task::{Cut, Input, Task};

/// Time at the end of a partition after which it counts as idle: what others wait for a partition
/// that falls quiet.
pub const IDLE_AFTER: Duration = Duration::from_millis(250);
/// Time after which a partition that brings nothing, or was at its end, counts no more as read or as
/// live.
const FRESH: Duration = Duration::from_secs(1);

/// The handling of a payload panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// One input partition of a stage.
pub struct Slot<T> {
    /// Which one.
    pub partition: Partition,
    /// What handles it.
    pub task: T,
    /// Outputs since the last commit.
    pub outbox: Outbox,
    /// First offset not handled.
    pub position: i64,
    /// First offset not committed.
    pub committed: Option<i64>,
    /// Whether everything was read that there is.
    at_end: bool,
    /// When that was so last.
    ended_at: Option<Instant>,
    /// When messages were read last.
    read_at: Option<Instant>,
    /// Where the partition ended lately.
    pub end: Option<i64>,
    /// How carefully it is read.
    pub caution: Caution,
    /// Offsets of payloads that are set aside instead of handled.
    pub set_aside: BTreeSet<i64>,
    /// Why payloads were set aside or stepped over since the last commit.
    pub reasons: Vec<&'static str>,
    /// Fetches in a row of a batch that cannot be unpacked.
    pub unread: u32,
    /// Payloads handled since the last commit.
    handled: usize,
    /// Whether the state is to be kept at the next commit, so that what was set aside is never
    /// handled again.
    pub is_keeping: bool,
    deadletter: Arc<str>,
    /// Outputs of offsets below this are committed already.
    replay_until: i64,
    snapshot_at: Instant,
    snapshot_position: Option<i64>,
    snapshot_hash: u64,
    /// Whether a message came since the last cut.
    is_heard: bool,
    /// When the last cut was before which a message had come.
    heard_at: Instant,
}

impl<T: Task> Slot<T> {
    /// Makes the slot of a partition; what is set aside goes to the topic `deadletter`.
    pub fn new(task: T, partition: Partition, deadletter: &Arc<str>) -> Self {
        Self {
            partition,
            task,
            outbox: Outbox::default(),
            position: 0,
            committed: None,
            at_end: false,
            ended_at: None,
            read_at: None,
            end: None,
            caution: Caution::default(),
            set_aside: BTreeSet::new(),
            reasons: Vec::new(),
            unread: 0,
            handled: 0,
            is_keeping: false,
            deadletter: Arc::clone(deadletter),
            replay_until: 0,
            snapshot_at: Instant::now(),
            snapshot_position: None,
            snapshot_hash: 0,
            is_heard: false,
            heard_at: Instant::now(),
        }
    }

    /// Continues from a kept state.
    ///
    /// # Errors
    /// Where the bytes are not a state of this version.
    pub fn restore(&mut self, kept: &Kept) -> anyhow::Result<()> {
        self.snapshot_position = Some(kept.position);
        self.snapshot_hash = xxh3_64(&kept.state);
        let (topic, partition) = &self.partition;
        let context = || format!("restore the state of {topic}/{partition}");
        if T::REPLAYS {
            return self.task.restore(&kept.state).with_context(context);
        }
        let (outputs, state) = wire::decode_outputs(&kept.state).with_context(context)?;
        outputs.into_iter().for_each(|message| self.outbox.push(message));
        self.task.restore(&state).with_context(context)
    }

    /// Sets where to go on, in a log that ends at `end`.
    pub fn go_on(&mut self, position: i64, end: i64) {
        self.position = position;
        self.end = Some(end);
        let replayed = self.committed.filter(|committed| T::REPLAYS && *committed <= end);
        self.replay_until = replayed.unwrap_or(0);
    }

    /// Whether what it handles now was not committed before.
    pub fn is_live(&self) -> bool {
        self.position >= self.replay_until
    }

    /// Handles a payload; returns by how many bytes the outputs grew.
    ///
    /// # Errors
    /// Where the handling panicked; the slot is of no use afterwards.
    pub fn handle(&mut self, input: Input<'_>) -> Result<usize, Panicked> {
        let (len, bytes) = (self.outbox.len(), self.outbox.bytes());
        let offset = input.offset;
        if self.set_aside.contains(&offset) {
            self.leave_out((offset, offset + 1), CRASHED, input.payload);
        } else {
            let Self { task, outbox, .. } = self;
            let handling = AssertUnwindSafe(|| task.handle(input, outbox));
            catch_unwind(handling).map_err(|_| Panicked)?;
        }
        if offset < self.replay_until {
            self.outbox.truncate(len);
        }
        self.went_on(offset + 1);
        Ok(self.outbox.bytes() - bytes)
    }

    /// Goes on at an offset behind a batch that cannot be unpacked.
    pub fn step_over(&mut self, next: i64) {
        let len = self.outbox.len();
        let begin = self.position;
        self.leave_out((begin, next), UNREADABLE_BATCH, &[]);
        if begin < self.replay_until {
            self.outbox.truncate(len);
        }
        self.unread = 0;
        self.went_on(next);
    }

    /// Writes a dead letter in place of the payloads from one offset to before another.
    fn leave_out(&mut self, (begin, end): (i64, i64), reason: &'static str, payload: &[u8]) {
        let (topic, partition) = &self.partition;
        let source = Source::Partition { topic: Arc::from(topic.as_str()), partition: *partition };
        let offset = |offset: i64| u64::try_from(offset).unwrap_or(0);
        let mut letter = dead_letter(&self.deadletter, (&source, offset(begin)), reason, payload);
        if end > begin + 1 {
            letter.headers.push((END_HEADER.into(), end.to_string()));
        }
        self.outbox.push(letter);
        self.task.left_out(offset(end) - offset(begin), reason);
        self.reasons.push(reason);
        self.is_keeping = true;
    }

    fn went_on(&mut self, position: i64) {
        // What is replayed was committed before.
        self.handled += usize::from(self.is_live());
        self.position = position;
        self.is_heard = true;
    }

    /// Returns how many payloads may be read before the next commit.
    pub fn may_read(&self) -> usize {
        match self.caution.within().filter(|_| self.is_live()) {
            None => usize::MAX,
            Some(_) if !self.caution.is_begun() => 0,
            Some(within) => within.saturating_sub(self.handled),
        }
    }

    /// Whether it is read with caution and nothing is begun.
    pub fn may_begin(&self) -> bool {
        let is_careful = self.caution.within().is_some() && self.is_live();
        is_careful && !self.caution.is_begun() && self.handled == 0
    }

    /// Whether payloads are begun that are not committed.
    pub fn has_begun(&self) -> bool {
        self.caution.is_begun()
    }

    /// Whether it is read with caution and has read what it may.
    pub fn has_read_few(&self) -> bool {
        self.may_read() == 0 && self.handled > 0
    }

    /// Whether there is something to commit beside outputs and state.
    pub fn is_commit_due(&self) -> bool {
        self.committed != Some(self.position) || self.caution.is_begun()
    }

    /// Returns what a commit says of its place.
    pub fn place(&self) -> Place {
        let caution = self.caution_after_commit();
        Place { partition: self.partition.clone(), offset: self.position, caution }
    }

    fn caution_after_commit(&self) -> Caution {
        match (self.handled, self.at_end) {
            // There is nothing to die of.
            (0, true) => Caution::default(),
            (0, false) => self.caution,
            _ => self.caution.after_commit(),
        }
    }

    /// Returns the place that is committed, or where it begins.
    pub fn first_place(&self) -> Place {
        let offset = self.committed.unwrap_or(self.position);
        Place { partition: self.partition.clone(), offset, caution: self.caution }
    }

    /// Notes that everything handled so far is committed.
    pub fn was_committed(&mut self) {
        self.committed = Some(self.position);
        if self.is_live() {
            self.caution = self.caution_after_commit();
        }
        self.handled = 0;
    }

    /// Notes that it was read for a while.
    pub fn was_read(&mut self, run: Run, now: Instant) {
        if run.messages > 0 {
            self.read_at = Some(now);
            self.at_end = false;
            self.unread = 0;
        }
        if run.is_at_end {
            self.at_end = true;
            self.ended_at = Some(now);
        }
    }

    /// Whether it has read a short while ago what there was.
    pub fn is_caught_up(&self, now: Instant) -> bool {
        let is_fresh = |at: Instant| now.duration_since(at) < FRESH;
        self.ended_at.is_some_and(is_fresh) || self.end.is_some_and(|end| self.position >= end)
    }

    /// Returns the event time that it has come to in a backlog, while it is being read.
    pub fn holds_at(&self, now: Instant) -> Option<Timestamp> {
        let is_read = self.read_at.is_some_and(|at| now.duration_since(at) < FRESH);
        self.task.reached().filter(|_| is_read && !self.is_caught_up(now))
    }

    /// Whether somebody waits for what the next commit puts out.
    pub fn is_urgent(&self) -> bool {
        !self.outbox.is_empty() && self.task.is_urgent()
    }

    /// Ends a commit interval.
    pub fn cut(&mut self, wall: Timestamp) {
        if std::mem::take(&mut self.is_heard) {
            self.heard_at = Instant::now();
        }
        let idle = self.at_end && self.heard_at.elapsed() >= IDLE_AFTER;
        self.task.cut(Cut { position: self.position, wall, idle }, &mut self.outbox);
    }

    /// Whether a state that follows from its messages is due to be kept once more.
    pub fn is_snapshot_due(&self, settings: &StageSettings) -> bool {
        T::REPLAYS && self.has_moved() && self.snapshot_at.elapsed() >= settings.snapshot_interval
    }

    fn has_moved(&self) -> bool {
        Some(self.position) != self.snapshot_position
    }

    /// Notes that what was put out of its state did not arrive.
    pub fn forget_kept(&mut self) {
        (self.snapshot_position, self.snapshot_hash) = (None, 0);
    }

    /// Puts the state out, one that follows from its messages only where `is_due`, with the outputs
    /// that wait if asked to.
    pub fn keep_state(
        &mut self,
        settings: &StageSettings,
        is_due: bool,
        with_outputs: bool,
        out: &mut Outbox,
    ) {
        let moved = self.has_moved();
        if T::REPLAYS && !(moved && is_due) {
            return;
        }
        // A state that does not follow from the messages changes without any: heartbeats number it.
        let mut state = self.task.snapshot();
        if !T::REPLAYS {
            let outputs = if with_outputs { self.outbox.messages() } else { &[] };
            state = wire::encode_outputs(outputs, &state);
        }
        let hash = xxh3_64(&state);
        if !moved && hash == self.snapshot_hash {
            return;
        }
        self.snapshot_hash = hash;
        self.is_keeping = false;
        self.snapshot_at = Instant::now();
        self.snapshot_position = Some(self.position);
        let (topic, partition) = &self.partition;
        let place = partition % settings.state_partitions.max(1);
        let name = snapshot::manifest_key(topic, *partition);
        let (_, pairs) = snapshot::split(&name, self.position, &state);
        for (key, payload) in pairs {
            out.push(OutMessage {
                topic: Arc::clone(&settings.state_topic),
                partition: Some(place),
                key: key.into_bytes(),
                payload: Some(payload),
                headers: Vec::new(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
