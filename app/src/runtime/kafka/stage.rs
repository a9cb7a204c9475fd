//! The loop of a stage: one thread, one consumer in the stage's group, one producer.
//!
//! A commit interval is: poll and handle, cut, then everything out at once with the offsets.
//! **Nothing is produced outside a commit, and a partition is released only after one.**
//! After any failed commit the outputs are dropped, what is open is settled, the states are read
//! back and the partitions rewound: the loop never guesses what a broker did.

mod resume;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use logwake_detector::time::Timestamp;
use logwake_emit::kafka::{CommitError, Outbox};
use logwake_ingest::kafka::{Partition, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::desk::{Desk, Look, OUTBOX_BYTES_MAX};
use super::limits::EventLimits;
use super::port::{Brokers, Port};
use super::settings::StageSettings;
use super::slot::Slot;
use super::task::Task;
use super::watch::StageWatch;

/// By which part of the interval a commit waits that somebody waits for: what comes together goes
/// together, and a flood of news commits no more often than that.
const EARLY: u32 = 10;
/// Time until a stage starts over that failed for the first time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How often lag is told.
const LAG_EVERY: Duration = Duration::from_secs(5);
/// Longest wait for a message: then rebalances and whether to stop are looked at.
const WAIT_MAX: Duration = Duration::from_millis(100);
/// The same where there are messages that are not to be read before others.
const HELD_WAIT: Duration = Duration::from_millis(2);

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
    limits: EventLimits,
    lag_at: Instant,
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
        let desk = Desk::new(alignment.reader(*idx));
        let limits = EventLimits::new(&settings.events, &settings.deadletter);
        Self { settings, make, watch, port, desk, limits, lag_at: Instant::now() }
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
        if self.desk.begin_few(&self.port) {
            self.commit_or_recover(false)?;
        }
        self.consume(*due)?;
        while let Some(asked) = self.port.next_rebalance() {
            self.rebalance(asked)?;
        }
        let now = Instant::now();
        if self.desk.slots.iter().any(Slot::is_urgent) {
            *due = (*due).min(now + self.settings.commit_interval / EARLY);
        }
        let is_full = self.desk.waiting_bytes >= OUTBOX_BYTES_MAX;
        if now >= *due || is_full || self.desk.slots.iter().any(Slot::has_read_few) {
            self.commit_or_recover(false)?;
            *due = Instant::now() + self.settings.commit_interval;
        }
        Ok(())
    }

    /// Reads and handles what there is, at most so much as goes between two looks at the clock; waits
    /// for more until the commit is due where there is nothing.
    fn consume(&mut self, due: Instant) -> anyhow::Result<()> {
        let done = self.desk.read_some(&mut self.port, self.watch).and_then(|look| {
            let wait = match look.messages {
                0 if look.is_held => HELD_WAIT,
                0 => due.saturating_duration_since(Instant::now()).min(WAIT_MAX),
                _ => Duration::ZERO,
            };
            self.port.serve(wait).map(|()| look)
        });
        match done {
            Err(error) if is_passing(&error) => {
                self.watch.passing(&error);
                Ok(())
            }
            Err(error) => Err(error).context("read"),
            Ok(Look { panicked: Some(place), .. }) => self.after_panic(place),
            Ok(Look { unreadable: Some(at), .. }) => self.step_over(at),
            Ok(_) => Ok(()),
        }
    }

    /// Goes back to what is committed: a state that was left in the middle of a step is no state.
    fn after_panic(&mut self, place: (Partition, i64)) -> anyhow::Result<()> {
        let is_set_aside = self.desk.panicked(place.clone());
        self.watch.panicked(&place.0, place.1, is_set_aside);
        self.recover()
    }

    /// Goes on behind a batch that cannot be unpacked.
    fn step_over(&mut self, at: usize) -> anyhow::Result<()> {
        let slot = &mut self.desk.slots[at];
        let begin = slot.position;
        let next = self.port.next_readable(&slot.partition, begin)?;
        slot.step_over(next);
        self.watch.stepped_over(&slot.partition, begin, next);
        let start = [(slot.partition.clone(), next)];
        self.port.seek(&start)
    }

    fn rebalance(&mut self, asked: Rebalance) -> anyhow::Result<()> {
        match asked {
            // Nothing new for this member, but it must be answered.
            Rebalance::Assign(partitions) if partitions.is_empty() => self.port.assign(&[])?,
            Rebalance::Assign(partitions) => self.take_over(&partitions)?,
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
                    slot.reasons.drain(..).for_each(|reason| self.watch.set_aside(reason));
                    slot.task.committed();
                }
                Ok(())
            }
            Err(error) => {
                if let Some(CommitError::TooLarge { topic, bytes, is_alone: true }) =
                    error.downcast_ref()
                {
                    self.limits.lower(topic, *bytes);
                }
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
        let (mut places, mut is_due) = (Vec::new(), false);
        // One snapshot a commit: each may take tens of megabytes until it is on its way.
        let mut has_room = true;
        for slot in self.desk.slots.iter_mut().filter(|slot| slot.is_live()) {
            slot.cut(wall);
            // Without a transaction the state goes first and takes its outputs along: whoever
            // restores it sends them again, under the same numbers.
            let is_snapshot_due = has_room && slot.is_snapshot_due(self.settings);
            has_room &= !is_snapshot_due;
            let is_due_now = is_last || is_snapshot_due || slot.is_keeping;
            slot.keep_state(self.settings, is_due_now, !exactly_once, &mut states);
            outputs.append(&mut slot.outbox);
            is_due |= slot.is_commit_due();
            places.push(slot.place());
        }
        self.desk.waiting_bytes = 0;
        let is_idle = outputs.is_empty() && states.is_empty() && !is_due;
        if is_idle && (!is_last || places.is_empty()) {
            return Ok(None);
        }
        for cut in self.limits.fit(&mut outputs) {
            self.watch.cut(&cut);
        }
        let messages = (outputs.len() + states.len()) as u64;
        self.port.commit(states, outputs, &places, is_last)?;
        self.desk.committed();
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
        let committed = self.port.committed(&partitions)?;
        let slots = self.restore(&committed)?;
        self.desk.renew(slots);
        self.port.seek(&starts_of(&self.desk.slots))
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
