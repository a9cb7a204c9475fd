//! What nothing can handle: it is set aside, and whatever comes after it is judged as usual.

use logwake_emit::wire::snapshot;

use crate::crash::SLOW;
use crate::pipeline::Pipeline;
use crate::support::kafka::{Kafka, Record, Sender};
use crate::support::lines::{busy_shop, shop};
use crate::support::program::logwake;
use crate::support::tallies::cover;

/// Bytes that librdkafka does not unpack from zstd: beyond its `receive.message.max.bytes`.
const BOMB_BYTES: usize = 110_000_000;

fn header<'a>(record: &'a Record, name: &str) -> &'a str {
    record.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// Produces a batch that takes little on the broker and too much at the reader.
fn produce_bomb(kafka: &Kafka, topic: &str) {
    let mut client = kafka.client();
    client.set("compression.type", "zstd").set("message.max.bytes", "1000000000");
    client.set("batch.size", "2147483647");
    let bomb = vec![b'A'; BOMB_BYTES];
    Sender::new(&client).send(topic, 0, std::iter::once((None, bomb.as_slice())));
}

#[track_caller]
fn check_proof(pipeline: &Pipeline, instance: &str) {
    let config = pipeline.config_of(instance);
    let proof = logwake(&["verify", "-c", config.to_str().unwrap()]).done();
    assert!(proof.ends_with("nothing lost, nothing twice\n"), "{proof}");
}

#[test]
fn a_batch_that_cannot_be_unpacked_is_stepped_over() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &shop(73), 1, "detect_partitions = 1");
    let topic = pipeline.kafka.logs();
    let (first, rest) = pipeline.parts[0].split_at(4_000);
    pipeline.kafka.produce(&topic, 0, first);
    produce_bomb(&pipeline.kafka, &topic);
    produce_bomb(&pipeline.kafka, &topic);
    pipeline.kafka.produce(&topic, 0, rest);
    let service = pipeline.start("a");
    pipeline.wait_for_all(&mut pipeline.tallies(), pipeline.lines() + 2);
    let expected = pipeline.replay();
    pipeline.wait_for_results(&expected);
    service.stop();
    let lines = cover(&pipeline.read("tallies")).lines;
    assert_eq!((lines.tallied, lines.rejected), (pipeline.lines(), 2));
    let letters = pipeline.read("deadletter");
    assert_eq!(letters.len(), 1);
    let headers = ["logwake.reason", "logwake.source.offset", "logwake.offset.end"];
    let said = headers.map(|name| header(&letters[0], name));
    assert_eq!(said, ["unreadable_batch", "4000", "4002"]);
    check_proof(&pipeline, "a");
}

/// Flips a bit in the middle of the newest value of a key.
fn damage(pipeline: &Pipeline, suffix: &str, key: &str) {
    let records = pipeline.read(suffix);
    let newest = records.iter().rfind(|record| record.key == key).expect("a state was written");
    let mut payload = newest.payload.clone();
    let middle = payload.len() / 2;
    payload[middle] ^= 0x10;
    let sender = pipeline.kafka.producer(100);
    let value = std::iter::once((Some(key), payload.as_slice()));
    sender.send(&pipeline.kafka.name(suffix), newest.partition, value);
}

#[test]
fn a_damaged_state_stops_no_stage_and_loses_nothing() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &busy_shop(48, 40), 1, SLOW);
    let expected = pipeline.replay();
    let (topic, part) = (pipeline.kafka.logs(), &pipeline.parts[0]);
    let (first, rest) = part.split_at(part.len() / 2);
    pipeline.kafka.produce(&topic, 0, first);
    let service = pipeline.start("a");
    pipeline.wait_for_all(&mut pipeline.tallies(), first.len() as u64);
    service.stop();
    let chunk = |input: &str, number: i32| format!("{}#0", snapshot::manifest_key(input, number));
    damage(&pipeline, "state.tally", &chunk(&topic, 0));
    for shard in 0..2 {
        let key = snapshot::manifest_key(&pipeline.kafka.name("tallies"), shard);
        damage(&pipeline, "state.detect", &key);
    }
    damage(&pipeline, "state.alert", &chunk(&pipeline.kafka.name("findings"), 0));

    let service = pipeline.start("a");
    pipeline.kafka.produce(&topic, 0, rest);
    pipeline.wait_for_all(&mut pipeline.tallies(), pipeline.lines());
    pipeline.wait_for_results(&expected);
    let log = service.log();
    service.stop();
    assert_eq!(cover(&pipeline.read("tallies")).lines.total(), pipeline.lines());
    pipeline.check_ids(&expected);
    assert_eq!(pipeline.texts("alerts"), expected.alerts);
    assert_eq!(log.matches("is damaged").count(), 4, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn events_are_cut_to_what_their_topic_takes() {
    let Some(kafka) = Kafka::from_env() else { return };
    let more = "detect_partitions = 1\nproducer_properties.\"compression.type\" = \"none\"\n";
    let pipeline = Pipeline::new(kafka, &busy_shop(49, 40), 1, more);
    let expected = pipeline.replay();
    let longest = |texts: &[String]| texts.iter().map(String::len).max().unwrap();
    let limit = longest(&expected.alerts) * 3 / 4;
    assert!(limit > 2_500, "alerts are long enough to be cut");
    let size = (limit + 300).to_string();
    for suffix in ["anomalies", "alerts", "decisions"] {
        let name = pipeline.kafka.name(suffix);
        pipeline.kafka.make_topic(&name, 1, &[("max.message.bytes", &size)]);
    }
    pipeline.produce();
    let service = pipeline.start("a");
    pipeline.wait_for_all(&mut pipeline.tallies(), pipeline.lines());
    pipeline.wait_for_results(&expected);
    let log = service.log();
    service.stop();
    pipeline.check_ids(&expected);
    let alerts = pipeline.read("alerts");
    assert_eq!(alerts.len(), expected.alerts.len());
    let cut = alerts.iter().filter(|alert| !header(alert, "logwake.payload.bytes").is_empty());
    assert!(cut.count() > 0, "no alert was cut");
    assert!(log.contains("was cut to its limit"), "{log}");
}
