//! The sources of a fleet in the orders that the watermark asks for, so that a batch costs the
//! logarithm of how many there are, not their number.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::Source;
use crate::time::Timestamp;

use super::SourceProgress;

/// Sources by what is asked of them; made from the sources themselves, and no state of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    is_made: bool,
    /// Those that are not idle, by how far they have come.
    reading: BTreeMap<Option<Timestamp>, BTreeSet<Source>>,
    /// By the wall time of their last batch.
    heard: BTreeMap<Timestamp, BTreeSet<Source>>,
    /// How many have come so far, idle ones too.
    newest: BTreeMap<Timestamp, usize>,
    /// How many say that there are so many sources.
    expected: BTreeMap<u32, usize>,
}

impl PartialEq for Order {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Order {
    /// Makes the orders where they are not, as after a restore.
    pub(super) fn make(&mut self, sources: &BTreeMap<Source, SourceProgress>) {
        if !self.is_made {
            *self = Self { is_made: true, ..Self::default() };
            sources.iter().for_each(|(source, progress)| self.add(source, progress));
        }
    }

    pub(super) fn add(&mut self, source: &Source, progress: &SourceProgress) {
        if !progress.idle {
            self.reading.entry(progress.newest).or_default().insert(source.clone());
        }
        self.heard.entry(progress.wall).or_default().insert(source.clone());
        progress.newest.into_iter().for_each(|newest| add_one(&mut self.newest, newest));
        add_one(&mut self.expected, progress.expected);
    }

    pub(super) fn remove(&mut self, source: &Source, progress: &SourceProgress) {
        take_out(&mut self.reading, progress.newest, source);
        take_out(&mut self.heard, progress.wall, source);
        progress.newest.into_iter().for_each(|newest| take_one(&mut self.newest, newest));
        take_one(&mut self.expected, progress.expected);
    }

    /// Returns the sources that are not idle, the slowest first.
    pub(super) fn reading(&self) -> impl Iterator<Item = (Option<Timestamp>, &BTreeSet<Source>)> {
        self.reading.iter().map(|(newest, sources)| (*newest, sources))
    }

    /// Returns the source that said nothing for longest, and when it did.
    pub(super) fn longest_silent(&self) -> Option<(Timestamp, &Source)> {
        let (wall, sources) = self.heard.first_key_value()?;
        sources.first().map(|source| (*wall, source))
    }

    /// Returns how far the source has come that is furthest ahead.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.newest.last_key_value().map(|(newest, _)| *newest)
    }

    /// Returns how many sources there are by what they say.
    pub(super) fn expected(&self) -> u32 {
        self.expected.last_key_value().map_or(0, |(expected, _)| *expected)
    }
}

fn take_out<K: Ord>(map: &mut BTreeMap<K, BTreeSet<Source>>, key: K, source: &Source) {
    let Some(sources) = map.get_mut(&key) else { return };
    sources.remove(source);
    if sources.is_empty() {
        map.remove(&key);
    }
}

fn add_one<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}

fn take_one<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    let Some(count) = counts.get_mut(&key) else { return };
    *count -= 1;
    if *count == 0 {
        counts.remove(&key);
    }
}
