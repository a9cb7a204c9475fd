//! The loop of a stage: one thread, one consumer in the stage's group, one producer.
//!
//! A commit interval is: poll and handle, cut, then everything out at once with the offsets.
//! **Nothing is produced outside a commit, and a partition is released only after one.**
//! After any failed commit the outputs are dropped, what is open is settled, the states are read
//! back and the partitions rewound: the loop never guesses what a broker did.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use logwake_detector::time::Timestamp;
use logwake_emit::kafka::Outbox;
use logwake_ingest::kafka::{Partition, Rebalance};
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::port::{Arrived, Brokers, Got, Port};
use super::restore::Kept;
use super::slot::Slot;
use super::task::Task;
use super::watch::StageWatch;

/// How long one answer of the brokers is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of outputs that bring a commit forward: a batch of this size is one broker round trip.
const OUTBOX_BYTES_MAX: usize = 4 << 20;
/// By which part of the interval a commit waits that somebody waits for: what comes together goes
/// together, and a flood of news commits no more often than that.
const EARLY: u32 = 10;
/// How often lag is told.
const LAG_EVERY: Duration = Duration::from_secs(5);
/// How long a kept state that is older than its offset is waited for: a transaction shows in its
/// topics one after the other, and in one whose leader is away only once there is another.
const STATE_LAG_MAX: Duration = Duration::from_secs(60);
/// Longest wait for a message: then rebalances and whether to stop are looked at.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// Messages handled between two looks at the clock.
const MESSAGES_PER_LOOK: usize = 256;

/// What a stage reads, keeps and commits under.
#[derive(Clone, Debug)]
pub struct StageSettings {
    /// Input topics.
    pub inputs: Vec<String>,
    /// Compacted topic of its states.
    pub state_topic: Arc<str>,
    /// Partitions of that topic.
    pub state_partitions: i32,
    /// Set for exactly once.
    pub transactional_id: Option<String>,
    /// Consumer properties, group included.
    pub consumer: ClientConfig,
    /// Producer properties.
    pub producer: ClientConfig,
    /// Time between commits.
    pub commit_interval: Duration,
    /// Time between snapshots of a stage whose state can be replayed.
    pub snapshot_interval: Duration,
}

/// Runs a stage until told to stop; starts over after an error, more slowly each time.
pub fn run<T: Task>(
    settings: &StageSettings,
    make: &dyn Fn(&Partition) -> T,
    watch: &StageWatch,
    stop: &AtomicBool,
) {
    let mut pause = Duration::from_millis(200);
    while !stop.load(Ordering::Acquire) {
        let begin = Instant::now();
        let opened = Brokers::open(settings);
        match opened.and_then(|port| Stage::new(settings, make, watch, port).run(stop)) {
            Ok(()) => return,
            Err(error) => watch.failed(&error),
        }
        if begin.elapsed() > Duration::from_secs(60) {
            pause = Duration::from_millis(200);
        }
        let until = Instant::now() + pause;
        while Instant::now() < until && !stop.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(20));
        }
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// The loop's state: what it reads and writes through, and a slot for each partition it owns.
pub struct Stage<'a, T, P> {
    settings: &'a StageSettings,
    make: &'a dyn Fn(&Partition) -> T,
    watch: &'a StageWatch,
    port: P,
    desk: Desk<T>,
    lag_at: Instant,
}

/// The slots and what came since the last commit.
struct Desk<T> {
    slots: Vec<Slot<T>>,
    /// Bytes of outputs that wait in the slots.
    waiting_bytes: usize,
    last: usize,
    inputs: u64,
}

impl<T: Task> Desk<T> {
    fn handle(&mut self, arrived: Arrived<'_>, watch: &StageWatch) {
        let is = |slot: &Slot<T>| {
            slot.partition.1 == arrived.partition && slot.partition.0 == arrived.topic
        };
        if !self.slots.get(self.last).is_some_and(is) {
            let Some(found) = self.slots.iter().position(is) else { return };
            self.last = found;
        }
        let slot = &mut self.slots[self.last];
        let offset = arrived.input.offset;
        if offset < slot.position {
            watch.went_back(&slot.partition, slot.position, offset);
        }
        self.waiting_bytes += slot.handle(arrived.input);
        self.inputs += 1;
    }

    /// Marks a partition as read to its end; the topic is not told, so that of each topic.
    fn reached_end(&mut self, partition: i32) {
        for slot in self.slots.iter_mut().filter(|slot| slot.partition.1 == partition) {
            slot.at_end = true;
        }
    }
}

impl<'a, T: Task, P: Port> Stage<'a, T, P> {
    /// Makes the loop of a stage that has joined its group.
    pub fn new(
        settings: &'a StageSettings,
        make: &'a dyn Fn(&Partition) -> T,
        watch: &'a StageWatch,
        port: P,
    ) -> Self {
        let desk = Desk { slots: Vec::new(), waiting_bytes: 0, last: 0, inputs: 0 };
        Self { settings, make, watch, port, desk, lag_at: Instant::now() }
    }

    fn run(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut due = Instant::now() + self.settings.commit_interval;
        while !stop.load(Ordering::Acquire) {
            self.turn(&mut due)?;
        }
        self.commit_or_recover(true)
    }

    /// Reads for a while, answers rebalances, and commits where that is due.
    ///
    /// # Errors
    /// Where the stage must start over.
    pub fn turn(&mut self, due: &mut Instant) -> anyhow::Result<()> {
        self.consume(*due)?;
        while let Some(asked) = self.port.next_rebalance() {
            self.rebalance(asked)?;
        }
        let now = Instant::now();
        if self.desk.slots.iter().any(Slot::is_urgent) {
            *due = (*due).min(now + self.settings.commit_interval / EARLY);
        }
        if now >= *due || self.desk.waiting_bytes >= OUTBOX_BYTES_MAX {
            self.commit_or_recover(false)?;
            *due = Instant::now() + self.settings.commit_interval;
        }
        Ok(())
    }

    /// Polls and handles until the commit is due, a rebalance is asked, or enough waits.
    fn consume(&mut self, due: Instant) -> anyhow::Result<()> {
        let Self { port, desk, watch, .. } = self;
        let mut wait = due.saturating_duration_since(Instant::now()).min(WAIT_MAX);
        for _ in 0..MESSAGES_PER_LOOK {
            match port.poll(wait, |arrived| desk.handle(arrived, watch)) {
                Ok(Got::Message) => {}
                Ok(Got::End(partition)) => desk.reached_end(partition),
                Ok(Got::Nothing) => break,
                Err(error) if is_passing(&error) => {
                    watch.passing(&error);
                    break;
                }
                Err(error) => return Err(error).context("poll"),
            }
            // The first is waited for; the others are there or not, and no clock is read for them.
            wait = Duration::ZERO;
            if desk.waiting_bytes >= OUTBOX_BYTES_MAX {
                break;
            }
        }
        Ok(())
    }

    fn rebalance(&mut self, asked: Rebalance) -> anyhow::Result<()> {
        match asked {
            // Nothing new for this member, but it must be answered.
            Rebalance::Assign(partitions) if partitions.is_empty() => self.port.assign(&[])?,
            Rebalance::Assign(partitions) => {
                self.port.take_over(&partitions)?;
                let slots = self.restore(&partitions)?;
                self.port.assign(&starts_of(&slots))?;
                self.desk.slots.extend(slots);
                self.watch.assigned(self.desk.slots.len());
            }
            Rebalance::Revoke { partitions, lost } => {
                if lost {
                    self.desk.slots.retain(|slot| !partitions.contains(&slot.partition));
                    self.recover()?;
                } else {
                    self.commit_or_recover(true)?;
                    self.desk.slots.retain(|slot| !partitions.contains(&slot.partition));
                }
                self.desk.last = 0;
                partitions.iter().for_each(|partition| self.watch.released(partition));
                self.port.release(&partitions);
                self.watch.assigned(self.desk.slots.len());
            }
        }
        Ok(())
    }

    /// Commits; where that fails, goes back to what is committed.
    fn commit_or_recover(&mut self, is_last: bool) -> anyhow::Result<()> {
        let begin = Instant::now();
        match self.commit(is_last) {
            Ok(None) => Ok(()),
            Ok(Some(outputs)) => {
                let inputs = std::mem::take(&mut self.desk.inputs);
                self.watch.committed(begin.elapsed(), inputs, outputs);
                for slot in &mut self.desk.slots {
                    slot.task.committed();
                }
                Ok(())
            }
            Err(error) => {
                self.watch.commit_failed(&error);
                self.recover()
            }
        }
    }

    /// Returns how many messages it put out, `None` where there was nothing to commit.
    fn commit(&mut self, is_last: bool) -> anyhow::Result<Option<u64>> {
        let exactly_once = self.settings.transactional_id.is_some();
        let (wall, mut outputs, mut states) = (wall_now(), Outbox::default(), Outbox::default());
        // The offset of every slot, moved or not: the group's generation that goes with them is what
        // keeps a process out that lost its partitions while it was not looking.
        let (mut offsets, mut is_due) = (Vec::new(), false);
        for slot in self.desk.slots.iter_mut().filter(|slot| slot.is_live()) {
            slot.cut(wall);
            // Without a transaction the state goes first and takes its outputs along: whoever
            // restores it sends them again, under the same numbers.
            slot.keep_state(self.settings, is_last, !exactly_once, &mut states);
            outputs.append(&mut slot.outbox);
            is_due |= slot.committed != Some(slot.position);
            offsets.push((slot.partition.clone(), slot.position));
        }
        self.desk.waiting_bytes = 0;
        let is_idle = outputs.is_empty() && states.is_empty() && !is_due;
        if is_idle && (!is_last || offsets.is_empty()) {
            return Ok(None);
        }
        let messages = (outputs.len() + states.len()) as u64;
        self.port.commit(states, outputs, &offsets, is_last)?;
        for slot in &mut self.desk.slots {
            slot.committed = Some(slot.position);
        }
        self.look_at_lag();
        Ok(Some(messages))
    }

    /// Settles what is open, reads the states back and rewinds every partition.
    fn recover(&mut self) -> anyhow::Result<()> {
        self.port.settle()?;
        let partitions: Vec<Partition> =
            self.desk.slots.iter().map(|slot| slot.partition.clone()).collect();
        if partitions.is_empty() {
            return Ok(());
        }
        self.desk.slots = self.restore(&partitions)?;
        self.port.seek(&starts_of(&self.desk.slots))
    }

    fn restore(&mut self, partitions: &[Partition]) -> anyhow::Result<Vec<Slot<T>>> {
        let state_partition = |partition: i32| partition % self.settings.state_partitions.max(1);
        let wanted: BTreeSet<i32> =
            partitions.iter().map(|(_, partition)| state_partition(*partition)).collect();
        // Offsets first: once they are stable, no transaction of a former owner is open.
        let committed = self.port.committed(partitions)?;
        let states = self.kept(&committed, &wanted).context("restore state")?;
        let mut slots = Vec::new();
        for ((partition, committed), kept) in committed.into_iter().zip(states) {
            let mut slot = Slot::new((self.make)(&partition), partition);
            let kept = kept.filter(|kept| match slot.restore(kept) {
                Ok(()) => true,
                Err(error) => {
                    self.watch.state_refused(&slot.partition, &error);
                    slot = Slot::new((self.make)(&slot.partition), slot.partition.clone());
                    false
                }
            });
            slot.committed = committed;
            let kept_position = kept.map(|kept| kept.position);
            let fallback = if T::REPLAYS { None } else { committed };
            let (position, end) =
                self.first_position(&slot.partition, kept_position.or(fallback))?;
            if kept_position.is_none() && committed.is_some() {
                slot.task.begin(position);
            }
            slot.go_on(position, end);
            slots.push(slot);
        }
        Ok(slots)
    }

    /// Reads the states of partitions that go with their committed offsets.
    fn kept(
        &mut self,
        committed: &[(Partition, Option<i64>)],
        places: &BTreeSet<i32>,
    ) -> anyhow::Result<Vec<Option<Kept>>> {
        let begin = Instant::now();
        let partitions: Vec<Partition> =
            committed.iter().map(|(partition, _)| partition.clone()).collect();
        loop {
            let log = self.port.states(places, &partitions)?;
            let states = committed
                .iter()
                .map(|((topic, partition), _)| log.latest(topic, *partition))
                .collect::<anyhow::Result<Vec<_>>>()?;
            let lags = |state: &Option<Kept>, offset: Option<i64>| {
                state.as_ref().map(|kept| kept.position) < offset
            };
            let behind = states.iter().zip(committed).find(|(state, (_, offset))| {
                !T::REPLAYS && self.settings.transactional_id.is_some() && lags(state, *offset)
            });
            let Some((state, (partition, offset))) = behind else { return Ok(states) };
            if begin.elapsed() > STATE_LAG_MAX {
                self.watch.state_lags(partition, state.as_ref().map(|kept| kept.position), *offset);
                return Ok(states);
            }
        }
    }

    /// Where to go on, at the wanted offset where the log still has it, else where a reset leads;
    /// and where the log ends.
    fn first_position(
        &mut self,
        partition: &Partition,
        wanted: Option<i64>,
    ) -> anyhow::Result<(i64, i64)> {
        let (first, end) = self.port.bounds(partition, TIMEOUT)?;
        let reset = match self.settings.consumer.get("auto.offset.reset") {
            Some("latest" | "largest" | "end") if !T::REPLAYS => end,
            _ => first,
        };
        let position = match wanted {
            Some(wanted) if (first..=end).contains(&wanted) => wanted,
            Some(wanted) => {
                self.watch.went_back(partition, wanted, reset);
                reset
            }
            None => reset,
        };
        Ok((position, end))
    }

    fn look_at_lag(&mut self) {
        if self.lag_at.elapsed() < LAG_EVERY {
            return;
        }
        self.lag_at = Instant::now();
        for slot in &self.desk.slots {
            let (topic, partition) = &slot.partition;
            if let Some(end) = self.port.end(&slot.partition) {
                let lag = end - slot.position;
                self.watch.lag(topic, *partition, lag.max(0), end);
            }
        }
    }
}

fn starts_of<T>(slots: &[Slot<T>]) -> Vec<(Partition, i64)> {
    slots.iter().map(|slot| (slot.partition.clone(), slot.position)).collect()
}

/// Tells whether an error of the consumer goes away by itself.
fn is_passing(error: &KafkaError) -> bool {
    !matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::Fatal | RDKafkaErrorCode::Fenced))
}

/// Reads the clock.
pub fn wall_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
