//! Late and disordered records, partitions that say nothing, clocks that are wrong, and old data:
//! the rules of ARCHITECTURE.md on a real broker.

use std::collections::BTreeMap;

use logwake_detector::record::Source;
use logwake_detector::tally::LineCounts;
use logwake_emit::wire;
use serde_json::Value;

use crate::pipeline::{Expected, Pipeline, ids};
use crate::support::kafka::Kafka;
use crate::support::lines::{Seeded, line, shop};
use crate::support::tallies::cover;

const ONE_SHARD: &str = "detect_partitions = 1";

/// Runs over what is produced until everything is tallied; returns what became of the lines.
fn run(pipeline: &Pipeline, expected: Option<&Expected>) -> LineCounts {
    pipeline.produce();
    let service = pipeline.start("a");
    let mut tallies = pipeline.tallies();
    pipeline.wait_for_all(&mut tallies, pipeline.lines());
    if let Some(expected) = expected {
        pipeline.wait_for_results(expected);
    }
    service.stop();
    pipeline.check_lines();
    cover(&tallies.records).lines
}

/// A line with the event time that it states.
fn stated(line: &str) -> i64 {
    let event: Value = serde_json::from_str(line).unwrap();
    let time: jiff::Timestamp = event["@timestamp"].as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}

/// Lines a second of one service from a time on.
fn steady(from_ms: i64, lines: i64, service: &str) -> Vec<String> {
    let say = |number: i64| {
        line(from_ms + number * 1000, service, "INFO", &format!("request {number} served"))
    };
    (0..lines).map(say).collect()
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[test]
fn disorder_within_the_lateness_changes_nothing() {
    let Some(kafka) = Kafka::from_env() else { return };
    let lines = shop(61);
    let ordered = Pipeline::new(Kafka::from_env().unwrap(), &lines, 1, ONE_SHARD);
    let expected = ordered.replay();
    let mut rng = Seeded::new(61);
    let mut shuffled: Vec<(i64, &String)> =
        lines.iter().map(|line| (stated(line) + rng.below(4500) as i64, line)).collect();
    shuffled.sort_by_key(|(arrives, _)| *arrives);
    let shuffled: Vec<String> = shuffled.into_iter().map(|(_, line)| line.clone()).collect();
    assert_ne!(shuffled, lines);
    let pipeline = Pipeline::new(kafka, &shuffled, 1, ONE_SHARD);
    let counts = run(&pipeline, Some(&expected));
    assert_eq!((counts.late, counts.corrected), (0, 0));
    pipeline.check_ids(&expected);
}

#[test]
fn late_records_are_counted_and_change_no_window() {
    let Some(kafka) = Kafka::from_env() else { return };
    let lines = shop(62);
    let ordered = Pipeline::new(Kafka::from_env().unwrap(), &lines, 1, ONE_SHARD);
    let expected = ordered.replay();
    let (before, after) = lines.split_at(lines.len() / 2);
    let old = lines[..300].iter().cloned();
    let with_old: Vec<String> = before.iter().cloned().chain(old).chain(after.to_vec()).collect();
    let pipeline = Pipeline::new(kafka, &with_old, 1, ONE_SHARD);
    let counts = run(&pipeline, Some(&expected));
    assert_eq!((counts.late, counts.corrected), (300, 0));
    pipeline.check_ids(&expected);
}

#[test]
fn a_partition_that_says_nothing_holds_nobody_up() {
    let Some(kafka) = Kafka::from_env() else { return };
    let mut pipeline = Pipeline::new(kafka, &shop(63), 1, ONE_SHARD);
    let expected = pipeline.replay();
    pipeline.kafka.delete_topic(&pipeline.kafka.logs());
    pipeline.kafka.make_topic(&pipeline.kafka.logs(), 3, &[]);
    pipeline.parts.resize(3, Vec::new());
    let counts = run(&pipeline, Some(&expected));
    assert_eq!(counts.late, 0);
    pipeline.check_ids(&expected);
}

#[test]
fn a_clock_that_is_ahead_is_not_believed() {
    let Some(kafka) = Kafka::from_env() else { return };
    let from = now_ms() - 60_000;
    let mut lines = Vec::new();
    for (second, sound) in steady(from, 60, "web").into_iter().enumerate() {
        let at = from + second as i64 * 1000;
        lines.push(sound);
        let ahead = [7_200_000, 4_000_000_000_000 - at][second % 2];
        lines.push(line(at + ahead, "web", "INFO", &format!("request {second} served")));
    }
    let pipeline = Pipeline::new(kafka, &lines, 1, ONE_SHARD);
    let counts = run(&pipeline, None);
    assert_eq!(counts, LineCounts { tallied: 120, late: 0, rejected: 0, corrected: 60 });
}

#[test]
fn clocks_that_differ_by_less_than_the_lateness_lose_nothing() {
    let Some(kafka) = Kafka::from_env() else { return };
    let from = now_ms() - 120_000;
    let (here, there) = (steady(from, 100, "web"), steady(from - 4_000, 100, "api"));
    let lines: Vec<String> = here.into_iter().zip(there).flat_map(|(a, b)| [a, b]).collect();
    let pipeline = Pipeline::new(kafka, &lines, 1, ONE_SHARD);
    let counts = run(&pipeline, None);
    assert_eq!(counts, LineCounts { tallied: 200, ..LineCounts::default() });
}

/// Data of long ago is judged in its own time, as every capture here is; behind data of today it is
/// late.
#[test]
fn old_data_behind_todays_is_late_and_does_no_harm() {
    let Some(kafka) = Kafka::from_env() else { return };
    let today = steady(now_ms() - 300_000, 300, "web");
    let lines: Vec<String> = today.into_iter().chain(shop(64)).collect();
    let pipeline = Pipeline::new(kafka, &lines, 1, ONE_SHARD);
    let counts = run(&pipeline, None);
    assert_eq!(counts.late, lines.len() as u64 - 300);
    assert_eq!(counts.tallied, 300);
    let told = ids(&pipeline.texts("alerts"));
    assert!(told.is_empty(), "{told:?}");
}

/// A partition of long lines and one of short ones, of which a fetch brings ten times as many.
#[test]
fn partitions_of_a_backlog_are_read_in_step() {
    let Some(kafka) = Kafka::from_env() else { return };
    let (from, seconds) = (now_ms() - 7_200_000, 3600);
    let padding = "x".repeat(900);
    let say = |number: i64, more: &str| {
        let message = format!("request {number} served {more}");
        line(from + number * 100, "web", "INFO", &message)
    };
    let more = format!("{ONE_SHARD}\nslots = 1");
    let mut pipeline = Pipeline::new(kafka, &[], 2, &more);
    pipeline.parts = ["", &padding]
        .map(|padding| (0..seconds * 10).map(|number| say(number, padding)).collect())
        .into();
    run(&pipeline, None);
    let tallies = pipeline.kafka.read(&pipeline.kafka.name("tallies"));
    // The first batch of a source after a commit says how far it had come then.
    let mut reached: BTreeMap<i64, BTreeMap<Source, i64>> = BTreeMap::new();
    for record in &tallies {
        let batch = wire::decode_tally(&record.payload).unwrap();
        let Some(newest) = batch.newest else { continue };
        let at_commit = reached.entry(batch.wall.as_nanos()).or_default();
        at_commit.entry(batch.source).or_insert(newest.as_nanos() / 1_000_000);
    }
    let end = from + (seconds - 60) * 1000;
    let both = reached.values().filter(|sources| sources.len() == 2);
    let apart = both.map(|sources| {
        let (least, most) = (sources.values().min().unwrap(), sources.values().max().unwrap());
        if *most > end { 0 } else { most - least }
    });
    // A window, and what is read between two looks at the clock: 256 lines.
    let apart = apart.max().unwrap();
    assert!(apart <= 10_000 + 2 * 25_600, "{apart} ms apart");
}
