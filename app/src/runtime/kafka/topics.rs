//! The topics that Logwake writes and keeps state in: names, partitions, and their making.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode;

/// How long the brokers may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Leaves the number of partitions to the broker.
pub const BROKER_DEFAULT: i32 = -1;

/// Names of all topics under one prefix.
#[derive(Clone, Debug)]
pub struct Topics {
    /// Tallies of stage 1, one partition a shard of stage 2.
    pub tallies: Arc<str>,
    /// Findings of stage 2, one partition.
    pub findings: Arc<str>,
    /// Public anomaly events.
    pub anomalies: Arc<str>,
    /// Public alert events.
    pub alerts: Arc<str>,
    /// Public decisions.
    pub decisions: Arc<str>,
    /// What could not be decoded.
    pub deadletter: Arc<str>,
    /// States of stage 1.
    pub state_tally: Arc<str>,
    /// States of stage 2.
    pub state_detect: Arc<str>,
    /// States of stage 3.
    pub state_alert: Arc<str>,
    /// State of stage 4.
    pub state_notify: Arc<str>,
    /// What was accepted from elsewhere.
    pub external: Arc<str>,
    /// States of the intake stage.
    pub state_intake: Arc<str>,
}

/// A topic to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPlan {
    /// Its name.
    pub name: Arc<str>,
    /// Its partitions, or [`BROKER_DEFAULT`].
    pub partitions: i32,
    /// Topic configuration.
    pub config: &'static [(&'static str, &'static str)],
}

const COMPACTED: &[(&str, &str)] = &[
    ("cleanup.policy", "compact"),
    ("segment.bytes", "16777216"),
    ("min.cleanable.dirty.ratio", "0.1"),
    ("max.compaction.lag.ms", "3600000"),
];
const ALERTS: &[(&str, &str)] = &[("cleanup.policy", "compact,delete")];
const INTERNAL: &[(&str, &str)] =
    &[("retention.ms", "86400000"), ("max.message.bytes", MESSAGE_BYTES_MAX)];
/// Greatest message of an internal topic: a batch of as many long skeletons as it may hold.
pub const MESSAGE_BYTES_MAX: &str = "67108864";

impl Topics {
    /// Names the topics under a prefix.
    pub fn new(prefix: &str) -> Self {
        let name = |suffix: &str| Arc::from(format!("{prefix}.{suffix}"));
        Self {
            tallies: name("tallies"),
            findings: name("findings"),
            anomalies: name("anomalies"),
            alerts: name("alerts"),
            decisions: name("decisions"),
            deadletter: name("deadletter"),
            state_tally: name("state.tally"),
            state_detect: name("state.detect"),
            state_alert: name("state.alert"),
            state_notify: name("state.notify"),
            external: name("external"),
            state_intake: name("state.intake"),
        }
    }

    /// Returns the topics of public events.
    pub fn events(&self) -> [Arc<str>; 3] {
        [&self.anomalies, &self.alerts, &self.decisions].map(Arc::clone)
    }

    /// Says which topics there must be for so many shards and state partitions.
    pub fn plans(&self, shards: i32, inputs: i32) -> Vec<TopicPlan> {
        let plan = |name: &Arc<str>, partitions, config| TopicPlan {
            name: Arc::clone(name),
            partitions,
            config,
        };
        vec![
            plan(&self.tallies, shards, INTERNAL),
            plan(&self.findings, 1, INTERNAL),
            plan(&self.anomalies, shards, &[]),
            plan(&self.alerts, 1, ALERTS),
            plan(&self.decisions, 1, &[]),
            plan(&self.deadletter, 1, &[]),
            plan(&self.state_tally, inputs.max(1), COMPACTED),
            plan(&self.state_detect, shards, COMPACTED),
            plan(&self.state_alert, 1, COMPACTED),
        ]
    }

    /// Says which topic there must be where alerts are sent to anybody.
    pub fn notify_plan(&self) -> TopicPlan {
        TopicPlan { name: Arc::clone(&self.state_notify), partitions: 1, config: COMPACTED }
    }

    /// Says which topics there must be where anything comes from elsewhere.
    pub fn intake_plans(&self, partitions: i32) -> [TopicPlan; 2] {
        let plan =
            |name: &Arc<str>, config| TopicPlan { name: Arc::clone(name), partitions, config };
        [plan(&self.external, &[]), plan(&self.state_intake, COMPACTED)]
    }
}

/// Asks the brokers for the partitions of a topic; `None` where there is no such topic.
///
/// # Errors
/// Where no broker answers in time.
pub fn partitions_of(config: &ClientConfig, topic: &str) -> anyhow::Result<Option<i32>> {
    let consumer: BaseConsumer = config.create().context("create kafka client")?;
    let brokers = config.get("bootstrap.servers").unwrap_or_default();
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT).with_context(|| {
        format!("no broker of {brokers} answers within {} s", TIMEOUT.as_secs())
    })?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let count = found.map_or(0, |found| found.partitions().len());
    Ok(i32::try_from(count).ok().filter(|count| *count > 0))
}

/// Waits until a topic that was just made shows at the brokers.
fn wait_for(config: &ClientConfig, topic: &str) -> anyhow::Result<i32> {
    let begin = Instant::now();
    loop {
        if let Some(partitions) = partitions_of(config, topic)? {
            return Ok(partitions);
        }
        if begin.elapsed() > TIMEOUT {
            bail!("topic {topic} was created and does not show within {} s", TIMEOUT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Makes the topics that are missing; returns the partitions of each plan as they are.
///
/// # Errors
/// Where a topic can neither be found nor made.
pub fn ensure(
    config: &ClientConfig,
    plans: &[TopicPlan],
    replication: i32,
) -> anyhow::Result<Vec<i32>> {
    let admin: AdminClient<DefaultClientContext> =
        config.create().context("create admin client")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut found = Vec::new();
    for plan in plans {
        if let Some(partitions) = partitions_of(config, &plan.name)? {
            found.push(partitions);
            continue;
        }
        if plan.config.is_empty() && plan.partitions == BROKER_DEFAULT {
            tracing::warn!(
                topic = %plan.name,
                "topic did not exist and is created by the broker's defaults; a typo in kafka.topics or intake.topics?"
            );
        }
        let mut topic =
            NewTopic::new(&plan.name, plan.partitions, TopicReplication::Fixed(replication));
        for (key, value) in plan.config {
            topic = topic.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let made = runtime
            .block_on(admin.create_topics([&topic], &options))
            .with_context(|| format!("create topic {}", plan.name))?;
        match made.into_iter().next() {
            Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {
                tracing::info!(topic = %plan.name, partitions = plan.partitions, "topic created");
            }
            Some(Err((_, code))) => bail!("topic {} cannot be created: {code}", plan.name),
            None => bail!("topic {} cannot be created: no answer", plan.name),
        }
        found.push(wait_for(config, &plan.name)?);
    }
    Ok(found)
}
