//! Payloads to records: format, header, time and joining of each line.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use logwake_benches::{Lines, decoder_options, mixed, storage};
use logwake_detector::record::Record;
use logwake_ingest::decode::{Decoder, Reason, Sink};

const LINES: u64 = 20_000;

/// Counts what comes out.
#[derive(Default)]
struct Count {
    lines: u64,
    bytes: usize,
}

impl Sink for Count {
    fn record(&mut self, record: &Record<'_>) {
        self.lines += u64::from(record.lines);
        self.bytes += record.content.len();
    }

    fn reject(&mut self, _: u64, lines: u32, _: Reason, _: &[u8]) {
        self.lines += u64::from(lines);
    }
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (name, lines) in [("storage", storage(LINES, 1)), ("mixed", mixed(LINES, 1))] {
        let (elements, bytes) = (lines.len(), lines.bytes());
        group.throughput(Throughput::ElementsAndBytes { elements, bytes });
        let id = BenchmarkId::new(name, format!("{elements} lines"));
        group.bench_with_input(id, &lines, |bencher, lines| {
            bencher.iter(|| run(lines));
        });
    }
    group.finish();
}

fn run(lines: &Lines) -> usize {
    let mut decoder = Decoder::new(decoder_options(), "bench");
    let mut count = Count::default();
    for (offset, line) in lines.iter().enumerate() {
        decoder.push(line, offset as u64, None, &mut count);
    }
    decoder.flush(&mut count);
    assert_eq!(count.lines, lines.len(), "every line is counted");
    count.bytes
}

criterion_group!(benches, decode);
criterion_main!(benches);
