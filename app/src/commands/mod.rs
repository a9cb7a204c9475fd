//! What each command does.

mod annotate;
mod census;
mod check;
mod demo;
mod diff;
mod explain;
mod external;
mod input;
mod labels;
mod replay;
mod serve;
mod session_labels;
mod story;
mod summary;
mod templates;
mod verify;

use std::fmt;
use std::io::{self, IsTerminal, Write};

use clap::CommandFactory;

use crate::Status;
use crate::cli::{Cli, ColorChoice, Command};
use crate::config::ConfigError;
use crate::console::Console;

/// A mistake in how the program was called.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Runs a command.
///
/// # Errors
/// Where it could not do what was asked; a [`Usage`] in the chain says that the call was wrong.
pub fn run(cli: Cli) -> anyhow::Result<Status> {
    let is_coloured = is_coloured(cli.color);
    match cli.command {
        Command::Demo(args) => demo::run(&args, is_coloured),
        Command::Run(args) => serve::run(&args),
        Command::Replay(args) => replay::run(&args, is_coloured),
        Command::Annotate(args) => annotate::run(&args),
        Command::Templates(args) => templates::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Config(args) => check::show(&args),
        Command::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "logwake", &mut bytes);
            print(&bytes)
        }
        Command::Man => {
            let mut bytes = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut bytes)?;
            print(&bytes)
        }
    }
}

/// Writes an error and its causes as one sentence: one line, but for the list of what is wrong with
/// a configuration.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let is_list = cause.is::<ConfigError>();
        let cause = cause.to_string();
        let cause = cause.trim_end();
        if text.ends_with(cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        match is_list {
            true => text.push_str(cause),
            false => text.push_str(&cause.replace('\n', "\\n")),
        }
    }
    text
}

fn print(bytes: &[u8]) -> anyhow::Result<Status> {
    let mut out = Console::document();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(Status::Done)
}

fn is_coloured(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    }
}
