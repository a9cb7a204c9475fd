//! `logwake check` and `logwake config`: what a configuration says, and what is wrong with it.

use std::io::Write;

use anyhow::bail;

use crate::Status;
use crate::cli::{CheckArgs, ShowConfigArgs};
use crate::config::{Config, ConfigError};
use crate::console::{self, Console};
use crate::runtime::decoder_options;
use crate::runtime::kafka::{client_config, partitions_of, wall_now};

/// Checks a configuration, and with `--connect` the brokers and topics that it names.
///
/// # Errors
/// Where anything is wrong.
pub fn check(args: &CheckArgs) -> anyhow::Result<Status> {
    let (config, warnings) = Config::load(&args.config)?;
    let path = args.config.display();
    for warning in &warnings {
        console::message(format_args!("warning: {path}: {warning}"));
    }
    let problems = config.validate_for_run();
    if !problems.is_empty() {
        return Err(ConfigError::Invalid { path: Some(args.config.clone()), problems }.into());
    }
    decoder_options(&config, wall_now())?;
    let mut out = Console::stdout(false);
    if args.connect {
        connect(&config, &mut out)?;
    }
    writeln!(out, "{path} is valid")?;
    out.flush()?;
    Ok(Status::Done)
}

/// Prints the effective configuration or the manual of all keys.
///
/// # Errors
/// Where the file cannot be read or is wrong.
pub fn show(args: &ShowConfigArgs) -> anyhow::Result<Status> {
    let text = match &args.config {
        Some(path) => Config::load(path)?.0.to_toml(),
        None if args.docs => Config::reference(),
        None => Config::default().to_toml(),
    };
    let mut out = Console::data();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Status::Done)
}

fn connect(config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
    let client = client_config(config);
    let mut missing = Vec::new();
    for topic in config.kafka.topics.iter().chain(&config.intake.topics) {
        match partitions_of(&client, topic)? {
            Some(partitions) => writeln!(out, "topic {topic} has {partitions} partitions")?,
            None => missing.push(topic.as_str()),
        }
    }
    out.flush()?;
    if !missing.is_empty() {
        bail!(
            "no such topic: {}; create it or correct kafka.topics and intake.topics",
            missing.join(", ")
        );
    }
    Ok(())
}
