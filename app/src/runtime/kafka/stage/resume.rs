//! Where a stage goes on in partitions that it takes over or goes back in.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use logwake_emit::kafka::Outbox;
use logwake_ingest::kafka::Partition;

use super::{Stage, starts_of};
use crate::runtime::kafka::caution::{Note, Verdict};
use crate::runtime::kafka::port::{Committed, Place, Port};
use crate::runtime::kafka::restore::{Found, Kept};
use crate::runtime::kafka::slot::Slot;
use crate::runtime::kafka::task::Task;

/// How long one answer of the brokers is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a kept state that is older than its offset is waited for: a transaction shows in its
/// topics one after the other, and in one whose leader is away only once there is another.
const STATE_LAG_MAX: Duration = Duration::from_secs(60);
/// How often a damaged state is read before it is given up, and the pause between two reads.
const DAMAGED_READS_MAX: u32 = 3;
const DAMAGED_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 0 } else { 500 });

impl<T: Task, P: Port> Stage<'_, T, P> {
    /// Restores partitions and begins to read them.
    pub(super) fn take_over(&mut self, partitions: &[Partition]) -> anyhow::Result<()> {
        self.port.take_over(partitions)?;
        let committed = self.port.committed(partitions)?;
        let mut slots = self.restore(&committed)?;
        for (slot, Committed { note, .. }) in slots.iter_mut().zip(&committed) {
            self.be_cautious(slot, note);
        }
        self.note(&mut slots)?;
        self.port.assign(&starts_of(&slots))?;
        self.desk.slots.append(&mut slots);
        self.watch.assigned(self.desk.slots.len());
        Ok(())
    }

    /// Decides by what the owners before left behind how carefully a partition is read.
    fn be_cautious(&mut self, slot: &mut Slot<T>, note: &Note) {
        let offset = slot.committed.unwrap_or(slot.position);
        let waiting = slot.end.map_or(0, |end| end - offset);
        let (caution, verdict) = note.go_on(&self.port.owner(), waiting);
        slot.caution = caution;
        if verdict == Verdict::SetAside {
            slot.set_aside.insert(offset);
            self.desk.set_aside((slot.partition.clone(), offset));
        }
        if caution.within().is_some() {
            self.watch.is_cautious(&slot.partition, offset, verdict == Verdict::SetAside);
        }
    }

    /// Commits where partitions begin, unmoved: whoever takes them over after a death knows of it.
    /// Where that fails they are read all the same.
    fn note(&mut self, slots: &mut [Slot<T>]) -> anyhow::Result<()> {
        let exactly_once = self.settings.transactional_id.is_some();
        let mut states = Outbox::default();
        // A state belongs to each offset of a partition whose state does not follow from its input.
        for slot in slots.iter_mut().filter(|slot| !T::REPLAYS && slot.committed.is_none()) {
            slot.keep_state(self.settings, true, !exactly_once, &mut states);
        }
        let places: Vec<Place> = slots.iter().map(Slot::first_place).collect();
        match self.port.commit(states, Outbox::default(), &places, false) {
            Ok(()) => {
                let committed = slots.iter_mut().zip(places);
                committed.for_each(|(slot, place)| slot.committed = Some(place.offset));
                Ok(())
            }
            Err(error) => {
                tracing::debug!(error = format!("{error:#}"), "note where partitions begin");
                slots.iter_mut().for_each(Slot::forget_kept);
                self.port.settle()
            }
        }
    }

    /// Makes the slots of partitions as their states are. Offsets are asked for before: once they
    /// are stable, no transaction of a former owner is open.
    pub(super) fn restore(&mut self, committed: &[Committed]) -> anyhow::Result<Vec<Slot<T>>> {
        let state_partition = |partition: i32| partition % self.settings.state_partitions.max(1);
        let wanted: BTreeSet<i32> =
            committed.iter().map(|one| state_partition(one.partition.1)).collect();
        let states = self.kept(committed, &wanted).context("restore state")?;
        let mut slots = Vec::new();
        for (Committed { partition, offset: committed, .. }, kept) in committed.iter().zip(states) {
            let mut slot = self.slot(partition.clone());
            let kept = kept.filter(|kept| match slot.restore(kept) {
                Ok(()) => true,
                Err(error) => {
                    self.watch.state_refused(&slot.partition, &error);
                    slot = self.slot(slot.partition.clone());
                    false
                }
            });
            slot.committed = *committed;
            let kept_position = kept.map(|kept| kept.position);
            let fallback = if T::REPLAYS { None } else { *committed };
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
        committed: &[Committed],
        places: &BTreeSet<i32>,
    ) -> anyhow::Result<Vec<Option<Kept>>> {
        let begin = Instant::now();
        let partitions: Vec<Partition> =
            committed.iter().map(|one| one.partition.clone()).collect();
        let mut damaged_reads = 0;
        loop {
            let log = self.port.states(places, &partitions)?;
            let found: Vec<Found> = partitions
                .iter()
                .map(|(topic, partition)| log.latest(topic, *partition, T::REPLAYS))
                .collect();
            // Compaction may take a chunk away between two looks at a topic that is written to.
            damaged_reads += u32::from(found.iter().any(|found| found.damage.is_some()));
            if (1..DAMAGED_READS_MAX).contains(&damaged_reads) {
                std::thread::sleep(DAMAGED_PAUSE);
                continue;
            }
            let lags = |found: &Found, offset: Option<i64>| {
                found.damage.is_none() && found.kept.as_ref().map(|kept| kept.position) < offset
            };
            let behind = found.iter().zip(committed).find(|(found, one)| {
                !T::REPLAYS && self.settings.transactional_id.is_some() && lags(found, one.offset)
            });
            let Some((behind, Committed { partition, offset, .. })) = behind else {
                return Ok(self.readable(&partitions, found));
            };
            if begin.elapsed() > STATE_LAG_MAX {
                let position = behind.kept.as_ref().map(|kept| kept.position);
                self.watch.state_lags(partition, position, *offset);
                return Ok(self.readable(&partitions, found));
            }
        }
    }

    /// Returns what can be read, and reports what cannot.
    fn readable(&self, partitions: &[Partition], found: Vec<Found>) -> Vec<Option<Kept>> {
        let one = |(partition, Found { kept, damage }): (&Partition, Found)| {
            if let Some(damage) = damage {
                self.watch.state_damaged(
                    partition,
                    &damage,
                    kept.as_ref().map(|kept| kept.position),
                );
            }
            kept
        };
        partitions.iter().zip(found).map(one).collect()
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

    fn slot(&self, partition: Partition) -> Slot<T> {
        Slot::new((self.make)(&partition), partition, &self.settings.deadletter)
    }
}
