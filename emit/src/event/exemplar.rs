//! One record shown as evidence, with the place where it can be found again.

use logwake_detector::anomaly::Evidence;
use logwake_detector::record::{Level, Source};
use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a record stands: `topic`, `partition`, `offset`, or `file` and `line`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Position {
    /// In a Kafka partition.
    Partition {
        /// Topic name.
        topic: String,
        /// Partition number from 0.
        partition: i32,
        /// Kafka's offset.
        offset: u64,
    },
    /// In a file or standard input.
    File {
        /// Path as given, `-` for standard input.
        file: String,
        /// Number of the line, from 1 as editors count.
        line: u64,
    },
}

impl Position {
    /// Makes the position of an offset as the stages count it: from 0, in files too.
    pub fn new(source: &Source, offset: u64) -> Self {
        match source {
            Source::Partition { topic, partition } => {
                Self::Partition { topic: topic.to_string(), partition: *partition, offset }
            }
            Source::File { path } => {
                Self::File { file: path.to_string(), line: offset.saturating_add(1) }
            }
        }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExemplarBody {
    /// Where it stands.
    #[serde(flatten)]
    pub position: Position,
    /// Event time.
    #[serde(with = "super::time")]
    pub time: Timestamp,
    /// Level, `unknown` where it states none.
    pub level: Level,
    /// Host, where it states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The content, cut at the limit of the exemplars.
    pub text: String,
}

impl From<&Evidence> for ExemplarBody {
    fn from(evidence: &Evidence) -> Self {
        let exemplar = &evidence.exemplar;
        Self {
            position: Position::new(&evidence.source, exemplar.offset),
            time: exemplar.time,
            level: exemplar.level,
            host: (!exemplar.host.is_empty()).then(|| exemplar.host.clone()),
            text: exemplar.text.clone(),
        }
    }
}
