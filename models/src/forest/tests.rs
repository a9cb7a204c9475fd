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
            2 6 3: 0.51 by 0.67 0.00 0.33
            90 5 4: 0.64 by 1.00 0.00 0.00
            1 70 3: 0.65 by 0.00 0.96 0.04
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
    expect!["trees sample 100000 points, at most 65536 are taken"]
        .assert_eq(&refused(IsolationForest::params().sample(100_000)));
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

#[test]
fn a_feature_of_two_values_does_not_hide_a_gap_in_another() {
    let mut rows = Array2::from_shape_fn((256, 9), |(i, j)| ((i >> j) % 2) as f64);
    for (i, mut row) in rows.rows_mut().into_iter().enumerate() {
        row[0] = if i < 3 { 30.0 } else { (i * 7 % 16) as f64 / 16.0 };
    }
    let forest = IsolationForest::params().fit(&DatasetBase::from(rows.view())).unwrap();
    let scores = forest.predict(&rows);
    assert!((3..256).all(|i| scores[i] < scores[0].min(scores[1]).min(scores[2]) - 0.1));
}

#[test]
fn renewed_trees_forget_the_records_before() {
    let old = Array2::from_shape_fn((200, 2), |(i, j)| ((i * (3 + j)) % 17) as f64);
    let new = old.mapv(|value| value + 100.0);
    let params = IsolationForest::params().trees(10).check().unwrap();
    let mut forest = params.fit(&DatasetBase::from(old.view())).unwrap();
    let point = [105.0, 105.0];
    let before = forest.score_one(&point);
    (0..5).for_each(|_| forest.renew(&params, &new, 2).unwrap());
    let after = forest.score_one(&point);
    let whole = params.fit(&DatasetBase::from(new.view())).unwrap();
    assert!((after - whole.score_one(&point)).abs() < 0.02 && after < before - 0.03);
    let error = forest.renew(&params, &Array2::<f64>::zeros((200, 1)), 2).unwrap_err();
    expect!["records have 200 rows and 1 columns, the forest has 2 features"]
        .assert_eq(&error.to_string());
}

#[test]
fn bytes_that_make_no_forest_are_refused() {
    let forest = fit(&[1.0, 2.0, 3.0, 5.0, 2.0, 1.0], 2, 1);
    let bytes = postcard::to_stdvec(&forest).unwrap();
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 0x11;
        // Either refused or a forest that can be asked.
        if let Ok(forest) = postcard::from_bytes::<IsolationForest>(&broken) {
            forest.score_one(&vec![0.0; forest.n_features()]);
        }
    }
    assert!(postcard::from_bytes::<IsolationForest>(&bytes[..bytes.len() - 1]).is_err());
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
    fn parts_together_are_the_whole(rows in matrices(), seed: u64, count in 1usize..7) {
        let records = ArrayView2::from_shape((rows.len() / 3, 3), &rows).unwrap();
        let params = IsolationForest::params().trees(20).seed(seed).check().unwrap();
        let parts = params.parts(count).into_iter();
        let mut parts = parts.map(|part| part.fit(&DatasetBase::from(records)).unwrap());
        let mut forest = parts.next().unwrap();
        parts.for_each(|part| forest.append(part));
        prop_assert_eq!(forest, fit(&rows, 3, seed));
    }

    #[test]
    fn what_is_stored_comes_back(rows in matrices(), seed: u64) {
        let forest = fit(&rows, 3, seed);
        let bytes = postcard::to_stdvec(&forest).unwrap();
        prop_assert_eq!(postcard::from_bytes::<IsolationForest>(&bytes).unwrap(), forest);
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
