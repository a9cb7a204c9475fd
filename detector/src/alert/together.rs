//! Which names of alerts use to come together: those that began within a minute of each other at
//! least three times, and at least half of the times that the rarer of them began.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What begins within so long of each other comes together.
const NEAR: Duration = Duration::from_secs(60);
/// Beginnings that are remembered.
const RECENT_MAX: usize = 64;
/// Pairs and names that are counted; beyond, all counts are halved, and what is left at 0 goes.
const COUNTED_MAX: usize = 16_384;
const TIMES_MIN: u32 = 3;

/// What is learned of names that come together; they are hashes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Together {
    recent: VecDeque<(Timestamp, u64)>,
    pairs: BTreeMap<(u64, u64), u32>,
    times: BTreeMap<u64, u32>,
}

impl Together {
    /// Learns that an episode of a name begins.
    pub(super) fn begins(&mut self, name: u64, at: Timestamp) {
        let others: BTreeSet<u64> = self.near(at).filter(|other| *other != name).collect();
        let is_new = self.near(at).all(|other| other != name);
        if is_new {
            *self.times.entry(name).or_default() += 1;
            for other in others {
                *self.pairs.entry(pair(name, other)).or_default() += 1;
            }
        }
        self.recent.push_back((at, name));
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
        halve(&mut self.pairs);
        halve(&mut self.times);
    }

    /// Returns the names that began lately and use to come together with one.
    pub(super) fn partners(&self, name: u64, at: Timestamp) -> BTreeSet<u64> {
        let times = |name: u64| self.times.get(&name).copied().unwrap_or(0);
        let is_partner = |other: &u64| {
            let together = self.pairs.get(&pair(name, *other)).copied().unwrap_or(0);
            together >= TIMES_MIN && together * 2 >= times(name).min(times(*other))
        };
        self.near(at).filter(|other| *other != name).filter(is_partner).collect()
    }

    fn near(&self, at: Timestamp) -> impl Iterator<Item = u64> + '_ {
        let near = self.recent.iter().filter(move |(then, _)| at.since(*then) <= NEAR);
        near.map(|(_, name)| *name)
    }
}

fn pair(one: u64, other: u64) -> (u64, u64) {
    (one.min(other), one.max(other))
}

fn halve<K: Ord>(counts: &mut BTreeMap<K, u32>) {
    if counts.len() > COUNTED_MAX {
        counts.retain(|_, count| {
            *count /= 2;
            *count > 0
        });
    }
}
