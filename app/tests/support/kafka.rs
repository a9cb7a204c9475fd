//! A Kafka client for tests: makes topics, produces lines, reads what is committed.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// Longest wait for a condition.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A broker under a prefix that no other test uses.
pub struct Kafka {
    pub bootstrap: String,
    pub prefix: String,
}

/// A producer.
pub struct Sender(ThreadedProducer<DefaultProducerContext>);

impl Sender {
    pub fn new(client: &ClientConfig) -> Self {
        Self(client.create().unwrap())
    }

    /// Produces payloads with their keys to a partition, in order, and waits until they are there.
    pub fn send<'a>(
        &self,
        topic: &str,
        partition: i32,
        payloads: impl Iterator<Item = (Option<&'a str>, &'a [u8])>,
    ) {
        for (key, payload) in payloads {
            let mut record: BaseRecord<'_, str, [u8]> =
                BaseRecord::to(topic).partition(partition).payload(payload);
            record.key = key;
            self.0.send(record).map_err(|(error, _)| error).unwrap();
        }
        self.0.flush(DEADLINE).unwrap();
    }
}

/// One message of a topic.
#[derive(Clone, Debug)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: String,
    pub payload: Vec<u8>,
    pub headers: Vec<(String, String)>,
}

impl Record {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap()
    }
}

impl Kafka {
    /// Takes the brokers named in `LOGWAKE_TEST_KAFKA`.
    pub fn from_env() -> Option<Self> {
        let Ok(bootstrap) = std::env::var("LOGWAKE_TEST_KAFKA") else {
            eprintln!("skipped: LOGWAKE_TEST_KAFKA is not set");
            return None;
        };
        Some(Self::at(bootstrap))
    }

    pub fn at(bootstrap: String) -> Self {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap();
        let prefix = format!("test-{}-{:x}", std::process::id(), since.as_nanos());
        Self { bootstrap, prefix }
    }

    /// Names a topic under the prefix.
    pub fn name(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.prefix)
    }

    /// Names the topic of logs.
    pub fn logs(&self) -> String {
        format!("{}-logs", self.prefix)
    }

    /// Writes a configuration of one process with short sessions; `more` goes at the end of `[kafka]`.
    pub fn config(&self, instance: &str, more: &str) -> String {
        format!(
            r#"
[http]
listen = "off"

[kafka]
brokers = ["{}"]
topics = ["{}"]
prefix = "{}"
instance = "{instance}"
commit_interval = "50ms"
snapshot_interval = "1s"
properties."topic.metadata.refresh.interval.ms" = "1000"
consumer_properties."session.timeout.ms" = "1500"
consumer_properties."heartbeat.interval.ms" = "300"
{more}
"#,
            self.bootstrap,
            self.logs(),
            self.prefix
        )
    }

    pub fn make_topic(&self, topic: &str, partitions: i32, config: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
        for (key, value) in config {
            new = new.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(DEADLINE));
        let made = self.block_on(self.admin().create_topics([&new], &options));
        made.unwrap().into_iter().for_each(|made| drop(made.unwrap()));
        self.wait_until(topic, |found| found == partitions);
    }

    pub fn delete_topic(&self, topic: &str) {
        self.delete_topics(&[topic]);
        self.wait_until(topic, |found| found == 0);
    }

    pub fn delete_topics(&self, topics: &[&str]) {
        let options = AdminOptions::new().operation_timeout(Some(DEADLINE));
        let deleted = self.block_on(self.admin().delete_topics(topics, &options));
        deleted.unwrap().into_iter().for_each(|deleted| drop(deleted.unwrap()));
    }

    /// Waits for a topic to have as many partitions as wanted; it has none where it is not there.
    pub fn wait_until(&self, topic: &str, wanted: impl Fn(i32) -> bool) {
        let consumer: BaseConsumer = self.client().create().unwrap();
        let begin = Instant::now();
        while !wanted(partitions_of(&consumer, topic)) {
            assert!(begin.elapsed() < DEADLINE, "partitions of {topic}");
        }
    }

    /// Produces payloads to a partition, in order.
    pub fn produce<P: AsRef<[u8]>>(&self, topic: &str, partition: i32, payloads: &[P]) {
        self.produce_in_batches(topic, partition, payloads, 10_000);
    }

    /// The same with so many in one batch, which a broker hands out as a whole.
    pub fn produce_in_batches<P: AsRef<[u8]>>(
        &self,
        topic: &str,
        partition: i32,
        payloads: &[P],
        batch: usize,
    ) {
        let payloads = payloads.iter().map(|payload| (None, payload.as_ref()));
        self.producer(batch).send(topic, partition, payloads);
    }

    /// Makes a producer, which takes a while: for many calls, make one.
    pub fn producer(&self, batch: usize) -> Sender {
        let mut client = self.client();
        client.set("enable.idempotence", "true").set("linger.ms", "20");
        client.set("batch.num.messages", batch.to_string());
        Sender::new(client.set("message.max.bytes", "8000000"))
    }

    /// Reads a topic to its end, partition by partition.
    pub fn read(&self, topic: &str) -> Vec<Record> {
        let mut tail = self.tail(topic);
        tail.read_to_end();
        let mut records = tail.records;
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// Reads the texts of a topic.
    pub fn texts(&self, topic: &str) -> Vec<String> {
        self.read(topic).iter().map(|record| record.text().to_owned()).collect()
    }

    /// Follows a topic from its beginning.
    pub fn tail(&self, topic: &str) -> Tail {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "test")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "20")
            .create()
            .unwrap();
        self.wait_until(topic, |found| found > 0);
        let partitions = partitions_of(&consumer, topic);
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        Tail { topic: topic.to_owned(), consumer, partitions, records: Vec::new() }
    }

    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.bootstrap);
        client
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }
}

fn partitions_of(consumer: &BaseConsumer, topic: &str) -> i32 {
    let metadata = consumer.fetch_metadata(Some(topic), DEADLINE).unwrap();
    metadata.topics().iter().map(|found| found.partitions().len() as i32).sum()
}

/// A topic that is followed.
pub struct Tail {
    topic: String,
    consumer: BaseConsumer,
    partitions: i32,
    /// Everything read so far.
    pub records: Vec<Record>,
}

impl Tail {
    /// Reads on until what was read fulfils a condition.
    #[track_caller]
    pub fn wait(&mut self, what: &str, is_met: impl Fn(&[Record]) -> bool) {
        self.wait_for(what, DEADLINE, is_met);
    }

    /// The same with a longer patience.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, longest: Duration, is_met: impl Fn(&[Record]) -> bool) {
        let begin = Instant::now();
        let mut seen = usize::MAX;
        loop {
            if seen != self.records.len() {
                seen = self.records.len();
                if is_met(&self.records) {
                    return;
                }
            }
            let topic = &self.topic;
            assert!(begin.elapsed() < longest, "{what}: not after {seen} records of {topic}");
            self.read_on();
        }
    }

    /// Takes in some of what is there, and waits a little for it.
    pub fn read_on(&mut self) {
        self.poll();
        while self.poll() == Got::Record && !self.records.len().is_multiple_of(256) {}
    }

    /// Takes in one record if there is one now.
    pub fn read_now(&mut self) -> bool {
        self.poll_for(Duration::ZERO) == Got::Record
    }

    fn read_to_end(&mut self) {
        let (begin, mut ended) = (Instant::now(), std::collections::BTreeSet::new());
        while (ended.len() as i32) < self.partitions {
            assert!(begin.elapsed() < DEADLINE, "{} has no end", self.topic);
            if let Got::End(partition) = self.poll() {
                ended.insert(partition);
            }
        }
    }

    fn poll(&mut self) -> Got {
        self.poll_for(Duration::from_millis(50))
    }

    fn poll_for(&mut self, longest: Duration) -> Got {
        match self.consumer.poll(longest) {
            Some(Ok(message)) => {
                let headers = message.headers().map_or(Vec::new(), |headers| {
                    let text = |header: rdkafka::message::Header<'_, &[u8]>| {
                        let value = String::from_utf8_lossy(header.value.unwrap_or_default());
                        (header.key.to_owned(), value.into_owned())
                    };
                    headers.iter().map(text).collect()
                });
                self.records.push(Record {
                    partition: message.partition(),
                    offset: message.offset(),
                    key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                    payload: message.payload().unwrap_or_default().to_vec(),
                    headers,
                });
                Got::Record
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => Got::End(partition),
            Some(Err(error)) => {
                eprintln!("{}: {error}", self.topic);
                Got::Nothing
            }
            None => Got::Nothing,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Got {
    Record,
    End(i32),
    Nothing,
}
