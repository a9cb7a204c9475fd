//! What the loop of a stage asks of the brokers, and how they are asked.
//!
//! The loop knows no client: it asks a [`Port`].
//! [`Brokers`] is the one that runs; the simulation of the tests is another, which fails wherever
//! brokers can.
//!
//! **A commit notes with each offset who made it, and the last one before partitions are given up
//! notes nobody.**
//! So whoever takes partitions over from a process that died or was put out knows its transactional
//! id, and a producer under that id aborts at once what it left open, which would otherwise hold up
//! every reader until the transaction times out.
//! If that process lives after all, its next commit fails and it goes back to what is committed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context;
use logwake_detector::time::Timestamp;
use logwake_emit::kafka::{CommitError, Committer, Outbox};
use logwake_ingest::kafka::{GroupConsumer, Partition, Rebalance, Run, last_notes, list_with};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::Offset;

use super::restore::StateLog;
use super::stage::StageSettings;
use super::task::Input;

/// How long one answer of the brokers is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long stable offsets of partitions that are taken over are waited for, before it is asked who
/// left them open.
const OPEN_AFTER: Duration = Duration::from_millis(300);

/// The brokers as the loop sees them.
pub trait Port {
    /// Hears what the group asks, after a wait of at most so long for that or for messages.
    ///
    /// # Errors
    /// Any error of the consumer that is none of a partition.
    fn serve(&mut self, wait: Duration) -> Result<(), KafkaError>;

    /// Tells whether a partition may have messages to read.
    fn has_more(&self, partition: &Partition) -> bool;

    /// Reads at most so many messages of a partition, without a wait, for as long as `see` asks for more.
    ///
    /// # Errors
    /// Any error of the partition; what came before it was shown.
    fn read(
        &mut self,
        partition: &Partition,
        max: usize,
        see: impl FnMut(Input<'_>) -> bool,
    ) -> Result<Run, KafkaError>;

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

    /// Reads the states of some partitions, which stand in `places` of the state topic.
    ///
    /// # Errors
    /// Where the brokers do not answer.
    fn states(&mut self, places: &BTreeSet<i32>, of: &[Partition]) -> anyhow::Result<StateLog>;

    /// Ends what the owners before left open, of partitions that they did not give up in good order.
    ///
    /// # Errors
    /// Where the coordinator does not answer.
    fn take_over(&mut self, partitions: &[Partition]) -> anyhow::Result<()>;

    /// Returns where a partition ended lately, without asking anybody, as far as that is known.
    fn end(&self, _partition: &Partition) -> Option<i64> {
        None
    }

    /// Puts states, outputs and offsets out: all at once, or with at-least-once one after the other.
    /// `is_last` notes that the partitions may be given up now.
    ///
    /// # Errors
    /// After any error nothing is known of what was put out.
    fn commit(
        &mut self,
        states: Outbox,
        outputs: Outbox,
        offsets: &[(Partition, i64)],
        is_last: bool,
    ) -> anyhow::Result<()>;

    /// Sees to it that nothing is open or undecided any more: replaces the producer, unless it is
    /// known to have left nothing.
    ///
    /// # Errors
    /// Where the coordinator does not answer.
    fn settle(&mut self) -> anyhow::Result<()>;
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
    fn serve(&mut self, wait: Duration) -> Result<(), KafkaError> {
        self.consumer.serve(wait)
    }

    fn has_more(&self, partition: &Partition) -> bool {
        self.consumer.has_more(partition)
    }

    fn read(
        &mut self,
        partition: &Partition,
        max: usize,
        mut see: impl FnMut(Input<'_>) -> bool,
    ) -> Result<Run, KafkaError> {
        self.consumer.read(partition, max, |message| {
            let time = message.timestamp().to_millis().map(Timestamp::from_millis);
            let payload = message.payload().unwrap_or_default();
            see(Input { payload, offset: message.offset(), time })
        })
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

    fn end(&self, partition: &Partition) -> Option<i64> {
        self.consumer.end(partition)
    }

    fn states(&mut self, places: &BTreeSet<i32>, of: &[Partition]) -> anyhow::Result<StateLog> {
        StateLog::read(&self.settings.consumer, &self.settings.state_topic, places, of)
    }

    fn take_over(&mut self, partitions: &[Partition]) -> anyhow::Result<()> {
        let Some(own) = &self.settings.transactional_id else { return Ok(()) };
        let consumer = &self.settings.consumer;
        let notes = match self.consumer.notes(partitions, OPEN_AFTER) {
            Ok(notes) => notes,
            // Most likely open; the notes of the commits before tell whose that is.
            Err(_) => last_notes(consumer, partitions, TIMEOUT).context("read notes of offsets")?,
        };
        let group = consumer.get("group.id").unwrap_or_default();
        let is_foreign = |id: &String| id.starts_with(group) && id != own;
        for id in notes.into_iter().filter(is_foreign).collect::<BTreeSet<_>>() {
            match Committer::new(&self.settings.producer, Some(&id)) {
                Ok(_) => tracing::info!(id, "ended what a process that is gone left open"),
                Err(error) => tracing::warn!(%error, id, "end what a process that is gone left"),
            }
        }
        Ok(())
    }

    fn commit(
        &mut self,
        mut states: Outbox,
        mut outputs: Outbox,
        offsets: &[(Partition, i64)],
        is_last: bool,
    ) -> anyhow::Result<()> {
        let offsets = offsets_of(offsets);
        let membership = self.consumer.membership();
        if let Some(id) = &self.settings.transactional_id {
            outputs.append(&mut states);
            let note = if is_last { "" } else { id };
            self.committer.commit(&mut outputs, &list_with(&offsets, note)?, membership)?;
        } else {
            // Nothing fences here, but whoever knows that it lost its partitions says nothing of them.
            anyhow::ensure!(membership.is_some(), CommitError::NotAMember);
            self.committer.send_all(&mut states)?;
            self.committer.send_all(&mut outputs)?;
            self.consumer.commit(&offsets).context("commit offsets")?;
        }
        Ok(())
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        if !self.committer.is_whole() {
            self.committer = committer(self.settings)?;
        }
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
