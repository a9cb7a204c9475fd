//! Ids that were seen, as hashes in bounded memory.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

/// Ids remembered; a repetition further back than so many others is not noticed.
const IDS_MAX: usize = 1 << 20;

/// The last ids seen.
#[derive(Debug, Default)]
pub struct Ids {
    known: FxHashSet<u64>,
    order: VecDeque<u64>,
}

impl Ids {
    /// Remembers an id; reports whether it is new.
    pub fn add(&mut self, id: &str) -> bool {
        let hash = xxh3_64(id.as_bytes());
        if !self.known.insert(hash) {
            return false;
        }
        self.order.push_back(hash);
        if self.order.len() > IDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Reports whether an id is remembered.
    pub fn holds(&self, id: &str) -> bool {
        self.known.contains(&xxh3_64(id.as_bytes()))
    }
}

/// A set of ids as its size and the sum of their hashes: equal for equal sets in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdSum {
    /// How many.
    pub count: u64,
    sum: u64,
}

impl IdSum {
    /// Adds an id.
    pub fn add(&mut self, id: &str) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(xxh3_64(id.as_bytes()));
    }
}
