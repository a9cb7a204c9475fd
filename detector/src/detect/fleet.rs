//! The event time of all sources together: what has come from everywhere and what is still awaited.
//!
//! **The watermark never goes back.**
//! It is held by the slowest source that is not idle.
//! A source that was announced but never heard of holds it for `hold_max` of wall time at most;
//! after that windows close marked incomplete.
//! When every source has been idle for `stall_after`, event time goes on at the pace of wall time,
//! so that a silence of everything is noticed.

mod order;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::Source;
use crate::tally::TallyBatch;
use crate::time::Timestamp;

use order::Order;

/// How long the fleet clock waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetSettings {
    /// Longest wait for a source that says nothing, wall time.
    pub hold_max: Duration,
    /// Wall time after which a fleet at its end follows wall time.
    pub stall_after: Duration,
}

/// How far all sources have come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetClock {
    sources: BTreeMap<Source, SourceProgress>,
    #[serde(skip)]
    order: Order,
    progress: Option<Timestamp>,
    wall: Option<Timestamp>,
    first_wall: Option<Timestamp>,
    idle_since: Option<(Timestamp, Timestamp)>,
    incomplete: bool,
    at_end: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SourceProgress {
    next_seq: u64,
    to: u64,
    newest: Option<Timestamp>,
    idle: bool,
    wall: Timestamp,
    expected: u32,
}

/// A source that says nothing for so many times `hold_max` is forgotten: it was taken away.
const FORGOTTEN_HOLDS: u32 = 10;

impl SourceProgress {
    /// Tells whether a batch was taken in before; numbers that begin anew beyond what was covered
    /// are those of a source whose state was lost.
    fn holds(&self, batch: &TallyBatch) -> bool {
        batch.seq < self.next_seq && batch.to <= self.to
    }
}

impl FleetClock {
    /// Takes in the heartbeat of a batch; returns false where the batch was taken in before.
    pub fn observe(&mut self, batch: &TallyBatch, settings: &FleetSettings) -> bool {
        self.order.make(&self.sources);
        let known = self.sources.get(&batch.source);
        if known.is_some_and(|known| known.holds(batch)) {
            return false;
        }
        if known.is_none_or(|known| batch.to > known.to) {
            self.idle_since = None;
        }
        let progress = SourceProgress {
            next_seq: batch.seq + 1,
            to: batch.to,
            newest: batch.newest,
            idle: batch.idle,
            wall: batch.wall,
            expected: batch.sources,
        };
        if let Some(former) = known {
            self.order.remove(&batch.source, former);
        }
        self.order.add(&batch.source, &progress);
        self.sources.insert(batch.source.clone(), progress);
        self.wall = self.wall.max(Some(batch.wall));
        self.first_wall = self.first_wall.or(Some(batch.wall));
        self.forget(batch.wall - settings.hold_max * FORGOTTEN_HOLDS);
        self.advance(settings);
        true
    }

    /// Forgets sources that said nothing since a wall time.
    fn forget(&mut self, since: Timestamp) {
        while let Some((wall, source)) = self.order.longest_silent()
            && wall < since
        {
            let source = source.clone();
            let Some(progress) = self.sources.remove(&source) else { return };
            self.order.remove(&source, &progress);
        }
    }

    /// Returns the event time that a source has reached.
    pub fn reached_by(&self, source: &Source) -> Option<Timestamp> {
        self.sources.get(source).and_then(|source| source.newest)
    }

    /// Returns the event time that every awaited source has reached.
    pub fn progress(&self) -> Option<Timestamp> {
        self.progress
    }

    /// Returns the event time up to which nothing more is expected: short of [`Self::progress`],
    /// whose instant may bring more records, unless every source is at its end.
    pub fn settled(&self) -> Option<Timestamp> {
        let ahead = Duration::from_nanos(u64::from(!self.at_end));
        self.progress.map(|progress| progress - ahead)
    }

    /// Tells whether a source that ought to be heard is not waited for.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    fn advance(&mut self, settings: &FleetSettings) {
        let Some(wall) = self.wall else { return };
        let missing = (self.sources.len() as u64) < u64::from(self.order.expected());
        let waited = self.first_wall.is_some_and(|first| wall.since(first) > settings.hold_max);
        let silent = self.order.longest_silent().map(|(heard, _)| wall.since(heard));
        let has_dead = silent.is_some_and(|silent| silent > settings.hold_max);
        self.incomplete = (missing && waited) || has_dead;
        if missing && !waited {
            return;
        }
        let slowest = self.slowest(wall, waited, settings);
        self.at_end = slowest.is_none();
        let reached = match slowest {
            Some(slowest) => {
                self.idle_since = None;
                slowest
            }
            None => self.idle_progress(wall, settings),
        };
        self.progress = self.progress.max(reached);
    }

    /// Returns how far the slowest of the sources has come that are waited for, if there is one.
    fn slowest(
        &self,
        wall: Timestamp,
        waited: bool,
        settings: &FleetSettings,
    ) -> Option<Option<Timestamp>> {
        let lives = |source: &Source| {
            let heard = self.sources.get(source).map(|source| source.wall);
            heard.is_some_and(|heard| wall.since(heard) <= settings.hold_max)
        };
        let mut reading = self.order.reading().filter(|(newest, _)| newest.is_some() || !waited);
        let slowest = reading.find(|(_, sources)| sources.iter().any(lives));
        slowest.map(|(newest, _)| newest)
    }

    /// Progress while every source is at its end: its newest record, and wall pace after a while.
    fn idle_progress(&mut self, wall: Timestamp, settings: &FleetSettings) -> Option<Timestamp> {
        let newest = self.order.newest()?;
        let newest = self.progress.map_or(newest, |progress| progress.max(newest));
        let (since, base) = *self.idle_since.get_or_insert((wall, newest));
        let idle = wall.since(since);
        Some(if idle >= settings.stall_after { base + idle } else { newest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::LineCounts;

    const SETTINGS: FleetSettings =
        FleetSettings { hold_max: Duration::from_secs(60), stall_after: Duration::from_secs(30) };

    fn batch(partition: i32, seq: u64, newest: Option<i64>, idle: bool, wall: i64) -> TallyBatch {
        TallyBatch {
            source: Source::Partition { topic: "logs".into(), partition },
            sources: 2,
            seq,
            from: seq,
            to: seq + 1,
            newest: newest.map(Timestamp::from_secs),
            idle,
            wall: Timestamp::from_secs(wall),
            lines: LineCounts::default(),
            services: Vec::new(),
        }
    }

    fn progress(batches: &[TallyBatch]) -> Option<i64> {
        let mut fleet = FleetClock::default();
        for batch in batches {
            fleet.observe(batch, &SETTINGS);
        }
        fleet.progress().map(|progress| progress.as_nanos() / 1_000_000_000)
    }

    #[test]
    fn the_slowest_source_holds_and_an_idle_one_does_not() {
        assert_eq!(progress(&[batch(0, 0, Some(50), false, 1)]), None);
        let both = [batch(0, 0, Some(50), false, 1), batch(1, 0, Some(20), false, 1)];
        assert_eq!(progress(&both), Some(20));
        let idle = [batch(0, 0, Some(50), false, 1), batch(1, 0, Some(20), true, 1)];
        assert_eq!(progress(&idle), Some(50));
    }

    #[test]
    fn a_source_never_heard_of_holds_for_a_while_only() {
        let alone = [batch(0, 0, Some(50), false, 1), batch(0, 1, Some(90), false, 62)];
        assert_eq!(progress(&alone), Some(90));
    }

    /// The watermark as it follows from all sources, without any order kept.
    fn naive(fleet: &FleetClock, wall: Timestamp) -> (Option<Timestamp>, bool) {
        let lives = |one: &&SourceProgress| wall.since(one.wall) <= SETTINGS.hold_max;
        let waited = fleet.first_wall.is_some_and(|first| wall.since(first) > SETTINGS.hold_max);
        let reading = fleet.sources.values().filter(|one| !one.idle).filter(lives);
        let reading = reading.filter(|one| one.newest.is_some() || !waited);
        (
            reading.map(|one| one.newest).min().flatten(),
            fleet.sources.values().all(|one| lives(&one)),
        )
    }

    #[test]
    fn the_kept_order_says_what_all_sources_say() {
        let mut fleet = FleetClock::default();
        let mut dice = 7_u64;
        let mut roll = |sides: u64| {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % sides
        };
        for seq in 0..20_000 {
            let wall = i64::try_from(seq / 9 + roll(700) * u64::from(roll(300) == 0)).unwrap();
            let newest = (roll(5) > 0).then(|| i64::try_from(seq / 7 + roll(40)).unwrap());
            let partition = i32::try_from(roll(12)).unwrap();
            let before = fleet.progress();
            let mut one = batch(partition, seq, newest, roll(4) == 0, wall);
            one.sources = 1;
            fleet.observe(&one, &SETTINGS);
            if roll(100) == 0 {
                fleet.order = Order::default();
            }
            let (slowest, all_live) = naive(&fleet, fleet.wall.unwrap());
            assert_eq!(fleet.is_incomplete(), !all_live, "{seq}");
            if !fleet.at_end {
                assert_eq!(fleet.progress(), before.max(slowest), "{seq}");
            }
        }
    }

    #[test]
    fn a_trickle_that_reaches_its_end_at_each_cut_is_no_stall() {
        let trickle = |seq: u64| {
            let mut batch = batch(0, seq, Some(50 + 60 * seq as i64), true, 20 * seq as i64);
            batch.sources = 1;
            batch
        };
        let batches: Vec<_> = (0..10).map(trickle).collect();
        assert_eq!(progress(&batches), Some(590));
    }

    #[test]
    fn a_fleet_at_its_end_follows_wall_time_after_the_stall() {
        let idle = [
            batch(0, 0, Some(50), true, 1),
            batch(1, 0, None, true, 1),
            batch(0, 1, Some(50), true, 20),
            batch(1, 1, None, true, 20),
        ];
        assert_eq!(progress(&idle), Some(50));
        let stalled = [
            batch(0, 0, Some(50), true, 1),
            batch(1, 0, None, true, 1),
            TallyBatch { to: 1, ..batch(0, 1, Some(50), true, 41) },
        ];
        assert_eq!(progress(&stalled), Some(90));
    }
}
