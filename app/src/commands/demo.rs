//! `logwake demo`: a captured incident through the whole Kafka pipeline, on a broker in the process.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;
use logwake_detector::alert::AlertState;
use logwake_detector::detect::grouped;
use logwake_emit::event::AlertEvent;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;

use crate::Status;
use crate::board::Board;
use crate::cli::DemoArgs;
use crate::demo::{self, Broker, Capture, Player};
use crate::http;
use crate::runtime::kafka::{KafkaRuntime, Topics};
use crate::telemetry::{Metrics, Tracer, init_logs};

use super::serve::{self, Signals};
use super::story::tell;

/// How long the pipeline may take to account for the last lines.
const SETTLE: Duration = Duration::from_secs(20);
/// How often progress is told where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Plays the incident.
///
/// # Errors
/// Where the broker cannot be started or lines are not accounted for at the end.
pub fn run(args: &DemoArgs, is_coloured: bool) -> anyhow::Result<Status> {
    let signals = Signals::listen()?;
    let capture = Capture::bundled()?;
    let broker = Broker::start()?;
    let config = broker.config(args.listen);
    init_logs(&config.telemetry);
    let tracer = Arc::new(Tracer::new(&config.telemetry)?);
    let board = Arc::new(Board::new(config.detect_settings()));
    let metrics = Arc::new(Metrics::new(&config.telemetry.service_name));
    let server = match args.serve {
        true => {
            let settings = http::Settings::new(args.listen, &config.http);
            Some(serve::listen(&settings, &board, &metrics, None)?)
        }
        false => None,
    };
    broker.make_topics(&config)?;
    let runtime = KafkaRuntime::start(&config, &board, &metrics, &tracer)?;
    board.set_ready(true);
    let mut show = Show::new(&config.kafka.prefix, &broker.bootstrap(), is_coloured)?;
    show.introduce(&capture, args)?;
    let player = Player::start(capture, &broker, Duration::from_secs(args.seconds), &board)?;
    let total = player.total();
    let mut deadline = None;
    while !signals.stop.load(Ordering::Acquire) {
        show.look(&board, player.produced())?;
        if player.is_done() {
            let deadline = *deadline.get_or_insert(Instant::now() + SETTLE);
            let settled = board.lines_in() >= total && show.is_quiet();
            if settled || Instant::now() > deadline {
                break;
            }
        }
    }
    let produced = player.stop();
    let is_whole = show.conclude(&board, produced)?;
    if let (Some(server), false) = (server, signals.stop.load(Ordering::Acquire)) {
        writeln!(show.out, "page and metrics on http://{} until interrupted", args.listen)?;
        show.out.flush()?;
        while !signals.stop.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(50));
        }
        server.shutdown();
    }
    runtime.stop();
    anyhow::ensure!(
        is_whole,
        "{} of {} lines were not accounted for",
        grouped(produced.saturating_sub(board.lines_in())),
        grouped(produced)
    );
    Ok(Status::Done)
}

/// What is shown on the way.
struct Show {
    out: std::io::Stdout,
    alerts: BaseConsumer,
    is_coloured: bool,
    begin: Instant,
    told: Instant,
    lines_told: u64,
    opened: BTreeSet<String>,
    resolved: BTreeSet<String>,
    services: BTreeSet<String>,
    heard: Instant,
}

impl Show {
    fn new(prefix: &str, bootstrap: &str, is_coloured: bool) -> anyhow::Result<Self> {
        let alerts: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "demo-reader")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "50")
            .create()
            .context("create the reader of alerts")?;
        let topic = Topics::new(prefix).alerts;
        let mut list = rdkafka::TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, rdkafka::Offset::Beginning)?;
        alerts.assign(&list)?;
        let now = Instant::now();
        Ok(Self {
            out: std::io::stdout(),
            alerts,
            is_coloured,
            begin: now,
            told: now,
            lines_told: 0,
            opened: BTreeSet::new(),
            resolved: BTreeSet::new(),
            services: BTreeSet::new(),
            heard: now,
        })
    }

    fn introduce(&mut self, capture: &Capture, args: &DemoArgs) -> anyhow::Result<()> {
        let (lines, files) = (grouped(capture.lines()), capture.services().len());
        let span = logwake_detector::detect::span(capture.span());
        writeln!(
            self.out,
            "playing {lines} lines of {files} logs ({}), {span} captured from real servers, in {} s",
            capture.services().join(", "),
            args.seconds
        )?;
        writeln!(
            self.out,
            "producer → kafka (embedded broker, {} partitions, no keys) → tally → detect → alert → kafka\n",
            demo::PARTITIONS
        )?;
        Ok(())
    }

    /// Waits a little for an alert and tells it, and now and then how far things are.
    fn look(&mut self, board: &Board, produced: u64) -> anyhow::Result<()> {
        let message = self.alerts.poll(Duration::from_millis(100));
        if let Some(Ok(message)) = message {
            let payload = message.payload().unwrap_or_default();
            let event: AlertEvent = serde_json::from_slice(payload).context("read alert event")?;
            self.take(&event)?;
        }
        if self.told.elapsed() >= TELL_EVERY {
            let status = board.status_view();
            let lines = status.lines.total;
            let rate =
                (lines - self.lines_told.min(lines)) as f64 / self.told.elapsed().as_secs_f64();
            let reached =
                status.watermark.as_deref().and_then(|time| time.get(11..19)).unwrap_or("--:--:--");
            writeln!(
                self.out,
                "{reached} · {} of {} lines counted · {} lines/s · {} templates",
                grouped(lines),
                grouped(produced),
                grouped(rate as u64),
                status.templates
            )?;
            self.lines_told = lines;
            self.told = Instant::now();
        }
        Ok(())
    }

    fn take(&mut self, event: &AlertEvent) -> anyhow::Result<()> {
        let alert = &event.logwake.alert;
        self.heard = Instant::now();
        self.services.extend(alert.services.iter().cloned());
        match alert.state {
            AlertState::Open => self.opened.insert(alert.id.clone()),
            AlertState::Resolved => self.resolved.insert(alert.id.clone()),
            _ => false,
        };
        let is_worth_a_line = alert.state != AlertState::Updated;
        if is_worth_a_line {
            write!(self.out, "{}", tell(event, self.is_coloured))?;
            writeln!(self.out)?;
        }
        if self.out.is_terminal() {
            self.out.flush()?;
        }
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        self.heard.elapsed() > Duration::from_secs(1)
    }

    /// Says what came of it; returns whether every line is accounted for.
    fn conclude(&mut self, board: &Board, produced: u64) -> anyhow::Result<bool> {
        let status = board.status_view();
        let lines = &status.lines;
        let secs = self.begin.elapsed().as_secs_f64();
        let is_whole = lines.total == produced;
        let rate = grouped((produced as f64 / secs) as u64);
        writeln!(
            self.out,
            "{} lines produced {} {} accounted for = {} tallied + {} late + {} rejected; {rate} lines/s at the demo's pace",
            grouped(produced),
            if is_whole { "=" } else { "≠" },
            grouped(lines.total),
            grouped(lines.tallied),
            grouped(lines.late),
            grouped(lines.rejected)
        )?;
        writeln!(
            self.out,
            "{} anomalies in {} alert clusters, {} resolved; what a pager would have got: {} notifications",
            status.anomalies,
            self.opened.len(),
            self.resolved.len(),
            self.opened.len() + self.resolved.len()
        )?;
        self.out.flush()?;
        Ok(is_whole)
    }
}
