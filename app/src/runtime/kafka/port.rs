//! What the loop of a stage asks of the brokers, and how they are asked.
//!
//! The loop knows no client: it asks a [`Port`].
//! [`Brokers`] is the one that runs; the simulation of the tests is another, which fails wherever
//! brokers can.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use logwake_detector::time::Timestamp;
use logwake_emit::kafka::{CommitError, Committer, Outbox};
use logwake_ingest::kafka::{GroupConsumer, Partition, Polled, Rebalance, list_at};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::Offset;

use super::restore::StateLog;
use super::stage::StageSettings;
use super::task::Input;

/// How long one answer of the brokers is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A message of an input partition.
#[derive(Clone, Copy, Debug)]
pub struct Arrived<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// What it says.
    pub input: Input<'a>,
}

/// One outcome of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// A message, which was shown.
    Message,
    /// The end of a partition was reached; the topic is not told.
    End(i32),
    /// Nothing at present.
    Nothing,
}

/// The brokers as the loop sees them.
pub trait Port {
    /// Waits for the next message at most so long and shows it.
    ///
    /// # Errors
    /// Any error of the consumer.
    fn poll(&mut self, wait: Duration, see: impl FnMut(Arrived<'_>)) -> Result<Got, KafkaError>;

    /// Returns the oldest rebalance not answered yet.
    fn next_rebalance(&mut self) -> Option<Rebalance>;

    /// Starts partitions at offsets.
    ///
    /// # Errors
    /// Where the consumer refuses.
    fn assign(&mut self, starts: &[(Partition, i64)]) -> anyhow::Result<()>;

    /// Gives partitions up.
    fn release(&mut self, partitions: &[Partition]);

    /// Goes on at other offsets, in every partition or with an error.
    ///
    /// # Errors
    /// Where a partition does not go there.
    fn seek(&mut self, starts: &[(Partition, i64)]) -> anyhow::Result<()>;

    /// Returns the offsets that the group has committed, once no transaction is open over them.
    ///
    /// # Errors
    /// Where the coordinator does not answer.
    fn committed(
        &mut self,
        partitions: &[Partition],
    ) -> anyhow::Result<Vec<(Partition, Option<i64>)>>;

    /// Returns the first and the end offset of a partition.
    ///
    /// # Errors
    /// Where its leader does not answer within `timeout`.
    fn bounds(&mut self, partition: &Partition, timeout: Duration) -> anyhow::Result<(i64, i64)>;

    /// Reads partitions of the state topic.
    ///
    /// # Errors
    /// Where the brokers do not answer.
    fn states(&mut self, places: &BTreeSet<i32>) -> anyhow::Result<StateLog>;

    /// Puts states, outputs and offsets out: all at once, or with at-least-once one after the other.
    ///
    /// # Errors
    /// After any error nothing is known of what was put out.
    fn commit(
        &mut self,
        states: Outbox,
        outputs: Outbox,
        offsets: &[(Partition, i64)],
    ) -> anyhow::Result<()>;

    /// Replaces the producer; whatever the old one left open is decided afterwards.
    ///
    /// # Errors
    /// Where the coordinator does not answer.
    fn replace_producer(&mut self) -> anyhow::Result<()>;
}

/// A consumer in the stage's group and a producer.
pub struct Brokers<'a> {
    settings: &'a StageSettings,
    consumer: GroupConsumer,
    committer: Committer,
}

impl<'a> Brokers<'a> {
    /// Joins the group of a stage.
    ///
    /// # Errors
    /// Where a property is wrong or the brokers do not answer.
    pub fn open(settings: &'a StageSettings) -> anyhow::Result<Self> {
        let committer = committer(settings)?;
        let topics: Vec<&str> = settings.inputs.iter().map(String::as_str).collect();
        let consumer = GroupConsumer::subscribe(&settings.consumer, &topics)
            .with_context(|| format!("subscribe to {}", topics.join(", ")))?;
        Ok(Self { settings, consumer, committer })
    }
}

impl Port for Brokers<'_> {
    fn poll(
        &mut self,
        wait: Duration,
        mut see: impl FnMut(Arrived<'_>),
    ) -> Result<Got, KafkaError> {
        let message = match self.consumer.poll(wait)? {
            Polled::Message(message) => message,
            Polled::End(partition) => return Ok(Got::End(partition)),
            Polled::Nothing => return Ok(Got::Nothing),
        };
        let time = message.timestamp().to_millis().map(Timestamp::from_millis);
        let payload = message.payload().unwrap_or_default();
        let input = Input { payload, offset: message.offset(), time };
        see(Arrived { topic: message.topic(), partition: message.partition(), input });
        Ok(Got::Message)
    }

    fn next_rebalance(&mut self) -> Option<Rebalance> {
        self.consumer.next_rebalance()
    }

    fn assign(&mut self, starts: &[(Partition, i64)]) -> anyhow::Result<()> {
        self.consumer.assign(&offsets_of(starts)).context("assign partitions")
    }

    fn release(&mut self, partitions: &[Partition]) {
        if let Err(error) = self.consumer.release(partitions) {
            tracing::debug!(%error, "release partitions");
        }
    }

    fn seek(&mut self, starts: &[(Partition, i64)]) -> anyhow::Result<()> {
        let seek = self.consumer.seek(&offsets_of(starts), TIMEOUT);
        seek.context("seek to the committed offsets")
    }

    fn committed(
        &mut self,
        partitions: &[Partition],
    ) -> anyhow::Result<Vec<(Partition, Option<i64>)>> {
        self.consumer.committed(partitions, TIMEOUT).context("read offsets")
    }

    fn bounds(&mut self, partition: &Partition, timeout: Duration) -> anyhow::Result<(i64, i64)> {
        let (topic, number) = partition;
        self.consumer.bounds(topic, *number, timeout).context("ask for the offset bounds")
    }

    fn states(&mut self, places: &BTreeSet<i32>) -> anyhow::Result<StateLog> {
        StateLog::read(&self.settings.consumer, &self.settings.state_topic, places)
    }

    fn commit(
        &mut self,
        mut states: Outbox,
        mut outputs: Outbox,
        offsets: &[(Partition, i64)],
    ) -> anyhow::Result<()> {
        let offsets = offsets_of(offsets);
        let membership = self.consumer.membership();
        if self.settings.transactional_id.is_some() {
            outputs.append(&mut states);
            self.committer.commit(&mut outputs, &list_at(&offsets)?, membership)?;
        } else {
            // Nothing fences here, but whoever knows that it lost its partitions says nothing of them.
            anyhow::ensure!(membership.is_some(), CommitError::NotAMember);
            self.committer.send_all(&mut states)?;
            self.committer.send_all(&mut outputs)?;
            self.consumer.commit(&offsets).context("commit offsets")?;
        }
        Ok(())
    }

    fn replace_producer(&mut self) -> anyhow::Result<()> {
        self.committer = committer(self.settings)?;
        Ok(())
    }
}

fn committer(settings: &StageSettings) -> anyhow::Result<Committer> {
    Ok(Committer::new(&settings.producer, settings.transactional_id.as_deref())?)
}

fn offsets_of(positions: &[(Partition, i64)]) -> Vec<(Partition, Offset)> {
    let offset =
        |(partition, position): &(Partition, i64)| (partition.clone(), Offset::Offset(*position));
    positions.iter().map(offset).collect()
}
