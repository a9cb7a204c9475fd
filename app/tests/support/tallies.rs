//! What the tallies topic proves: every offset counted once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use logwake_detector::record::Source;
use logwake_detector::tally::{LineCounts, TallyBatch};
use logwake_emit::wire;

use super::kafka::{Record, Tail};

/// What the tallies cover.
#[derive(Debug, Default)]
pub struct Covered {
    /// Lines by what became of them.
    pub lines: LineCounts,
    /// First offset not covered, by source.
    pub to: BTreeMap<String, u64>,
    /// Batches of each source.
    pub batches: BTreeMap<String, u64>,
    /// Sources that were at their end at last.
    pub idle: BTreeMap<String, bool>,
    /// Batches that came before.
    pub repeated: u64,
}

/// Sums tallies as a detect stage does: what it takes for a repetition is left out.
pub fn cover(records: &[Record]) -> Covered {
    let mut sum = Sum::default();
    records.iter().for_each(|record| sum.see(record));
    sum.covered
}

#[derive(Debug, Default)]
struct Sum {
    covered: Covered,
    next: BTreeMap<(i32, Source), u64>,
}

impl Sum {
    fn see(&mut self, record: &Record) {
        let (batch, covered) = (decode(record), &mut self.covered);
        let next = self.next.entry((record.partition, batch.source.clone())).or_default();
        if batch.seq < *next {
            covered.repeated += 1;
            return;
        }
        *next = batch.seq + 1;
        covered.lines.add(&batch.lines);
        if record.partition == 0 {
            let name = batch.source.to_string();
            covered.to.insert(name.clone(), batch.to);
            covered.idle.insert(name.clone(), batch.idle);
            *covered.batches.entry(name).or_default() += 1;
        }
    }
}

/// The tallies as they come, each looked at once.
pub struct Follow {
    tail: Tail,
    sum: Sum,
}

impl Follow {
    pub fn new(tail: Tail) -> Self {
        Self { tail, sum: Sum::default() }
    }

    /// Sums what is there by now.
    pub fn read(&mut self) -> &Covered {
        self.tail.read_on();
        self.tail.records.drain(..).for_each(|record| self.sum.see(&record));
        &self.sum.covered
    }

    /// Reads on until the sum fulfils a condition.
    #[track_caller]
    pub fn wait(&mut self, what: &str, longest: Duration, is_met: impl Fn(&Covered) -> bool) {
        let begin = Instant::now();
        while !is_met(self.read()) {
            assert!(begin.elapsed() < longest, "{what}: {:?}", self.sum.covered);
        }
    }
}

/// Asserts that the batches of each source tile without gap, overlap or repetition.
#[track_caller]
pub fn check_tiles(records: &[Record]) {
    let mut last: BTreeMap<(i32, Source), TallyBatch> = BTreeMap::new();
    for record in records {
        let batch = decode(record);
        let key = (record.partition, batch.source.clone());
        let (seq, to) = last.get(&key).map_or((0, 0), |last| (last.seq + 1, last.to));
        assert_eq!((batch.seq, batch.from), (seq, to), "{key:?}");
        assert!(batch.from <= batch.to, "{key:?}");
        last.insert(key, batch);
    }
}

fn decode(record: &Record) -> TallyBatch {
    wire::decode_tally(&record.payload).unwrap()
}
