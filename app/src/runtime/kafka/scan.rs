//! Reads partitions of a topic from their beginning to where they end now, outside of any group.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use logwake_ingest::kafka::{Reader, close};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::unreadable::is_unreadable;

/// Longest wait for the next message or end of a partition.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a batch is fetched that cannot be unpacked.
const FETCHES_MAX: u32 = 5;

/// Shows every committed message of some partitions, those of a partition in their order.
///
/// # Errors
/// Where the brokers do not answer or the end does not come.
pub fn scan(
    config: &ClientConfig,
    topic: &str,
    partitions: &BTreeSet<i32>,
    see: impl FnMut(&BorrowedMessage<'_>),
) -> anyhow::Result<()> {
    scan_last(config, topic, partitions, i64::MAX, see)
}

/// Shows the committed messages among the last so many offsets of some partitions.
///
/// # Errors
/// Where the brokers do not answer or the end does not come.
pub fn scan_last(
    config: &ClientConfig,
    topic: &str,
    partitions: &BTreeSet<i32>,
    count: i64,
    see: impl FnMut(&BorrowedMessage<'_>),
) -> anyhow::Result<()> {
    let consumer = reader(config)?;
    let scanned = scan_with(&consumer, topic, partitions, count, see);
    close(consumer);
    scanned
}

fn scan_with(
    consumer: &BaseConsumer<Reader>,
    topic: &str,
    partitions: &BTreeSet<i32>,
    count: i64,
    mut see: impl FnMut(&BorrowedMessage<'_>),
) -> anyhow::Result<()> {
    let (mut list, mut open) = (TopicPartitionList::new(), BTreeSet::new());
    for partition in partitions {
        // By number: the client waits half a second before it asks where a beginning is.
        let (first, end) = bounds(consumer, topic, *partition)?;
        if first < end {
            let from = first.max(end.saturating_sub(count));
            list.add_partition_offset(topic, *partition, Offset::Offset(from))?;
            open.insert(*partition);
        }
    }
    consumer.assign(&list).with_context(|| format!("assign partitions of {topic}"))?;
    let (mut heard, mut unread) = (Instant::now(), 0);
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                unread = 0;
                see(&message);
            }
            Some(Err(error)) if is_unreadable(&error) && unread < FETCHES_MAX => unread += 1,
            Some(Err(KafkaError::PartitionEOF(partition))) => _ = open.remove(&partition),
            Some(Err(error)) if is_passing(&error) && heard.elapsed() < PATIENCE => continue,
            Some(Err(error)) => return Err(error).context(format!("read topic {topic}")),
            None if heard.elapsed() > PATIENCE => {
                let secs = PATIENCE.as_secs();
                bail!("topic {topic} says nothing for {secs} s before its end");
            }
            None => continue,
        }
        heard = Instant::now();
    }
    Ok(())
}

fn bounds(
    consumer: &BaseConsumer<Reader>,
    topic: &str,
    partition: i32,
) -> anyhow::Result<(i64, i64)> {
    let begin = Instant::now();
    loop {
        match consumer.fetch_watermarks(topic, partition, PATIENCE / 6) {
            Ok(bounds) => return Ok(bounds),
            Err(error) if is_passing(&error) && begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(error) => return Err(error).context(format!("ask where {topic}/{partition} ends")),
        }
    }
}

/// Tells whether an error is one of a broker that is away, whose partitions others take over.
fn is_passing(error: &KafkaError) -> bool {
    let Some(code) = error.rdkafka_error_code() else { return false };
    matches!(
        code,
        RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::RequestTimedOut
            | RDKafkaErrorCode::BrokerNotAvailable
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::NotLeaderForPartition
    )
}

/// Makes a consumer outside of any group.
///
/// # Errors
/// Where a property is wrong.
pub fn reader(config: &ClientConfig) -> anyhow::Result<BaseConsumer<Reader>> {
    let mut config = config.clone();
    config.remove("group.instance.id");
    config
        .set("group.id", "logwake-restore")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest");
    config.create_with_context(Reader).context("create reading consumer")
}
