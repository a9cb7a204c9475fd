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

use super::align::{Alignment, Reader};
use super::port::{Brokers, Port};
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
/// Time until a stage starts over that failed for the first time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How often lag is told.
const LAG_EVERY: Duration = Duration::from_secs(5);
/// How long a kept state that is older than its offset is waited for: a transaction shows in its
/// topics one after the other, and in one whose leader is away only once there is another.
const STATE_LAG_MAX: Duration = Duration::from_secs(60);
/// Longest wait for a message: then rebalances and whether to stop are looked at.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// The same where there are messages that are not to be read before others.
const HELD_WAIT: Duration = Duration::from_millis(2);
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
    /// What its readers tell each other, and which of them this is.
    pub alignment: (Arc<Alignment>, usize),
}

/// Runs a stage until told to stop; starts over after an error, more slowly each time.
pub fn run<T: Task>(
    settings: &StageSettings,
    make: &dyn Fn(&Partition) -> T,
    watch: &StageWatch,
    stop: &AtomicBool,
) {
    let mut pause = FIRST_PAUSE;
    while !stop.load(Ordering::Acquire) {
        let begin = Instant::now();
        let opened = Brokers::open(settings);
        match opened.and_then(|port| Stage::new(settings, make, watch, port).run(stop)) {
            Ok(()) => return,
            Err(error) => {
                if begin.elapsed() > Duration::from_secs(60) {
                    pause = FIRST_PAUSE;
                }
                watch.failed(&error, pause > FIRST_PAUSE);
            }
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
    reader: Reader,
    /// Bytes of outputs that wait in the slots.
    waiting_bytes: usize,
    /// Where the next look begins among slots of which none is behind.
    next: usize,
    inputs: u64,
}

impl<T: Task> Desk<T> {
    /// Returns the slots that have something to read, those first that are behind in event time, and
    /// whether others wait for those.
    fn order(&mut self, port: &impl Port) -> (Vec<usize>, bool) {
        let now = Instant::now();
        let slowest = self.slots.iter().filter_map(|slot| slot.holds_at(now)).min();
        let until = self.reader.tell(slowest);
        let len = self.slots.len();
        self.next = (self.next + 1) % len.max(1);
        let turn = (0..len).map(|at| (self.next + at) % len);
        let filled = turn.filter(|at| port.has_more(&self.slots[*at].partition));
        let is_ahead = |slot: &Slot<T>| slot.task.reached() > until && !slot.is_caught_up(now);
        let (held, mut order): (Vec<usize>, Vec<usize>) =
            filled.partition(|at| until.is_some() && is_ahead(&self.slots[*at]));
        order.sort_by_key(|at| self.slots[*at].task.reached());
        (order, !held.is_empty())
    }

    /// Reads at most so many messages of one slot; returns how many there were.
    fn read<P: Port>(
        &mut self,
        at: usize,
        max: usize,
        port: &mut P,
        watch: &StageWatch,
    ) -> Result<usize, KafkaError> {
        let Self { slots, waiting_bytes, inputs, .. } = self;
        let slot = &mut slots[at];
        let partition = slot.partition.clone();
        let run = port.read(&partition, max, |input| {
            if input.offset < slot.position {
                watch.went_back(&partition, slot.position, input.offset);
            }
            *waiting_bytes += slot.handle(input);
            *inputs += 1;
            *waiting_bytes < OUTBOX_BYTES_MAX
        })?;
        slot.was_read(run, Instant::now());
        Ok(run.messages)
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
        let (alignment, idx) = &settings.alignment;
        let reader = alignment.reader(*idx);
        let desk = Desk { slots: Vec::new(), reader, waiting_bytes: 0, next: 0, inputs: 0 };
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

    /// Reads and handles what there is, at most so much as goes between two looks at the clock; waits
    /// for more until the commit is due where there is nothing.
    fn consume(&mut self, due: Instant) -> anyhow::Result<()> {
        let done = self.read_some().and_then(|(messages, is_held)| {
            let wait = match messages {
                0 if is_held => HELD_WAIT,
                0 => due.saturating_duration_since(Instant::now()).min(WAIT_MAX),
                _ => Duration::ZERO,
            };
            self.port.serve(wait)
        });
        match done {
            Err(error) if is_passing(&error) => {
                self.watch.passing(&error);
                Ok(())
            }
            done => done.context("read"),
        }
    }

    /// Returns how many messages were read, and whether some were not to be read yet.
    fn read_some(&mut self) -> Result<(usize, bool), KafkaError> {
        let (order, is_held) = self.desk.order(&self.port);
        let mut messages = 0;
        for at in order {
            let max = MESSAGES_PER_LOOK - messages;
            if max == 0 || self.desk.waiting_bytes >= OUTBOX_BYTES_MAX {
                break;
            }
            self.watch.waits();
            messages += self.desk.read(at, max, &mut self.port, self.watch)?;
        }
        Ok((messages, is_held))
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
                    self.watch.lost(partitions.len());
                    self.desk.slots.retain(|slot| !partitions.contains(&slot.partition));
                    self.recover()?;
                } else {
                    self.commit_or_recover(true)?;
                    self.desk.slots.retain(|slot| !partitions.contains(&slot.partition));
                }
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
            Ok(None) => {
                self.watch.rests();
                Ok(())
            }
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
        // One snapshot a commit: each may take tens of megabytes until it is on its way.
        let mut has_room = true;
        for slot in self.desk.slots.iter_mut().filter(|slot| slot.is_live()) {
            slot.cut(wall);
            // Without a transaction the state goes first and takes its outputs along: whoever
            // restores it sends them again, under the same numbers.
            let is_snapshot_due = has_room && slot.is_snapshot_due(self.settings);
            has_room &= !is_snapshot_due;
            slot.keep_state(self.settings, is_last || is_snapshot_due, !exactly_once, &mut states);
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
        for slot in &mut self.desk.slots {
            let (topic, partition) = &slot.partition;
            slot.end = self.port.end(&slot.partition);
            if let Some(end) = slot.end {
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
    use RDKafkaErrorCode::{Fatal, Fenced, Inconsistent};
    !matches!(error.rdkafka_error_code(), Some(Fatal | Fenced | Inconsistent))
}

/// Reads the clock.
pub fn wall_now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
