//! Plays a capture into the log topic as a shipper would: JSON events without a key, in bursts that
//! go to one partition after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use logwake_detector::time::Timestamp;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use serde_json::json;

use crate::board::Board;

use super::broker::{Broker, PARTITIONS, TOPIC};
use super::capture::{Capture, Entry};

/// Entries that go to one partition before the next has its turn.
const BURST: usize = 40;
/// Lines that may be under way: the broker forgets what exceeds 5 MiB a partition.
const UNDER_WAY_MAX: u64 = 20_000;

/// A running player.
pub struct Player {
    thread: Option<JoinHandle<()>>,
    produced: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    total: u64,
}

impl Player {
    /// Starts playing a capture within a time.
    ///
    /// # Errors
    /// Where the producer cannot be made.
    pub fn start(
        capture: Capture,
        broker: &Broker,
        within: Duration,
        board: &Arc<Board>,
    ) -> anyhow::Result<Self> {
        let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set("linger.ms", "20")
            .create()
            .context("create the producer of the demo")?;
        let (produced, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let total = capture.lines();
        let speed = capture.span().as_secs_f64() / within.as_secs_f64();
        let score = Score {
            producer,
            produced: Arc::clone(&produced),
            stop: Arc::clone(&stop),
            board: Arc::clone(board),
            speed,
        };
        let thread = std::thread::Builder::new()
            .name("player".to_owned())
            .spawn(move || score.play(&capture.into_entries()))
            .context("start the player")?;
        Ok(Self { thread: Some(thread), produced, stop, total })
    }

    /// Returns the lines of the capture.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the lines produced so far.
    pub fn produced(&self) -> u64 {
        self.produced.load(Ordering::Acquire)
    }

    /// Tells whether everything was played.
    pub fn is_done(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends the play; returns the lines produced.
    pub fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the player panicked");
        }
        self.produced()
    }
}

struct Score {
    producer: ThreadedProducer<DefaultProducerContext>,
    produced: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    board: Arc<Board>,
    speed: f64,
}

impl Score {
    fn play(&self, entries: &[Entry]) {
        let Some(first) = entries.first().map(|entry| entry.time) else { return };
        let begin = Instant::now();
        for (idx, entry) in entries.iter().enumerate() {
            let due = entry.time.since(first).as_secs_f64() / self.speed;
            let is_stopped = self.wait(begin + Duration::from_secs_f64(due));
            if is_stopped {
                break;
            }
            let partition = i32::try_from(idx / BURST).unwrap_or(0) % PARTITIONS;
            for line in &entry.lines {
                self.send(partition, &event(entry, line));
            }
        }
        if let Err(error) = self.producer.flush(Duration::from_secs(10)) {
            tracing::error!(%error, "lines were not produced");
        }
    }

    /// Waits until an entry is due and the consumers have caught up; tells whether to stop.
    fn wait(&self, due: Instant) -> bool {
        loop {
            let under_way =
                self.produced.load(Ordering::Acquire).saturating_sub(self.board.lines_in());
            if self.stop.load(Ordering::Acquire) {
                return true;
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() && under_way < UNDER_WAY_MAX {
                return false;
            }
            std::thread::sleep(left.clamp(Duration::from_millis(1), Duration::from_millis(20)));
        }
    }

    fn send(&self, partition: i32, payload: &str) {
        let mut record: BaseRecord<'_, (), str> =
            BaseRecord::to(TOPIC).partition(partition).payload(payload);
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err((error, _)) => {
                    tracing::error!(%error, "line was not produced");
                    return;
                }
            }
        }
        self.produced.fetch_add(1, Ordering::AcqRel);
    }
}

/// A line as Filebeat ships it.
fn event(entry: &Entry, line: &str) -> String {
    json!({
        "@timestamp": rfc3339(entry.time),
        "message": line,
        "service": { "name": entry.service },
        "host": { "name": "shop-1" },
        "log": { "file": { "path": format!("/var/log/shop/{}.log", entry.service) } },
        "ecs": { "version": "8.0.0" },
        "input": { "type": "filestream" },
    })
    .to_string()
}

fn rfc3339(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos()));
    time.map(|time| time.to_string()).unwrap_or_default()
}
