//! The program `logwake`: command line, configuration, the two runtimes, HTTP and telemetry.

#![allow(unreachable_pub, reason = "a program is no library: `pub` says what a module shows")]
#![warn(clippy::print_stderr)]

mod board;
mod cli;
mod commands;
mod config;
mod console;
mod demo;
mod http;
mod intake;
mod learned;
mod lock;
mod maintenance;
mod page;
mod report;
mod runtime;
mod secrets;
mod telemetry;
mod topology;
mod verify;
mod whole_file;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;

/// For librdkafka too, which takes and frees most of what is taken and freed: its batches and the
/// state that lives for days would share glibc's pages, and keep them.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Exit status of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what was asked.
    Done,
    /// A part of the input could not be read; everything else was done.
    Failed,
    /// Something that was asked to hold does not.
    Unmet,
    /// It was interrupted, after writing what is complete.
    Interrupted,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            return ExitCode::from(if console::usage(&error) { code } else { 1 });
        }
    };
    match commands::run(cli) {
        Ok(Status::Done) => ExitCode::SUCCESS,
        Ok(Status::Failed) => ExitCode::from(1),
        Ok(Status::Unmet) => ExitCode::from(3),
        Ok(Status::Interrupted) => ExitCode::from(130),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console::message(format_args!("{}", commands::sentence(&error)));
            ExitCode::from(if error.is::<commands::Usage>() || is_config(&error) { 2 } else { 1 })
        }
    }
}

fn is_config(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<config::ConfigError>())
}

/// Tells whether the reader of our output went away, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
