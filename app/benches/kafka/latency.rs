//! How long it takes from a line to the anomaly and the decision that it leads to, with default
//! settings but for what a turn changes.
//!
//! A log topic of twelve partitions as sites have them: most are busy, two get a line now and then,
//! two get none. Six minutes of lines lie there already, so that services are known; then lines come
//! at a steady rate, and each second a few that nothing like was ever written before.
//! A line is written down with its time; it is found again by its text as tally, anomaly and decision.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use logwake_emit::wire;

use crate::process::{brokers_secs, cpu_secs, load};
use crate::support::kafka::{Kafka, Record, Tail};
use crate::support::lines::{Seeded, line};
use crate::topic::{Topic, producer, send};

const PARTITIONS: i32 = 12;
const BUSY: u64 = 8;
const TRICKLING: [i32; 2] = [8, 9];
const TRICKLE_EVERY: Duration = Duration::from_secs(3);
const SERVICES: u64 = 20;
const HISTORY_SECS: u64 = 400;
const HISTORY_PER_SEC: u64 = 200;
const NOVEL_EVERY: Duration = Duration::from_millis(230);
const TICK: Duration = Duration::from_millis(5);
const WORDS: [&str; 24] = [
    "valve", "reactor", "ledger", "harbour", "lantern", "orchard", "glacier", "saddle", "turbine",
    "pillar", "meadow", "anchor", "copper", "willow", "canyon", "feather", "marble", "hollow",
    "summit", "ribbon", "thunder", "velvet", "quarry", "beacon",
];

/// Measures each commit interval for a while.
pub fn measure(kafka: &Kafka, per_sec: u64, secs: u64, intervals: &[String]) {
    println!(
        "{per_sec} lines a second in {BUSY} of {PARTITIONS} partitions, a line each 3 s in two more; \
         milliseconds from the line"
    );
    for interval in intervals {
        let turn = Kafka::at(kafka.bootstrap.clone());
        one(&turn, per_sec, secs, interval);
    }
}

fn one(kafka: &Kafka, per_sec: u64, secs: u64, interval: &str) {
    let begin = now_ms() - HISTORY_SECS as i64 * 1000;
    let topic = Topic::make(kafka, "none", PARTITIONS);
    let sender = producer(kafka, "none");
    let mut rng = Seeded::new(7);
    for number in 0..HISTORY_SECS * HISTORY_PER_SEC {
        let time = begin + (number * 1000 / HISTORY_PER_SEC) as i64;
        send(&sender, &topic.name, (number % BUSY) as i32, &usual(&mut rng, time));
    }
    let dir = tempfile::tempdir().unwrap();
    let more = match interval {
        "default" => std::env::var("LOGWAKE_BENCH_KAFKA").unwrap_or_default(),
        interval => format!("commit_interval = \"{interval}\""),
    };
    let mut run = topic.run(dir.path(), &kafka.prefix, &more);
    run.wait_tallied(HISTORY_SECS * HISTORY_PER_SEC);
    let (live, began) = (Arc::new(AtomicBool::new(true)), now_ms());
    let writer = {
        let (kafka, name, live) =
            (Kafka::at(kafka.bootstrap.clone()), topic.name.clone(), Arc::clone(&live));
        std::thread::spawn(move || write(&kafka, &name, per_sec, &live))
    };
    let ends = [("tallies", 4), ("anomalies", 4), ("decisions", 1)];
    let mut tails = ends.map(|(suffix, _)| kafka.tail(&kafka.name(suffix)));
    let mut seen = Seen::default();
    std::thread::sleep(Duration::from_secs(5));
    let pid = run.service.pid();
    let cpu = || (cpu_secs(pid), brokers_secs());
    let (before, start) = (cpu(), Instant::now());
    while start.elapsed() < Duration::from_secs(secs) {
        seen.follow(&mut tails);
    }
    let (after, took) = (cpu(), start.elapsed().as_secs_f64());
    live.store(false, Ordering::Release);
    let written = writer.join().unwrap();
    let rest = Instant::now();
    while rest.elapsed() < Duration::from_secs(5) {
        seen.follow(&mut tails);
    }
    // Those of the first seconds, in which the stages began, are left out.
    let from = began + 8000;
    let delays = |seen: &BTreeMap<String, i64>| {
        let in_time = written.iter().filter(|(_, at)| **at >= from);
        let mut delays: Vec<i64> =
            in_time.filter_map(|(word, at)| seen.get(word).map(|seen| seen - at)).collect();
        delays.sort_unstable();
        delays
    };
    let all = seen.at_ms.each_ref().map(delays);
    let lines = per_sec as f64 * took;
    print!("{interval:>8}: ");
    for (what, delays) in ["tally", "anomaly", "decision"].iter().zip(&all) {
        print!("{what} p50 {:>4} p99 {:>4}, ", at(delays, 50), at(delays, 99));
    }
    println!(
        "of {}; {:.0} thousand lines a CPU second, {:.2} cores, brokers {:.2} cores, load {}",
        all[1].len(),
        lines / (after.0 - before.0) / 1e3,
        (after.0 - before.0) / took,
        (after.1 - before.1) / took,
        load()
    );
    run.stop();
}

fn at(delays: &[i64], percent: usize) -> i64 {
    let last = delays.len().saturating_sub(1);
    delays.get((delays.len() * percent / 100).min(last)).copied().unwrap_or(-1)
}

/// When what stands for a line was seen first, in milliseconds, and anomalies by id.
#[derive(Default)]
struct Seen {
    at_ms: [BTreeMap<String, i64>; 3],
    words: BTreeMap<String, String>,
}

impl Seen {
    fn follow(&mut self, tails: &mut [Tail; 3]) {
        for (idx, tail) in tails.iter_mut().enumerate() {
            while tail.read_now() {}
            let now = now_ms();
            for record in tail.records.drain(..) {
                for words in self.words_of(idx, &record) {
                    self.at_ms[idx].entry(words).or_insert(now);
                }
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }

    /// What a record tells of marked lines: a tally and an anomaly show them, a decision names the
    /// anomaly.
    fn words_of(&mut self, idx: usize, record: &Record) -> Vec<String> {
        if idx == 0 {
            let batch = wire::decode_tally(&record.payload).unwrap();
            let skeletons = batch.services.into_iter().flat_map(|service| service.skeletons);
            return skeletons.filter_map(|tally| marker(&tally.first.text)).collect();
        }
        let event: serde_json::Value = serde_json::from_str(record.text()).unwrap();
        if idx == 2 {
            let id = event["logwake"]["decision"]["anomaly"].as_str().unwrap_or_default();
            return self.words.get(id).cloned().into_iter().collect();
        }
        let Some(words) = marker(record.text()) else { return Vec::new() };
        self.words.insert(event["event"]["id"].as_str().unwrap().to_owned(), words.clone());
        vec![words]
    }
}

/// Returns what was novel in a line: the words behind `novelty:`.
fn marker(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("novelty: ")?;
    let is_word = |c: char| c.is_ascii_lowercase() || c == ' ';
    Some(rest.split(|c| !is_word(c)).next()?.to_owned())
}

/// Writes lines of the present until told otherwise; returns when each marked one was written.
fn write(kafka: &Kafka, topic: &str, per_sec: u64, live: &AtomicBool) -> BTreeMap<String, i64> {
    let mut config = kafka.client();
    config.set("linger.ms", "5").set("queue.buffering.max.messages", "1000000");
    let sender = config.create().unwrap();
    let (mut rng, begin, mut written) = (Seeded::new(11), Instant::now(), 0_u64);
    let (mut novel_at, mut trickle_at) = (begin, begin);
    let mut marks = BTreeMap::new();
    while live.load(Ordering::Acquire) {
        let due = (begin.elapsed().as_micros() as u64).saturating_mul(per_sec) / 1_000_000;
        let now = now_ms();
        while written < due {
            let text = usual(&mut rng, now);
            send(&sender, topic, (written / 50 % BUSY) as i32, &text);
            written += 1;
        }
        if novel_at.elapsed() >= NOVEL_EVERY {
            novel_at = Instant::now();
            let (text, words) = novel(&mut rng, now_ms());
            send(&sender, topic, rng.below(BUSY) as i32, &text);
            marks.insert(words, now_ms());
        }
        if trickle_at.elapsed() >= TRICKLE_EVERY {
            trickle_at = Instant::now();
            for partition in TRICKLING {
                send(&sender, topic, partition, &usual(&mut rng, now_ms()));
            }
        }
        std::thread::sleep(TICK);
    }
    marks
}

fn usual(rng: &mut Seeded, time_ms: i64) -> String {
    let (number, service) = (rng.below(90_000), rng.below(SERVICES));
    let message = match rng.below(4) {
        0 => format!("payment {number} authorised in {} ms", number % 80),
        1 => format!("order {number} placed with {} items", number % 9),
        2 => format!("search for item {number} took {} ms", number % 80),
        _ => format!("session of customer {number} refreshed"),
    };
    line(time_ms, &format!("service-{service}"), "INFO", &message)
}

fn novel(rng: &mut Seeded, time_ms: i64) -> (String, String) {
    let mut word = || WORDS[rng.below(WORDS.len() as u64) as usize];
    let words: Vec<&str> = (0..12).map(|_| word()).collect();
    let words = words[..4 + rng.below(9) as usize].join(" ");
    let service = format!("service-{}", rng.below(SERVICES));
    (line(time_ms, &service, "ERROR", &format!("novelty: {words}")), words)
}

fn now_ms() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}
