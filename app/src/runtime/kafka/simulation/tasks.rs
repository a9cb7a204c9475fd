//! Two stages small enough for ten thousand storms a minute: one whose state is written at each
//! commit, as the tally's, and one that is restored by replay, as detect and alert.

use std::cell::Cell;
use std::sync::Arc;

use logwake_emit::kafka::{OutMessage, Outbox};
use logwake_ingest::kafka::Partition;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::runtime::kafka::task::{Cut, Input, Task};

/// Topic of lines, of batches, of what was made of the batches, and of dead letters.
pub const TOPICS: [&str; 4] = ["lines", "batches", "folds", "deadletter"];
/// A line that ends every process that handles it, and one whose handling panics.
pub const DEADLY: u8 = 255;
pub const PANICS: u8 = 254;

thread_local! {
    /// Whether the process that handles a line at this moment has died of it.
    pub static HAS_DIED: Cell<bool> = const { Cell::new(false) };
}

/// Partitions of the batches.
pub const SHARDS: i32 = 2;

/// The lines between two cuts of a source; every cut is one, as a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    pub source: i32,
    pub seq: u64,
    pub from: i64,
    pub to: i64,
    /// Sum of the lines.
    pub sum: u64,
}

/// What a shard knows after a message of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fold {
    pub shard: i32,
    pub offset: i64,
    pub hash: u64,
}

impl Fold {
    /// Takes in the next message of the shard.
    pub fn take(&mut self, offset: i64, payload: &[u8]) {
        self.offset = offset;
        self.hash = xxh3_64_with_seed(payload, self.hash);
    }
}

/// Lines to batches.
pub struct Batching {
    next: Batch,
}

impl Batching {
    pub fn new(partition: &Partition) -> Self {
        Self { next: Batch { source: partition.1, seq: 0, from: 0, to: 0, sum: 0 } }
    }
}

impl Task for Batching {
    const REPLAYS: bool = false;

    fn handle(&mut self, input: Input<'_>, _: &mut Outbox) {
        match input.payload[0] {
            DEADLY => HAS_DIED.set(true),
            // Not `panic!`, which would print it.
            PANICS => std::panic::resume_unwind(Box::new("a line that panics")),
            line => self.next.sum += u64::from(line),
        }
    }

    fn cut(&mut self, cut: Cut, out: &mut Outbox) {
        self.next.to = cut.position;
        out.push(message(TOPICS[1], self.next.source % SHARDS, &self.next));
        let Batch { source, seq, to, .. } = self.next;
        self.next = Batch { source, seq: seq + 1, from: to, to, sum: 0 };
    }

    fn snapshot(&self) -> Vec<u8> {
        postcard::to_stdvec(&self.next).unwrap()
    }

    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()> {
        self.next = postcard::from_bytes(state)?;
        Ok(())
    }
}

/// Batches to a hash of everything so far, told after each.
pub struct Folding {
    fold: Fold,
}

impl Folding {
    pub fn new(partition: &Partition) -> Self {
        Self { fold: Fold { shard: partition.1, offset: -1, hash: 0 } }
    }
}

impl Task for Folding {
    const REPLAYS: bool = true;

    fn handle(&mut self, input: Input<'_>, out: &mut Outbox) {
        self.fold.take(input.offset, input.payload);
        out.push(message(TOPICS[2], self.fold.shard, &self.fold));
    }

    fn cut(&mut self, _: Cut, _: &mut Outbox) {}

    fn snapshot(&self) -> Vec<u8> {
        postcard::to_stdvec(&self.fold).unwrap()
    }

    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()> {
        self.fold = postcard::from_bytes(state)?;
        Ok(())
    }
}

fn message(topic: &str, partition: i32, value: &impl Serialize) -> OutMessage {
    OutMessage {
        topic: Arc::from(topic),
        partition: Some(partition),
        key: Vec::new(),
        payload: Some(postcard::to_stdvec(value).unwrap()),
        headers: Vec::new(),
    }
}
