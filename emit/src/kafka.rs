//! A Kafka producer that puts the outputs of a commit interval out all at once or not at all.
//!
//! With `exactly_once`, outputs and source offsets are one transaction.
//! librdkafka 2.12 cannot tell a transaction whose commit was not answered from one that failed, so
//! the producer is dropped then: the next one, under the same transactional id, fences it and aborts
//! what it left.
//! Where the commit was never asked for, an abort that is answered is as certain and takes less time.
//! Sending offsets may hang for ever in it where the group's coordinator is restarted
//! (confluentinc/librdkafka issues 5456 and 5511), so that is left behind after its time.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, PurgeConfig};
use rdkafka::topic_partition_list::TopicPartitionList;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How long one call to the brokers may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long sending offsets may take: some hundredths of a second but where it hangs, which it does
/// in every second restart of a coordinator, and then nothing is judged for so long.
const OFFSETS_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two looks at whether everything is acknowledged.
const FLUSH_STEP: Duration = Duration::from_micros(500);
/// How long an abort may take: a new producer does it too.
const ABORT_TIMEOUT: Duration = Duration::from_secs(3);
/// How much longer one is waited for that does not keep to its time.
const GRACE: Duration = Duration::from_secs(1);

/// What goes out in the next commit.
#[derive(Debug, Default)]
pub struct Outbox {
    messages: Vec<OutMessage>,
    bytes: usize,
}

/// One message to produce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutMessage {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition, where it is not left to the key.
    pub partition: Option<i32>,
    /// Key, empty for none.
    pub key: Vec<u8>,
    /// Payload, `None` for a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Headers.
    pub headers: Vec<(Cow<'static, str>, String)>,
}

impl OutMessage {
    fn bytes(&self) -> usize {
        self.key.len() + self.payload.as_ref().map_or(0, Vec::len)
    }
}

impl Outbox {
    /// Adds a message.
    pub fn push(&mut self, message: OutMessage) {
        self.bytes += message.bytes();
        self.messages.push(message);
    }

    /// Returns what waits.
    pub fn messages(&self) -> &[OutMessage] {
        &self.messages
    }

    /// Returns the bytes of keys and payloads that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Tells whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Returns how many messages wait.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Changes each message that waits.
    pub fn change_each(&mut self, change: impl FnMut(&mut OutMessage)) {
        self.messages.iter_mut().for_each(change);
        self.bytes = self.messages.iter().map(OutMessage::bytes).sum();
    }

    /// Moves everything that waits in another outbox to the end of this one.
    pub fn append(&mut self, other: &mut Self) {
        self.messages.append(&mut other.messages);
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Forgets all but the first `len` messages: what came since was put out before.
    ///
    /// # Panics
    /// Where fewer wait.
    pub fn truncate(&mut self, len: usize) {
        self.bytes -= self.messages.drain(len..).map(|message| message.bytes()).sum::<usize>();
    }

    /// Forgets everything that waits.
    pub fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }
}

/// Why a commit did not happen, or is not known to have.
#[derive(Debug, Error)]
pub enum CommitError {
    /// The brokers or the client refused.
    #[error("{step} failed")]
    Kafka {
        /// What was being done.
        step: &'static str,
        /// What was answered.
        #[source]
        source: KafkaError,
    },
    /// Messages were not acknowledged.
    #[error("{count} of the messages were not delivered")]
    Undelivered {
        /// How many.
        count: u64,
    },
    /// A batch has more bytes than its topic takes.
    #[error(
        "a batch with a message of {bytes} bytes is larger than max.message.bytes of topic {topic}"
    )]
    TooLarge {
        /// Which topic.
        topic: String,
        /// Bytes of its largest message before compression.
        bytes: usize,
        /// Whether each message has a batch of its own.
        is_alone: bool,
    },
    /// A call did not come back in its time; it is left behind with its producer.
    #[error("{step} did not return in its time")]
    Stuck {
        /// What was being done.
        step: &'static str,
    },
    /// The consumer has no membership in its group at present.
    #[error("the consumer is not a member of its group")]
    NotAMember,
}

impl CommitError {
    /// Tells whether the group shares its partitions out anew at this moment.
    pub fn is_rebalance(&self) -> bool {
        let Self::Kafka { source, .. } = self else { return false };
        matches!(
            source.rdkafka_error_code(),
            Some(RDKafkaErrorCode::IllegalGeneration | RDKafkaErrorCode::RebalanceInProgress)
        )
    }

    /// Tells whether another process uses the same transactional id.
    pub fn is_fenced(&self) -> bool {
        let Self::Kafka { source, .. } = self else { return false };
        matches!(
            source.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::Fenced
                    | RDKafkaErrorCode::ProducerFenced
                    | RDKafkaErrorCode::InvalidProducerEpoch
            )
        )
    }
}

/// A producer of commits.
pub struct Committer {
    producer: Arc<BaseProducer<Deliveries>>,
    is_whole: bool,
    /// Whether each message has a batch of its own.
    is_alone: bool,
}

/// The property that bounds a batch, and the value with which each message has one of its own.
pub const BATCH_SIZE: (&str, &str) = ("batch.size", "1");

impl Committer {
    /// Makes a producer; with a transactional id it is ready for transactions afterwards.
    ///
    /// # Errors
    /// Where a property is wrong or the transaction coordinator does not answer in time.
    pub fn new(config: &ClientConfig, transactional_id: Option<&str>) -> Result<Self, CommitError> {
        let mut config = config.clone();
        config.set_log_level(RDKafkaLogLevel::Warning);
        if let Some(id) = transactional_id {
            config.set("transactional.id", id);
        }
        let step = |step| move |source| CommitError::Kafka { step, source };
        let producer: BaseProducer<Deliveries> =
            config.create_with_context(Deliveries::default()).map_err(step("create producer"))?;
        if transactional_id.is_some() {
            producer.init_transactions(TIMEOUT).map_err(step("init transactions"))?;
        }
        let is_alone = config.get(BATCH_SIZE.0) == Some(BATCH_SIZE.1);
        Ok(Self { producer: Arc::new(producer), is_whole: true, is_alone })
    }

    /// Puts out all that waits and the offsets it was made from, in one transaction.
    ///
    /// # Errors
    /// After any error go on from the committed offsets; unless it [left nothing
    /// open](Self::is_whole), nothing is known: drop the committer and make a new one before.
    pub fn commit(
        &mut self,
        outbox: &mut Outbox,
        offsets: &TopicPartitionList,
        membership: Option<ConsumerGroupMetadata>,
    ) -> Result<(), CommitError> {
        let step = |step| move |source| CommitError::Kafka { step, source };
        self.is_whole = false;
        self.producer.begin_transaction().map_err(step("begin transaction"))?;
        if let Err(error) = self.fill(outbox, offsets, membership) {
            let error = self.too_large().unwrap_or(error);
            self.abort(&error);
            return Err(error);
        }
        self.producer.commit_transaction(TIMEOUT).map_err(step("commit transaction"))?;
        self.is_whole = true;
        Ok(())
    }

    /// Tells whether no transaction is open and none has an outcome that is not known.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn fill(
        &self,
        outbox: &mut Outbox,
        offsets: &TopicPartitionList,
        membership: Option<ConsumerGroupMetadata>,
    ) -> Result<(), CommitError> {
        self.queue_all(outbox)?;
        if offsets.count() > 0 {
            self.send_offsets(offsets, membership.ok_or(CommitError::NotAMember)?)?;
        }
        self.flush()?;
        self.check_deliveries()
    }

    /// Aborts a transaction whose commit was never asked for, so that its outcome is certain.
    fn abort(&mut self, error: &CommitError) {
        if matches!(error, CommitError::Stuck { .. }) || error.is_fenced() {
            return;
        }
        // What was not sent yet would wait for the transaction, and the abort for it.
        self.producer.purge(PurgeConfig::default().queue());
        let flushed = self.producer.flush(ABORT_TIMEOUT);
        match flushed.and_then(|()| self.producer.abort_transaction(ABORT_TIMEOUT)) {
            Ok(()) => {
                self.producer.context().failed.store(0, Ordering::Release);
                self.is_whole = true;
            }
            Err(error) => tracing::debug!(%error, "abort a transaction"),
        }
    }

    /// Waits until everything is acknowledged.
    ///
    /// rdkafka's own flush, with which it begins each commit, serves acknowledgements for 100 ms
    /// however few there are, and spins over the last millisecond of any wait.
    fn flush(&self) -> Result<(), CommitError> {
        let begin = Instant::now();
        let mut flushed = self.producer.flush(Duration::ZERO);
        while flushed.is_err() && begin.elapsed() < TIMEOUT {
            self.producer.poll(Duration::ZERO);
            if self.producer.in_flight_count() == 0 {
                flushed = self.producer.flush(Duration::ZERO);
            } else {
                std::thread::sleep(FLUSH_STEP);
            }
        }
        flushed.map_err(|source| CommitError::Kafka { step: "flush", source })
    }

    fn send_offsets(
        &self,
        offsets: &TopicPartitionList,
        membership: ConsumerGroupMetadata,
    ) -> Result<(), CommitError> {
        let step = "send offsets to transaction";
        let (producer, offsets) = (Arc::clone(&self.producer), offsets.clone());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let sent = producer.send_offsets_to_transaction(&offsets, &membership, OFFSETS_TIMEOUT);
            // Nobody listens any more where it took too long.
            drop(tell.send(sent));
        });
        match told.recv_timeout(OFFSETS_TIMEOUT + GRACE) {
            Ok(sent) => sent.map_err(|source| CommitError::Kafka { step, source }),
            Err(_) => Err(CommitError::Stuck { step }),
        }
    }

    /// Puts out all that waits and returns once it is acknowledged.
    ///
    /// # Errors
    /// Where a message cannot be queued or is not acknowledged in time.
    pub fn send_all(&self, outbox: &mut Outbox) -> Result<(), CommitError> {
        self.queue_all(outbox)?;
        self.flush()?;
        self.check_deliveries()
    }

    fn queue_all(&self, outbox: &mut Outbox) -> Result<(), CommitError> {
        for message in outbox.messages.drain(..) {
            self.queue(&message)?;
        }
        outbox.bytes = 0;
        self.producer.poll(Duration::ZERO);
        Ok(())
    }

    fn queue(&self, message: &OutMessage) -> Result<(), CommitError> {
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&message.topic);
        record.partition = message.partition;
        record.key = Some(message.key.as_slice()).filter(|key| !key.is_empty());
        record.payload = message.payload.as_deref();
        if !message.headers.is_empty() {
            let mut headers = OwnedHeaders::new();
            for (key, value) in &message.headers {
                headers = headers.insert(Header { key, value: Some(value) });
            }
            record = record.headers(headers);
        }
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge), _)) => {
                    let (topic, bytes) = (message.topic.to_string(), message.bytes());
                    return Err(CommitError::TooLarge { topic, bytes, is_alone: true });
                }
                Err((source, _)) => return Err(CommitError::Kafka { step: "produce", source }),
            }
        }
    }

    fn check_deliveries(&self) -> Result<(), CommitError> {
        match self.producer.context().failed.swap(0, Ordering::AcqRel) {
            0 => Ok(()),
            count => Err(self.too_large().unwrap_or(CommitError::Undelivered { count })),
        }
    }

    /// Returns the error of a message that was not delivered for its size or that of its batch.
    fn too_large(&self) -> Option<CommitError> {
        let found = &self.producer.context().too_large;
        let (topic, bytes) = found.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(CommitError::TooLarge { topic, bytes, is_alone: self.is_alone })
    }
}

/// Counts what was not delivered.
#[derive(Default)]
struct Deliveries {
    failed: AtomicU64,
    /// Topic and bytes of the largest message that was in a batch larger than its topic takes.
    too_large: Mutex<Option<(String, usize)>>,
}

impl ClientContext for Deliveries {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka producer");
    }
}

/// Logs what librdkafka says of a producer: as a warning that a property does not do what was meant,
/// and nothing else. It tells every attempt; what fails is told by whoever asked for it, and that
/// brokers are away by the consumers of the process.
pub(crate) fn log(facility: &str, message: &str) {
    match facility {
        "CONFWARN" => tracing::warn!("{message}"),
        _ => tracing::debug!(facility, "{message}"),
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            tracing::debug!(%error, "message not delivered");
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge) {
                let mut largest = self.too_large.lock().unwrap_or_else(PoisonError::into_inner);
                let bytes = message.payload_len();
                if largest.as_ref().is_none_or(|(_, known)| *known < bytes) {
                    *largest = Some((message.topic().to_owned(), bytes));
                }
            }
            self.failed.fetch_add(1, Ordering::AcqRel);
        }
    }
}
