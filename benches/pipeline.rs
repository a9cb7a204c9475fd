//! The whole pipeline in memory, in one thread: lines to records, tallies, findings, alerts.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use criterion::{criterion_group, criterion_main};
use logwake_benches::{
    ALERTS, CLOCK, Lines, WALL, decoder_options, detect_settings, mixed, storage,
};
use logwake_detector::alert::{Alert, AlertOutput};
use logwake_detector::detect::{Detect, Findings};
use logwake_detector::record::{Record, Source};
use logwake_detector::tally::{Tally, TallyBatch, TallyInput};
use logwake_ingest::decode::{Decoder, Reason, Sink};
use logwake_models::template::Masks;

/// A hundred seconds of event time, ten windows.
const LINES: u64 = 100_000;
/// Lines between two cuts.
const CUT_EVERY: u64 = 10_000;

/// The stages with what waits between them.
struct Stages {
    tally: Tally,
    detect: Detect,
    alert: Alert,
    batches: Vec<TallyBatch>,
    findings: Vec<Findings>,
    outputs: Vec<AlertOutput>,
}

impl Sink for Stages {
    fn record(&mut self, record: &Record<'_>) {
        self.tally.step(TallyInput::Record(record), &mut self.batches);
    }

    fn reject(&mut self, _: u64, lines: u32, _: Reason, _: &[u8]) {
        self.tally.step(TallyInput::Rejected { lines }, &mut self.batches);
    }
}

impl Stages {
    fn new() -> Self {
        let source = Source::Partition { topic: "logs".into(), partition: 0 };
        Self {
            tally: Tally::new(source, 1, CLOCK, Masks::default(), WALL),
            detect: Detect::new(detect_settings(), 0, 1),
            alert: Alert::new(ALERTS),
            batches: Vec::new(),
            findings: Vec::new(),
            outputs: Vec::new(),
        }
    }

    fn cut(&mut self, to: u64, idle: bool) {
        self.tally.step(TallyInput::Cut { to, wall: WALL, idle }, &mut self.batches);
        for batch in self.batches.drain(..) {
            self.detect.step(batch, &mut self.findings);
        }
        for findings in self.findings.drain(..) {
            self.alert.step(findings, &mut self.outputs);
        }
    }
}

fn run(lines: &Lines) -> usize {
    let mut decoder = Decoder::new(decoder_options(), "bench");
    let mut stages = Stages::new();
    let mut offset = 0;
    for line in lines.iter() {
        decoder.push(line, offset, None, &mut stages);
        offset += 1;
        if offset % CUT_EVERY == 0 {
            stages.cut(offset, false);
        }
    }
    decoder.flush(&mut stages);
    stages.cut(offset, true);
    let counted = stages.detect.state().counts().lines.total();
    assert_eq!(counted, lines.len(), "every line is counted");
    stages.outputs.len()
}

fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    group.sampling_mode(SamplingMode::Flat);
    for (name, lines) in [("storage", storage(LINES, 1)), ("mixed", mixed(LINES, 1))] {
        let (elements, bytes) = (lines.len(), lines.bytes());
        group.throughput(Throughput::ElementsAndBytes { elements, bytes });
        let id = BenchmarkId::new(name, format!("{elements} lines"));
        group.bench_with_input(id, &lines, |bencher, lines| bencher.iter(|| run(lines)));
    }
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
