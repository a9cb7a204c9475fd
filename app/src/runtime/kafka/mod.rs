//! The always-on runtime: each stage a consumer group of its own, joined by topics.
//!
//! One thread runs one stage; all of them may live in one process or in many, and the path through
//! Kafka is the same.

mod alert_task;
mod align;
mod courier;
mod dead_letter;
mod detect_task;
mod intake_task;
mod notify_task;
mod port;
mod restore;
mod scan;
#[cfg(test)]
mod simulation;
mod slot;
mod stage;
mod tally_task;
mod task;
mod topics;
mod watch;

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use logwake_ingest::decode::Reason;
use logwake_ingest::kafka::fetch;
use logwake_models::template::Masks;
use rdkafka::config::ClientConfig;

use crate::board::Board;
use crate::config::{Config, Delivery, Notify};
use crate::learned::known_of;
use crate::runtime::decoder_options;
use crate::telemetry::{IntakeResult, Metrics, Stage, Tracer};
use crate::topology::topology_of;

use alert_task::{AlertShared, AlertTask};
use align::Alignment;
use courier::Door;
use detect_task::{DetectShared, DetectTask};
use intake_task::{IntakeShared, IntakeTask, NO_ALERT};
pub use intake_task::{SILENCES_MAX, external_id};
use notify_task::{NotifyShared, NotifyTask, UNDELIVERED};
pub use scan::scan;
use stage::StageSettings;
pub use stage::wall_now;
use tally_task::{TallyShared, TallyTask};
use topics::{BROKER_DEFAULT, TopicPlan};
pub use topics::{Topics, partitions_of};
use watch::StageWatch;

/// Time after which a member that says nothing is taken for dead: the least that brokers allow unless
/// told otherwise.
const SESSION_TIMEOUT: &str = "6000";
/// Time between heartbeats, by whose answers a member learns that partitions are to move.
const HEARTBEAT: &str = "250";
/// Longest wait for the stages at a stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);
/// Time after which the brokers abort a transaction that a dead process left, which holds up
/// whoever takes its partitions over.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The running stages of this process.
pub struct KafkaRuntime {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What all stages are started with.
struct Start<'a> {
    config: &'a Config,
    topics: Topics,
    shards: u32,
    sources: i32,
    board: &'a Arc<Board>,
    metrics: &'a Arc<Metrics>,
    tracer: &'a Arc<Tracer>,
    stop: Arc<AtomicBool>,
}

impl KafkaRuntime {
    /// Makes the topics that are missing and starts every stage.
    ///
    /// # Errors
    /// Where no broker answers, a topic cannot be made, or the configuration cannot be used.
    pub fn start(
        config: &Config,
        board: &Arc<Board>,
        metrics: &Arc<Metrics>,
        tracer: &Arc<Tracer>,
    ) -> anyhow::Result<Self> {
        for reason in Reason::ALL.map(Reason::as_str) {
            metrics.rejected(reason, 0);
            metrics.dead_letters(reason, 0);
        }
        [UNDELIVERED, NO_ALERT].into_iter().for_each(|reason| metrics.dead_letters(reason, 0));
        for stage in [Stage::Detect, Stage::Intake, Stage::Alert, Stage::Notify] {
            metrics.state_size(stage, 0);
        }
        board.set_commit_interval(config.kafka.commit_interval.0);
        let topics = Topics::new(&config.kafka.prefix);
        let client = client_config(config);
        let sources = input_partitions(&client, config)?;
        let shards = i32::try_from(config.kafka.detect_partitions).unwrap_or(1);
        let mut plans = topics.plans(shards, sources.max(12));
        let notifies = !config.notify.0.is_empty();
        if notifies {
            plans.push(topics.notify_plan());
        }
        if config.has_intake() {
            make_missing(&client, &config.intake.topics, config)?;
            let partitions = i32::try_from(config.intake.partitions).unwrap_or(1);
            plans.extend(topics.intake_plans(partitions));
        }
        let made = topics::ensure(&client, &plans, config.kafka.replication_factor)?;
        let partitions = |name: &Arc<str>| {
            let idx = plans.iter().position(|plan| plan.name == *name);
            idx.and_then(|idx| made.get(idx).copied()).unwrap_or(1)
        };
        let shards = partitions(&topics.tallies);
        let stop = Arc::new(AtomicBool::new(false));
        let states = [
            partitions(&topics.state_tally),
            partitions(&topics.state_detect),
            partitions(&topics.state_alert),
            partitions(&topics.state_intake),
        ];
        let start = Start {
            config,
            topics,
            shards: u32::try_from(shards).unwrap_or(1),
            sources,
            board,
            metrics,
            tracer,
            stop: Arc::clone(&stop),
        };
        let mut threads = start.tally(states[0])?;
        threads.push(start.detect(states[1])?);
        if config.has_intake() {
            threads.push(start.intake(states[3])?);
        }
        threads.push(start.alert(states[2])?);
        if notifies {
            threads.push(start.notify()?);
        }
        Ok(Self { stop, threads })
    }

    /// Tells whether a stage ended without being told to, which only a defect can bring about.
    pub fn has_died(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Tells every stage to commit and leave, and waits until they have, at most for a while:
    /// what brokers do not answer to by then is aborted by them and done again after the restart.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        let begin = Instant::now();
        for thread in self.threads {
            while !thread.is_finished() && begin.elapsed() < STOP_TIMEOUT {
                std::thread::sleep(Duration::from_millis(10));
            }
            let stage = thread.thread().name().unwrap_or_default().to_owned();
            if !thread.is_finished() {
                let secs = STOP_TIMEOUT.as_secs();
                tracing::warn!(
                    stage,
                    "no commit within {secs} s of the signal; a restart does again what is not committed"
                );
            } else if thread.join().is_err() {
                tracing::error!(stage, "stage panicked");
            }
        }
    }
}

impl Start<'_> {
    fn tally(&self, state_partitions: i32) -> anyhow::Result<Vec<JoinHandle<()>>> {
        let shared = Arc::new(TallyShared {
            topics: self.topics.clone(),
            shards: self.shards,
            sources: u32::try_from(self.sources).unwrap_or(1),
            clock: self.config.clock_settings(),
            masks: masks(self.config)?,
            values: self.config.detect.values.enabled,
            decoder: decoder_options(self.config, wall_now())?,
            board: Arc::clone(self.board),
            metrics: Arc::clone(self.metrics),
        });
        let slots = self.slots();
        let alignment = Alignment::new(slots, self.config.detect.window.0);
        (0..slots)
            .map(|slot| {
                let inputs = self.config.kafka.topics.clone();
                let state = (&self.topics.state_tally, state_partitions);
                let mut settings = self.settings(Stage::Tally, slot, inputs, state);
                settings.alignment = (Arc::clone(&alignment), slot);
                let shared = Arc::clone(&shared);
                self.spawn(Stage::Tally, settings, move |partition| {
                    TallyTask::new(&shared, partition)
                })
            })
            .collect()
    }

    /// How many threads tally: one a core, where nothing else is said, and none without a partition.
    fn slots(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        let kafka = &self.config.kafka;
        let has_patterns = kafka.topics.iter().any(|topic| topic.starts_with('^'));
        let partitions = usize::try_from(self.sources).unwrap_or(1).max(1);
        let partitions = if has_patterns { usize::MAX } else { partitions };
        kafka.slots.unwrap_or_else(|| cores().min(partitions))
    }

    fn detect(&self, state_partitions: i32) -> anyhow::Result<JoinHandle<()>> {
        let inputs = vec![self.topics.tallies.to_string()];
        let state = (&self.topics.state_detect, state_partitions);
        let settings = self.settings(Stage::Detect, 0, inputs, state);
        let shared = Arc::new(DetectShared {
            topics: self.topics.clone(),
            shards: self.shards,
            settings: self.config.detect_settings(),
            known: Arc::new(known_of(self.config)?),
            board: Arc::clone(self.board),
            metrics: Arc::clone(self.metrics),
        });
        self.spawn(Stage::Detect, settings, move |partition| DetectTask::new(&shared, partition))
    }

    fn intake(&self, state_partitions: i32) -> anyhow::Result<JoinHandle<()>> {
        let mut inputs = vec![self.topics.external.to_string()];
        inputs.extend(self.config.intake.topics.iter().cloned());
        let state = (&self.topics.state_intake, state_partitions);
        let settings = self.settings(Stage::Intake, 0, inputs, state);
        for topic in &self.config.intake.topics {
            IntakeResult::ALL.iter().for_each(|result| self.metrics.intake(topic, *result, 0));
        }
        let shared = Arc::new(IntakeShared {
            topics: self.topics.clone(),
            future_max: self.config.detect.future_max.0,
            resolve_timeout: self.config.intake.resolve_timeout.0,
            calendar: self.config.calendar(),
            board: Arc::clone(self.board),
            metrics: Arc::clone(self.metrics),
        });
        self.spawn(Stage::Intake, settings, move |partition| IntakeTask::new(&shared, partition))
    }

    fn alert(&self, state_partitions: i32) -> anyhow::Result<JoinHandle<()>> {
        let inputs = vec![self.topics.findings.to_string()];
        let state = (&self.topics.state_alert, state_partitions);
        let settings = self.settings(Stage::Alert, 0, inputs, state);
        let shared = Arc::new(AlertShared {
            topics: self.topics.clone(),
            settings: self.config.alert_settings(),
            topology: topology_of(self.config)?,
            board: Arc::clone(self.board),
            metrics: Arc::clone(self.metrics),
        });
        self.spawn(Stage::Alert, settings, move |_| AlertTask::new(&shared))
    }

    fn notify(&self) -> anyhow::Result<JoinHandle<()>> {
        let inputs = vec![self.topics.alerts.to_string()];
        let settings = self.settings(Stage::Notify, 0, inputs, (&self.topics.state_notify, 1));
        let sinks = &self.config.notify.0;
        let page_url = self.config.http.public_url.as_deref();
        let doors: Vec<Arc<Door>> =
            sinks.iter().map(|sink| Arc::new(Door::new(sink, page_url))).collect();
        for door in &doors {
            self.metrics.notifications_start(door.name(), door.kind());
        }
        let shared = Arc::new(NotifyShared {
            topics: self.topics.clone(),
            settings: sinks.iter().map(Notify::settings).collect(),
            doors,
            board: Arc::clone(self.board),
            metrics: Arc::clone(self.metrics),
        });
        self.spawn(Stage::Notify, settings, move |partition| NotifyTask::new(&shared, partition.1))
    }

    fn settings(
        &self,
        stage: Stage,
        slot: usize,
        inputs: Vec<String>,
        state: (&Arc<str>, i32),
    ) -> StageSettings {
        let kafka = &self.config.kafka;
        let exactly_once = kafka.delivery == Delivery::ExactlyOnce;
        let name = stage.as_str();
        let partitions = match stage {
            Stage::Tally => {
                usize::try_from(self.sources).unwrap_or(1).div_ceil(self.slots().max(1))
            }
            _ => 1,
        };
        let id = format!("{}-{name}-{}-{slot}", kafka.prefix, kafka.instance_name());
        StageSettings {
            inputs,
            state_topic: Arc::clone(state.0),
            state_partitions: state.1,
            transactional_id: exactly_once.then_some(id),
            consumer: consumer_config(self.config, name, slot, partitions),
            producer: producer_config(self.config),
            commit_interval: kafka.commit_interval.0,
            snapshot_interval: kafka.snapshot_interval.0,
            alignment: (Alignment::new(1, Duration::ZERO), 0),
        }
    }

    fn spawn<T, F>(
        &self,
        stage: Stage,
        settings: StageSettings,
        make: F,
    ) -> anyhow::Result<JoinHandle<()>>
    where
        T: task::Task,
        F: Fn(&logwake_ingest::kafka::Partition) -> T + Send + 'static,
    {
        let watch = StageWatch::new(stage, self.board, self.metrics, self.tracer);
        let stop = Arc::clone(&self.stop);
        std::thread::Builder::new()
            .name(stage.as_str().to_owned())
            .spawn(move || stage::run(&settings, &make, &watch, &stop))
            .context("start stage thread")
    }
}

/// Makes the input topics that are missing and counts the partitions of all of them.
fn input_partitions(client: &ClientConfig, config: &Config) -> anyhow::Result<i32> {
    let topics: Vec<String> =
        config.kafka.topics.iter().filter(|topic| !topic.starts_with('^')).cloned().collect();
    let found = make_missing(client, &topics, config)?;
    for (topic, partitions) in topics.iter().zip(&found) {
        tracing::info!(
            topic,
            partitions,
            "counts are shuffled by service, so any key or none gives the same result"
        );
    }
    Ok(found.into_iter().sum())
}

/// Makes topics of others that are missing; returns how many partitions each has.
fn make_missing(
    client: &ClientConfig,
    topics: &[String],
    config: &Config,
) -> anyhow::Result<Vec<i32>> {
    let plan = |topic: &String| TopicPlan {
        name: Arc::from(topic.as_str()),
        partitions: BROKER_DEFAULT,
        config: &[],
    };
    let plans: Vec<TopicPlan> = topics.iter().map(plan).collect();
    topics::ensure(client, &plans, config.kafka.replication_factor)
}

fn masks(config: &Config) -> anyhow::Result<Masks> {
    let masks = &config.templates.masks.0;
    let pairs = masks.iter().map(|mask| (mask.name.as_str(), mask.pattern.as_str()));
    Masks::new(pairs).context("compile templates.masks")
}

/// Properties of every client.
pub fn client_config(config: &Config) -> ClientConfig {
    let mut client = ClientConfig::new();
    client
        .set("bootstrap.servers", config.kafka.brokers.join(","))
        .set("client.id", format!("logwake-{}", config.kafka.instance_name()))
        .set("topic.metadata.refresh.interval.ms", "10000")
        // A broker that comes back is found at once, not after up to ten seconds.
        .set("reconnect.backoff.max.ms", "1000");
    for (key, value) in &config.kafka.properties.0 {
        client.set(key, value);
    }
    client
}

/// Names the consumer group of a stage.
pub fn group_of(config: &Config, stage: &str) -> String {
    format!("{}-{stage}", config.kafka.prefix)
}

fn consumer_config(config: &Config, stage: &str, slot: usize, partitions: usize) -> ClientConfig {
    let mut consumer = client_config(config);
    if config.kafka.static_membership {
        consumer.set("group.instance.id", format!("{}-{slot}", config.kafka.instance_name()));
    }
    consumer
        .set("group.id", group_of(config, stage))
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", SESSION_TIMEOUT)
        .set("heartbeat.interval.ms", HEARTBEAT);
    for (key, value) in fetch(partitions) {
        consumer.set(key, value);
    }
    let kafka = &config.kafka;
    for (key, value) in kafka.properties.0.iter().chain(&kafka.consumer_properties.0) {
        consumer.set(key, value);
    }
    consumer
}

/// Properties of producers.
pub fn producer_config(config: &Config) -> ClientConfig {
    let mut producer = client_config(config);
    producer
        .set("linger.ms", "5")
        .set("compression.type", "lz4")
        .set("enable.idempotence", "true")
        .set("transaction.timeout.ms", millis(TRANSACTION_TIMEOUT))
        .set("message.max.bytes", topics::MESSAGE_BYTES_MAX);
    for (key, value) in &config.kafka.producer_properties.0 {
        producer.set(key, value);
    }
    producer
}

fn millis(span: Duration) -> String {
    span.as_millis().to_string()
}
