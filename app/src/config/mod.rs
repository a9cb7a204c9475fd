//! `logwake.toml`: what can be set, how it is read, and everything that is wrong with it at once.
//!
//! The keys stand in [`sections`], each with its default, range and manual.
//! **A key that is not known is an error**, with the nearest known one and its line.
//! No stage sees this: [`Config::detect_settings`] and its like hand each its own settings.

#![allow(unreachable_pub, reason = "`pub` marks what a module offers; the program is one crate")]

mod check;
mod host;
mod intake;
mod leaf;
mod node;
mod notify;
mod problem;
mod secret;
mod sections;
mod setting;
mod suggest;
mod tables;
mod types;
mod units;

use std::path::{Path, PathBuf};

use logwake_detector::alert::AlertSettings;
use logwake_detector::detect::{DetectSettings, FleetSettings, SessionSettings, ValueSettings};
use logwake_detector::tally::ClockSettings;
use logwake_models::session::SessionBounds;
use logwake_models::template::CatalogueLimits;

pub use host::Host;
pub use problem::{ConfigError, Problem};
pub use sections::{
    Alerts, Config, Detect, Http, Input, Intake, IntakeSource, Kafka, Limits, MaintenanceWindow,
    Multiline, Notify, Telemetry, Templates,
};
pub use types::{Delivery, Listen, LogFormat};
pub use units::Span;

use node::Env;
use setting::{Key, Reader, Section as _, Writer};

impl Config {
    /// Reads a file; returns what is seldom meant as warnings.
    ///
    /// # Errors
    /// Fails where the file cannot be read, and where anything in it is wrong, with all of it.
    pub fn load(path: &Path) -> Result<(Self, Vec<Problem>), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let dir = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, dir, &|name| std::env::var(name).ok())
            .map_err(|problems| ConfigError::Invalid { path: Some(PathBuf::from(path)), problems })
    }

    /// Reads a text; files that it names are looked for in `dir`.
    ///
    /// # Errors
    /// Returns everything that is wrong, in the order of lines.
    pub fn parse(
        text: &str,
        dir: &Path,
        env: Env<'_>,
    ) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut config = Self::default();
        let mut reader = Reader::new(dir);
        reader.document(text, env, &mut config);
        let files =
            [&mut config.templates.lock, &mut config.detect.learned, &mut config.alerts.topology];
        for file in files.into_iter().flatten() {
            *file = dir.join(&*file).to_string_lossy().into_owned();
        }
        let (mut problems, lines) = (reader.problems, reader.lines);
        let line_of = |problem: &mut Problem| {
            let whole = problem.key.split_inclusive(']').next().unwrap_or_default();
            let list = problem.key.split('[').next().unwrap_or_default();
            let line =
                [problem.key.as_str(), whole, list].into_iter().find_map(|key| lines.get(key));
            problem.line = problem.line.or(line.copied());
        };
        problems.extend(config.validate());
        problems.iter_mut().for_each(line_of);
        if !problems.is_empty() {
            problems.sort();
            problems.dedup();
            return Err(problems);
        }
        let mut warnings = check::warnings_of(&config);
        warnings.iter_mut().for_each(line_of);
        Ok((config, warnings))
    }

    /// Reports every value that is out of range or contradicts another.
    pub fn validate(&self) -> Vec<Problem> {
        check::problems_of(self)
    }

    /// Reports what `logwake run` needs beyond that: brokers and topics.
    pub fn validate_for_run(&self) -> Vec<Problem> {
        check::missing_for_run(self)
    }

    /// Prints the effective configuration as TOML, secrets redacted.
    pub fn to_toml(&self) -> String {
        self.write(false)
    }

    /// Prints the manual: every key with its meaning, default and place.
    pub fn reference() -> String {
        Self::default().write(true)
    }

    /// Returns the sections with their keys.
    fn sections() -> [(&'static str, &'static [Key]); 13] {
        [
            ("kafka", Kafka::KEYS),
            ("input", Input::KEYS),
            ("input.multiline", Multiline::KEYS),
            ("templates", Templates::KEYS),
            ("detect", Detect::KEYS),
            ("alerts", Alerts::KEYS),
            ("alerts.maintenance", MaintenanceWindow::KEYS),
            ("notify", Notify::KEYS),
            ("intake", Intake::KEYS),
            ("intake.sources", IntakeSource::KEYS),
            ("http", Http::KEYS),
            ("limits", Limits::KEYS),
            ("telemetry", Telemetry::KEYS),
        ]
    }

    fn write(&self, with_docs: bool) -> String {
        let mut writer = Writer { with_docs, ..Writer::default() };
        self.write_keys("", &mut writer);
        writer.text.trim_start().to_owned()
    }

    /// Returns what source clocks believe.
    pub fn clock_settings(&self) -> ClockSettings {
        let detect = &self.detect;
        ClockSettings {
            window: detect.window.0,
            lateness: detect.lateness.0,
            future_max: detect.future_max.0,
            jump_max: detect.jump_max.0,
        }
    }

    /// Returns how the detect stage judges.
    pub fn detect_settings(&self) -> DetectSettings {
        let detect = &self.detect;
        let catalogue = CatalogueLimits {
            templates_max: self.templates.templates_max,
            ..CatalogueLimits::default()
        };
        DetectSettings {
            window: detect.window.0,
            lateness: detect.lateness.0,
            warmup: detect.warmup.0,
            anomaly_budget: detect.anomaly_budget,
            forest_p_value_max: detect.forest_p_value_max,
            gap_windows_max: detect.gap_windows_max as u64,
            services_max: self.limits.services_max,
            open_windows_max: self.limits.open_windows_max,
            catalogue,
            fleet: FleetSettings { hold_max: detect.hold_max.0, stall_after: detect.stall_after.0 },
            sessions: SessionSettings {
                idle: detect.sessions.idle.0,
                sessions_max: self.limits.sessions_max,
                bounds: SessionBounds {
                    rarity: detect.sessions.rarity,
                    lacking: detect.sessions.lacking,
                    ..SessionBounds::default()
                },
            },
            values: ValueSettings {
                enabled: detect.values.enabled,
                stable_for: detect.values.stable_for.0,
            },
        }
    }

    /// Returns how alerts are made.
    pub fn alert_settings(&self) -> AlertSettings {
        let alerts = &self.alerts;
        AlertSettings {
            open_weight: alerts.open_weight,
            join_gap: alerts.join_gap.0,
            resolve_after: alerts.resolve_after.0,
            update_every: alerts.update_every.0,
            clusters_max: alerts.clusters_max,
            forget_after: alerts.forget_after.0,
            hold_max: alerts.hold_max.0,
            count_min: alerts.count_min,
            duration_min: alerts.duration_min.0,
            pages_a_day: alerts.pages_per_day,
        }
    }
}

impl Kafka {
    /// Returns the name of this process: as configured, else the host's, else `logwake`.
    pub fn instance_name(&self) -> String {
        let host = || {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
            name.or_else(|| std::env::var("HOSTNAME").ok())
        };
        let name = self.instance.clone().or_else(host).unwrap_or_default().trim().to_owned();
        if name.is_empty() { "logwake".into() } else { name }
    }
}

#[cfg(test)]
mod tests;
