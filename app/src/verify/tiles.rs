//! The ranges that tallies cover: those of one source tile without gap or overlap, in every shard.

use std::collections::BTreeMap;

use logwake_detector::record::Source;
use logwake_detector::tally::{LineCounts, TallyBatch};

use super::Problems;

/// The ranges of every source in every partition of the tallies topic.
#[derive(Debug, Default)]
pub struct Tiles {
    may_repeat: bool,
    lanes: BTreeMap<(Source, i32), Lane>,
    /// Batches that came before, which the detect stage leaves out.
    pub repeated: u64,
}

/// The batches of one source in one partition.
#[derive(Debug)]
struct Lane {
    from: u64,
    to: u64,
    next_seq: u64,
    batches: u64,
    lines: LineCounts,
}

/// What the tallies of one source prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSum {
    /// The source.
    pub source: Source,
    /// First offset covered in every shard.
    pub from: u64,
    /// First offset not covered in every shard.
    pub to: u64,
    /// Batches in the shard that has most.
    pub batches: u64,
    /// What became of the lines.
    pub lines: LineCounts,
}

impl Tiles {
    /// Starts; with `may_repeat` a batch may come again, as at-least-once delivery does it.
    pub fn new(may_repeat: bool) -> Self {
        Self { may_repeat, ..Self::default() }
    }

    /// Takes in the next batch of a partition of the tallies topic.
    pub fn see(&mut self, partition: i32, batch: &TallyBatch, problems: &mut Problems) {
        let key = (batch.source.clone(), partition);
        let Some(lane) = self.lanes.get_mut(&key) else {
            self.lanes.insert(key, Lane::of(batch));
            return;
        };
        let place = format!("batch {} of {} in shard {partition}", batch.seq, batch.source);
        if batch.seq < lane.next_seq {
            self.repeated += 1;
            if batch.to > lane.to {
                let (from, to) = (batch.from, batch.to);
                problems.add(format!(
                    "{place} came again cut elsewhere: offsets {from} to {to} may count twice"
                ));
            } else if !self.may_repeat {
                problems.add(format!("{place} came twice"));
            }
            return;
        }
        lane.follow(batch, &place, problems);
    }

    /// Returns what is proven of each source.
    pub fn sources(&self) -> Vec<SourceSum> {
        let mut sums: Vec<SourceSum> = Vec::new();
        for ((source, _), lane) in &self.lanes {
            match sums.last_mut().filter(|sum| sum.source == *source) {
                Some(sum) => sum.add(lane),
                None => sums.push(SourceSum {
                    source: source.clone(),
                    from: lane.from,
                    to: lane.to,
                    batches: lane.batches,
                    lines: lane.lines,
                }),
            }
        }
        sums
    }
}

impl Lane {
    fn of(batch: &TallyBatch) -> Self {
        Self {
            from: batch.from,
            to: batch.to,
            next_seq: batch.seq + 1,
            batches: 1,
            lines: batch.lines,
        }
    }

    fn follow(&mut self, batch: &TallyBatch, place: &str, problems: &mut Problems) {
        if batch.seq > self.next_seq {
            let missing = batch.seq - self.next_seq;
            problems.add(format!("{place} follows {} batches too late", missing));
        }
        if batch.from > self.to {
            problems.add(format!("{place} leaves offsets {} to {} out", self.to, batch.from));
        }
        if batch.from < self.to {
            problems.add(format!("{place} counts offsets {} to {} again", batch.from, self.to));
        }
        if batch.to < batch.from {
            problems.add(format!("{place} ends at {} before its start {}", batch.to, batch.from));
        }
        self.to = self.to.max(batch.to);
        self.next_seq = batch.seq + 1;
        self.batches += 1;
        self.lines.add(&batch.lines);
    }
}

impl SourceSum {
    fn add(&mut self, lane: &Lane) {
        self.from = self.from.max(lane.from);
        self.to = self.to.min(lane.to);
        self.batches = self.batches.max(lane.batches);
        self.lines.add(&lane.lines);
    }
}
