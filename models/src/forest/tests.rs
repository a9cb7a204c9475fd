//! What holds for every forest.

use super::{Flavour, ForestError, IsolationForest};
use expect_test::{Expect, expect};
use linfa::{
    Dataset, DatasetBase, ParamGuard,
    traits::{Fit, Predict},
};
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;

fn fit(rows: &[f64], columns: usize, seed: u64) -> IsolationForest {
    let records = ArrayView2::from_shape((rows.len() / columns, columns), rows).unwrap();
    IsolationForest::params().trees(20).seed(seed).fit(&DatasetBase::from(records)).unwrap()
}

/// Fits on rows of text, one a line, and shows each with its score and the shares of its features.
fn check(text: &str, expect: Expect) {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let rows: Vec<f64> =
        lines.iter().flat_map(|line| line.split(' ').map(|v| v.parse::<f64>().unwrap())).collect();
    let columns = rows.len() / lines.len();
    let records = ArrayView2::from_shape((lines.len(), columns), &rows).unwrap();
    let params = IsolationForest::params().flavour(Flavour::Plain).trees(500).seed(7);
    let forest = params.fit(&DatasetBase::from(records)).unwrap();
    let mut out = String::new();
    for (line, row) in lines.iter().zip(rows.chunks(columns)) {
        let shares = forest.contributions(row);
        let shares: Vec<String> = shares.iter().map(|share| format!("{share:.2}")).collect();
        out += &format!("{line}: {:.2} by {}\n", forest.score_one(row), shares.join(" "));
    }
    expect.assert_eq(&out);
}

#[test]
fn the_odd_feature_is_named() {
    check(
        "1 5 3
         2 5 4
         1 6 3
         2 6 4
         1 5 4
         2 6 3
         90 5 4
         1 70 3
         1 NaN 4
         NaN NaN NaN",
        expect![[r#"
            1 5 3: 0.46 by 0.00 0.00 1.00
            2 5 4: 0.44 by 0.33 0.33 0.33
            1 6 3: 0.44 by 0.00 0.00 1.00
            2 6 4: 0.50 by 0.00 1.00 0.00
            1 5 4: 0.41 by 0.33 0.33 0.33
            2 6 3: 0.51 by 0.65 0.00 0.35
            90 5 4: 0.65 by 1.00 0.00 0.00
            1 70 3: 0.64 by 0.00 0.97 0.03
            1 NaN 4: 0.45 by 0.33 0.33 0.33
            NaN NaN NaN: 0.49 by 0.33 0.33 0.33
        "#]],
    );
}

#[test]
fn rows_that_are_all_alike_score_alike() {
    check(
        "4 4\n4 4\n4 4",
        expect![[r#"
        4 4: 0.50 by 0.50 0.50
        4 4: 0.50 by 0.50 0.50
        4 4: 0.50 by 0.50 0.50
    "#]],
    );
}

#[test]
fn one_row_tells_nothing() {
    check(
        "4 4",
        expect![[r#"
        4 4: 0.50 by 0.50 0.50
    "#]],
    );
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let refused = |params: super::IsolationForestParams| params.check().unwrap_err().to_string();
    expect!["forest has 0 trees, at least 1 is needed"]
        .assert_eq(&refused(IsolationForest::params().trees(0)));
    expect!["trees sample 1 points, at least 2 are needed"]
        .assert_eq(&refused(IsolationForest::params().sample(1)));
    let nothing: Array2<f64> = Array2::zeros((0, 3));
    let error: ForestError =
        IsolationForest::params().fit(&DatasetBase::from(nothing)).unwrap_err();
    expect!["records have 0 rows and 3 columns, at least 1 of each is needed"]
        .assert_eq(&error.to_string());
}

#[test]
fn single_precision_is_served_too() {
    let rows = Array2::from_shape_fn((50, 2), |(i, j)| ((i * i + j) % 17) as f32);
    let forest = IsolationForest::params().fit(&Dataset::from(rows.clone())).unwrap();
    let scores = forest.predict(&rows);
    let point = [f64::from(rows[[9, 0]]), f64::from(rows[[9, 1]])];
    assert_eq!(scores[9], forest.score_one(&point) as f32);
}

/// Rows of 3 columns with repeated, missing, huge and infinite values.
fn matrices() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        8 => -10.0..10.0,
        4 => (-3i32..3).prop_map(f64::from),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MIN), Just(f64::MAX)],
    ];
    prop::collection::vec([value.clone(), value.clone(), value], 1..300)
        .prop_map(|rows| rows.into_flattened())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn same_seed_same_forest_and_scores_in_range(rows in matrices(), seed: u64) {
        let forest = fit(&rows, 3, seed);
        prop_assert_eq!(&forest, &fit(&rows, 3, seed));
        for row in rows.chunks(3) {
            let score = forest.score_one(row);
            prop_assert!(score > 0.0 && score <= 1.0, "{} for {:?}", score, row);
        }
    }

    #[test]
    fn many_points_score_as_one_does(rows in matrices(), seed: u64) {
        let forest = fit(&rows, 3, seed);
        let mut scores = vec![0.0; rows.len() / 3];
        forest.score_rows(&rows, &mut scores);
        for (row, score) in rows.chunks(3).zip(scores) {
            prop_assert!((forest.score_one(row) - score).abs() < 1e-12);
        }
    }

    #[test]
    fn attributions_add_up(rows in matrices(), seed: u64) {
        let forest = fit(&rows, 3, seed);
        let of = |row: &[f64]| {
            forest.attributions(row).iter().sum::<f64>() - forest.score_one(row).log2()
        };
        for row in rows.chunks(3) {
            prop_assert!((of(row) - of(&rows[..3])).abs() < 1e-9);
            let shares = forest.contributions(row);
            prop_assert!(shares.iter().all(|&share| share >= 0.0));
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
