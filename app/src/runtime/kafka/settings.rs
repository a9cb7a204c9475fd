//! What a stage reads, keeps and commits under.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::ClientConfig;

use super::align::Alignment;

/// What a stage reads, keeps and commits under.
#[derive(Clone, Debug)]
pub struct StageSettings {
    /// Input topics.
    pub inputs: Vec<String>,
    /// Compacted topic of its states.
    pub state_topic: Arc<str>,
    /// Partitions of that topic.
    pub state_partitions: i32,
    /// Set for exactly once.
    pub transactional_id: Option<String>,
    /// Consumer properties, group included.
    pub consumer: ClientConfig,
    /// Producer properties.
    pub producer: ClientConfig,
    /// Time between commits.
    pub commit_interval: Duration,
    /// Time between snapshots of a stage whose state can be replayed.
    pub snapshot_interval: Duration,
    /// What its readers tell each other, and which of them this is.
    pub alignment: (Arc<Alignment>, usize),
    /// Topics of public events, which are made smaller where they are more than a topic takes.
    pub events: Vec<Arc<str>>,
    /// Where payloads go that are set aside.
    pub deadletter: Arc<str>,
}
