//! The binary as its user calls it: files in, JSON and sentences out.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "tests")]

mod support;

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/bad_setup.rs"]
mod bad_setup;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/diff.rs"]
mod diff;
#[path = "cli/learned.rs"]
mod learned;
#[path = "cli/lock.rs"]
mod lock;
#[path = "cli/outward.rs"]
mod outward;
#[path = "cli/replay.rs"]
mod replay;
