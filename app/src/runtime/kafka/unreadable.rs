//! Finds the end of a batch that cannot be unpacked.
//!
//! The client fetches the batch at an offset, fails to unpack it, and fetches the same one again: it
//! does not say where the batch ends.
//! So offsets behind it are tried: one by one at first, since a batch that unpacks to too much
//! mostly holds one record, then further and further, and back by halves.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use logwake_ingest::kafka::{Partition, Reader, close};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::scan::reader;

/// Offsets that are tried one by one.
const ONE_BY_ONE: i64 = 16;
/// How long an offset may take to show a record, the end, or an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells whether a batch came that cannot be unpacked or that is not whole.
pub fn is_unreadable(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{BadCompression, BadMessage};
    matches!(error.rdkafka_error_code(), Some(BadCompression | BadMessage))
}

/// Returns the first offset at or behind which the partition can be read again.
///
/// # Errors
/// Where the leader of the partition does not answer.
pub fn next_readable(
    config: &ClientConfig,
    partition: &Partition,
    offset: i64,
) -> anyhow::Result<i64> {
    let consumer = reader(config)?;
    let (topic, number) = partition;
    let found = consumer
        .fetch_watermarks(topic, *number, PATIENCE)
        .with_context(|| format!("ask where {topic}/{number} ends"))
        .and_then(|(_, end)| search(offset, end, |at| is_readable(&consumer, partition, at)));
    close(consumer);
    found
}

/// Returns the first offset behind `offset` that is readable, `end` where none before it is.
fn search(
    offset: i64,
    end: i64,
    mut is_readable: impl FnMut(i64) -> anyhow::Result<bool>,
) -> anyhow::Result<i64> {
    let near = (offset + ONE_BY_ONE).min(end);
    for at in offset + 1..near {
        if is_readable(at)? {
            return Ok(at);
        }
    }
    let (mut low, mut step) = (near.max(offset + 1) - 1, ONE_BY_ONE);
    let mut high = loop {
        let at = (low + step).min(end);
        if at >= end || is_readable(at)? {
            break at;
        }
        (low, step) = (at, step * 2);
    };
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_readable(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

fn is_readable(
    consumer: &BaseConsumer<Reader>,
    (topic, number): &Partition,
    offset: i64,
) -> anyhow::Result<bool> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, *number, Offset::Offset(offset))?;
    consumer.assign(&list).with_context(|| format!("assign {topic}/{number}"))?;
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        match consumer.poll(Duration::from_millis(200)) {
            // An answer to the try before may still come.
            Some(Ok(message)) if message.offset() < offset => {}
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Ok(true),
            Some(Err(error)) if is_unreadable(&error) => return Ok(false),
            Some(Err(error)) => tracing::debug!(%error, "look for the end of a batch"),
            None => {}
        }
    }
    bail!("{topic}/{number} does not answer at offset {offset}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches behind a batch in a log of so many offsets; returns the end that is found and the
    /// tries that it takes.
    fn found(batch: std::ops::Range<i64>, end: i64) -> (i64, usize) {
        let mut tries = 0;
        let next = search(batch.start, end, |at| {
            tries += 1;
            Ok(!batch.contains(&at))
        });
        (next.unwrap(), tries)
    }

    #[test]
    fn a_batch_of_one_record_takes_one_try() {
        assert_eq!(found(7..8, 100), (8, 1));
    }

    #[test]
    fn the_end_of_a_batch_of_any_length_is_found() {
        for len in [1, 2, 15, 16, 17, 31, 1_000, 50_000] {
            let (next, tries) = found(40..40 + len, 200_000);
            assert_eq!(next, 40 + len);
            assert!(tries < 60, "{tries} tries for {len} offsets");
        }
    }

    #[test]
    fn behind_the_last_batch_is_the_end() {
        assert_eq!(found(7..8, 8).0, 8);
        assert_eq!(found(0..500, 500).0, 500);
    }
}
