//! Reads the kept states of partitions back from the compacted state topic of a stage.

use std::collections::BTreeSet;

use logwake_emit::wire::snapshot::{self, SnapshotError};
use logwake_ingest::kafka::Partition;
use rdkafka::config::ClientConfig;
use rdkafka::message::{BorrowedMessage, Message};

use super::scan::{scan, scan_last};
use super::unreadable::is_unreadable;

/// A kept state and the offset that it stands before.
#[derive(Debug)]
pub struct Kept {
    /// First offset that the state has not seen.
    pub position: i64,
    /// The state.
    pub state: Vec<u8>,
}

/// What a state topic holds of one partition.
#[derive(Debug)]
pub struct Found {
    /// The newest state that can be read.
    pub kept: Option<Kept>,
    /// What is wrong with the newest of all, where that cannot be read.
    pub damage: Option<Damage>,
}

/// Why the newest state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Its records do not add up.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// A batch of the topic cannot be unpacked; there may be newer states behind it.
    #[error("a batch of the state topic cannot be unpacked")]
    Batch,
}

/// Offsets at the end of a partition among which the latest state mostly is: each commit of the
/// tally stage takes a few, and one of another stage fits in.
const LAST: i64 = 64;

/// What stands in some partitions of a state topic, as far as it is needed.
pub struct StateLog {
    records: Vec<(String, Vec<u8>)>,
    /// Whether reading ended at a batch that cannot be unpacked.
    is_cut: bool,
}

impl StateLog {
    /// Reads the states of some input partitions, which stand in `places` of a state topic: the end
    /// of those, and where not every state is there, all of them.
    ///
    /// # Errors
    /// Where the brokers do not answer or the end is not reached in time.
    pub fn read(
        config: &ClientConfig,
        topic: &str,
        places: &BTreeSet<i32>,
        inputs: &[Partition],
    ) -> anyhow::Result<Self> {
        let mut log = Self { records: Vec::new(), is_cut: false };
        let scanned = scan_last(config, topic, places, LAST, |message| log.take(message));
        log.is_cut = is_cut(scanned)?;
        let is_whole = |(input, number): &Partition| {
            let found = log.latest(input, *number, false);
            found.kept.is_some() && found.damage.is_none()
        };
        if inputs.iter().all(is_whole) {
            return Ok(log);
        }
        log.records.clear();
        let scanned = scan(config, topic, places, |message| log.take(message));
        log.is_cut = is_cut(scanned)?;
        Ok(log)
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let key = String::from_utf8_lossy(message.key().unwrap_or_default());
        self.records.push((key.into_owned(), message.payload().unwrap_or_default().to_vec()));
    }

    /// Takes records as they stand in their partitions.
    #[cfg(test)]
    pub fn of(records: Vec<(String, Vec<u8>)>) -> Self {
        Self { records, is_cut: false }
    }

    /// Finds the newest state of a partition. Where that one is damaged, `with_older` takes the
    /// newest that is not; a state that does not follow from its input has no use for an older one.
    pub fn latest(&self, topic: &str, partition: i32, with_older: bool) -> Found {
        let records = self.records.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        let key = snapshot::manifest_key(topic, partition);
        let (snapshot, damage) = match with_older {
            true => snapshot::assemble_readable(&key, records),
            false => match snapshot::assemble(&key, records) {
                Ok(snapshot) => (snapshot, None),
                Err(error) => (None, Some(error)),
            },
        };
        let damage = damage.map(Damage::Snapshot).or(self.is_cut.then_some(Damage::Batch));
        let snapshot = snapshot.filter(|_| with_older || damage.is_none());
        let kept =
            snapshot.map(|found| Kept { position: found.manifest.offset, state: found.state });
        Found { kept, damage }
    }
}

/// Tells whether a scan ended at a batch that cannot be unpacked.
fn is_cut(scanned: anyhow::Result<()>) -> anyhow::Result<bool> {
    match scanned {
        Err(error) if error.downcast_ref().is_some_and(is_unreadable) => Ok(true),
        scanned => scanned.map(|()| false),
    }
}
