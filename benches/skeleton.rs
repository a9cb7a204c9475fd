//! The mask: content to skeleton, one pass over the bytes.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use logwake_benches::{mixed, records, storage};
use logwake_models::template::{Skeleton, mask};

const LINES: u64 = 20_000;

fn skeleton(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("skeleton");
    for (name, lines) in [("storage", storage(LINES, 1)), ("mixed", mixed(LINES, 1))] {
        let records = records(&lines);
        group.throughput(Throughput::ElementsAndBytes {
            elements: records.records.len() as u64,
            bytes: records.content_bytes(),
        });
        let id = BenchmarkId::new(name, format!("{} records", records.records.len()));
        group.bench_with_input(id, &records, |bencher, records| {
            let mut skeleton = Skeleton::new();
            bencher.iter(|| {
                let mut sum = 0_u64;
                for record in &records.records {
                    mask(black_box(record.content()), &mut skeleton);
                    sum ^= skeleton.hash();
                }
                sum
            });
        });
    }
    group.finish();
}

criterion_group!(benches, skeleton);
criterion_main!(benches);
