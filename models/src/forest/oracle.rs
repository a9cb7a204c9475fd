//! Scores beside those of scikit-learn.

use super::{Flavour, IsolationForest};
use linfa::{DatasetBase, traits::Fit};
use ndarray::Array2;

/// `-score_samples` of scikit-learn 1.9.1 (numpy 2.4.6) for every tenth row of [`rows`]: the mean
/// of four `IsolationForest(n_estimators=1000, max_samples=256)` with the random states 0 to 3.
const EXPECTED: [f64; 30] = [
    0.7200, 0.4166, 0.4599, 0.4718, 0.4099, 0.7117, 0.4693, 0.4267, 0.4165, 0.5190, 0.7259, 0.4364,
    0.4274, 0.4498, 0.4023, 0.7400, 0.4877, 0.5301, 0.4197, 0.4453, 0.7737, 0.4424, 0.4991, 0.4162,
    0.4255, 0.8156, 0.4134, 0.4663, 0.4737, 0.5626,
];

/// Two forests of scikit-learn that differ in their random state alone differ by up to 0.008.
const TOLERANCE: f64 = 0.015;

/// Makes 300 rows: a correlated normal-like cloud, a column of four levels, and six outliers.
fn rows() -> Array2<f64> {
    let mut state = 12345u64;
    let mut unit = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut rows = Array2::zeros((300, 4));
    for mut row in rows.rows_mut() {
        row[0] = (0..6).map(|_| unit()).sum::<f64>() - 3.0;
        row[1] = (0..6).map(|_| unit()).sum::<f64>() - 3.0;
        row[2] = (unit() * 4.0).floor();
        row[3] = 0.5 * row[0] + unit();
    }
    for k in 0..6 {
        let outlier = [3.0 + 0.5 * k as f64, -4.0 + 0.25 * k as f64, k as f64, 2.0 * k as f64];
        rows.row_mut(50 * k).assign(&ndarray::arr1(&outlier));
    }
    rows
}

#[test]
fn plain_scores_are_those_of_scikit_learn() {
    let rows = rows();
    let params = IsolationForest::params().flavour(Flavour::Plain).trees(2000).seed(1);
    let forest = params.fit(&DatasetBase::from(rows.view())).unwrap();
    for (row, expected) in rows.rows().into_iter().step_by(10).zip(EXPECTED) {
        let score = forest.score_one(row.as_slice().unwrap());
        assert!((score - expected).abs() < TOLERANCE, "{score} is not {expected} for {row}");
    }
}
