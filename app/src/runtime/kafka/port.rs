//! What the loop of a stage asks of the brokers, and how they are asked.
//!
//! The loop knows no client: it asks a [`Port`].
//! [`Brokers`] is the one that runs; the simulation of the tests is another, which fails wherever
//! brokers can.
//!
//! **A commit notes with each offset who made it and [how carefully](super::caution) to go on, and the
//! last one before partitions are given up notes nobody.**
//! So whoever takes partitions over from a process that died or was put out knows its transactional
//! id, and a producer under that id aborts at once what it left open, which would otherwise hold up
//! every reader until the transaction times out.
//! If that process lives after all, its next commit fails and it goes back to what is committed.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::Context;
use logwake_detector::time::Timestamp;
use logwake_emit::kafka::{BATCH_SIZE, CommitError, Committer, Outbox};
use logwake_ingest::kafka::{GroupConsumer, Partition, Rebalance, Run, last_notes, list_with};
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::Offset;

use super::caution::{Caution, Note, Owner};
use super::restore::StateLog;
use super::settings::StageSettings;
use super::stage::wall_now;
use super::task::Input;
use super::unreadable::next_readable;

/// How long one answer of the brokers is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long stable offsets of partitions that are taken over are waited for, before it is asked who
/// left them open.
const OPEN_AFTER: Duration = Duration::from_millis(300);

/// Tells this process from those before it under the same name: when it was started, nanoseconds.
static BIRTH: LazyLock<u64> =
    LazyLock::new(|| u64::try_from(wall_now().as_nanos()).unwrap_or_default());

/// What a commit says of a partition: up to where it is handled, and how carefully it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which partition.
    pub partition: Partition,
    /// First offset not handled.
    pub offset: i64,
    /// What its next owner must know.
    pub caution: Caution,
}

/// What a group has committed of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Which partition.
    pub partition: Partition,
    /// First offset not handled, `None` where nothing was committed.
    pub offset: Option<i64>,
    /// What was noted with it.
    pub note: Note,
}

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

    /// Returns what the group has committed, once no transaction is open over it.
    ///
    /// # Errors
    /// Where the coordinator does not answer.
    fn committed(&mut self, partitions: &[Partition]) -> anyhow::Result<Vec<Committed>>;

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

    /// Returns who commits.
    fn owner(&self) -> Owner;

    /// Returns the first offset behind the batch at an offset of a partition, which cannot be
    /// unpacked.
    ///
    /// # Errors
    /// Where its leader does not answer.
    fn next_readable(&mut self, partition: &Partition, offset: i64) -> anyhow::Result<i64>;

    /// Returns where a partition ended lately, without asking anybody, as far as that is known.
    fn end(&self, _partition: &Partition) -> Option<i64> {
        None
    }

    /// Puts states, outputs and places out: all at once, or with at-least-once one after the other.
    /// `is_last` notes that the partitions may be given up now.
    ///
    /// # Errors
    /// After any error nothing is known of what was put out.
    fn commit(
        &mut self,
        states: Outbox,
        outputs: Outbox,
        places: &[Place],
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
    /// Properties of the producer.
    producer: ClientConfig,
    is_producer_due: bool,
}

impl<'a> Brokers<'a> {
    /// Joins the group of a stage.
    ///
    /// # Errors
    /// Where a property is wrong or the brokers do not answer.
    pub fn open(settings: &'a StageSettings) -> anyhow::Result<Self> {
        let producer = settings.producer.clone();
        let committer = Committer::new(&producer, settings.transactional_id.as_deref())?;
        let topics: Vec<&str> = settings.inputs.iter().map(String::as_str).collect();
        let consumer = GroupConsumer::subscribe(&settings.consumer, &topics)
            .with_context(|| format!("subscribe to {}", topics.join(", ")))?;
        Ok(Self { settings, consumer, committer, producer, is_producer_due: false })
    }
}

impl Brokers<'_> {
    /// Gives each message a batch of its own from now on where a topic refused one: its limit holds
    /// for batches, so small messages may be refused for what goes with them.
    fn note_size(&mut self, error: &CommitError) {
        if let CommitError::TooLarge { is_alone: false, .. } = error {
            self.producer.set(BATCH_SIZE.0, BATCH_SIZE.1);
            self.is_producer_due = true;
        }
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

    fn committed(&mut self, partitions: &[Partition]) -> anyhow::Result<Vec<Committed>> {
        let committed = self.consumer.committed(partitions, TIMEOUT).context("read offsets")?;
        let one = |(partition, offset, note): (Partition, Option<i64>, String)| Committed {
            partition,
            offset,
            note: Note::parse(&note),
        };
        Ok(committed.into_iter().map(one).collect())
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
        let ids = notes.iter().map(|note| Note::parse(note).by.name);
        for id in ids.filter(is_foreign).collect::<BTreeSet<_>>() {
            match Committer::new(&self.settings.producer, Some(&id)) {
                Ok(_) => tracing::info!(id, "ended what a process that is gone left open"),
                Err(error) => tracing::warn!(%error, id, "end what a process that is gone left"),
            }
        }
        Ok(())
    }

    fn owner(&self) -> Owner {
        let id = self.settings.transactional_id.as_deref();
        // Without a transaction nobody is to be fenced, and any name of its own will do.
        let name = id.or_else(|| self.settings.consumer.get("client.id")).unwrap_or("logwake");
        Owner { name: name.to_owned(), birth: *BIRTH }
    }

    fn next_readable(&mut self, partition: &Partition, offset: i64) -> anyhow::Result<i64> {
        next_readable(&self.settings.consumer, partition, offset)
    }

    fn commit(
        &mut self,
        mut states: Outbox,
        mut outputs: Outbox,
        places: &[Place],
        is_last: bool,
    ) -> anyhow::Result<()> {
        let membership = self.consumer.membership();
        let id = self.settings.transactional_id.as_deref();
        let by = if is_last { Owner::default() } else { self.owner() };
        let offsets = list_with(places.iter().map(|place| {
            let Place { partition, offset, caution } = place;
            let note = Note { by: by.clone(), caution: *caution };
            (partition, *offset, note.text())
        }))?;
        if id.is_some() {
            outputs.append(&mut states);
            let committed = self.committer.commit(&mut outputs, &offsets, membership);
            return Ok(committed.inspect_err(|error| self.note_size(error))?);
        }
        // Nothing fences here, but whoever knows that it lost its partitions says nothing of them.
        anyhow::ensure!(membership.is_some(), CommitError::NotAMember);
        for outbox in [&mut states, &mut outputs] {
            self.committer.send_all(outbox).inspect_err(|error| self.note_size(error))?;
        }
        self.consumer.commit(&offsets).context("commit offsets")
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        if self.is_producer_due || !self.committer.is_whole() {
            let id = self.settings.transactional_id.as_deref();
            self.committer = Committer::new(&self.producer, id)?;
            self.is_producer_due = false;
        }
        Ok(())
    }
}

fn offsets_of(positions: &[(Partition, i64)]) -> Vec<(Partition, Offset)> {
    let offset =
        |(partition, position): &(Partition, i64)| (partition.clone(), Offset::Offset(*position));
    positions.iter().map(offset).collect()
}
