//! A producer that says when what it was given is durable.
//!
//! Whatever many callers hand over at the same time goes out in common batches; nobody waits for a
//! flush of anybody else's.
//! It is idempotent, so a batch that is sent again stands in the topic once, and every in-sync
//! replica has it before the caller is told.
//! What it holds is bounded: beyond, it refuses at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};

use crate::kafka::{OutMessage, log};

/// Messages that may wait for the brokers.
const MESSAGES_MAX: &str = "200000";
/// KiB that may wait for them.
const KBYTES_MAX: &str = "131072";

/// A producer for many callers.
pub struct DurableProducer {
    config: ClientConfig,
    producer: Mutex<Arc<ThreadedProducer<Receipts>>>,
}

/// Told once all messages of a caller are decided: dropped with the last of them.
pub struct Ticket {
    is_kept: AtomicBool,
    told: Option<Box<dyn FnOnce(bool) + Send + Sync>>,
}

impl DurableProducer {
    /// Makes a producer; brokers need not answer yet.
    ///
    /// # Errors
    /// Where a property is wrong.
    pub fn new(config: &ClientConfig, timeout_ms: u32) -> Result<Self, KafkaError> {
        let mut config = config.clone();
        config
            .set_log_level(RDKafkaLogLevel::Warning)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", timeout_ms.to_string())
            .set("queue.buffering.max.messages", MESSAGES_MAX)
            .set("queue.buffering.max.kbytes", KBYTES_MAX);
        let producer = Mutex::new(Arc::new(make(&config)?));
        Ok(Self { config, producer })
    }

    /// Hands messages over; `told` hears once whether every one of them is durable.
    ///
    /// Where it hears that they are not, some may be all the same.
    pub fn put(&self, messages: &[OutMessage], told: impl FnOnce(bool) + Send + Sync + 'static) {
        let ticket =
            Arc::new(Ticket { is_kept: AtomicBool::new(true), told: Some(Box::new(told)) });
        let producer = match self.sound() {
            Ok(producer) => producer,
            Err(error) => {
                tracing::error!(%error, "kafka producer cannot be replaced");
                return ticket.fail();
            }
        };
        for message in messages {
            let mut record: BaseRecord<'_, [u8], [u8], Arc<Ticket>> =
                BaseRecord::with_opaque_to(&message.topic, Arc::clone(&ticket));
            record.partition = message.partition;
            record.key = Some(message.key.as_slice()).filter(|key| !key.is_empty());
            record.payload = message.payload.as_deref();
            if let Err((error, _)) = producer.send(record) {
                tracing::debug!(%error, "message not taken");
                return ticket.fail();
            }
        }
    }

    /// Returns the producer, a new one where the last is broken for good.
    fn sound(&self) -> Result<Arc<ThreadedProducer<Receipts>>, KafkaError> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if producer.context().is_broken.load(Ordering::Acquire) {
            *producer = Arc::new(make(&self.config)?);
        }
        Ok(Arc::clone(&producer))
    }
}

fn make(config: &ClientConfig) -> Result<ThreadedProducer<Receipts>, KafkaError> {
    config.create_with_context(Receipts::default())
}

impl Ticket {
    fn fail(&self) {
        self.is_kept.store(false, Ordering::Release);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            told(self.is_kept.load(Ordering::Acquire));
        }
    }
}

/// Hands the outcome of each message to its ticket.
#[derive(Default)]
pub struct Receipts {
    is_broken: AtomicBool,
}

impl ClientContext for Receipts {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.is_broken.store(true, Ordering::Release);
            tracing::warn!(%error, reason, "kafka producer of the intake, making a new one");
        } else {
            tracing::debug!(%error, reason, "kafka producer of the intake");
        }
    }
}

impl ProducerContext for Receipts {
    type DeliveryOpaque = Arc<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Arc<Ticket>) {
        if let Err((error, _)) = result {
            tracing::debug!(%error, "message not delivered");
            ticket.fail();
        }
    }
}
