//! What the loop of a stage tells the people who run it: one place that both logs and counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use logwake_detector::record::Source;
use logwake_emit::kafka::CommitError;
use logwake_ingest::kafka::Partition;
use rdkafka::error::KafkaError;

use super::limits::Cut;
use super::restore::Damage;
use crate::board::{Board, StageProgress};
use crate::telemetry::{Commit, Metrics, Outcome, Stage, Tracer};

/// So many fencings in so short a time tell of two processes under one name, which fence each other
/// at every commit. Brokers that are restarted may bring it about twice.
const FENCED_MAX: usize = 4;
const FENCED_WITHIN: Duration = Duration::from_secs(60);
/// How often one and the same is told of a stage.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The eyes on one stage.
pub struct StageWatch {
    stage: Stage,
    board: Arc<Board>,
    progress: Arc<StageProgress>,
    metrics: Arc<Metrics>,
    tracer: Arc<Tracer>,
    trouble: Mutex<Trouble>,
}

/// What is wrong at present, and what was told of it.
#[derive(Default)]
struct Trouble {
    /// Whether something was told that no commit has ended yet.
    is_open: bool,
    told: Option<Instant>,
    move_told: Option<Instant>,
    /// Fencings of late.
    fenced: Vec<Instant>,
    fencing_told: Option<Instant>,
    cut_told: Option<Instant>,
}

/// Tells whether something is to be told, and notes that it is.
fn is_news(told: &mut Option<Instant>) -> bool {
    let is_news = told.is_none_or(|told| told.elapsed() > TOLD_EVERY);
    if is_news {
        *told = Some(Instant::now());
    }
    is_news
}

impl StageWatch {
    /// Watches a stage.
    pub fn new(
        stage: Stage,
        board: &Arc<Board>,
        metrics: &Arc<Metrics>,
        tracer: &Arc<Tracer>,
    ) -> Self {
        let (board, metrics) = (Arc::clone(board), Arc::clone(metrics));
        let (progress, tracer) = (board.stage_progress(stage), Arc::clone(tracer));
        Self { stage, board, progress, metrics, tracer, trouble: Mutex::default() }
    }

    /// Input is about to be read or worked on.
    pub fn waits(&self) {
        self.progress.waits();
    }

    /// There is nothing to commit.
    pub fn rests(&self) {
        self.progress.rests();
    }

    /// The stage could not start or go on, and will start over; `is_again` tells that it did so just
    /// before.
    pub fn failed(&self, error: &anyhow::Error, is_again: bool) {
        let (stage, error) = (self.stage.as_str(), format!("{error:#}"));
        self.progress.failed(&error);
        if is_again {
            tracing::error!(stage, error, "stage stopped again, starting over");
        } else {
            tracing::warn!(stage, error, "stage stopped, starting over");
        }
        self.tell(Outcome::Failed, Duration::ZERO, 0, 0);
    }

    /// The partitions that it owns changed.
    pub fn assigned(&self, partitions: usize) {
        tracing::info!(stage = self.stage.as_str(), partitions, "partitions assigned");
        if partitions == 0 {
            self.progress.has_none();
        }
    }

    /// A commit went through.
    pub fn committed(&self, took: Duration, inputs: u64, outputs: u64) {
        self.progress.committed(inputs);
        if std::mem::take(&mut self.trouble().is_open) {
            tracing::info!(stage = self.stage.as_str(), "commits go through again");
        }
        self.tell(Outcome::Committed, took, inputs, outputs);
    }

    /// A commit failed or its outcome is not known; the stage rewinds.
    pub fn commit_failed(&self, error: &anyhow::Error) {
        let stage = self.stage.as_str();
        let why = error.downcast_ref::<CommitError>();
        let error = format!("{error:#}");
        self.progress.failed(&error);
        let mut trouble = self.trouble();
        if why.is_some_and(CommitError::is_fenced) && trouble.is_fenced_again() {
            if is_news(&mut trouble.fencing_told) {
                tracing::error!(
                    stage,
                    "another process commits under the same transactional id; give each process its own [kafka] instance"
                );
            }
        } else if why.is_some_and(CommitError::is_rebalance) {
            if is_news(&mut trouble.move_told) {
                tracing::info!(stage, "partitions move, committing again after that");
            }
        } else if trouble.is_news() {
            tracing::warn!(stage, error, "commit failed, going back");
        } else {
            tracing::debug!(stage, error, "commit failed, going back");
        }
        drop(trouble);
        self.tell(Outcome::Aborted, Duration::ZERO, 0, 0);
    }

    /// An error of the consumer that goes away by itself.
    pub fn passing(&self, error: &KafkaError) {
        self.progress.failed(&error.to_string());
        if self.trouble().is_news() {
            tracing::warn!(stage = self.stage.as_str(), %error, "kafka consumer, trying again");
        }
    }

    /// Partitions were taken from it that it did not give up.
    pub fn lost(&self, partitions: usize) {
        let stage = self.stage.as_str();
        tracing::warn!(stage, partitions, "taken for dead by its group, joining again");
    }

    /// A partition went back: its log was cut, deleted, or made anew.
    pub fn went_back(&self, partition: &Partition, expected: i64, found: i64) {
        let (topic, number) = partition;
        tracing::warn!(
            stage = self.stage.as_str(),
            "partition {topic}/{number} goes on at offset {found} instead of {expected}: \
             its log was truncated, deleted or recreated"
        );
    }

    /// The kept state of a partition is older than its committed offset: one was changed by hand.
    pub fn state_lags(&self, partition: &Partition, kept: Option<i64>, committed: Option<i64>) {
        let (topic, number) = partition;
        tracing::warn!(
            stage = self.stage.as_str(),
            kept,
            committed,
            "the state of {topic}/{number} is older than its offset in the group; going on from the state"
        );
    }

    /// The kept state of a partition is of another version, or damaged.
    pub fn state_refused(&self, partition: &Partition, error: &anyhow::Error) {
        let (topic, number) = partition;
        tracing::warn!(
            stage = self.stage.as_str(),
            error = format!("{error:#}"),
            "the state of {topic}/{number} cannot be read; \
             what it knew is learned again from what the topic still holds"
        );
    }

    /// The newest state of a partition is damaged; `older` is the position of the one that is used
    /// instead, if there is one.
    pub fn state_damaged(&self, partition: &Partition, error: &Damage, older: Option<i64>) {
        let (topic, number) = partition;
        let (stage, error) = (self.stage.as_str(), error.to_string());
        match older {
            Some(position) => tracing::warn!(
                stage,
                error,
                "the newest state of {topic}/{number} is damaged; \
                 restoring an older one and reading again from offset {position}"
            ),
            None => tracing::warn!(
                stage,
                error,
                "the state of {topic}/{number} is damaged and there is no older one; \
                 it is learned again from what the topic still holds"
            ),
        }
    }

    /// The handling of a payload panicked.
    pub fn panicked(&self, partition: &Partition, offset: i64, is_set_aside: bool) {
        let (topic, number) = partition;
        let then = match is_set_aside {
            true => "it is set aside in the dead-letter topic",
            false => "reading it once more from the last commit",
        };
        tracing::error!(
            stage = self.stage.as_str(),
            "handling the payload at {topic}/{number}@{offset} panicked; {then}. Please report this"
        );
    }

    /// Processes died at an offset before they could commit it.
    pub fn is_cautious(&self, partition: &Partition, offset: i64, is_set_aside: bool) {
        let (topic, number) = partition;
        let then = match is_set_aside {
            true => "the payload there is set aside in the dead-letter topic",
            false => "reading few payloads at a time until the one is found at which they die",
        };
        tracing::warn!(
            stage = self.stage.as_str(),
            "processes died at {topic}/{number}@{offset} before they committed it; {then}"
        );
    }

    /// A batch of payloads cannot be unpacked, however often it is fetched.
    pub fn stepped_over(&self, partition: &Partition, begin: i64, next: i64) {
        let (topic, number) = partition;
        tracing::error!(
            stage = self.stage.as_str(),
            "the batch at {topic}/{number}@{begin} cannot be unpacked; going on at offset {next}, \
             a dead letter stands for the payloads before it"
        );
    }

    /// A payload was set aside, or a batch stepped over; the tally stage counts its own.
    pub fn set_aside(&self, reason: &'static str) {
        if self.stage != Stage::Tally {
            self.metrics.dead_letters(reason, 1);
        }
    }

    /// An event was cut since its topic does not take one of its size.
    pub fn cut(&self, cut: &Cut) {
        let Cut { topic, bytes, bytes_max } = cut;
        self.metrics.event_cut(topic);
        if is_news(&mut self.trouble().cut_told) {
            tracing::warn!(
                stage = self.stage.as_str(),
                "an event of {bytes} bytes for topic {topic} was cut to its limit of {bytes_max} bytes"
            );
        }
    }

    /// How many records of a partition are not handled yet.
    pub fn lag(&self, topic: &str, partition: i32, records: i64, end: i64) {
        if self.stage == Stage::Tally {
            let source = Source::Partition { topic: Arc::from(topic), partition };
            self.metrics.lag(&source, u64::try_from(records).unwrap_or(0));
            self.board.source_end(&source, u64::try_from(end).unwrap_or(0));
        }
    }

    /// A partition was given up.
    pub fn released(&self, partition: &Partition) {
        let (topic, number) = partition;
        match self.stage {
            Stage::Tally => {
                let source =
                    Source::Partition { topic: Arc::from(topic.as_str()), partition: *number };
                self.metrics.source_released(&source);
                self.board.source_released(&source);
            }
            Stage::Detect => {
                let shard = u32::try_from(*number).unwrap_or(0);
                self.metrics.shard_released(shard);
                self.board.shard_released(shard);
            }
            Stage::Notify => {
                self.metrics.sinks_released();
                self.board.sinks_stand(Vec::new());
            }
            Stage::Intake => self.board.silences_released(partition),
            Stage::Alert => {}
        }
    }

    fn tell(&self, outcome: Outcome, took: Duration, inputs: u64, outputs: u64) {
        let commit = Commit { stage: self.stage, outcome, took, inputs, outputs };
        self.metrics.committed(&commit);
        self.board.committed(&commit);
        self.tracer.committed(&commit);
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble {
    fn is_news(&mut self) -> bool {
        let is_news = is_news(&mut self.told);
        self.is_open |= is_news;
        is_news
    }

    /// Others fence a process once that they take for dead; one under the same name does it again
    /// and again.
    fn is_fenced_again(&mut self) -> bool {
        self.fenced.retain(|at| at.elapsed() < FENCED_WITHIN);
        self.fenced.push(Instant::now());
        self.fenced.len() >= FENCED_MAX
    }
}
