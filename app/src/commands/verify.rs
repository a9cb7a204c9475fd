//! `logwake verify`: proves from the topics that nothing was lost and nothing came twice.
//!
//! What is read first is behind what is read later, so that a service that runs meanwhile is never
//! held to have lost what it has just written: committed offsets, then tallies; findings, then
//! anomalies; changes of alerts, then decisions.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use logwake_detector::alert::AlertInput;
use logwake_detector::detect::grouped;
use logwake_detector::record::Source;
use logwake_detector::tally::LineCounts;
use logwake_emit::event::{AlertEvent, AnomalyEvent, DecisionEvent, External, ExternalEvent};
use logwake_emit::wire;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Status;
use crate::cli::VerifyArgs;
use crate::config::{Config, ConfigError, Delivery};
use crate::console::{Console, Shown};
use crate::runtime::kafka::{Topics, client_config, external_id, group_of, partitions_of, scan};
use crate::verify::{Arrived, Changes, Problems, SourceSum, Tiles, Told};

/// How long the brokers may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the topics of a configuration and says what they prove.
///
/// # Errors
/// Where the configuration is wrong or the topics cannot be read.
pub fn run(args: &VerifyArgs) -> anyhow::Result<Status> {
    let (config, _) = Config::load(&args.config)?;
    let problems = config.validate_for_run();
    if !problems.is_empty() {
        return Err(ConfigError::Invalid { path: Some(args.config.clone()), problems }.into());
    }
    let proof = Proof::read(&config)?;
    let mut out = if args.json { Console::data() } else { Console::stdout(false) };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&proof)?)?;
    } else {
        proof.tell(&mut out)?;
    }
    out.flush()?;
    Ok(if proof.problem_count == 0 { Status::Done } else { Status::Unmet })
}

/// What the topics prove.
#[derive(Debug, Default, Serialize)]
struct Proof {
    sources: Vec<Covered>,
    lines: LineCounts,
    /// Anomalies found and published, each once.
    anomalies: u64,
    /// Alerts of other systems that were handed to the alert stage, each once.
    external_alerts: u64,
    /// Whether no findings were deleted by retention before they could be read.
    findings_whole: bool,
    alert_changes: u64,
    alerts_open: usize,
    decisions: u64,
    /// Messages that came before and are left out by their readers; 0 with exactly once.
    repeated: u64,
    problem_count: u64,
    /// The first problems.
    problems: Vec<String>,
}

/// The offsets of one partition that were tallied.
#[derive(Debug, Serialize)]
struct Covered {
    source: String,
    from: u64,
    to: u64,
    batches: u64,
    /// Records that wait to be read, where the partition could be asked.
    lag: Option<u64>,
}

impl Proof {
    fn read(config: &Config) -> anyhow::Result<Self> {
        let broker = Broker::new(config)?;
        let may_repeat = config.kafka.delivery == Delivery::AtLeastOnce;
        let (mut proof, mut problems) = (Self::default(), Problems::default());
        proof.tallies(&broker, may_repeat, &mut problems)?;
        let mut arrived = Arrived::new(may_repeat);
        if config.has_intake() {
            broker.accepted(&mut arrived)?;
        }
        proof.findings(&broker, &mut arrived, may_repeat, &mut problems)?;
        proof.alerts(&broker, may_repeat, &mut problems)?;
        proof.problem_count = problems.count();
        proof.problems = problems.kept().to_vec();
        Ok(proof)
    }

    fn tallies(
        &mut self,
        broker: &Broker,
        may_repeat: bool,
        problems: &mut Problems,
    ) -> anyhow::Result<()> {
        let inputs = broker.inputs.iter().filter(|topic| !topic.starts_with('^'));
        let committed = broker.committed(&broker.consumer, inputs.map(String::as_str))?;
        let mut tiles = Tiles::new(may_repeat);
        broker.scan(&broker.topics.tallies, |message| {
            match wire::decode_tally(payload(message)) {
                Ok(batch) => tiles.see(message.partition(), &batch, problems),
                Err(error) => problems.add(format!("{}: {error}", place(message))),
            }
        })?;
        let sums = tiles.sources();
        for (source, position) in &committed {
            match sums.iter().find(|sum| sum.source == *source).map(|sum| sum.to) {
                Some(to) if *position > to => problems.add(format!(
                    "offsets {to} to {position} of {source} are committed and not tallied"
                )),
                None if *position > 0 => problems
                    .add(format!("{source} is committed to {position} and no tally covers it")),
                _ => {}
            }
        }
        for sum in &sums {
            self.lines.add(&sum.lines);
            self.sources.push(Covered::of(sum, broker));
        }
        self.repeated += tiles.repeated;
        Ok(())
    }

    fn findings(
        &mut self,
        broker: &Broker,
        arrived: &mut Arrived,
        may_repeat: bool,
        problems: &mut Problems,
    ) -> anyhow::Result<()> {
        let mut told = Told::new(may_repeat);
        broker.scan(&broker.topics.findings, |message| {
            match wire::decode_alert_input(payload(message)) {
                Ok(AlertInput::Findings(findings)) => told.find(&findings, problems),
                Ok(AlertInput::Arrivals(arrivals)) => arrived.arrive(&arrivals, problems),
                Err(error) => problems.add(format!("{}: {error}", place(message))),
            }
        })?;
        broker.events(&broker.topics.anomalies, problems, |event: AnomalyEvent, problems| {
            told.publish(&event.event.id, problems);
        })?;
        self.anomalies = told.close(problems);
        arrived.close(problems);
        self.external_alerts = arrived.alerts;
        self.findings_whole = told.is_whole();
        self.repeated += told.repeated + arrived.repeated;
        Ok(())
    }

    fn alerts(
        &mut self,
        broker: &Broker,
        may_repeat: bool,
        problems: &mut Problems,
    ) -> anyhow::Result<()> {
        let mut changes = Changes::new(may_repeat);
        broker.events(&broker.topics.alerts, problems, |event: AlertEvent, problems| {
            changes.change(&event, problems);
        })?;
        let has_all = broker.is_whole(&broker.topics.decisions)?;
        broker.events(&broker.topics.decisions, problems, |event: DecisionEvent, problems| {
            changes.decide(&event, problems);
        })?;
        if has_all {
            changes.close(problems);
        }
        self.alert_changes = changes.changes;
        self.alerts_open = changes.open();
        self.decisions = changes.decisions;
        self.repeated += changes.repeated;
        Ok(())
    }

    fn tell(&self, out: &mut impl Write) -> anyhow::Result<()> {
        for source in &self.sources {
            let (from, to) = (grouped(source.from), grouped(source.to));
            let lag = source.lag.map_or(String::new(), |lag| format!(", {} to go", grouped(lag)));
            writeln!(
                out,
                "{}: offsets {from} to {to} tallied in {} batches{lag}",
                source.source,
                grouped(source.batches)
            )?;
        }
        let lines = &self.lines;
        writeln!(
            out,
            "lines: {} = {} tallied + {} late + {} rejected",
            grouped(lines.total()),
            grouped(lines.tallied),
            grouped(lines.late),
            grouped(lines.rejected)
        )?;
        let since = if self.findings_whole { "" } else { " since the oldest findings kept" };
        writeln!(out, "anomalies: {} found and published{since}", grouped(self.anomalies))?;
        if self.external_alerts > 0 {
            let count = grouped(self.external_alerts);
            writeln!(out, "external alerts: {count} handed to the alert stage{since}")?;
        }
        writeln!(
            out,
            "alerts: {} changes, {} open now; {} decisions",
            grouped(self.alert_changes),
            self.alerts_open,
            grouped(self.decisions)
        )?;
        if self.repeated > 0 {
            writeln!(out, "repeated: {} messages, left out by id", grouped(self.repeated))?;
        }
        for problem in &self.problems {
            writeln!(out, "PROBLEM {}", Shown(problem))?;
        }
        match self.problem_count {
            0 => writeln!(out, "nothing lost, nothing twice")?,
            count => writeln!(out, "{} problems", grouped(count))?,
        }
        Ok(())
    }
}

impl Covered {
    fn of(sum: &SourceSum, broker: &Broker) -> Self {
        let lag = broker.end_of(&sum.source).map(|end| end.saturating_sub(sum.to));
        Self {
            source: sum.source.to_string(),
            from: sum.from,
            to: sum.to,
            batches: sum.batches,
            lag,
        }
    }
}

/// The brokers and what is asked of them.
struct Broker {
    client: ClientConfig,
    topics: Topics,
    inputs: Vec<String>,
    /// In the group of the tally stage, which it never joins.
    consumer: BaseConsumer,
    /// In that of the intake stage.
    intake: BaseConsumer,
}

impl Broker {
    fn new(config: &Config) -> anyhow::Result<Self> {
        let client = client_config(config);
        let consumer = |stage| {
            let mut group = client.clone();
            group.set("group.id", group_of(config, stage)).set("enable.auto.commit", "false");
            group.create().context("create kafka client")
        };
        let (tally, intake) = (consumer("tally")?, consumer("intake")?);
        let topics = Topics::new(&config.kafka.prefix);
        Ok(Self { client, topics, inputs: config.kafka.topics.clone(), consumer: tally, intake })
    }

    fn partitions(&self, topic: &str) -> anyhow::Result<BTreeSet<i32>> {
        let found = partitions_of(&self.client, topic)?;
        let count = found.with_context(|| {
            format!("there is no topic {topic}; was `logwake run` ever started with this prefix?")
        })?;
        Ok((0..count).collect())
    }

    fn scan(&self, topic: &str, see: impl FnMut(&BorrowedMessage<'_>)) -> anyhow::Result<()> {
        scan(&self.client, topic, &self.partitions(topic)?, see)
    }

    /// Reads a topic of JSON events.
    fn events<T: DeserializeOwned>(
        &self,
        topic: &str,
        problems: &mut Problems,
        mut see: impl FnMut(T, &mut Problems),
    ) -> anyhow::Result<()> {
        self.scan(topic, |message| match serde_json::from_slice(payload(message)) {
            Ok(event) => see(event, problems),
            Err(error) => problems.add(format!("{} is no event: {error}", place(message))),
        })
    }

    /// Reports whether a topic still has its first messages.
    fn is_whole(&self, topic: &str) -> anyhow::Result<bool> {
        for partition in self.partitions(topic)? {
            let (low, _) = self.consumer.fetch_watermarks(topic, partition, TIMEOUT)?;
            if low > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the committed position of each partition of topics in the group of a consumer.
    fn committed<'a>(
        &self,
        consumer: &BaseConsumer,
        topics: impl Iterator<Item = &'a str>,
    ) -> anyhow::Result<Vec<(Source, u64)>> {
        let mut list = TopicPartitionList::new();
        for topic in topics {
            for partition in self.partitions(topic)? {
                list.add_partition(topic, partition);
            }
        }
        let found = consumer.committed_offsets(list, TIMEOUT).context("read positions")?;
        let position = |offset| match offset {
            Offset::Offset(offset) => u64::try_from(offset).ok(),
            _ => None,
        };
        let elements = found.elements();
        let positions = elements.iter().filter_map(|element| {
            let (topic, partition) = (element.topic().into(), element.partition());
            Some((Source::Partition { topic, partition }, position(element.offset())?))
        });
        Ok(positions.collect())
    }

    /// Reads the alerts that were accepted and that the intake stage is past.
    fn accepted(&self, arrived: &mut Arrived) -> anyhow::Result<()> {
        let topic = &self.topics.external;
        let past = self.committed(&self.intake, std::iter::once(topic.as_ref()))?;
        let is_past = |place: &Source, offset: i64| {
            let position = past.iter().find(|(source, _)| source == place).map(|(_, to)| *to);
            position.is_some_and(|to| u64::try_from(offset).is_ok_and(|offset| offset < to))
        };
        self.scan(topic, |message| {
            let partition = message.partition();
            let place = Source::Partition { topic: Arc::clone(topic), partition };
            let event = serde_json::from_slice::<ExternalEvent>(payload(message));
            let is_alert =
                event.is_ok_and(|event| matches!(event.logwake.external, External::Alert(_)));
            if is_alert && is_past(&place, message.offset()) {
                arrived.accept(&external_id(&place.to_string(), message.offset(), 0));
            }
        })
    }

    fn end_of(&self, source: &Source) -> Option<u64> {
        let Source::Partition { topic, partition } = source else { return None };
        let (_, high) = self.consumer.fetch_watermarks(topic, *partition, TIMEOUT).ok()?;
        u64::try_from(high).ok()
    }
}

fn payload<'a>(message: &'a BorrowedMessage<'_>) -> &'a [u8] {
    message.payload().unwrap_or_default()
}

fn place(message: &BorrowedMessage<'_>) -> String {
    format!("{}/{}@{}", message.topic(), message.partition(), message.offset())
}
