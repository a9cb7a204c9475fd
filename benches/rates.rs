//! One window of one template: judging its count, and learning it.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use logwake_models::rate::{Baseline, BaselineParams, Recurrence, Surprise, Tail};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Windows learned before anything is measured: an hour of ten seconds.
const LEARNED: usize = 360;

/// Counts of windows around a mean, more spread than Poisson's.
fn counts(mean: f64, windows: usize) -> Vec<u64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut draw = || {
        let swing = 0.5 + rng.r#gen::<f64>();
        // Exponential steps that fit into the window: a Poisson count.
        let mut left = (mean * swing).min(700.0);
        let scale = mean * swing / left.max(1e-9);
        let mut count = 0_u64;
        loop {
            left += (1.0 - rng.r#gen::<f64>()).ln();
            if left < 0.0 {
                return (count as f64 * scale) as u64;
            }
            count += 1;
        }
    };
    (0..windows).map(|_| draw()).collect()
}

fn baseline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rates");
    group.throughput(Throughput::Elements(1));
    for mean in [0.1, 10.0, 1000.0] {
        let counts = counts(mean, LEARNED);
        let mut learned = Baseline::new(BaselineParams::default());
        for count in &counts {
            learned.observe(*count);
        }
        group.bench_function(BenchmarkId::new("judge usual", format!("mean {mean}")), |bencher| {
            let usual = mean as u64;
            bencher.iter(|| learned.judge(black_box(usual)));
        });
        group.bench_function(
            BenchmarkId::new("judge extreme", format!("mean {mean}")),
            |bencher| {
                let extreme = (mean * 20.0) as u64 + 20;
                bencher.iter(|| learned.judge(black_box(extreme)));
            },
        );
        group.bench_function(BenchmarkId::new("observe", format!("mean {mean}")), |bencher| {
            let (mut baseline, mut next) = (learned.clone(), counts.iter().cycle());
            bencher.iter(|| baseline.observe(next.next().copied().unwrap_or_default()));
        });
    }
    group.finish();
}

/// Seconds of a window, and windows of two weeks.
const WIDTH: u64 = 10;
const TWO_WEEKS: u64 = 14 * 86_400 / WIDTH;

/// A window as the detector closes it, with the season of two weeks and without one.
fn close(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("close");
    group.throughput(Throughput::Elements(1));
    for mean in [0.01, 0.5, 10.0, 1000.0] {
        let counts = counts(mean, 4096);
        for is_told_time in [false, true] {
            let mut baseline = Baseline::new(BaselineParams::default());
            let mut next = counts.iter().cycle();
            let mut secs = 0;
            let mut close = |baseline: &mut Baseline| {
                secs += WIDTH;
                if is_told_time {
                    baseline.advance(secs);
                }
                let count = next.next().copied().unwrap_or_default();
                let is_far = count as f64 > 2.0 * baseline.mean() + 10.0;
                let p_value = if is_far { baseline.p_upper(count) } else { 1.0 };
                baseline.observe(count);
                p_value
            };
            for _ in 0..TWO_WEEKS {
                close(&mut baseline);
            }
            let name = if is_told_time { "season" } else { "no season" };
            group.bench_function(BenchmarkId::new(name, format!("mean {mean}")), |bencher| {
                bencher.iter(|| close(&mut baseline));
            });
        }
    }
    group.bench_function("by the clock: a window without", |bencher| {
        let mut nightly = Recurrence::new();
        (0..20).for_each(|day| nightly.visit(day * 86_400, 1));
        bencher.iter(|| nightly.missed(black_box(20 * 86_400)));
    });
    group.finish();
}

fn scores(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rates");
    group.throughput(Throughput::Elements(1));
    let values: Vec<f64> = counts(10.0, 4096).into_iter().map(|count| count as f64).collect();
    group.bench_function("tail: judge and observe", |bencher| {
        let (mut tail, mut next) = (Tail::new(2048), values.iter().cycle());
        bencher.iter(|| {
            let value = next.next().copied().unwrap_or_default();
            let p_value = tail.p_value(value);
            tail.observe(value);
            p_value
        });
    });
    group.bench_function("surprise: observe", |bencher| {
        let (mut surprise, mut next) = (Surprise::new(), values.iter().cycle());
        let mut secs = 0;
        bencher.iter(|| {
            secs = (secs + 300) % 86_400;
            surprise.observe(secs, next.next().copied().unwrap_or_default())
        });
    });
    group.finish();
}

criterion_group!(benches, baseline, close, scores);
criterion_main!(benches);
