//! Lines a second and a CPU second of `run`, beside a bare consumer that only counts bytes.

use std::time::{Duration, Instant};

use logwake_benches::storage_stream;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::process::{brokers_secs, cpu_secs, load};
use crate::support::kafka::Kafka;
use crate::topic::Topic;

const PARTITIONS: i32 = 4;
/// By turns, so that what else the machine does hits both.
const TURNS: [&str; 4] = ["bare", "run", "run", "bare"];

/// What one reading took.
struct Took {
    wall_secs: f64,
    cpu_secs: f64,
    brokers_secs: f64,
}

/// Prints a line for each codec and turn, and `run` by bare for each codec.
pub fn measure(kafka: &Kafka, lines: u64, per_sec: u64) {
    let codecs = std::env::var("LOGWAKE_BENCH_CODECS").unwrap_or_else(|_| "none,lz4".into());
    let more = std::env::var("LOGWAKE_BENCH_KAFKA").unwrap_or_default();
    println!("{lines} lines in {PARTITIONS} partitions, {per_sec} in a second of event time");
    for codec in codecs.split(',') {
        let input = storage_stream(1, per_sec).take(lines as usize);
        let topic = Topic::fill(kafka, codec, PARTITIONS, input);
        let mut per_cpu = [Vec::new(), Vec::new()];
        for (turn, who) in TURNS.iter().enumerate() {
            let took = match *who {
                "bare" => bare(&topic),
                _ => run(&topic, &format!("{}-{codec}-{turn}", kafka.name("floor")), &more),
            };
            let Took { wall_secs, cpu_secs, brokers_secs } = took;
            println!(
                "{codec:<6} {who:<4} {:>5.0} thousand lines a second, {:>4.0} MB/s, {:>5.0} thousand a \
                 CPU second ({cpu_secs:.2} s), brokers {brokers_secs:.2} CPU s, load {}",
                lines as f64 / wall_secs / 1e3,
                topic.bytes as f64 / wall_secs / 1e6,
                lines as f64 / cpu_secs / 1e3,
                load()
            );
            per_cpu[usize::from(*who == "run")].push(lines as f64 / cpu_secs);
        }
        let [bare, run] = per_cpu.map(|rates| rates.iter().sum::<f64>() / rates.len() as f64);
        println!("{codec:<6} run by bare, a CPU second: {:.0} %", 100.0 * run / bare);
    }
}

/// Reads everything from one queue as large as librdkafka makes it, and counts bytes.
fn bare(topic: &Topic<'_>) -> Took {
    let me = std::process::id();
    let (begin, cpu, broker) = (Instant::now(), cpu_secs(me), brokers_secs());
    let mut config = topic.kafka.client();
    config
        .set("group.id", format!("{}-bare-{}", topic.name, begin.elapsed().as_nanos()))
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("fetch.queue.backoff.ms", "5")
        .set("enable.metrics.push", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[&topic.name]).unwrap();
    let (mut lines, mut bytes) = (0, 0);
    while lines < topic.lines {
        match consumer.poll(Duration::from_secs(10)) {
            Some(Ok(message)) => {
                lines += 1;
                bytes += message.payload_len() as u64;
            }
            Some(Err(error)) => println!("{error}"),
            None => {}
        }
    }
    assert_eq!(bytes, topic.bytes);
    Took {
        wall_secs: begin.elapsed().as_secs_f64(),
        cpu_secs: cpu_secs(me) - cpu,
        brokers_secs: brokers_secs() - broker,
    }
}

/// Reads, tallies and judges everything.
fn run(topic: &Topic<'_>, prefix: &str, more: &str) -> Took {
    let dir = tempfile::tempdir().unwrap();
    let mut run = topic.run(dir.path(), prefix, more);
    let pid = run.service.pid();
    run.wait_tallied(1);
    let (begin, broker) = (Instant::now(), brokers_secs());
    let before = run.committed("tally", &topic.name, PARTITIONS);
    run.wait_tallied(topic.lines);
    let share = (topic.lines - before) as f64 / topic.lines as f64;
    let wall_secs = begin.elapsed().as_secs_f64() / share;
    run.wait_detected();
    let took = Took { wall_secs, cpu_secs: cpu_secs(pid), brokers_secs: brokers_secs() - broker };
    run.stop();
    took
}
