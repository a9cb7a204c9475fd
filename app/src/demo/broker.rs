//! The broker that librdkafka carries: real Kafka protocol on loopback, nothing to install.
//!
//! It pays no heed to transactions and forgets all but the newest 5 MiB of a partition, so the demo
//! delivers at least once and paces itself to its consumers.

use std::net::SocketAddr;

use anyhow::Context;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::config::{Config, Delivery, Listen, Span};
use crate::runtime::kafka::Topics;

/// Partitions of the log topic.
pub const PARTITIONS: i32 = 4;
/// The log topic.
pub const TOPIC: &str = "logs";

/// A broker in this process.
pub struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    /// Starts it.
    ///
    /// # Errors
    /// Where no loopback port is to be had.
    pub fn start() -> anyhow::Result<Self> {
        let cluster = MockCluster::new(1).context("start the embedded broker")?;
        Ok(Self { cluster })
    }

    /// Returns its address.
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap_servers()
    }

    /// Returns the configuration of the demo: the defaults but for what the broker cannot do and
    /// what the quick motion of time asks for.
    pub fn config(&self, listen: SocketAddr) -> Config {
        let mut config = Config::default();
        config.kafka.brokers = vec![self.bootstrap()];
        config.kafka.topics = vec![TOPIC.to_owned()];
        config.kafka.delivery = Delivery::AtLeastOnce;
        config.kafka.commit_interval = Span::millis(100);
        config.kafka.instance = Some("demo".to_owned());
        config.kafka.slots = Some(1);
        let properties = &mut config.kafka.consumer_properties.0;
        properties.insert("session.timeout.ms".to_owned(), "3000".to_owned());
        properties.insert("heartbeat.interval.ms".to_owned(), "500".to_owned());
        config.detect.lateness = Span::secs(10);
        config.alerts.resolve_after = Span::secs(120);
        config.http.listen = Listen::At(listen);
        // Its logs are of another day than the alerts that anybody would send it.
        config.intake.enabled = false;
        config.telemetry.log = "warn".to_owned();
        config
    }

    /// Makes the topics: the broker makes none by request.
    ///
    /// # Errors
    /// Where the broker refuses.
    pub fn make_topics(&self, config: &Config) -> anyhow::Result<()> {
        self.cluster.create_topic(TOPIC, PARTITIONS, 1).context("create the log topic")?;
        let shards = i32::try_from(config.kafka.detect_partitions).unwrap_or(1);
        for plan in Topics::new(&config.kafka.prefix).plans(shards, PARTITIONS) {
            self.cluster
                .create_topic(&plan.name, plan.partitions, 1)
                .with_context(|| format!("create topic {}", plan.name))?;
        }
        Ok(())
    }
}
