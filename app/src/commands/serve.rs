//! `logwake run`: the always-on service.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use crate::Status;
use crate::board::Board;
use crate::cli::ConfigArgs;
use crate::config::{Config, ConfigError, Listen};
use crate::http;
use crate::intake::Intake;
use crate::runtime::kafka::{KafkaRuntime, producer_config};
use crate::telemetry::{Metrics, Tracer, init_logs};

/// How often signals are looked for.
const LOOK: Duration = Duration::from_millis(50);
/// Longest pause between attempts to reach the brokers.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Runs until a signal says stop; SIGHUP has the configuration read again.
///
/// # Errors
/// Where the configuration is wrong or the address of the page is taken; brokers that do not answer
/// are waited for.
pub fn run(args: &ConfigArgs) -> anyhow::Result<Status> {
    let (config, warnings) = Config::load(&args.config)?;
    let problems = config.validate_for_run();
    if !problems.is_empty() {
        return Err(ConfigError::Invalid { path: Some(args.config.clone()), problems }.into());
    }
    let signals = Signals::listen()?;
    init_logs(&config.telemetry);
    let tracer = Arc::new(Tracer::new(&config.telemetry)?);
    for warning in warnings {
        tracing::warn!("{}: {warning}", args.config.display());
    }
    let board = Arc::new(Board::new(config.detect_settings()));
    let metrics = Arc::new(Metrics::new(&config.telemetry.service_name));
    let intake = config.takes_requests().then(|| Arc::new(Intake::new(&config)));
    let server = match config.http.listen {
        Listen::At(address) => {
            let settings = http::Settings::new(address, &config.http);
            Some(listen(&settings, &board, &metrics, intake.clone())?)
        }
        Listen::Off => None,
    };
    let (mut config, mut has_died) = (config, false);
    while let Some(runtime) = start(&config, &board, &metrics, &tracer, &signals) {
        if let Some(intake) = &intake {
            intake.open(&producer_config(&config))?;
        }
        board.set_ready(true);
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "running");
        let next = loop {
            std::thread::sleep(LOOK);
            has_died = runtime.has_died();
            if signals.stop.load(Ordering::Acquire) || has_died {
                break None;
            }
            if signals.reload.swap(false, Ordering::AcqRel)
                && let Some(changed) = reload(&args.config, &config)
            {
                break Some(changed);
            }
        };
        tracing::info!("stopping");
        board.set_ready(next.is_some());
        runtime.stop();
        let Some(changed) = next else { break };
        board.set_settings(changed.detect_settings());
        config = changed;
    }
    tracer.shutdown();
    if let Some(server) = server {
        server.shutdown();
    }
    anyhow::ensure!(!has_died, "a stage ended by a defect; the log before this line says where");
    tracing::info!("stopped");
    Ok(Status::Done)
}

/// Serves the page, the API and the metrics, and with an intake what comes in.
///
/// # Errors
/// Where the address is taken or may not be used.
pub fn listen(
    settings: &http::Settings,
    board: &Arc<Board>,
    metrics: &Arc<Metrics>,
    intake: Option<Arc<Intake>>,
) -> anyhow::Result<http::Server> {
    let address = settings.address;
    let server = http::serve(settings, Arc::clone(board), Arc::clone(metrics), intake)
        .with_context(|| format!("listen on {address}; choose another address or \"off\""))?;
    tracing::info!("page and metrics on http://{}", server.address());
    Ok(server)
}

/// What signals have asked for.
pub struct Signals {
    /// SIGTERM or SIGINT.
    pub stop: Arc<AtomicBool>,
    /// SIGHUP.
    pub reload: Arc<AtomicBool>,
}

impl Signals {
    /// Starts listening; a second SIGINT or SIGTERM ends the process at once.
    ///
    /// # Errors
    /// Where handlers cannot be installed.
    pub fn listen() -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let reload = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))
                .and_then(|_| flag::register(signal, Arc::clone(&stop)))
                .context("install signal handler")?;
        }
        flag::register(SIGHUP, Arc::clone(&reload)).context("install signal handler")?;
        Ok(Self { stop, reload })
    }
}

/// Starts the stages, waiting for brokers that do not answer; `None` where told to stop meanwhile.
fn start(
    config: &Config,
    board: &Arc<Board>,
    metrics: &Arc<Metrics>,
    tracer: &Arc<Tracer>,
    signals: &Signals,
) -> Option<KafkaRuntime> {
    let mut pause = Duration::from_secs(1);
    tracing::info!("connecting to {}", config.kafka.brokers.join(", "));
    while !signals.stop.load(Ordering::Acquire) {
        match attempt(config, board, metrics, tracer, signals)? {
            Ok(runtime) => return Some(runtime),
            Err(error) => {
                let error = super::sentence(&error);
                let secs = pause.as_secs();
                tracing::error!("cannot start: {error}; trying again in {secs} s");
            }
        }
        let until = Instant::now() + pause;
        while Instant::now() < until && !signals.stop.load(Ordering::Acquire) {
            std::thread::sleep(LOOK);
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
    None
}

/// Tries to start the stages; `None` where told to stop before brokers answered.
fn attempt(
    config: &Config,
    board: &Arc<Board>,
    metrics: &Arc<Metrics>,
    tracer: &Arc<Tracer>,
    signals: &Signals,
) -> Option<anyhow::Result<KafkaRuntime>> {
    let (config, board) = (config.clone(), Arc::clone(board));
    let (metrics, tracer) = (Arc::clone(metrics), Arc::clone(tracer));
    let starting =
        std::thread::spawn(move || KafkaRuntime::start(&config, &board, &metrics, &tracer));
    while !starting.is_finished() {
        if signals.stop.load(Ordering::Acquire) {
            return None;
        }
        std::thread::sleep(LOOK);
    }
    Some(starting.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the start panicked"))))
}

/// Reads the configuration again; returns it where the stages must start over with it.
///
/// What is wrong is told, and everything goes on as it was.
fn reload(path: &Path, current: &Config) -> Option<Config> {
    let loaded = Config::load(path).and_then(|(config, _)| {
        let problems = config.validate_for_run();
        if problems.is_empty() {
            return Ok(config);
        }
        Err(ConfigError::Invalid { path: Some(path.to_owned()), problems })
    });
    let path = path.display();
    let mut config = match loaded {
        Ok(config) => config,
        Err(error) => {
            let error = super::sentence(&error.into());
            tracing::error!("{path} is not taken over, all goes on as before: {error}");
            return None;
        }
    };
    let fixed = |config: &Config| {
        let Config { http, intake, telemetry, kafka, .. } = config.clone();
        (http, intake, telemetry, kafka.prefix)
    };
    if fixed(&config) != fixed(current) {
        tracing::warn!(
            "{path}: what changed in [http], [intake], [telemetry] and kafka.prefix takes effect at the next start"
        );
        let (http, intake, telemetry, prefix) = fixed(current);
        config.kafka.prefix = prefix;
        config = Config { http, intake, telemetry, ..config };
    }
    if config == *current {
        tracing::info!("{path}: nothing else changed");
        return None;
    }
    tracing::info!("{path} is taken over: the stages commit and start over");
    Some(config)
}
