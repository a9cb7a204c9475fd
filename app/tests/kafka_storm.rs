//! `logwake run` in storms: processes killed, stopped and continued, joining and leaving, and brokers
//! killed and restarted under load; whatever happened, the outputs are those of a replay.
//!
//! Needs real Apache Kafka, named in `LOGWAKE_TEST_KAFKA`; three brokers of `scripts/kafka` are killed
//! as well, any others are left alone.
//! `LOGWAKE_STORM_SEED` is the first seed, `LOGWAKE_STORM_RUNS` how many there are, and
//! `LOGWAKE_STORM_REST_SECS` how long everything may take to come to rest.
//! With `LOGWAKE_STORM_FIGURES` set it also measures how soon lines are judged again, and what exactly
//! once costs.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "tests")]

mod support;

#[path = "storm/brokers.rs"]
mod brokers;
#[path = "storm/figures.rs"]
mod figures;
#[path = "storm/fleet.rs"]
mod fleet;
#[path = "kafka/pipeline.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod pipeline;
#[path = "storm/schedule.rs"]
mod schedule;
#[path = "storm/speed.rs"]
mod speed;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use brokers::Brokers;
use fleet::Fleet;
use pipeline::{Expected, Pipeline};
use schedule::{Fault, Schedule};
use support::kafka::{Kafka, Tail};
use support::lines::busy_shop;
use support::program::logwake;
use support::tallies::Follow;

/// Lines of a second of event time; there are ten minutes of them.
const LINES_A_SECOND: u64 = 40;
/// Longest wait of a fault for some lines to be read since the one before: in a group that only ever
/// rebalances there is little to go wrong.
const PROGRESS_MAX: Duration = Duration::from_secs(4);
/// Small batches and fetches, so that every fault finds the log half read.
const BATCH: usize = 50;
/// However long a storm keeps a partition from being read, the others wait for it, as in a replay.
const SLOW: &str = r#"detect_partitions = 2
consumer_properties."fetch.message.max.bytes" = "8000"
consumer_properties."queued.min.messages" = "1"
consumer_properties."queued.max.messages.kbytes" = "64"
[detect]
hold_max = "1h"
stall_after = "1h"
"#;

#[test]
fn whatever_happens_the_outputs_are_those_of_a_replay() {
    let Some(kafka) = Kafka::from_env() else { return };
    let (seed, runs) = (number("LOGWAKE_STORM_SEED", 1), number("LOGWAKE_STORM_RUNS", 2));
    let brokers = Brokers::find(&kafka);
    eprintln!("brokers are {}", if brokers.is_some() { "killed too" } else { "left alone" });
    let failed: Vec<u64> = (seed..seed + runs)
        .filter(|seed| {
            let begin = Instant::now();
            let is_good = catch_unwind(AssertUnwindSafe(|| weather(*seed, brokers.as_ref())));
            let outcome = if is_good.is_ok() { "held" } else { "FAILED" };
            eprintln!("storm {seed}: {outcome} after {} s", begin.elapsed().as_secs());
            is_good.is_err()
        })
        .collect();
    eprintln!("{} of {runs} storms held", runs - failed.len() as u64);
    assert!(failed.is_empty(), "storms {failed:?}");
}

fn number(name: &str, or: u64) -> u64 {
    std::env::var(name).map_or(or, |value| value.parse().unwrap_or_else(|_| panic!("{name}")))
}

/// Longest wait for everything to come to rest.
fn rest_max() -> Duration {
    Duration::from_secs(number("LOGWAKE_STORM_REST_SECS", 150))
}

/// Runs the storm of a seed and compares what came of it.
fn weather(seed: u64, brokers: Option<&Brokers>) {
    let schedule = Schedule::new(seed, brokers.is_some());
    eprint!("{schedule}");
    let up = brokers.map(Brokers::keep_up);
    let lines = busy_shop(seed, LINES_A_SECOND);
    let more = format!("slots = {}\n{SLOW}", schedule.slots);
    let pipeline = Pipeline::new(Kafka::from_env().unwrap(), &lines, schedule.partitions, &more);
    let expected = pipeline.replay();
    pipeline.produce_in_batches(BATCH);
    let mut fleet = Fleet::new(&pipeline);
    for commit in &schedule.commits {
        fleet.join(commit);
    }
    fleet.wait_for_first();
    drop(up);
    let mut tallies = Follow::new(pipeline.tallies());
    let begin = Instant::now();
    storm(&schedule, &pipeline, &mut fleet, &mut tallies, brokers);
    let (stormed, read) = (begin.elapsed(), tallies.read().lines.total());
    rest(&pipeline, &expected, &mut tallies);
    let rested = begin.elapsed() - stormed;
    suffer(&schedule.last, &pipeline, &mut fleet, brokers);
    while fleet.wake() {
        std::thread::sleep(Duration::from_millis(20));
    }
    fleet.settle();
    let batches = tallies.read().batches.clone();
    tallies.wait("two heartbeats of each source", rest_max(), |covered| {
        batches.iter().all(|(source, count)| covered.batches[source] >= count + 2)
    });
    let up = brokers.map(Brokers::keep_up);
    fleet.stop_all();
    let total = pipeline.lines();
    eprintln!(
        "  stormed {stormed:.1?}, {read} of {total} lines read by then, at rest after {rested:.1?}"
    );
    compare(&pipeline, &expected);
    pipeline.delete_topics();
    drop(up);
}

/// Goes through the steps, and lets everything come back.
fn storm(
    schedule: &Schedule,
    pipeline: &Pipeline,
    fleet: &mut Fleet<'_>,
    tallies: &mut Follow,
    brokers: Option<&Brokers>,
) {
    let mut down = Vec::new();
    let share = pipeline.lines() / (2 * schedule.steps.len() as u64);
    for step in &schedule.steps {
        let (begin, read) = (Instant::now(), tallies.read().lines.total());
        let is_time = |lines: u64| {
            let waited = begin.elapsed();
            waited >= step.after + PROGRESS_MAX || (waited >= step.after && lines >= read + share)
        };
        while !is_time(tallies.read().lines.total()) {
            fleet.wake();
        }
        down.extend(suffer(&step.fault, pipeline, fleet, brokers));
    }
    while fleet.wake() {
        std::thread::sleep(Duration::from_millis(20));
    }
    fleet.settle();
    down.into_iter().for_each(|broker: JoinHandle<()>| broker.join().unwrap());
    fleet.settle();
}

fn suffer(
    fault: &Fault,
    pipeline: &Pipeline,
    fleet: &mut Fleet<'_>,
    brokers: Option<&Brokers>,
) -> Option<JoinHandle<()>> {
    match *fault {
        Fault::Kill { who, back } => fleet.kill(who, back),
        Fault::Pause { who, span } => fleet.pause(who, span),
        Fault::Join { commit } => _ = fleet.join(commit),
        Fault::Leave { who } => fleet.leave(who),
        Fault::Broker { node, is_killed, down } => {
            return brokers.map(|all| all.take_down(&pipeline.kafka, node, is_killed, down));
        }
    }
    None
}

/// Waits until everything is read and told.
fn rest(pipeline: &Pipeline, expected: &Expected, tallies: &mut Follow) {
    let (lines, sources) = (pipeline.lines(), pipeline.parts.len());
    tallies.wait(&format!("{lines} lines in {sources} sources"), rest_max(), |covered| {
        covered.lines.total() >= lines
            && covered.idle.len() == sources
            && covered.idle.values().all(|idle| *idle)
    });
    for (suffix, wanted) in [
        ("anomalies", expected.anomalies.len()),
        ("alerts", expected.alerts.len()),
        ("decisions", expected.decisions.len()),
    ] {
        let mut tail: Tail = pipeline.kafka.tail(&pipeline.kafka.name(suffix));
        tail.wait_for(&format!("{wanted} {suffix}"), rest_max(), |records| records.len() >= wanted);
    }
}

/// Returns the texts that are not among the others, or not as often.
fn without(texts: &[String], others: &[String]) -> Vec<String> {
    let (mut texts, mut others) = (texts.to_vec(), others.to_vec());
    texts.sort_unstable();
    others.sort_unstable();
    let mut others = others.into_iter().peekable();
    texts.retain(|text| {
        while others.next_if(|other| other < text).is_some() {}
        others.next_if_eq(text).is_none()
    });
    texts
}

/// Everything once, nothing else, and `logwake verify` proves it.
fn compare(pipeline: &Pipeline, expected: &Expected) {
    pipeline.check_lines();
    pipeline.check_ids(expected);
    for (suffix, wanted) in [
        ("anomalies", &expected.anomalies),
        ("alerts", &expected.alerts),
        ("decisions", &expected.decisions),
    ] {
        let found = pipeline.texts(suffix);
        let (lacking, excess) = (without(wanted, &found), without(&found, wanted));
        assert!(
            lacking.is_empty() && excess.is_empty(),
            "{suffix}: lacking {lacking:#?}, too many {excess:#?}"
        );
    }
    let config = pipeline.config_of("a");
    let proof = logwake(&["verify", "-c", config.to_str().unwrap()]).done();
    assert!(proof.ends_with("nothing lost, nothing twice\n"), "{proof}");
    assert!(proof.contains(", 0 to go"), "{proof}");
}
