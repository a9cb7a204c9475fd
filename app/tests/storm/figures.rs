//! How soon what is written is judged again after a process or a broker went away, with default
//! settings.
//!
//! The delay is how long ago all partitions were first acknowledged to stand beyond the event time up
//! to which every shard has told all it has: while the brokers take longer to acknowledge, that
//! is theirs.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use logwake_detector::alert::AlertInput;
use logwake_emit::wire;
use rdkafka::ClientContext;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};

use crate::brokers::Brokers;
use crate::number;
use crate::support::kafka::{Kafka, Tail};
use crate::support::lines::line;
use crate::support::program::Service;

const PARTITIONS: i32 = 6;
const SHARDS: usize = 2;
/// Lines that each partition gets each 20 ms.
const LINES: u64 = 4;
const WARM_UP: Duration = Duration::from_secs(15);
/// Back to normal is a delay for five seconds below this, or on a busy machine below the longest of
/// the five seconds before and half as much again.
const NORMAL: Duration = Duration::from_secs(1);
const STEADY: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(90);

#[test]
fn how_soon_lines_are_judged_again() {
    if std::env::var_os("LOGWAKE_STORM_FIGURES").is_none() {
        eprintln!("skipped: LOGWAKE_STORM_FIGURES is not set");
        return;
    }
    let kafka = Kafka::from_env().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let start = |name: &str| Service::start(dir.path(), name, &config(&kafka, name));
    let (mut services, writer, mut clock) = begin(&kafka, &start);
    for round in 1..=number("LOGWAKE_STORM_ROUNDS", 3) {
        let name = format!("{round}");
        clock.measure("a process joins", || services.push(start(&name)));
        let leaving = services.remove(0);
        clock.measure("a process is stopped", || leaving.signal("TERM"));
        drop(leaving);
        let dying = services.remove(0);
        clock.measure("a process is killed", || dying.kill());
        let name = format!("{round}-again");
        clock.measure("a process joins", || services.push(start(&name)));
    }
    end(services, writer);
}

/// One broker after the other is restarted, as an upgrade does it, and one is killed.
#[test]
fn how_soon_after_brokers_restart() {
    if std::env::var_os("LOGWAKE_STORM_FIGURES").is_none() {
        eprintln!("skipped: LOGWAKE_STORM_FIGURES is not set");
        return;
    }
    let kafka = Kafka::from_env().unwrap();
    let brokers = Brokers::find(&kafka).expect("three brokers of scripts/kafka");
    let dir = tempfile::tempdir().unwrap();
    let start = |name: &str| Service::start(dir.path(), name, &config(&kafka, name));
    let (services, writer, mut clock) = begin(&kafka, &start);
    for (node, is_killed) in [(1, false), (2, false), (3, false), (2, true)] {
        let what = if is_killed { "a broker is killed" } else { "a broker is restarted" };
        let mut back: Option<JoinHandle<()>> = None;
        clock.measure(what, || {
            back = Some(brokers.take_down(&kafka, node, is_killed, Duration::from_secs(2)));
        });
        let back = back.unwrap();
        clock.follow("  until it is back and has caught up", || !back.is_finished());
        back.join().unwrap();
        clock.follow("  the ten seconds after that", within(Duration::from_secs(10)));
    }
    end(services, writer);
}

/// Starts three processes and a writer, and waits until everything is warm.
fn begin(kafka: &Kafka, start: &dyn Fn(&str) -> Service) -> (Vec<Service>, Writer, Clock) {
    kafka.make_topic(&kafka.logs(), PARTITIONS, &[]);
    let mut services: Vec<Service> = ["a", "b", "c"].map(start).into();
    services.iter_mut().for_each(|service| service.wait_for_log("running"));
    let writer = Writer::start(kafka);
    let mut clock = Clock::new(kafka, &writer);
    clock.watch(WARM_UP);
    (services, writer, clock)
}

fn end(services: Vec<Service>, writer: Writer) {
    writer.stop();
    for service in &services {
        let log = service.log();
        let count = |level: &str| log.lines().filter(|line| line.contains(level)).count();
        eprintln!("logged: {} errors, {} warnings", count("ERROR"), count(" WARN "));
    }
    services.into_iter().for_each(Service::stop);
}

/// Tells for so long that it goes on.
fn within(span: Duration) -> impl FnMut() -> bool {
    let begin = Instant::now();
    move || begin.elapsed() < span
}

/// Default settings but for two shards.
fn config(kafka: &Kafka, name: &str) -> String {
    by_default(&kafka.config(name, &format!("detect_partitions = {SHARDS}")))
}

/// Drops what makes sessions and commits of tests short.
pub fn by_default(config: &str) -> String {
    let is_short = |line: &&str| {
        let keys = ["session.timeout", "heartbeat.interval", "metadata.refresh", "commit_interval"];
        !keys.iter().any(|key| line.contains(key)) && !line.contains("snapshot_interval")
    };
    config.lines().filter(is_short).collect::<Vec<_>>().join("\n")
}

/// Writes lines of the present to all partitions until stopped.
struct Writer {
    stop: Arc<AtomicBool>,
    written: Arc<Mutex<Written>>,
    thread: JoinHandle<()>,
}

impl Writer {
    fn start(kafka: &Kafka) -> Self {
        let written = Arc::new(Mutex::new(Written::default()));
        let producer: ThreadedProducer<Acknowledged> = kafka
            .client()
            .set("linger.ms", "5")
            .set("reconnect.backoff.max.ms", "1000")
            .create_with_context(Acknowledged(Arc::clone(&written)))
            .unwrap();
        let (topic, stop) = (kafka.logs(), Arc::new(AtomicBool::new(false)));
        let is_over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for tick in 0_u64.. {
                if is_over.load(Ordering::Acquire) {
                    break;
                }
                for idx in 0..LINES * PARTITIONS as u64 {
                    let (number, at_ms) = (tick * 1000 + idx, now_ms());
                    let service = format!("service-{}", idx % 10);
                    let message = format!("item {number} shown {idx} times");
                    let text = line(at_ms, &service, "INFO", &message);
                    let record: BaseRecord<'_, (), str, usize> =
                        BaseRecord::with_opaque_to(&topic, at_ms as usize)
                            .partition((idx % PARTITIONS as u64) as i32)
                            .payload(&text);
                    drop(producer.send(record));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            producer.flush(LONGEST).unwrap();
        });
        Self { stop, written, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
    }
}

/// Up to which event time, in milliseconds, lines are acknowledged.
#[derive(Default)]
struct Written {
    by_partition: BTreeMap<i32, i64>,
    /// Up to where all partitions are, and since when.
    all: VecDeque<(i64, i64)>,
    /// How long the slowest line took since this was set to 0.
    longest: i64,
}

impl Written {
    fn acknowledged(&mut self, partition: i32, at_ms: i64) {
        let last = self.by_partition.entry(partition).or_default();
        *last = at_ms.max(*last);
        self.longest = self.longest.max(now_ms() - at_ms);
        let all = self.by_partition.values().min().copied().unwrap_or_default();
        if self.all.back().is_none_or(|(until, _)| *until < all) {
            self.all.push_back((all, now_ms()));
        }
    }

    /// Returns since when there was something beyond this event time.
    fn since(&mut self, told_ms: i64) -> Option<i64> {
        while self.all.front().is_some_and(|(until, _)| *until <= told_ms) {
            self.all.pop_front();
        }
        self.all.front().map(|(_, since)| *since)
    }
}

/// Hears what is acknowledged.
struct Acknowledged(Arc<Mutex<Written>>);

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, at_ms: usize) {
        let Ok(message) = result else { return };
        self.0.lock().unwrap().acknowledged(message.partition(), at_ms as i64);
    }
}

/// How far every shard has told.
struct Clock {
    findings: Tail,
    told_ms: BTreeMap<u32, i64>,
    written: Arc<Mutex<Written>>,
}

impl Clock {
    fn new(kafka: &Kafka, writer: &Writer) -> Self {
        let (findings, written) =
            (kafka.tail(&kafka.name("findings")), Arc::clone(&writer.written));
        Self { findings, told_ms: BTreeMap::new(), written }
    }

    fn delay(&mut self) -> Duration {
        self.findings.read_on();
        for record in self.findings.records.drain(..) {
            let input = wire::decode_alert_input(&record.payload).unwrap();
            let AlertInput::Findings(findings) = input else { continue };
            if let Some(progress) = findings.progress {
                self.told_ms.insert(findings.shard, progress.as_nanos() / 1_000_000);
            }
        }
        let oldest = self.told_ms.values().min().copied().unwrap_or(0);
        let since = self.written.lock().unwrap().since(oldest).unwrap_or_else(now_ms);
        Duration::from_millis((now_ms() - since).max(0) as u64)
    }

    /// Says how long the delay was while something goes on.
    fn follow(&mut self, what: &str, mut goes_on: impl FnMut() -> bool) {
        let (begin, mut worst) = (Instant::now(), Duration::ZERO);
        while goes_on() {
            worst = worst.max(self.delay());
        }
        eprintln!("{what}: {:.1?}, the longest delay {worst:.1?}", begin.elapsed());
    }

    /// Follows the delay for a while; returns half of it is below what, and the longest.
    fn watch(&mut self, span: Duration) -> (Duration, Duration) {
        let (begin, mut delays) = (Instant::now(), Vec::new());
        while begin.elapsed() < span {
            delays.push(self.delay());
        }
        delays.sort_unstable();
        (delays[delays.len() / 2], delays[delays.len() - 1])
    }

    fn measure(&mut self, what: &str, fault: impl FnOnce()) {
        let (median, longest) = self.watch(STEADY);
        self.written.lock().unwrap().longest = 0;
        let normal = NORMAL.max(longest * 3 / 2);
        fault();
        let (begin, mut worst, mut late) = (Instant::now(), Duration::ZERO, Duration::ZERO);
        let (mut above, mut looked) = (Duration::ZERO, Duration::ZERO);
        while begin.elapsed() < late + STEADY {
            let delay = self.delay();
            worst = worst.max(delay);
            let now = begin.elapsed();
            if delay > normal {
                late = now;
                above += now - looked;
            }
            looked = now;
            assert!(begin.elapsed() < LONGEST, "{what}: {delay:?} instead of {median:?}");
        }
        let acknowledged = self.written.lock().unwrap().longest;
        eprintln!(
            "{what}: delay before {median:.1?} (longest {longest:.1?}), then at most {worst:.1?}, \
             below {normal:.1?} for good after {late:.1?}, above it for {above:.1?} in all; \
             lines acknowledged after {acknowledged} ms at most"
        );
    }
}

fn now_ms() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}
