//! Records to tallies: mask, count, and a cut every so many records.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use logwake_benches::{CLOCK, Records, WALL, mixed, records, storage};
use logwake_detector::record::Source;
use logwake_detector::tally::{Tally, TallyInput};
use logwake_models::template::Masks;

const LINES: u64 = 20_000;
/// Records between two cuts: what comes in 200 ms at 50,000 a second.
const CUT_EVERY: usize = 10_000;

fn tally(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tally");
    for (name, lines) in [("storage", storage(LINES, 1)), ("mixed", mixed(LINES, 1))] {
        let (elements, records) = (lines.len(), records(&lines));
        let bytes = records.content_bytes();
        group.throughput(Throughput::ElementsAndBytes { elements, bytes });
        let id = BenchmarkId::new(name, format!("{elements} lines"));
        group.bench_with_input(id, &records, |bencher, records| {
            bencher.iter(|| {
                let tallied = run(records);
                assert_eq!(tallied + records.rejected, elements, "every line is counted");
            });
        });
    }
    group.finish();
}

fn run(records: &Records) -> u64 {
    let source = Source::Partition { topic: "logs".into(), partition: 0 };
    let mut tally = Tally::new(source, 1, CLOCK, Masks::default(), WALL);
    let (mut batches, mut to, mut tallied) = (Vec::new(), 0, 0);
    for chunk in records.records.chunks(CUT_EVERY) {
        for record in chunk {
            let record = record.as_record();
            to = record.offset + 1;
            tally.step(TallyInput::Record(&record), &mut batches);
        }
        tally.step(TallyInput::Cut { to, wall: WALL, idle: false }, &mut batches);
        tallied += batches.drain(..).map(|batch| batch.lines.total()).sum::<u64>();
    }
    tallied
}

criterion_group!(benches, tally);
criterion_main!(benches);
