//! One block of one variable: judging its values, and learning them.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::collections::BTreeMap;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use logwake_models::value::{Crowd, NameParams, Names, Number, Numeric, Scale};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Values of a block: as many as are kept of a template in a window.
const BLOCK: usize = 32;
/// Blocks learned before anything is measured, and blocks that are judged in turn.
const LEARNED: usize = 360;
const TURNS: usize = 64;

fn values(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("values");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    group.throughput(Throughput::Elements(BLOCK as u64));
    let mut latency = || (4.0 * rng.r#gen::<f64>()).exp().round();
    let blocks: Vec<Vec<f64>> =
        (0..LEARNED + TURNS).map(|_| (0..BLOCK).map(|_| latency()).collect()).collect();
    group.bench_function(BenchmarkId::new("measure", format!("{BLOCK} values")), |bencher| {
        let (mut numeric, mut turns) = (Numeric::default(), blocks[LEARNED..].iter().cycle());
        for block in &blocks[..LEARNED] {
            numeric.observe(block, 1.0);
        }
        bencher.iter(|| turns.next().map(|block| numeric.observe(block, 1.0)));
    });
    let mut crowd_of = || {
        let mut users: Vec<u32> =
            (0..BLOCK).map(|_| rng.r#gen::<u32>() % 900 * 4_000_037).collect();
        users.sort_unstable();
        users.dedup();
        users
    };
    let users: Vec<Vec<u32>> = (0..LEARNED + TURNS).map(|_| crowd_of()).collect();
    group.bench_function(BenchmarkId::new("crowd", "900 users"), |bencher| {
        let (mut crowd, mut turns) = (Crowd::default(), users[LEARNED..].iter().cycle());
        for block in &users[..LEARNED] {
            crowd.observe(block);
        }
        bencher.iter(|| turns.next().map(|block| crowd.observe(block)));
    });
    let block = BTreeMap::from([("200", 25), ("304", 5), ("404", 2)]);
    group.bench_function(BenchmarkId::new("names", "3 names"), |bencher| {
        let (mut names, params) = (Names::default(), NameParams { stable_blocks: 180 });
        bencher.iter(|| names.observe(&block, params));
    });
    group.bench_function(BenchmarkId::new("read", "1.25ms"), |bencher| {
        bencher.iter(|| Number::read(std::hint::black_box("1.25ms"), Scale::NONE));
    });
    group.finish();
}

criterion_group!(benches, values);
criterion_main!(benches);
