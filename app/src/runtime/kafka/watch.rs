//! What the loop of a stage tells the people who run it: one place that both logs and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use logwake_emit::kafka::CommitError;
use logwake_ingest::kafka::Partition;
use rdkafka::error::KafkaError;

use crate::board::Board;
use crate::telemetry::Metrics;

/// The eyes on one stage.
pub struct StageWatch {
    stage: &'static str,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    is_troubled: AtomicBool,
}

impl StageWatch {
    /// Watches a stage.
    pub fn new(stage: &'static str, board: &Arc<Board>, metrics: &Arc<Metrics>) -> Self {
        let (board, metrics) = (Arc::clone(board), Arc::clone(metrics));
        Self { stage, board, metrics, is_troubled: AtomicBool::new(false) }
    }

    /// The stage could not start or go on, and will start over.
    pub fn failed(&self, error: &anyhow::Error) {
        let stage = self.stage;
        tracing::error!(stage, error = format!("{error:#}"), "stage stopped, starting over");
        self.board.stage_failed(stage, &format!("{error:#}"));
    }

    /// The partitions that it owns changed.
    pub fn assigned(&self, partitions: usize) {
        tracing::info!(stage = self.stage, partitions, "partitions assigned");
        self.board.assigned(self.stage, partitions);
    }

    /// A commit went through.
    pub fn committed(&self, took: Duration) {
        if self.is_troubled.swap(false, Ordering::AcqRel) {
            tracing::info!(stage = self.stage, "commits go through again");
        }
        self.metrics.committed(self.stage, took, true);
        self.board.committed(self.stage, took, true);
    }

    /// A commit failed or its outcome is not known; the stage rewinds.
    pub fn commit_failed(&self, error: &anyhow::Error) {
        let stage = self.stage;
        self.is_troubled.store(true, Ordering::Release);
        let fenced = error.downcast_ref::<CommitError>().is_some_and(CommitError::is_fenced);
        if fenced {
            tracing::error!(
                stage,
                "another process commits under the same transactional id; give each process its own [kafka] instance"
            );
        } else {
            tracing::warn!(stage, error = format!("{error:#}"), "commit failed, going back");
        }
        self.metrics.committed(stage, Duration::ZERO, false);
        self.board.committed(stage, Duration::ZERO, false);
    }

    /// An error of the consumer that goes away by itself; said once until a commit goes through.
    pub fn passing(&self, error: &KafkaError) {
        if !self.is_troubled.swap(true, Ordering::AcqRel) {
            tracing::warn!(stage = self.stage, %error, "kafka consumer, trying again");
        }
    }

    /// A partition went back: its log was cut, deleted, or made anew.
    pub fn went_back(&self, partition: &Partition, expected: i64, found: i64) {
        let (topic, number) = partition;
        tracing::warn!(
            stage = self.stage,
            "partition {topic}/{number} goes on at offset {found} instead of {expected}: \
             its log was truncated, deleted or recreated"
        );
    }

    /// How many records of a partition are not handled yet.
    pub fn lag(&self, topic: &str, partition: i32, records: i64) {
        self.metrics.lag(self.stage, topic, partition, records);
        self.board.lag(self.stage, topic, partition, records);
    }
}
