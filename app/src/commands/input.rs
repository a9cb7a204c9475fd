//! The configuration of the commands that read captured logs, and their progress bar.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::InputArgs;
use crate::config::{Config, Span};
use crate::console;
use crate::runtime::local::Progress;

use super::Usage;

/// Loads the configuration that the arguments name and applies what they override.
///
/// # Errors
/// Where the file cannot be read or anything in it or in the arguments is wrong.
pub fn config(args: &InputArgs) -> anyhow::Result<Config> {
    let mut config = match &args.config {
        Some(path) => {
            let (config, warnings) = Config::load(path)?;
            for warning in &warnings {
                console::message(format_args!("warning: {warning}"));
            }
            config
        }
        None => Config::default(),
    };
    if let Some(format) = &args.format {
        config.input.format.clone_from(format);
        if let Some(problem) = config.validate().first() {
            return Err(Usage(format!("--format: {problem}")).into());
        }
    }
    Ok(config)
}

/// Sets the regular expression that names sessions from an argument.
///
/// # Errors
/// Where it is not one.
pub fn session_key(config: &mut Config, key: &str) -> anyhow::Result<()> {
    config.detect.sessions.key = Some(key.to_owned());
    match config.validate().first() {
        Some(problem) => Err(Usage(format!("--session-key: {problem}")).into()),
        None => Ok(()),
    }
}

/// Reads a span such as `10m` from an argument.
///
/// # Errors
/// Where it is not one.
pub fn span(name: &str, text: &str) -> anyhow::Result<std::time::Duration> {
    let span: Result<Span, _> = text.parse();
    span.map(|span| span.0).map_err(|error| Usage(format!("{name}: {error}")).into())
}

/// A progress bar on standard error, drawn only on a terminal.
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// Starts a bar.
    pub fn new() -> Self {
        if !io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::no_length();
        let template = "{bar:24} {bytes}/{total_bytes} {binary_bytes_per_sec} eta {eta} {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    /// Moves it.
    pub fn show(&self, progress: &Progress) {
        let Some(bar) = &self.0 else { return };
        if let Some(total) = progress.bytes_total {
            bar.set_length(total);
        }
        bar.set_position(progress.bytes_read);
        let secs = bar.elapsed().as_secs_f64().max(0.001);
        let rate = progress.lines as f64 / secs;
        bar.set_message(format!("{} lines, {rate:.0} lines/s", progress.lines));
    }

    /// Prints a message above it.
    pub fn message(&self, text: &str) {
        let print = || console::message(format_args!("{text}"));
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes it away.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
