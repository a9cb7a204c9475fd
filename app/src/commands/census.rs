//! Captured logs counted by template, without judging anything.

use std::sync::Arc;
use std::time::Duration;

use logwake_detector::alert::AlertOutput;
use logwake_detector::anomaly::Anomaly;
use logwake_detector::detect::{Known, Seeds, Service, TemplateStats};
use logwake_ingest::files::Input;
use logwake_models::template::TemplateId;

use crate::config::Config;
use crate::lock::Lock;
use crate::runtime::kafka::wall_now;
use crate::runtime::local::{Finished, Letter, Observer, Progress, Replay};

use super::input::Bar;

/// A template of a service and what was counted of it.
pub type Row<'a> = (&'a Service, TemplateId, &'a TemplateStats);

/// Counts files by template; `seeds` take the place of the lock file of the configuration.
///
/// # Errors
/// Where the configuration or its lock file is wrong.
pub fn census(
    mut config: Config,
    inputs: Vec<Input>,
    seeds: Option<Seeds>,
) -> anyhow::Result<Finished> {
    config.detect.warmup.0 = Duration::from_secs(u64::from(u32::MAX));
    config.detect.forest_p_value_max = 0.0;
    config.detect.values.enabled = false;
    let seeds = seeds.map_or_else(|| Lock::seeds_of(&config), Ok)?;
    let known = Known { seeds, ..Known::default() };
    let mut watcher = Watcher(Bar::new());
    let stop = Arc::default();
    let replay = Replay {
        config: &config,
        inputs,
        topic: None,
        wall: wall_now(),
        known,
        stop,
        topology: Arc::default(),
        alerts: Vec::new(),
    };
    let finished = replay.run(&mut watcher)?;
    watcher.0.finish();
    Ok(finished)
}

/// Lists every template of every service.
pub fn rows_of(finished: &Finished) -> impl Iterator<Item = Row<'_>> {
    let services = finished.detect.state().services().values();
    services
        .flat_map(|service| service.templates.iter().map(move |(id, stats)| (service, *id, stats)))
}

struct Watcher(Bar);

impl Observer for Watcher {
    fn anomaly(&mut self, _: &Anomaly) -> anyhow::Result<()> {
        Ok(())
    }

    fn output(&mut self, _: &AlertOutput) -> anyhow::Result<()> {
        Ok(())
    }

    fn reject(&mut self, _: &Letter<'_>) -> anyhow::Result<()> {
        Ok(())
    }

    fn progress(&mut self, progress: &Progress) {
        self.0.show(progress);
    }

    fn trouble(&mut self, error: &anyhow::Error) {
        self.0.message(&super::sentence(error));
    }
}
