//! What comes in over HTTP for the alert stage: who may send it, how much, and how it is kept.
//!
//! **What was accepted is durable**: the answer waits until it stands in `logwake.external`.
//! Nothing here waits for a stage, and no stage waits for it; while the brokers are away it refuses.

#![allow(unreachable_pub, reason = "`pub` marks what a module offers; the program is one crate")]

mod bucket;
mod gate;
mod local;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use logwake_detector::alert::Arrival;
use logwake_detector::anomaly::id_of;
use logwake_detector::time::Timestamp;
use logwake_emit::durable::DurableProducer;
use logwake_emit::event::external_json;
use logwake_emit::kafka::OutMessage;
use logwake_ingest::intake::Receipt;
use rdkafka::config::ClientConfig;
use tokio::sync::oneshot;

use crate::config::Config;
use crate::runtime::kafka::Topics;

pub use gate::{Caller, Gate, Refused, Sender};
pub use local::Envelope;

/// How long brokers may take to make something durable: less than senders wait for an answer.
const DURABLE_MS: u32 = 5_000;
/// Longest wait for the word that it is.
const TOLD_MAX: Duration = Duration::from_millis(DURABLE_MS as u64 + 1_000);

/// The way in.
pub struct Intake {
    gate: Gate,
    topic: Arc<str>,
    future_max: Duration,
    resolve_timeout: Duration,
    body_bytes_max: usize,
    /// Set once the topics are there.
    producer: OnceLock<DurableProducer>,
    ids: AtomicU64,
}

/// It could not be kept; it may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotKept;

impl Intake {
    /// Prepares the way in; it is closed until [`Self::open`].
    pub fn new(config: &Config) -> Self {
        let bytes = config.intake.body_bytes_max.0;
        Self {
            gate: Gate::new(&config.intake.sources.0, config.allows_local()),
            topic: Topics::new(&config.kafka.prefix).external,
            future_max: config.detect.future_max.0,
            resolve_timeout: config.intake.resolve_timeout.0,
            body_bytes_max: usize::try_from(bytes).unwrap_or(usize::MAX),
            producer: OnceLock::new(),
            ids: AtomicU64::new(0),
        }
    }

    /// Opens it: the topics are there.
    ///
    /// # Errors
    /// Where a property of the producer is wrong.
    pub fn open(&self, producer: &ClientConfig) -> anyhow::Result<()> {
        let producer = DurableProducer::new(producer, DURABLE_MS);
        // It is opened once; whoever comes second finds it open.
        _ = self.producer.set(producer.context("create the producer of the intake")?);
        Ok(())
    }

    /// Returns who decides on senders.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns the bytes of a request at most.
    pub fn body_bytes_max(&self) -> usize {
        self.body_bytes_max
    }

    /// Returns what is known of a request that came from a source.
    pub fn receipt<'a>(&self, from: &'a str, at: Timestamp) -> Receipt<'a> {
        let (future_max, resolve_timeout) = (self.future_max, self.resolve_timeout);
        Receipt { from, at, future_max, resolve_timeout }
    }

    /// Makes an id that nobody has.
    pub fn new_id(&self, prefix: &str, at: Timestamp) -> String {
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id().to_string();
        id_of(prefix, &[&at.as_nanos().to_string(), &process, &count.to_string()])
    }

    /// Makes arrivals durable.
    ///
    /// # Errors
    /// Where they are not, or it is not known that they are.
    pub async fn keep(&self, arrivals: &[Arrival], received: Timestamp) -> Result<(), NotKept> {
        let producer = self.producer.get().ok_or(NotKept)?;
        let messages: Vec<OutMessage> =
            arrivals.iter().map(|arrival| self.message_of(arrival, received)).collect();
        let (tell, told) = oneshot::channel();
        producer.put(&messages, move |is_kept| {
            // Nobody listens any more where the sender has gone away.
            _ = tell.send(is_kept);
        });
        match tokio::time::timeout(TOLD_MAX, told).await {
            Ok(Ok(true)) => Ok(()),
            _ => Err(NotKept),
        }
    }

    /// What one alert says stays in its order; what people ask for stays in one.
    fn message_of(&self, arrival: &Arrival, received: Timestamp) -> OutMessage {
        let (partition, key) = match arrival {
            Arrival::Alert(alert) => (None, format!("{}/{}", alert.from, alert.key)),
            Arrival::Silence(silence) => (Some(0), silence.id.clone()),
            Arrival::Unsilence { id, .. } => (Some(0), id.clone()),
            Arrival::Acknowledge { alert, .. } => (Some(0), alert.clone()),
        };
        OutMessage {
            topic: Arc::clone(&self.topic),
            partition,
            key: key.into_bytes(),
            payload: Some(external_json(arrival, received)),
            headers: Vec::new(),
        }
    }
}
