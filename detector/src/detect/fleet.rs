//! The event time of all sources together: what has come from everywhere and what is still awaited.
//!
//! **The watermark never goes back.**
//! It is held by the slowest source that is not idle.
//! A source that was announced but never heard of holds it for `hold_max` of wall time at most;
//! after that windows close marked incomplete.
//! When every source has been idle for `stall_after`, event time goes on at the pace of wall time,
//! so that a silence of everything is noticed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::record::Source;
use crate::tally::TallyBatch;
use crate::time::Timestamp;

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
        let known = self.sources.get(&batch.source);
        if known.is_some_and(|known| known.holds(batch)) {
            return false;
        }
        if known.is_none_or(|known| batch.to > known.to) {
            self.idle_since = None;
        }
        self.sources.insert(
            batch.source.clone(),
            SourceProgress {
                next_seq: batch.seq + 1,
                to: batch.to,
                newest: batch.newest,
                idle: batch.idle,
                wall: batch.wall,
                expected: batch.sources,
            },
        );
        self.wall = self.wall.max(Some(batch.wall));
        self.first_wall = self.first_wall.or(Some(batch.wall));
        let forgotten = batch.wall - settings.hold_max * FORGOTTEN_HOLDS;
        self.sources.retain(|_, source| source.wall >= forgotten);
        self.advance(settings);
        true
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
        let dead = |source: &SourceProgress| wall.since(source.wall) > settings.hold_max;
        let expected = self.sources.values().map(|source| source.expected).max().unwrap_or(0);
        let missing = (self.sources.len() as u64) < u64::from(expected);
        let waited = self.first_wall.is_some_and(|first| wall.since(first) > settings.hold_max);
        self.incomplete = (missing && waited) || self.sources.values().any(dead);
        if missing && !waited {
            return;
        }
        let timeless = |source: &SourceProgress| source.newest.is_none() && waited;
        let reading = || {
            let sources = self.sources.values().filter(|source| !source.idle);
            sources.filter(|source| !dead(source) && !timeless(source))
        };
        self.at_end = reading().next().is_none();
        let reached = match reading().map(|source| source.newest).min() {
            Some(slowest) => {
                self.idle_since = None;
                slowest
            }
            None => self.idle_progress(wall, settings),
        };
        self.progress = self.progress.max(reached);
    }

    /// Progress while every source is at its end: its newest record, and wall pace after a while.
    fn idle_progress(&mut self, wall: Timestamp, settings: &FleetSettings) -> Option<Timestamp> {
        let newest = self.sources.values().filter_map(|source| source.newest).max()?;
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
