//! Scores beside those of scikit-learn, and the gain beside the formula of the paper.

use super::contest::{gain, range};
use super::{Flavour, IsolationForest};
use linfa::{DatasetBase, traits::Fit};
use ndarray::Array2;
use proptest::prelude::*;

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

/// Equation 3 of SCiForest as it stands there, the sides weighted by their values.
fn naive_gain(values: &[f32], threshold: f32) -> f64 {
    let deviation_sum = |values: &[f64]| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        count * variance.sqrt()
    };
    let side = |is_left: bool| -> Vec<f64> {
        let here = values.iter().filter(|&&value| (value < threshold) == is_left);
        here.map(|&value| f64::from(value)).collect()
    };
    let whole: Vec<f64> = values.iter().map(|&value| f64::from(value)).collect();
    1.0 - (deviation_sum(&side(true)) + deviation_sum(&side(false))) / deviation_sum(&whole)
}

proptest! {
    #[test]
    fn the_gain_is_that_of_the_paper(
        values in prop::collection::vec(-1e3f32..1e3, 3..200),
        share in 0.0f32..1.0,
    ) {
        let (low, high) = range(&values);
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        prop_assert_eq!((low, high), (least, values.iter().copied().fold(least, f32::max)));
        let threshold = (low + (high - low) * share).max(low.next_up());
        let (fast, naive) = (gain(&values, (low, high), threshold), naive_gain(&values, threshold));
        prop_assert!((f64::from(fast) - naive).abs() < 0.01, "{} is not {}", fast, naive);
    }
}
