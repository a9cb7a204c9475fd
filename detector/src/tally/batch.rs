//! What one source counted since its last batch: the value that crosses the shuffle by service.
//!
//! A batch is a delta: batches can be summed, and each says which offsets it covers, so that the
//! ranges of one source tile without gap or overlap.
//! It is its source's heartbeat too: it carries how far event time has come and whether the source
//! is at its end.

use serde::{Deserialize, Serialize};

use super::values::Row;
use crate::record::{Level, Source};
use crate::time::Timestamp;

/// Counts of one source between two cuts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyBatch {
    /// Where the records came from.
    pub source: Source,
    /// How many sources belong together (partitions of the topic, files of a replay).
    pub sources: u32,
    /// Number of this batch in its source, from 0, without gaps.
    pub seq: u64,
    /// First offset that this batch covers.
    pub from: u64,
    /// First offset that this batch does not cover.
    pub to: u64,
    /// Greatest event time believed so far, `None` before the first record.
    pub newest: Option<Timestamp>,
    /// Whether the source was at its end when the batch was cut.
    pub idle: bool,
    /// Wall time at the cut.
    pub wall: Timestamp,
    /// What became of the lines.
    pub lines: LineCounts,
    /// The tallies, in order of first appearance.
    pub services: Vec<ServiceTally>,
}

/// What became of the physical lines of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineCounts {
    /// Lines counted in a window.
    pub tallied: u64,
    /// Lines whose window may have been closed before they came; they count for novelty alone.
    pub late: u64,
    /// Lines that could not be decoded.
    pub rejected: u64,
    /// Lines among `tallied` whose time was missing or not believed.
    pub corrected: u64,
}

impl LineCounts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.tallied += other.tallied;
        self.late += other.late;
        self.rejected += other.rejected;
        self.corrected += other.corrected;
    }

    /// Returns how many lines were accounted for in all.
    pub fn total(&self) -> u64 {
        self.tallied + self.late + self.rejected
    }
}

/// The part of a batch that belongs to one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceTally {
    /// Name of the service.
    pub name: String,
    /// Skeletons by window, in order of first appearance.
    pub skeletons: Vec<SkeletonTally>,
    /// Sessions with a record among them, in order of first appearance.
    pub sessions: Vec<SessionTally>,
    /// Skeletons of late records, in order of first appearance: for novelty and totals alone, so
    /// without hosts and values.
    pub late: Vec<SkeletonTally>,
}

impl ServiceTally {
    /// Starts the part of a service with nothing in it.
    pub fn new(name: String) -> Self {
        Self { name, skeletons: Vec::new(), sessions: Vec::new(), late: Vec::new() }
    }
}

/// What was logged under one session key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTally {
    /// The key.
    pub key: String,
    /// Its records by skeleton and window, in order of first appearance.
    pub events: Vec<SessionEvent>,
}

/// The records of one skeleton in one window under one session key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEvent {
    /// Place of the skeleton in [`ServiceTally::skeletons`], which states the window too.
    pub skeleton: u32,
    /// Records.
    pub count: u32,
    /// Event time of the earliest.
    pub first: Timestamp,
    /// Event time of the latest.
    pub last: Timestamp,
    /// Offset of the earliest.
    pub offset: u64,
}

/// How often one skeleton came in one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkeletonTally {
    /// Hash of the skeleton.
    pub hash: u64,
    /// The skeleton itself.
    pub skeleton: String,
    /// Whether an upstream collector found this text, which is then taken as it is.
    pub given: bool,
    /// Start of the window.
    pub window: Timestamp,
    /// Records by level, indexed by [`Level`].
    pub levels: [u32; Level::COUNT],
    /// Records by host, capped; what exceeds the cap is counted under an empty name.
    pub hosts: Vec<(String, u32)>,
    /// The first record of this skeleton in this batch and window.
    pub first: Exemplar,
    /// The first record of its gravest level, where that is error or above and `first` is not it.
    pub gravest: Option<Exemplar>,
    /// The values of the records of lowest rank, [`ROWS_MAX`](super::ROWS_MAX) at most.
    pub rows: Vec<Row>,
}

impl SkeletonTally {
    /// Starts the tally of a skeleton in a window with nothing counted yet.
    pub fn new(
        hash: u64,
        skeleton: String,
        given: bool,
        window: Timestamp,
        first: Exemplar,
    ) -> Self {
        Self {
            hash,
            skeleton,
            given,
            window,
            levels: [0; Level::COUNT],
            hosts: Vec::new(),
            first,
            gravest: None,
            rows: Vec::new(),
        }
    }

    /// Returns the number of records.
    pub fn count(&self) -> u64 {
        self.levels.iter().map(|count| u64::from(*count)).sum()
    }
}

/// One record kept as it was, with the place where it can be found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemplar {
    /// Offset or line number.
    pub offset: u64,
    /// Event time.
    pub time: Timestamp,
    /// How far the event time of its source had come when it was read.
    pub at: Timestamp,
    /// Host, empty where not stated.
    pub host: String,
    /// Level.
    pub level: Level,
    /// The content, cut at a limit.
    pub text: String,
}

impl Exemplar {
    /// Returns the event time at which it could be known: its own, where it was ahead of the clock of
    /// its source.
    pub fn known_at(&self) -> Timestamp {
        self.at.max(self.time)
    }
}

impl TallyBatch {
    /// Returns the batch without what it counted by service.
    pub fn head(&self) -> Self {
        Self { source: self.source.clone(), services: Vec::new(), ..*self }
    }

    /// Splits a batch by service into one for each of `shards` shards.
    ///
    /// Each carries the heartbeat; the line counts go with the first alone, so that they add up.
    pub fn split(mut self, shards: u32) -> Vec<Self> {
        let services = std::mem::take(&mut self.services);
        let mut parts = vec![self; shards.max(1) as usize];
        for part in parts.iter_mut().skip(1) {
            part.lines = LineCounts::default();
        }
        for service in services {
            parts[shard_of(&service.name, shards) as usize].services.push(service);
        }
        parts
    }
}

/// Returns the shard that judges a service.
pub fn shard_of(service: &str, shards: u32) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64(service.as_bytes());
    u32::try_from(hash % u64::from(shards.max(1))).unwrap_or(0)
}
