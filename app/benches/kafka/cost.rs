//! What each stage takes for a million lines: CPU, messages and bytes between the stages, and state.

use std::time::{Duration, Instant};

use logwake_benches::storage_stream;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::process::{brokers_secs, cpu_by_thread, load, memory_mib};
use crate::support::kafka::Kafka;
use crate::topic::Topic;

const SHARDS: i32 = 4;

/// Reads `lines` with `run`, then watches it for a while with nothing to read.
pub fn measure(kafka: &Kafka, lines: u64, per_sec: u64, partitions: i32) {
    let input = storage_stream(1, per_sec).take(lines as usize);
    let topic = Topic::fill(kafka, "lz4", partitions, input);
    let dir = tempfile::tempdir().unwrap();
    let mut run = topic.run(dir.path(), &kafka.prefix, "");
    let pid = run.service.pid();
    let (begin, brokers) = (Instant::now(), brokers_secs());
    run.wait_tallied(lines);
    run.wait_detected();
    let millions = lines as f64 / 1e6;
    println!(
        "{lines} lines in {partitions} partitions, {per_sec} in a second of event time, in {:.1} s, load {}",
        begin.elapsed().as_secs_f64(),
        load()
    );
    let busy = cpu_by_thread(pid);
    println!("CPU seconds a million lines: {}", shares(&busy, millions));
    println!("  brokers {:.2}", (brokers_secs() - brokers) / millions);
    for (suffix, partitions) in [("tallies", SHARDS), ("findings", 1), ("state.tally", 0)] {
        let (messages, bytes) = volume(kafka, &kafka.name(suffix), partitions);
        println!(
            "{suffix}: {:.0} messages and {:.0} kB a million lines",
            messages as f64 / millions,
            bytes as f64 / 1e3 / millions
        );
    }
    println!("{}", run.metrics(&["logwake_templates", "logwake_state_bytes"]));
    let (idle, brokers) = (Instant::now(), brokers_secs());
    let before = cpu_by_thread(pid);
    let messages = |run: &crate::topic::Run<'_>| run.ends("tallies", SHARDS);
    let tallies = messages(&run);
    std::thread::sleep(Duration::from_secs(10));
    let secs = idle.elapsed().as_secs_f64();
    let mut after = cpu_by_thread(pid);
    after.iter_mut().for_each(|(name, secs)| *secs -= before.get(name).copied().unwrap_or(0.0));
    println!(
        "with nothing to read, cores: {}, brokers {:.3}; {:.0} messages a second to the tallies; {} MiB",
        shares(&after, secs),
        (brokers_secs() - brokers) / secs,
        (messages(&run) - tallies) as f64 / secs,
        memory_mib(pid, "VmRSS:")
    );
    run.stop();
}

fn shares(threads: &std::collections::BTreeMap<String, f64>, by: f64) -> String {
    let named = |name: &String| {
        if name.starts_with("rdk:") { "librdkafka" } else { name.as_str() }.to_owned()
    };
    let mut sums = std::collections::BTreeMap::new();
    for (name, secs) in threads {
        *sums.entry(named(name)).or_insert(0.0) += secs / by;
    }
    sums.retain(|_, secs| *secs >= 0.0005);
    sums.iter().map(|(name, secs)| format!("{name} {secs:.3}")).collect::<Vec<_>>().join(", ")
}

/// Messages and bytes of keys and payloads of a topic.
fn volume(kafka: &Kafka, topic: &str, partitions: i32) -> (u64, u64) {
    let mut config = kafka.client();
    config.set("group.id", "bench").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.create().unwrap();
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).unwrap();
    let found = metadata.topics()[0].partitions().len() as i32;
    let mut list = TopicPartitionList::new();
    let count = if partitions == 0 { found } else { partitions };
    for partition in 0..count {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut messages, mut bytes, mut ended) = (0, 0, 0);
    while ended < count {
        match consumer.poll(Duration::from_secs(10)) {
            Some(Ok(message)) => {
                messages += 1;
                bytes += (message.payload_len() + message.key_len()) as u64;
            }
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => println!("{error}"),
            None => break,
        }
    }
    (messages, bytes)
}
