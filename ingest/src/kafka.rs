//! A Kafka consumer whose rebalances are served by the loop that polls it.
//!
//! librdkafka calls back in the middle of `poll`; committing a transaction or restoring state there
//! would nest one blocking call in another.
//! So the callback only queues what is asked, and the loop commits, restores, and answers with
//! `assign` or `release` at a place where its state is whole.
//!
//! **A partition is released after the commit that covers it, never before.**

mod queues;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use rdkafka::types::RDKafkaRespErr;

pub use queues::Run;
use queues::{Bell, Queues};

/// Messages and compressed bytes that a consumer may have waiting to be read, shared out among its
/// partitions; each has enough to go on with and no more than is of use.
const WAITING_MESSAGES: usize = 24_000;
const WAITING_BYTES: usize = 4 << 20;

/// Returns how a consumer of so many partitions fetches, as measured by
/// `cargo bench -p logwake --bench kafka`.
///
/// A queue that is full is looked at again after 5 ms instead of a second, without which a third of
/// the lines a second is read; a fetch waits for 50 ms at most, where little comes.
/// What waits in memory is bounded for each partition: a message takes 400 bytes more than its
/// payload, and a batch of messages is there until the last of them is read.
pub fn fetch(partitions: usize) -> [(&'static str, String); 7] {
    let share = |of: usize| of / partitions.max(1);
    [
        ("fetch.queue.backoff.ms", "5".to_owned()),
        ("fetch.wait.max.ms", "50".to_owned()),
        ("fetch.max.bytes", WAITING_BYTES.to_string()),
        ("max.partition.fetch.bytes", share(WAITING_BYTES).clamp(16 << 10, 256 << 10).to_string()),
        ("queued.min.messages", share(WAITING_MESSAGES).clamp(100, 1000).to_string()),
        ("queued.max.messages.kbytes", "2048".to_owned()),
        // What librdkafka would measure for the brokers takes a lock each message.
        ("enable.metrics.push", "false".to_owned()),
    ]
}

/// Time in which one error is said once: while no broker answers, every attempt to reach one fails.
const SAID_EVERY: Duration = Duration::from_secs(30);
/// Errors that some consumer of the process had lately, and when they were said.
static SAID: Mutex<Vec<(Option<RDKafkaErrorCode>, Instant)>> = Mutex::new(Vec::new());
/// What the client tells that is served in one go.
const SERVED_MAX: usize = 4;
/// How often librdkafka tells where partitions end.
const STATISTICS_INTERVAL_MS: &str = "2000";

/// A topic and a partition of it.
pub type Partition = (String, i32);

/// What the group coordinator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rebalance {
    /// Take these partitions over.
    Assign(Vec<Partition>),
    /// Give these partitions up.
    Revoke {
        /// Which ones.
        partitions: Vec<Partition>,
        /// Whether somebody else may own them already, so that nothing may be committed for them.
        lost: bool,
    },
}

/// A consumer in a group that serves its rebalances when asked to.
pub struct GroupConsumer {
    consumer: Arc<BaseConsumer<RebalanceQueue>>,
    queues: Queues<RebalanceQueue>,
    bell: Arc<Bell>,
}

impl GroupConsumer {
    /// Joins a group and subscribes to topics.
    ///
    /// # Errors
    /// Where a property is not known to librdkafka or has a value out of its range.
    pub fn subscribe(config: &ClientConfig, topics: &[&str]) -> KafkaResult<Self> {
        let mut config = config.clone();
        config.set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        config.set("statistics.interval.ms", STATISTICS_INTERVAL_MS);
        config.set_log_level(RDKafkaLogLevel::Warning);
        let mut consumer: BaseConsumer<RebalanceQueue> =
            config.create_with_context(RebalanceQueue::default())?;
        let bell = Arc::new(Bell::default());
        let rings = Arc::clone(&bell);
        consumer.set_nonempty_callback(move || rings.ring());
        consumer.subscribe(topics)?;
        let queues = Queues::new(Arc::clone(&bell));
        Ok(Self { consumer: Arc::new(consumer), queues, bell })
    }

    /// Serves what the client has to tell, rebalances among it, after a wait of at most so long for
    /// that or for messages.
    ///
    /// # Errors
    /// Any error of the consumer that is none of a partition.
    pub fn serve(&self, wait: Duration) -> KafkaResult<()> {
        if !wait.is_zero() && !self.bell.wait(wait) {
            self.wake();
        }
        for _ in 0..SERVED_MAX {
            match self.consumer.poll(Duration::ZERO) {
                None | Some(Err(KafkaError::PartitionEOF(_))) => {}
                // Each partition has a queue of its own before it is assigned.
                Some(Ok(_)) => {
                    return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::Inconsistent));
                }
                Some(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tells whether a partition may have messages to read.
    pub fn has_more(&self, partition: &Partition) -> bool {
        self.queues.has_more(partition)
    }

    /// Reads at most so many messages of a partition, without a wait, for as long as `see` asks for more.
    ///
    /// # Errors
    /// Any error of the partition; what came before it was shown.
    pub fn read(
        &self,
        partition: &Partition,
        max: usize,
        see: impl FnMut(&BorrowedMessage<'_>) -> bool,
    ) -> KafkaResult<Run> {
        self.queues.read(partition, max, see)
    }

    /// Wakes the client's main thread, which would otherwise look once a second whether a heartbeat
    /// is due, and hears of a rebalance in its answer. A commit does so too.
    fn wake(&self) {
        drop(self.consumer.group_metadata());
    }

    /// Returns the oldest rebalance not answered yet.
    pub fn next_rebalance(&self) -> Option<Rebalance> {
        self.consumer.context().take()
    }

    /// Starts partitions at explicit offsets.
    ///
    /// # Errors
    /// Where the consumer refuses, for instance after it was closed.
    pub fn assign(&mut self, partitions: &[(Partition, Offset)]) -> KafkaResult<()> {
        partitions.iter().for_each(|(partition, _)| self.queues.open(&self.consumer, partition));
        self.consumer.incremental_assign(&list_at(partitions)?)
    }

    /// Gives partitions up.
    ///
    /// # Errors
    /// Where the consumer refuses, for instance for a partition that it does not own.
    pub fn release(&mut self, partitions: &[Partition]) -> KafkaResult<()> {
        partitions.iter().for_each(|partition| self.queues.close(partition));
        self.consumer.incremental_unassign(&list(partitions))
    }

    /// Goes on at other offsets.
    ///
    /// # Errors
    /// Where a partition is not assigned or the brokers do not answer in time.
    pub fn seek(&self, partitions: &[(Partition, Offset)], timeout: Duration) -> KafkaResult<()> {
        // Each partition has an answer of its own; one that did not go back would skip messages.
        let answer = self.consumer.seek_partitions(list_at(partitions)?, timeout)?;
        answer.elements().iter().try_for_each(|element| element.error())
    }

    /// Returns the offsets that the group has committed, each with its note.
    ///
    /// # Errors
    /// Where the group coordinator does not answer in time.
    pub fn committed(
        &self,
        partitions: &[Partition],
        timeout: Duration,
    ) -> KafkaResult<Vec<(Partition, Option<i64>, String)>> {
        let answer = self.consumer.committed_offsets(list(partitions), timeout)?;
        let offset = |element: &TopicPartitionListElem<'_>| {
            element.error()?;
            let partition = (element.topic().to_owned(), element.partition());
            let offset = match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            Ok((partition, offset, element.metadata().to_owned()))
        };
        answer.elements().iter().map(offset).collect()
    }

    /// Returns the notes that the group committed with its offsets, those of open transactions aside.
    ///
    /// # Errors
    /// Where the group coordinator does not answer in time, or a transaction stays open over one.
    pub fn notes(&self, partitions: &[Partition], timeout: Duration) -> KafkaResult<Vec<String>> {
        notes_of(&self.consumer, partitions, timeout)
    }

    /// Returns the first and the end offset of a partition.
    ///
    /// # Errors
    /// Where its leader does not answer in time.
    pub fn bounds(
        &self,
        topic: &str,
        partition: i32,
        timeout: Duration,
    ) -> KafkaResult<(i64, i64)> {
        self.consumer.fetch_watermarks(topic, partition, timeout)
    }

    /// Returns where a partition ended when it was fetched last, as far as that is known: no broker
    /// is asked, whose answer would wait behind a fetch.
    pub fn end(&self, partition: &Partition) -> Option<i64> {
        self.consumer.context().ends.lock().ok()?.get(partition).copied()
    }

    /// Returns the membership that a transaction commits under; to be taken anew at each commit.
    /// There is none while the partitions are lost: a membership that was reset names no generation,
    /// and the coordinator takes offsets that name none from anybody.
    pub fn membership(&self) -> Option<ConsumerGroupMetadata> {
        let membership = self.consumer.group_metadata();
        membership.filter(|_| !self.consumer.assignment_lost())
    }

    /// Commits offsets without a transaction and waits for the answer.
    ///
    /// # Errors
    /// Where the coordinator refuses, for instance after a rebalance.
    pub fn commit(&self, offsets: &TopicPartitionList) -> KafkaResult<()> {
        self.consumer.commit(offsets, rdkafka::consumer::CommitMode::Sync)
    }

    /// Leaves the group; rebalances on the way out are answered at once.
    pub fn close(self) {
        drop(self);
    }
}

/// Leaves the group whichever way the loop ended: the client waits for an answer to every
/// rebalance, also to those that were asked and not served yet.
impl Drop for GroupConsumer {
    fn drop(&mut self) {
        // They keep the client alive, which leaves the group with its last owner.
        self.queues.clear();
        let context = self.consumer.context();
        context.closing.store(true, Ordering::Release);
        while let Some(asked) = context.take() {
            let answered = match asked {
                Rebalance::Assign(partitions) => {
                    self.consumer.incremental_assign(&list(&partitions))
                }
                Rebalance::Revoke { partitions, .. } => {
                    self.consumer.incremental_unassign(&list(&partitions))
                }
            };
            if let Err(error) = answered {
                tracing::debug!(%error, "answer a rebalance on close");
            }
        }
    }
}

/// Returns the notes that a group committed last, whatever transactions are open by now.
///
/// # Errors
/// Where the group coordinator does not answer in time.
pub fn last_notes(
    config: &ClientConfig,
    partitions: &[Partition],
    timeout: Duration,
) -> KafkaResult<Vec<String>> {
    let mut config = config.clone();
    config.set("isolation.level", "read_uncommitted").set("enable.auto.commit", "false");
    config.remove("group.instance.id");
    let consumer: BaseConsumer<Reader> = config.create_with_context(Reader)?;
    let notes = notes_of(&consumer, partitions, timeout);
    close(consumer);
    notes
}

fn notes_of<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[Partition],
    timeout: Duration,
) -> KafkaResult<Vec<String>> {
    let answer = consumer.committed_offsets(list(partitions), timeout)?;
    let note = |element: &TopicPartitionListElem<'_>| {
        element.error()?;
        Ok(element.metadata().to_owned())
    };
    answer.elements().iter().map(note).collect()
}

/// Closes a consumer that is in no group; that takes a tenth of a second and nobody waits for it.
pub fn close(consumer: BaseConsumer<Reader>) {
    std::thread::spawn(move || drop(consumer));
}

/// The context of a consumer outside any group: it tells errors but for the end of a partition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reader;

impl ClientContext for Reader {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tell(&error, reason);
    }
}

impl ConsumerContext for Reader {}

/// Queues what the coordinator asks for.
#[derive(Default)]
struct RebalanceQueue {
    asked: Mutex<VecDeque<Rebalance>>,
    /// Where the partitions ended when they were fetched last.
    ends: Mutex<BTreeMap<Partition, i64>>,
    closing: AtomicBool,
}

impl RebalanceQueue {
    fn take(&self) -> Option<Rebalance> {
        self.asked.lock().map_or(None, |mut asked| asked.pop_front())
    }
}

impl ClientContext for RebalanceQueue {
    fn stats(&self, statistics: Statistics) {
        let ends = statistics.topics.iter().flat_map(|(topic, found)| {
            let known = found.partitions.iter().filter(|(_, found)| found.hi_offset >= 0);
            known.map(|(number, found)| ((topic.clone(), *number), found.hi_offset))
        });
        if let Ok(mut known) = self.ends.lock() {
            *known = ends.collect();
        }
    }

    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tell(&error, reason);
    }
}

impl ConsumerContext for RebalanceQueue {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        error: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let named: Vec<Partition> = partitions
            .elements()
            .iter()
            .map(|element| (element.topic().to_owned(), element.partition()))
            .collect();
        let asked = match error {
            error if self.closing.load(Ordering::Acquire) => {
                let assigns = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
                let answered = match assigns {
                    true => consumer.incremental_assign(partitions),
                    false => consumer.incremental_unassign(partitions),
                };
                if let Err(error) = answered {
                    tracing::debug!(%error, "answer a rebalance on close");
                }
                return;
            }
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Rebalance::Assign(named),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => {
                Rebalance::Revoke { partitions: named, lost: consumer.assignment_lost() }
            }
            error => {
                tracing::warn!(?error, "rebalance failed; the group tries again");
                Rebalance::Revoke { partitions: named, lost: true }
            }
        };
        if let Ok(mut queue) = self.asked.lock() {
            queue.push_back(asked);
        }
    }
}

/// Logs what librdkafka says: as a warning that a property does not do what was meant, and nothing
/// else, for its callers tell what fails for them.
fn log(facility: &str, message: &str) {
    match facility {
        "CONFWARN" => tracing::warn!("{message}"),
        _ => tracing::debug!(facility, "{message}"),
    }
}

/// Tells an error of a consumer, and the same of any of them only once in a while.
fn tell(error: &KafkaError, reason: &str) {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
        return;
    }
    if is_news(error) {
        tracing::warn!(%error, reason, "kafka consumer");
    } else {
        tracing::debug!(%error, reason, "kafka consumer");
    }
}

/// Tells whether an error was not said lately.
fn is_news(error: &KafkaError) -> bool {
    let Ok(mut said) = SAID.lock() else { return true };
    said.retain(|(_, at)| at.elapsed() < SAID_EVERY);
    let code = error.rdkafka_error_code();
    let is_news = said.iter().all(|(known, _)| *known != code);
    if is_news {
        said.push((code, Instant::now()));
    }
    is_news
}

fn list(partitions: &[Partition]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}

/// Makes a list of partitions with offsets, and a note that is committed with each.
///
/// # Errors
/// Where an offset cannot be stated to librdkafka.
pub fn list_with<'a>(
    places: impl Iterator<Item = (&'a Partition, i64, String)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset, note) in places {
        let mut element = list.add_partition(topic, *partition);
        element.set_offset(Offset::Offset(offset))?;
        element.set_metadata(note);
    }
    Ok(list)
}

/// Makes a list of partitions with offsets.
///
/// # Errors
/// Where an offset cannot be stated to librdkafka.
fn list_at(partitions: &[(Partition, Offset)]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in partitions {
        list.add_partition_offset(topic, *partition, *offset)?;
    }
    Ok(list)
}
