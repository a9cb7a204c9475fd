//! A log topic, and a process of `logwake run` over it.

use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::support::kafka::Kafka;
use crate::support::program::Service;

/// Lines that a partition gets in a row, as a producer without keys deals them out.
const BURST: usize = 500;

/// Where the process that is measured tells its metrics.
const HTTP: &str = "127.0.0.1:29464";

/// A topic of log lines.
pub struct Topic<'a> {
    pub kafka: &'a Kafka,
    pub name: String,
    pub partitions: i32,
    pub lines: u64,
    pub bytes: u64,
}

impl<'a> Topic<'a> {
    /// Makes the topic.
    pub fn make(kafka: &'a Kafka, codec: &str, partitions: i32) -> Self {
        let name = format!("{}-{codec}", kafka.logs());
        kafka.make_topic(&name, partitions, &[("segment.bytes", "268435456")]);
        Self { kafka, name, partitions, lines: 0, bytes: 0 }
    }

    /// Makes the topic and fills it.
    pub fn fill(
        kafka: &'a Kafka,
        codec: &str,
        partitions: i32,
        lines: impl Iterator<Item = String>,
    ) -> Self {
        let mut topic = Self::make(kafka, codec, partitions);
        let producer = producer(kafka, codec);
        for (number, line) in lines.enumerate() {
            let partition = (number / BURST) as i32 % partitions;
            send(&producer, &topic.name, partition, &line);
            topic.lines += 1;
            topic.bytes += line.len() as u64;
        }
        producer.flush(Duration::from_secs(60)).unwrap();
        topic
    }

    /// Starts `run` over the topic under a prefix of its own; `more` goes at the end of `[kafka]`.
    pub fn run(&self, dir: &Path, prefix: &str, more: &str) -> Run<'_> {
        let config = format!(
            "[http]\nlisten = \"{HTTP}\"\n[kafka]\nbrokers = [\"{}\"]\ntopics = [\"{}\"]\n\
             prefix = \"{prefix}\"\ninstance = \"{prefix}\"\n{more}\n",
            self.kafka.bootstrap, self.name
        );
        let service = Service::start(dir, prefix, &config);
        Run { topic: self, prefix: prefix.to_owned(), service, groups: Vec::new() }
    }
}

impl Drop for Topic<'_> {
    fn drop(&mut self) {
        self.kafka.delete_topics(&[&self.name]);
    }
}

/// Makes a producer that packs much into a batch.
pub fn producer(kafka: &Kafka, codec: &str) -> ThreadedProducer<DefaultProducerContext> {
    let mut client = kafka.client();
    client.set("linger.ms", "50").set("batch.size", "1000000").set("compression.type", codec);
    client.create().unwrap()
}

/// Produces one line, after a wait where too many are on their way.
pub fn send(
    producer: &ThreadedProducer<DefaultProducerContext>,
    topic: &str,
    partition: i32,
    line: &str,
) {
    let mut record: BaseRecord<'_, (), str> =
        BaseRecord::to(topic).partition(partition).payload(line);
    while let Err((error, back)) = producer.send(record) {
        assert!(
            matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)),
            "{error}"
        );
        std::thread::sleep(Duration::from_millis(1));
        record = back;
    }
}

/// A running process and the groups of its stages.
pub struct Run<'a> {
    topic: &'a Topic<'a>,
    pub prefix: String,
    pub service: Service,
    groups: Vec<(String, BaseConsumer)>,
}

impl Run<'_> {
    /// Returns how many messages of a topic a stage has committed.
    pub fn committed(&mut self, stage: &str, topic: &str, partitions: i32) -> u64 {
        let group = format!("{}-{stage}", self.prefix);
        if !self.groups.iter().any(|(known, _)| *known == group) {
            let mut client: ClientConfig = self.topic.kafka.client();
            let consumer = client.set("group.id", &group).create().unwrap();
            self.groups.push((group.clone(), consumer));
        }
        let consumer = &self.groups.iter().find(|(known, _)| *known == group).unwrap().1;
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition(topic, partition);
        }
        let Ok(offsets) = consumer.committed_offsets(list, Duration::from_secs(10)) else {
            return 0;
        };
        let offset = |offset| if let Offset::Offset(offset) = offset { offset as u64 } else { 0 };
        offsets.elements().iter().map(|element| offset(element.offset())).sum()
    }

    /// Waits until the tally stage has committed so many lines.
    pub fn wait_tallied(&mut self, lines: u64) {
        let (name, partitions) = (self.topic.name.clone(), self.topic.partitions);
        self.wait(|run| run.committed("tally", &name, partitions) >= lines);
    }

    /// Returns how many messages an internal topic has been given.
    pub fn ends(&self, suffix: &str, partitions: i32) -> u64 {
        let name = format!("{}.{suffix}", self.prefix);
        let consumer: BaseConsumer = self.topic.kafka.client().create().unwrap();
        let end = |partition| consumer.fetch_watermarks(&name, partition, Duration::from_secs(10));
        (0..partitions).map(|partition| end(partition).unwrap().1 as u64).sum()
    }

    /// Waits until the detect stage has committed all tallies that there are now.
    pub fn wait_detected(&mut self) {
        let (tallies, shards) = (format!("{}.tallies", self.prefix), 4);
        let ends = self.ends("tallies", shards);
        self.wait(|run| run.committed("detect", &tallies, shards) >= ends);
    }

    /// Returns metrics whose names begin so.
    pub fn metrics(&self, names: &[&str]) -> String {
        let url = format!("http://{HTTP}/metrics");
        let text = ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
        let lines = text.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn wait(&mut self, mut is_met: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        while !is_met(self) {
            assert!(begin.elapsed() < Duration::from_secs(600), "{}", self.service.log());
            assert!(self.service.ended().is_none(), "{}", self.service.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the process and deletes its topics.
    pub fn stop(self) {
        let Self { topic, prefix, service, .. } = self;
        service.stop();
        let suffixes = [
            "tallies",
            "findings",
            "anomalies",
            "alerts",
            "decisions",
            "deadletter",
            "state.tally",
            "state.detect",
            "state.alert",
        ];
        let names = suffixes.map(|suffix| format!("{prefix}.{suffix}"));
        topic.kafka.delete_topics(&names.each_ref().map(String::as_str));
    }
}
