//! The binary as its user calls it, lines to feed it with, and what comes of them.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod alerts;
pub mod intake;
pub mod kafka;
pub mod lines;
pub mod pager;
pub mod program;
pub mod schema;
pub mod tallies;
