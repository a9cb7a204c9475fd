//! The isolation forest: fitting, renewing a portion of it, scoring a point, scoring many,
//! explaining one.

#![allow(missing_docs, reason = "criterion's macros make an undocumented function")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use logwake_models::forest::{IsolationForest, IsolationForestValidParams};
use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What the detect stage has: 512 windows of 9 features, trees of 256 points, of which ten are
/// renewed together.
const WINDOWS: usize = 512;
const FEATURES: usize = 9;
const SAMPLE: usize = 256;
const PORTION: usize = 10;
const MANY: usize = 20_000;

fn rows(count: usize, features: usize) -> Array2<f64> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    // The sum of two uniform values: dense in the middle, thin at the edges.
    Array2::from_shape_simple_fn((count, features), || rng.r#gen::<f64>() + rng.r#gen::<f64>())
}

fn params() -> IsolationForestValidParams {
    let params = IsolationForest::params().sample(SAMPLE).seed(1);
    params.check().expect("the parameters are in bounds")
}

fn fitted(rows: &Array2<f64>) -> IsolationForest {
    let dataset = DatasetBase::from(rows.view());
    params().fit(&dataset).expect("the rows can be fitted")
}

fn forest(criterion: &mut Criterion) {
    let (windows, many) = (rows(WINDOWS, FEATURES), rows(MANY, FEATURES));
    let forest = fitted(&windows);
    let mut group = criterion.benchmark_group("forest");
    group.throughput(Throughput::Elements(WINDOWS as u64));
    let shape = format!("{WINDOWS} x {FEATURES}");
    group.bench_function(BenchmarkId::new("fit", &shape), |bencher| {
        bencher.iter(|| fitted(black_box(&windows)));
    });
    let (params, mut renewed) = (params(), forest.clone());
    group.bench_function(BenchmarkId::new("renew a portion", shape), |bencher| {
        bencher.iter(|| renewed.renew(&params, black_box(&windows), PORTION));
    });
    group.throughput(Throughput::Elements(1));
    let point: Vec<f64> = windows.row(3).to_vec();
    group.bench_function(BenchmarkId::new("score one", FEATURES), |bencher| {
        bencher.iter(|| forest.score_one(black_box(&point)));
    });
    group.bench_function(BenchmarkId::new("explain one", FEATURES), |bencher| {
        bencher.iter(|| forest.contributions(black_box(&point)));
    });
    group.throughput(Throughput::Elements(MANY as u64));
    let values: Vec<f64> = many.iter().copied().collect();
    group.bench_function(
        BenchmarkId::new("score rows", format!("{MANY} x {FEATURES}")),
        |bencher| {
            let mut scores = vec![0.0; MANY];
            bencher.iter(|| forest.score_rows(black_box(&values), &mut scores));
        },
    );
    group.finish();
}

criterion_group!(benches, forest);
criterion_main!(benches);
