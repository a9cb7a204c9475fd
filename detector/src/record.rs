//! One decoded log entry and the place that it came from: what ingest hands to the tally stage.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How grave a record says it is; the order is the order of gravity.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The record states no level.
    #[default]
    Unknown,
    /// Finest detail.
    Trace,
    /// For developers.
    Debug,
    /// Normal course of things, `notice` included.
    Info,
    /// Unexpected, handled.
    Warn,
    /// Something failed.
    Error,
    /// The program or system cannot go on: `fatal`, `critical`, `alert`, `emergency`, `panic`.
    Fatal,
}

impl Level {
    /// How many levels there are.
    pub const COUNT: usize = 7;

    /// Every level in order.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Unknown, Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// Returns the name in lower case, as events spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// The place that records come from in order: a partition of a topic, or a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// A Kafka partition; offsets are Kafka's.
    Partition {
        /// Topic name.
        topic: Arc<str>,
        /// Partition number from 0.
        partition: i32,
    },
    /// A file or standard input (`-`); offsets are line numbers from 0.
    File {
        /// Path as given.
        path: Arc<str>,
    },
}

impl Source {
    /// Returns the bytes of the name of its topic or file.
    pub(crate) fn name_bytes(&self) -> usize {
        match self {
            Self::Partition { topic, .. } => topic.len(),
            Self::File { path } => path.len(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition { topic, partition } => write!(f, "{topic}/{partition}"),
            Self::File { path } => f.write_str(path),
        }
    }
}

/// One decoded log entry, borrowed from the payload or from the joiner's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Offset of the payload (Kafka) or number of the line from 0 (file) where the entry begins.
    pub offset: u64,
    /// How many physical lines it was made of, at least 1.
    pub lines: u32,
    /// Event time where the entry states one.
    pub time: Option<Timestamp>,
    /// The service that wrote it; never empty.
    pub service: &'a str,
    /// The host that it ran on, empty where not stated.
    pub host: &'a str,
    /// The stated level.
    pub level: Level,
    /// The free text, header removed; may hold line feeds where lines were joined; any bytes.
    pub content: &'a [u8],
    /// The template that an upstream collector found (`log.record.template`).
    pub template: Option<&'a str>,
    /// The session that it belongs to, where a session key is configured.
    pub session: Option<&'a str>,
}
