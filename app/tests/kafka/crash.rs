//! Stops, restarts and `kill -9` in mid-stream.

use crate::pipeline::Pipeline;
use crate::support::kafka::{Kafka, Tail};
use crate::support::lines::{Seeded, shop};
use crate::support::tallies::cover;

/// Small fetches, so that a stop finds the stream half read.
pub const SLOW: &str = r#"detect_partitions = 2
consumer_properties."fetch.message.max.bytes" = "20000"
consumer_properties."queued.min.messages" = "1"
consumer_properties."queued.max.messages.kbytes" = "64"
"#;

/// Waits until so many lines are tallied.
#[track_caller]
pub fn wait_for_share(tallies: &mut Tail, lines: u64) {
    tallies.wait(&format!("{lines} lines"), |records| cover(records).lines.total() >= lines);
}

#[test]
fn a_restart_goes_on_with_what_was_learned() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &shop(21), 1, "detect_partitions = 1");
    let expected = pipeline.replay();
    let (topic, lines) = (pipeline.kafka.logs(), &pipeline.parts[0]);
    let (first, rest) = lines.split_at(lines.len() * 2 / 3);
    pipeline.kafka.produce(&topic, 0, first);
    let service = pipeline.start("a");
    let mut tallies = pipeline.tallies();
    wait_for_share(&mut tallies, first.len() as u64 / 2);
    service.stop();
    let service = pipeline.start("a");
    pipeline.wait_for_all(&mut tallies, first.len() as u64);
    service.stop();
    pipeline.kafka.produce(&topic, 0, rest);
    let service = pipeline.start("a");
    pipeline.wait_for_all(&mut tallies, pipeline.lines());
    pipeline.wait_for_results(&expected);
    service.stop();
    pipeline.check_lines();
    pipeline.check_ids(&expected);
}

/// Heartbeats number the batches of a source that has nothing to say; a restart that forgot them
/// gave the next lines numbers that the detect stage took for repetitions, and dropped them.
#[test]
fn a_restart_after_idle_heartbeats_counts_what_comes_then() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &shop(22), 1, "detect_partitions = 1");
    let expected = pipeline.replay();
    let (topic, lines) = (pipeline.kafka.logs(), &pipeline.parts[0]);
    let (first, rest) = lines.split_at(lines.len() / 2);
    pipeline.kafka.produce(&topic, 0, first);
    let service = pipeline.start("a");
    let mut tallies = pipeline.tallies();
    pipeline.wait_for_all(&mut tallies, first.len() as u64);
    let batches = cover(&tallies.records).batches[&format!("{topic}/0")];
    tallies.wait("three heartbeats", |records| {
        cover(records).batches[&format!("{topic}/0")] >= batches + 3
    });
    service.kill();
    pipeline.kafka.produce(&topic, 0, rest);
    let service = pipeline.start("a");
    pipeline.wait_for_all(&mut tallies, pipeline.lines());
    pipeline.wait_for_results(&expected);
    service.stop();
    pipeline.check_lines();
    pipeline.check_ids(&expected);
}

/// A process that was stopped for longer than its session went on to number batches of a partition
/// that another had taken over: it had nothing to say but that it is there, and brokers take a
/// transaction without offsets from anybody.
#[test]
fn a_process_that_was_stopped_says_nothing_of_what_it_lost() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &shop(24), 1, "detect_partitions = 1");
    let expected = pipeline.replay();
    let (topic, lines) = (pipeline.kafka.logs(), &pipeline.parts[0]);
    let (first, rest) = lines.split_at(lines.len() / 2);
    pipeline.kafka.produce(&topic, 0, first);
    let stopped = pipeline.start("a");
    let mut tallies = pipeline.tallies();
    pipeline.wait_for_all(&mut tallies, first.len() as u64);
    let source = format!("{topic}/0");
    let mut wait_for_heartbeats = || {
        let batches = cover(&tallies.records).batches[&source];
        tallies.wait("heartbeats", |records| cover(records).batches[&source] >= batches + 3);
    };
    stopped.signal("STOP");
    let other = pipeline.start("b");
    wait_for_heartbeats();
    stopped.signal("CONT");
    wait_for_heartbeats();
    pipeline.kafka.produce(&topic, 0, rest);
    pipeline.wait_for_all(&mut tallies, pipeline.lines());
    pipeline.wait_for_results(&expected);
    stopped.stop();
    other.stop();
    pipeline.check_lines();
    pipeline.check_ids(&expected);
}

#[test]
fn kills_in_mid_stream_lose_nothing_and_double_nothing() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &shop(23), 2, SLOW);
    let expected = pipeline.replay();
    pipeline.produce();
    let mut rng = Seeded::new(23);
    let mut service = pipeline.start("a");
    let mut tallies = pipeline.tallies();
    let kills = 5;
    for kill in 0..kills {
        let share = (kill * 100 + rng.below(100)) * pipeline.lines() / (kills * 100);
        wait_for_share(&mut tallies, share);
        service.kill();
        service = pipeline.start("a");
    }
    pipeline.wait_for_all(&mut tallies, pipeline.lines());
    pipeline.wait_for_results(&expected);
    service.stop();
    pipeline.check_lines();
    pipeline.check_ids(&expected);
}

#[test]
fn a_changed_configuration_is_taken_over_at_sighup_and_a_wrong_one_is_not() {
    let Some(kafka) = Kafka::from_env() else { return };
    let lines = shop(26);
    let pipeline = Pipeline::new(kafka, &lines, 1, "");
    let expected = pipeline.replay();
    let mut service = pipeline.start("a");
    service.wait_for_log("running");
    let path = pipeline.config_of("a");
    let sound = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{sound}\n[alerts]\nopen_wait = 1\n")).unwrap();
    service.signal("HUP");
    service.wait_for_log("is not taken over");
    std::fs::write(&path, &sound).unwrap();
    service.signal("HUP");
    service.wait_for_log("nothing else changed");
    std::fs::write(&path, format!("{sound}\n[alerts]\nopen_weight = 1000.0\n")).unwrap();
    service.signal("HUP");
    service.wait_for_log("is taken over");
    pipeline.produce();
    pipeline.wait_for_all(&mut pipeline.tallies(), pipeline.lines());
    let mut anomalies = pipeline.kafka.tail(&pipeline.kafka.name("anomalies"));
    anomalies.wait("anomalies", |records| records.len() >= expected.anomalies.len());
    service.stop();
    pipeline.check_lines();
    pipeline.check_ids(&expected);
    assert!(pipeline.texts("alerts").is_empty(), "the changed weight opens nothing");
}
