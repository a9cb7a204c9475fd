//! Reads the kept states of partitions back from the compacted state topic of a stage.

use std::collections::BTreeSet;

use logwake_emit::wire::snapshot;
use rdkafka::config::ClientConfig;
use rdkafka::message::Message;

use super::scan::scan;

/// A kept state and the offset that it stands before.
#[derive(Debug)]
pub struct Kept {
    /// First offset that the state has not seen.
    pub position: i64,
    /// The state.
    pub state: Vec<u8>,
}

/// Everything that stands in some partitions of a state topic.
pub struct StateLog {
    records: Vec<(String, Vec<u8>)>,
}

impl StateLog {
    /// Reads partitions of a state topic from their beginning to their end.
    ///
    /// # Errors
    /// Where the brokers do not answer or the end is not reached in time.
    pub fn read(
        config: &ClientConfig,
        topic: &str,
        partitions: &BTreeSet<i32>,
    ) -> anyhow::Result<Self> {
        let mut records = Vec::new();
        scan(config, topic, partitions, |message| {
            let key = String::from_utf8_lossy(message.key().unwrap_or_default());
            records.push((key.into_owned(), message.payload().unwrap_or_default().to_vec()));
        })?;
        Ok(Self { records })
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
