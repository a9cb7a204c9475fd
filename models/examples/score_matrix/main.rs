//! Isolation-forest scores of a matrix, for comparing with other implementations.
//!
//! Reads a CSV of numbers without header, a row a point (an empty field or `nan` is missing), fits
//! a forest on it and prints the score of each row: in (0, 1], higher is more anomalous.
//! Trees are grown and points scored on all cores; the scores do not depend on how many there are.
//!
//! `score_matrix --seed N [--trees 100] [--sample 256] [--flavour gain|plain] [--times]`
//!
//! `--times` says on standard error how many milliseconds growing and scoring took together, without reading
//! and printing.

mod csv;

use csv::Matrix;
use linfa::{DatasetBase, ParamGuard, traits::Fit};
use logwake_models::forest::{
    Flavour, ForestError, IsolationForest, IsolationForestParams, IsolationForestValidParams,
};
use ndarray::ArrayView2;
use std::error::Error;
use std::io::Write;
use std::thread;

#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example is a program: it has arguments, cores and a clock"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let (params, is_timed) = options_from(std::env::args().skip(1))?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let matrix = Matrix::read(std::io::stdin().lock())?;
    let start = std::time::Instant::now();
    let forest = fit(&params.check()?, matrix.view()?, threads)?;
    let scores = score(&forest, &matrix, threads);
    if is_timed {
        writeln!(std::io::stderr(), "{:.2}", start.elapsed().as_secs_f64() * 1e3)?;
    }
    write_scores(&scores)?;
    Ok(())
}

/// Returns the parameters and whether times are to be told.
fn options_from(
    mut args: impl Iterator<Item = String>,
) -> Result<(IsolationForestParams, bool), Box<dyn Error>> {
    let (mut params, mut is_timed) = (IsolationForest::params(), false);
    while let Some(name) = args.next() {
        if name == "--times" {
            is_timed = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        params = match name.as_str() {
            "--seed" => params.seed(value.parse()?),
            "--trees" => params.trees(value.parse()?),
            "--sample" => params.sample(value.parse()?),
            "--flavour" => params.flavour(match value.as_str() {
                "plain" => Flavour::Plain,
                "gain" => Flavour::Gain,
                _ => return Err(format!("{value} is no flavour").into()),
            }),
            _ => return Err(format!("{name} is no option").into()),
        };
    }
    Ok((params, is_timed))
}

/// Grows the parts of a forest side by side.
#[allow(clippy::disallowed_methods, reason = "an example is a program: it has threads")]
fn fit(
    params: &IsolationForestValidParams,
    records: ArrayView2<'_, f32>,
    threads: usize,
) -> Result<IsolationForest, ForestError> {
    let mut parts = params.parts(threads).into_iter();
    let first = parts.next().unwrap_or_else(|| params.clone());
    thread::scope(|scope| {
        let others: Vec<_> =
            parts.map(|part| scope.spawn(move || part.fit(&DatasetBase::from(records)))).collect();
        let mut forest = first.fit(&DatasetBase::from(records))?;
        for other in others {
            forest.append(other.join().expect("a part does not panic")?);
        }
        Ok(forest)
    })
}

#[allow(clippy::disallowed_methods, reason = "an example is a program: it has threads")]
fn score(forest: &IsolationForest, matrix: &Matrix, threads: usize) -> Vec<f64> {
    let mut scores = vec![0.0; matrix.rows()];
    let share = scores.len().div_ceil(threads).max(1);
    let rows = matrix.values.chunks(share * matrix.columns.max(1));
    thread::scope(|scope| {
        for (rows, scores) in rows.zip(scores.chunks_mut(share)) {
            scope.spawn(move || forest.score_rows(rows, scores));
        }
    });
    scores
}

/// Prints scores with ten decimals.
fn write_scores(scores: &[f64]) -> std::io::Result<()> {
    let mut text = Vec::with_capacity(scores.len() * 13);
    for &score in scores {
        let mut rest = (score * 1e10).round() as u64;
        let start = text.len();
        text.extend_from_slice(b"0.0000000000\n");
        for place in (start + 2..start + 12).rev() {
            text[place] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        text[start] = b'0' + (rest % 10) as u8;
    }
    std::io::stdout().lock().write_all(&text)
}
