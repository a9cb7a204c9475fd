//! How far ahead of the others a partition of a backlog is read.
//!
//! Counts wait until every partition has passed their window, so whatever is read ahead of the rest
//! fills memory with windows that wait for it. So readers tell each other how far in event time the
//! slowest of their partitions has come, and none goes further ahead of that than a bound.
//! Flink calls this watermark alignment; Kafka Streams reads the partition with the least time first.
//!
//! **Only what reads a backlog holds others or is held**: live partitions are read as they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use logwake_detector::time::Timestamp;

/// What a reader says that has nothing to wait for.
const NOBODY: i64 = i64::MAX;

/// What the readers of a process tell each other.
#[derive(Debug)]
pub struct Alignment {
    ahead_max: Duration,
    /// Event time of the slowest partition of each reader, nanoseconds.
    slowest: Box<[AtomicI64]>,
}

impl Alignment {
    /// Makes the places of so many readers, none of which goes further ahead than `ahead_max`.
    pub fn new(readers: usize, ahead_max: Duration) -> Arc<Self> {
        let slowest = (0..readers).map(|_| AtomicI64::new(NOBODY)).collect();
        Arc::new(Self { ahead_max, slowest })
    }

    /// Returns the place of one of the readers.
    pub fn reader(self: &Arc<Self>, idx: usize) -> Reader {
        Reader { alignment: Arc::clone(self), idx }
    }
}

/// The place of one reader, which holds nobody once it is dropped.
#[derive(Debug)]
pub struct Reader {
    alignment: Arc<Alignment>,
    idx: usize,
}

impl Reader {
    /// Tells how far the slowest partition of a backlog has come, if there is any; returns the event
    /// time beyond which none is to be read for now.
    pub fn tell(&self, slowest: Option<Timestamp>) -> Option<Timestamp> {
        let Alignment { ahead_max, slowest: all } = &*self.alignment;
        all[self.idx].store(slowest.map_or(NOBODY, Timestamp::as_nanos), Ordering::Relaxed);
        let slowest = all.iter().map(|one| one.load(Ordering::Relaxed)).min();
        let slowest = slowest.filter(|slowest| *slowest != NOBODY)?;
        Some(Timestamp::from_nanos(slowest) + *ahead_max)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.alignment.slowest[self.idx].store(NOBODY, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_goes_further_ahead_than_the_slowest_of_all_allows() {
        let alignment = Alignment::new(2, Duration::from_secs(10));
        let (one, other) = (alignment.reader(0), alignment.reader(1));
        let at = |secs| Some(Timestamp::from_secs(secs));
        assert_eq!(one.tell(None), None);
        assert_eq!(one.tell(at(100)), at(110));
        assert_eq!(other.tell(at(50)), at(60));
        assert_eq!(one.tell(at(100)), at(60));
        drop(other);
        assert_eq!(one.tell(at(100)), at(110));
    }
}
