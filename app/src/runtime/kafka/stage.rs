//! The loop of a stage: one thread, one consumer in the stage's group, one producer.
//!
//! A commit interval is: poll and handle, cut, then everything out at once with the offsets.
//! **Nothing is produced outside a commit, and a partition is released only after one.**
//! After any failed commit the outputs are dropped, the producer is replaced, the states are read
//! back and the partitions rewound: the loop never guesses what a broker did.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use logwake_detector::time::Timestamp;
use logwake_emit::kafka::{Committer, OutMessage, Outbox};
use logwake_emit::wire::snapshot;
use logwake_ingest::kafka::{GroupConsumer, Partition, Polled, Rebalance, list_at};
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::Offset;
use xxhash_rust::xxh3::xxh3_64;

use super::restore::{Kept, StateLog};
use super::task::{Cut, Input, Task};
use super::watch::StageWatch;

/// How long one answer of the brokers is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Time at the end of a partition after which it counts as idle.
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// Bytes of outputs that bring a commit forward: a batch of this size is one broker round trip.
const OUTBOX_BYTES_MAX: usize = 4 << 20;
/// How often end offsets are asked for.
const LAG_EVERY: Duration = Duration::from_secs(5);
/// How long a kept state that is older than its offset is waited for: a transaction shows in its
/// topics one after the other.
const STATE_LAG_MAX: Duration = Duration::from_secs(5);
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
        match Stage::open(settings, make, watch).and_then(|mut stage| stage.run(stop)) {
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

struct Stage<'a, T> {
    settings: &'a StageSettings,
    make: &'a dyn Fn(&Partition) -> T,
    watch: &'a StageWatch,
    consumer: Option<GroupConsumer>,
    committer: Committer,
    outbox: Outbox,
    states: Outbox,
    slots: Vec<Slot<T>>,
    last: usize,
    lag_at: Instant,
    inputs: u64,
}

struct Slot<T> {
    partition: Partition,
    task: T,
    /// First offset not handled.
    position: i64,
    committed: Option<i64>,
    /// Outputs of offsets below this are committed already.
    replay_until: i64,
    snapshot_at: Instant,
    snapshot_position: Option<i64>,
    snapshot_hash: u64,
    at_end: bool,
    heard_at: Instant,
}

impl<'a, T: Task> Stage<'a, T> {
    fn open(
        settings: &'a StageSettings,
        make: &'a dyn Fn(&Partition) -> T,
        watch: &'a StageWatch,
    ) -> anyhow::Result<Self> {
        let committer = Committer::new(&settings.producer, settings.transactional_id.as_deref())?;
        let topics: Vec<&str> = settings.inputs.iter().map(String::as_str).collect();
        let consumer = GroupConsumer::subscribe(&settings.consumer, &topics)
            .with_context(|| format!("subscribe to {}", topics.join(", ")))?;
        Ok(Self {
            settings,
            make,
            watch,
            consumer: Some(consumer),
            committer,
            outbox: Outbox::default(),
            states: Outbox::default(),
            slots: Vec::new(),
            last: 0,
            lag_at: Instant::now(),
            inputs: 0,
        })
    }

    fn run(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut due = Instant::now() + self.settings.commit_interval;
        while !stop.load(Ordering::Acquire) {
            self.consume(due)?;
            while let Some(asked) = self.consumer()?.next_rebalance() {
                self.rebalance(asked)?;
            }
            if Instant::now() >= due || self.outbox.bytes() >= OUTBOX_BYTES_MAX {
                self.commit_or_recover(false)?;
                due = Instant::now() + self.settings.commit_interval;
            }
        }
        self.commit_or_recover(true)?;
        if let Some(consumer) = self.consumer.take() {
            consumer.close();
        }
        Ok(())
    }

    /// Polls and handles until the commit is due, a rebalance is asked, or enough waits.
    fn consume(&mut self, due: Instant) -> anyhow::Result<()> {
        let Some(consumer) = self.consumer.take() else { anyhow::bail!("consumer is closed") };
        let mut result = Ok(());
        for _ in 0..MESSAGES_PER_LOOK {
            let wait = due.saturating_duration_since(Instant::now()).min(IDLE_AFTER / 10);
            match consumer.poll(wait) {
                Ok(Polled::Message(message)) => self.handle(&message),
                Ok(Polled::End(partition)) => self.reached_end(partition),
                Ok(Polled::Nothing) => break,
                Err(error) if is_passing(&error) => {
                    self.watch.passing(&error);
                    break;
                }
                Err(error) => {
                    result = Err(error).context("poll");
                    break;
                }
            }
            if self.outbox.bytes() >= OUTBOX_BYTES_MAX {
                break;
            }
        }
        self.consumer = Some(consumer);
        result
    }

    fn handle(&mut self, message: &BorrowedMessage<'_>) {
        let is = |slot: &Slot<T>| {
            slot.partition.1 == message.partition() && slot.partition.0 == message.topic()
        };
        if !self.slots.get(self.last).is_some_and(is) {
            let Some(found) = self.slots.iter().position(is) else { return };
            self.last = found;
        }
        let slot = &mut self.slots[self.last];
        let offset = message.offset();
        if offset < slot.position {
            self.watch.went_back(&slot.partition, slot.position, offset);
        }
        let time = message.timestamp().to_millis().map(Timestamp::from_millis);
        let payload = message.payload().unwrap_or_default();
        let before = self.outbox.len();
        slot.task.handle(Input { payload, offset, time }, &mut self.outbox);
        if offset < slot.replay_until {
            self.outbox.truncate(before);
        }
        self.inputs += 1;
        slot.position = offset + 1;
        slot.at_end = false;
        slot.heard_at = Instant::now();
    }

    /// Marks a partition as read to its end; the topic is not told, so that of each topic.
    fn reached_end(&mut self, partition: i32) {
        for slot in self.slots.iter_mut().filter(|slot| slot.partition.1 == partition) {
            slot.at_end = true;
        }
    }

    fn rebalance(&mut self, asked: Rebalance) -> anyhow::Result<()> {
        match asked {
            Rebalance::Assign(partitions) => {
                let slots = self.restore(&partitions)?;
                let starts: Vec<_> =
                    slots.iter().map(|slot| (slot.partition.clone(), slot.start())).collect();
                self.consumer()?.assign(&starts).context("assign partitions")?;
                self.slots.extend(slots);
                self.watch.assigned(self.slots.len());
            }
            Rebalance::Revoke { partitions, lost } => {
                if lost {
                    self.slots.retain(|slot| !partitions.contains(&slot.partition));
                    self.recover()?;
                } else {
                    self.commit_or_recover(true)?;
                    self.slots.retain(|slot| !partitions.contains(&slot.partition));
                }
                self.last = 0;
                partitions.iter().for_each(|partition| self.watch.released(partition));
                if let Err(error) = self.consumer()?.release(&partitions) {
                    tracing::debug!(%error, "release partitions");
                }
                self.watch.assigned(self.slots.len());
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
                let inputs = std::mem::take(&mut self.inputs);
                self.watch.committed(begin.elapsed(), inputs, outputs);
                for slot in &mut self.slots {
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
        let wall = wall_now();
        let mut offsets = Vec::new();
        for slot in &mut self.slots {
            let position = slot.position;
            let live = position >= slot.replay_until;
            let idle = slot.at_end && slot.heard_at.elapsed() >= IDLE_AFTER;
            if live {
                slot.task.cut(Cut { position, wall, idle }, &mut self.outbox);
                slot.snapshot_if_due(self.settings, is_last, &mut self.states);
            }
            if slot.committed != Some(position) && live {
                offsets.push((slot.partition.clone(), Offset::Offset(position)));
            }
        }
        if self.outbox.is_empty() && self.states.is_empty() && offsets.is_empty() {
            return Ok(None);
        }
        let outputs = (self.outbox.len() + self.states.len()) as u64;
        let list = list_at(&offsets)?;
        let membership = self.consumer()?.membership();
        if self.settings.transactional_id.is_some() {
            self.outbox.append(&mut self.states);
            self.committer.commit(&mut self.outbox, &list, membership)?;
        } else {
            self.committer.send_all(&mut self.outbox)?;
            self.committer.send_all(&mut self.states)?;
            if !offsets.is_empty() {
                self.consumer()?.commit(&offsets).context("commit offsets")?;
            }
        }
        for slot in &mut self.slots {
            slot.committed = Some(slot.position);
        }
        self.look_at_lag();
        Ok(Some(outputs))
    }

    /// Replaces the producer, reads the states back and rewinds every partition.
    fn recover(&mut self) -> anyhow::Result<()> {
        self.outbox.clear();
        self.states.clear();
        let id = self.settings.transactional_id.as_deref();
        self.committer = Committer::new(&self.settings.producer, id)?;
        let partitions: Vec<Partition> =
            self.slots.iter().map(|slot| slot.partition.clone()).collect();
        if partitions.is_empty() {
            return Ok(());
        }
        self.slots = self.restore(&partitions)?;
        let starts: Vec<_> =
            self.slots.iter().map(|slot| (slot.partition.clone(), slot.start())).collect();
        self.consumer()?.seek(&starts, TIMEOUT).context("seek to the committed offsets")
    }

    fn restore(&self, partitions: &[Partition]) -> anyhow::Result<Vec<Slot<T>>> {
        let state_partition = |partition: i32| partition % self.settings.state_partitions.max(1);
        let wanted: BTreeSet<i32> =
            partitions.iter().map(|(_, partition)| state_partition(*partition)).collect();
        // Offsets first: once they are stable, no transaction of a former owner is open.
        let committed = self.consumer()?.committed(partitions, TIMEOUT).context("read offsets")?;
        let states = self.kept(&committed, &wanted).context("restore state")?;
        let mut slots = Vec::new();
        for ((partition, committed), kept) in committed.into_iter().zip(states) {
            let mut task = (self.make)(&partition);
            let snapshot_hash = kept.as_ref().map_or(0, |kept| xxh3_64(&kept.state));
            if let Some(kept) = &kept {
                let name = format!("{}/{}", partition.0, partition.1);
                task.restore(&kept.state)
                    .with_context(|| format!("restore the state of {name}"))?;
            }
            let kept_position = kept.map(|kept| kept.position);
            let fallback = if T::REPLAYS { None } else { committed };
            let (position, end) = self.first_position(&partition, kept_position.or(fallback))?;
            let replayed = committed.filter(|committed| T::REPLAYS && *committed <= end);
            slots.push(Slot {
                partition,
                task,
                position,
                committed,
                replay_until: replayed.unwrap_or(0),
                snapshot_at: Instant::now(),
                snapshot_position: kept_position,
                snapshot_hash,
                at_end: false,
                heard_at: Instant::now(),
            });
        }
        Ok(slots)
    }

    /// Reads the states of partitions that go with their committed offsets.
    fn kept(
        &self,
        committed: &[(Partition, Option<i64>)],
        places: &BTreeSet<i32>,
    ) -> anyhow::Result<Vec<Option<Kept>>> {
        let begin = Instant::now();
        loop {
            let log = StateLog::read(&self.settings.consumer, &self.settings.state_topic, places)?;
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
        &self,
        partition: &Partition,
        wanted: Option<i64>,
    ) -> anyhow::Result<(i64, i64)> {
        let (topic, number) = partition;
        let (first, end) = self
            .consumer()?
            .bounds(topic, *number, TIMEOUT)
            .context("ask for the offset bounds")?;
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
        let Some(consumer) = &self.consumer else { return };
        for slot in &self.slots {
            let (topic, partition) = &slot.partition;
            if let Ok((_, end)) = consumer.bounds(topic, *partition, Duration::from_secs(1)) {
                let lag = end - slot.position;
                self.watch.lag(topic, *partition, lag.max(0), end);
            }
        }
    }

    fn consumer(&self) -> anyhow::Result<&GroupConsumer> {
        self.consumer.as_ref().context("consumer is closed")
    }
}

impl<T: Task> Slot<T> {
    fn start(&self) -> Offset {
        Offset::Offset(self.position)
    }

    fn snapshot_if_due(&mut self, settings: &StageSettings, is_last: bool, out: &mut Outbox) {
        let moved = Some(self.position) != self.snapshot_position;
        let due = is_last || self.snapshot_at.elapsed() >= settings.snapshot_interval;
        if T::REPLAYS && !(moved && due) {
            return;
        }
        // A state that does not follow from the messages changes without any: heartbeats number it.
        let state = self.task.snapshot();
        let hash = xxh3_64(&state);
        if !moved && hash == self.snapshot_hash {
            return;
        }
        self.snapshot_hash = hash;
        let position = self.position;
        let (topic, partition) = &self.partition;
        let place = partition % settings.state_partitions.max(1);
        let name = snapshot::manifest_key(topic, *partition);
        let (_, pairs) = snapshot::split(&name, position, &state);
        for (key, payload) in pairs {
            let key = key.into_bytes();
            let topic = Arc::clone(&settings.state_topic);
            let (partition, payload) = (Some(place), Some(payload));
            out.push(OutMessage { topic, partition, key, payload, headers: Vec::new() });
        }
        self.snapshot_at = Instant::now();
        self.snapshot_position = Some(position);
    }
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
