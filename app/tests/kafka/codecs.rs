//! What producers choose: codecs, and bytes that nothing decodes.

use crate::support::kafka::{Kafka, Sender};
use crate::support::lines::shop;
use crate::support::program::Service;
use crate::support::tallies::cover;

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

#[test]
fn every_codec_is_read() {
    let Some(kafka) = Kafka::from_env() else { return };
    let topic = kafka.logs();
    kafka.make_topic(&topic, CODECS.len() as i32, &[]);
    let lines = shop(71);
    for (codec, partition) in CODECS.iter().zip(0..) {
        let mut client = kafka.client();
        client.set("compression.type", *codec).set("linger.ms", "20");
        let sender = Sender::new(&client);
        sender.send(&topic, partition, lines.iter().map(|line| (None, line.as_bytes())));
    }
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), "a", &kafka.config("a", "detect_partitions = 1"));
    let total = (lines.len() * CODECS.len()) as u64;
    let mut tallies = kafka.tail(&kafka.name("tallies"));
    tallies.wait("all lines", |records| cover(records).lines.total() >= total);
    service.stop();
    assert_eq!(cover(&tallies.records).lines.tallied, total);
}

#[test]
fn a_partition_of_poison_does_not_hold_the_others() {
    let Some(kafka) = Kafka::from_env() else { return };
    let topic = kafka.logs();
    kafka.make_topic(&topic, 3, &[]);
    let lines = shop(72);
    let poison: Vec<Vec<u8>> =
        (0..2000).map(|number| format!("{{\"{number}\u{1}").into_bytes()).collect();
    kafka.produce(&topic, 0, &lines);
    kafka.produce(&topic, 1, &poison);
    kafka.produce(&topic, 2, &lines);
    let config = kafka.config("a", "detect_partitions = 1\n[input]\nformat = \"json\"\n");
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), "a", &config);
    let (good, bad) = (2 * lines.len() as u64, poison.len() as u64);
    let mut tallies = kafka.tail(&kafka.name("tallies"));
    tallies.wait("all lines", |records| cover(records).lines.total() >= good + bad);
    let mut letters = kafka.tail(&kafka.name("deadletter"));
    letters.wait("all dead letters", |records| records.len() >= poison.len());
    let mut anomalies = kafka.tail(&kafka.name("anomalies"));
    anomalies.wait("anomalies of the others", |records| !records.is_empty());
    service.stop();
    let counted = cover(&tallies.records).lines;
    assert_eq!((counted.tallied, counted.rejected), (good, bad));
}
