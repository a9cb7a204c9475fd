//! Topics that come and go, and payloads that no decoder takes.

use serde_json::{Map, Value};

use crate::pipeline::Pipeline;
use crate::support::kafka::Kafka;
use crate::support::lines::{line, shop};
use crate::support::schema;
use crate::support::tallies::{check_tiles, cover};

const STRICT: &str = "detect_partitions = 1\n[input]\nformat = \"json\"\n";

#[test]
fn a_log_topic_that_is_missing_is_read_once_it_is_there() {
    let Some(kafka) = Kafka::from_env() else { return };
    let dir = tempfile::tempdir().unwrap();
    let config = kafka.config("a", "detect_partitions = 1");
    let mut service = crate::support::program::Service::start(dir.path(), "a", &config);
    service.wait_for_log("running");
    kafka.wait_until(&kafka.logs(), |found| found > 0);
    let lines = shop(51);
    kafka.produce(&kafka.logs(), 0, &lines);
    let mut tallies = kafka.tail(&kafka.name("tallies"));
    tallies.wait("all lines", |records| cover(records).lines.total() >= lines.len() as u64);
    service.stop();
    check_tiles(&kafka.read(&kafka.name("tallies")));
}

#[test]
fn a_poison_payload_is_a_dead_letter_and_the_rest_goes_on() {
    let Some(kafka) = Kafka::from_env() else { return };
    let topic = kafka.logs();
    kafka.make_topic(&topic, 1, &[("max.message.bytes", "8000000")]);
    let dir = tempfile::tempdir().unwrap();
    let good: Vec<Vec<u8>> = shop(52).into_iter().take(500).map(String::into_bytes).collect();
    let poison: [Vec<u8>; 3] = [b"{\"message\": ".to_vec(), b"[1]".to_vec(), vec![b'x'; 2_000_000]];
    let payloads: Vec<Vec<u8>> =
        good.iter().take(200).chain(&poison).chain(good.iter().skip(200)).cloned().collect();
    kafka.produce(&topic, 0, &payloads);
    let config = kafka.config("a", STRICT);
    let service = crate::support::program::Service::start(dir.path(), "a", &config);
    let mut tallies = kafka.tail(&kafka.name("tallies"));
    tallies.wait("all lines", |records| cover(records).lines.total() >= 503);
    service.stop();
    let lines = cover(&tallies.records).lines;
    assert_eq!((lines.tallied, lines.rejected), (500, 3));
    let letters = kafka.read(&kafka.name("deadletter"));
    let validator = schema::validator("deadletter");
    for letter in &letters {
        let headers = letter.headers.iter().map(|(key, value)| (key.clone(), value.clone().into()));
        schema::check(&validator, &Value::Object(headers.collect::<Map<_, _>>()));
    }
    let header = |idx: usize, name: &str| -> &str {
        letters[idx].headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    };
    assert_eq!(letters.len(), 3);
    assert_eq!(letters[0].payload, poison[0]);
    assert_eq!(header(0, "logwake.source.offset"), "200");
    assert_eq!(header(0, "logwake.reason"), "invalid_json");
    assert_eq!(header(1, "logwake.reason"), "not_an_object");
    assert_eq!(header(2, "logwake.reason"), "too_long");
    assert_eq!(header(2, "logwake.payload.bytes"), "2000000");
    assert_eq!(letters[2].payload, poison[2][..1_000_000]);
}

/// Lines that are all different made one tally greater than what a producer takes by default, and
/// the stage tried it again for ever.
#[test]
fn lines_that_are_all_different_and_long_pass() {
    let Some(kafka) = Kafka::from_env() else { return };
    let words = |mut number: u64| {
        let mut word = || {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let letter = |shift: u32| char::from(b'a' + ((number >> shift) % 26) as u8);
            [33, 38, 43, 48, 53, 58].map(letter).iter().collect::<String>()
        };
        (0..500).map(|_| word()).collect::<Vec<_>>().join(" ")
    };
    let lines: Vec<String> =
        (0..1500).map(|idx| line(1_772_366_400_000, "soup", "INFO", &words(idx))).collect();
    let more = "detect_partitions = 1\ncommit_interval = \"5s\"\n";
    let pipeline = Pipeline::new(kafka, &lines, 1, "");
    pipeline.produce();
    let config = pipeline.kafka.config("a", more).replacen("commit_interval = \"50ms\"\n", "", 1);
    let service = crate::support::program::Service::start(pipeline.dir.path(), "a", &config);
    let mut tallies = pipeline.tallies();
    tallies.wait("all lines", |records| cover(records).lines.total() >= lines.len() as u64);
    service.stop();
    pipeline.check_lines();
}

#[test]
fn a_log_topic_deleted_and_made_anew_is_read_from_its_beginning() {
    let Some(kafka) = Kafka::from_env() else { return };
    let topic = kafka.logs();
    kafka.make_topic(&topic, 1, &[]);
    let dir = tempfile::tempdir().unwrap();
    let lines = shop(54);
    let (first, second) = lines.split_at(5_000);
    kafka.produce(&topic, 0, first);
    let config = kafka.config("a", "detect_partitions = 1");
    let service = crate::support::program::Service::start(dir.path(), "a", &config);
    let mut tallies = kafka.tail(&kafka.name("tallies"));
    tallies.wait("first lines", |records| cover(records).lines.total() >= first.len() as u64);
    kafka.delete_topic(&topic);
    kafka.make_topic(&topic, 1, &[]);
    kafka.produce(&topic, 0, second);
    tallies.wait("lines of the new topic", |records| {
        cover(records).lines.total() >= lines.len() as u64
    });
    service.stop();
    assert_eq!(cover(&tallies.records).lines.total(), lines.len() as u64);
}
