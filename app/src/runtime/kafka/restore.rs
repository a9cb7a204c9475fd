//! Reads the kept states of partitions back from the compacted state topic of a stage.

use std::collections::BTreeSet;

use logwake_emit::wire::snapshot;
use logwake_ingest::kafka::Partition;
use rdkafka::config::ClientConfig;
use rdkafka::message::{BorrowedMessage, Message};

use super::scan::{scan, scan_last};

/// A kept state and the offset that it stands before.
#[derive(Debug)]
pub struct Kept {
    /// First offset that the state has not seen.
    pub position: i64,
    /// The state.
    pub state: Vec<u8>,
}

/// Offsets at the end of a partition among which the latest state mostly is: each commit of the
/// tally stage takes a few, and one of another stage fits in.
const LAST: i64 = 64;

/// What stands in some partitions of a state topic, as far as it is needed.
pub struct StateLog {
    records: Vec<(String, Vec<u8>)>,
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
        let mut log = Self { records: Vec::new() };
        scan_last(config, topic, places, LAST, |message| log.take(message))?;
        let has = |(input, number): &Partition| matches!(log.latest(input, *number), Ok(Some(_)));
        if inputs.iter().all(has) {
            return Ok(log);
        }
        log.records.clear();
        scan(config, topic, places, |message| log.take(message))?;
        Ok(log)
    }

    fn take(&mut self, message: &BorrowedMessage<'_>) {
        let key = String::from_utf8_lossy(message.key().unwrap_or_default());
        self.records.push((key.into_owned(), message.payload().unwrap_or_default().to_vec()));
    }

    /// Takes records as they stand in their partitions.
    #[cfg(test)]
    pub fn of(records: Vec<(String, Vec<u8>)>) -> Self {
        Self { records }
    }

    /// Finds the latest whole state of a partition.
    ///
    /// # Errors
    /// Where chunks are missing or do not add up.
    pub fn latest(&self, topic: &str, partition: i32) -> anyhow::Result<Option<Kept>> {
        let records = self.records.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        let found = snapshot::assemble(&snapshot::manifest_key(topic, partition), records)?;
        Ok(found.map(|found| Kept { position: found.manifest.offset, state: found.state }))
    }
}
