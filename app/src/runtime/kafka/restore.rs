//! Reads the kept states of partitions back from the compacted state topic of a stage.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use logwake_emit::wire::snapshot;
use logwake_ingest::kafka::Reader;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// Longest wait for the end of a state topic.
const DEADLINE: Duration = Duration::from_secs(60);

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
        let mut config = config.clone();
        config
            .set("group.id", "logwake-restore")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer<Reader> =
            config.create_with_context(Reader).context("create restore consumer")?;
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition_offset(topic, *partition, Offset::Beginning)?;
        }
        consumer.assign(&list).context("assign state partitions")?;
        let (mut records, mut open, begin) = (Vec::new(), partitions.clone(), Instant::now());
        while !open.is_empty() {
            if begin.elapsed() > DEADLINE {
                bail!("state topic {topic} not read to its end within {} s", DEADLINE.as_secs());
            }
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    let key = String::from_utf8_lossy(message.key().unwrap_or_default());
                    let value = message.payload().unwrap_or_default().to_vec();
                    records.push((key.into_owned(), value));
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    open.remove(&partition);
                }
                Some(Err(error)) => return Err(error).context(format!("read state topic {topic}")),
                None => {}
            }
        }
        Ok(Self { records })
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
