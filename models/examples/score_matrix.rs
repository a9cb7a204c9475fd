//! Isolation-forest scores of a matrix, for comparing with other implementations.
//!
//! Reads a CSV of numbers without header, a row a point (an empty field or `nan` is missing), fits
//! a forest on it and prints the score of each row: in (0, 1], higher is more anomalous.
//!
//! `score_matrix --seed N [--trees 100] [--sample 256] [--flavour gain|plain]`

use linfa::{DatasetBase, traits::Fit};
use logwake_models::forest::{Flavour, IsolationForest, IsolationForestParams};
use ndarray::ArrayView2;
use std::error::Error;
use std::io::{Read, Write};

#[allow(clippy::disallowed_methods, reason = "an example is a program: it has arguments")]
fn main() -> Result<(), Box<dyn Error>> {
    let params = params_from(std::env::args().skip(1))?;
    let mut text = Vec::new();
    std::io::stdin().lock().read_to_end(&mut text)?;
    let (values, columns) = read_rows(&text)?;
    let rows = values.len() / columns.max(1);
    let records = ArrayView2::from_shape((rows, columns), &values)?;
    let forest = params.fit(&DatasetBase::from(records))?;
    let mut scores = vec![0.0; rows];
    forest.score_rows(&values, &mut scores);
    write_scores(&scores)?;
    Ok(())
}

fn params_from(
    mut args: impl Iterator<Item = String>,
) -> Result<IsolationForestParams, Box<dyn Error>> {
    let mut params = IsolationForest::params();
    while let Some(name) = args.next() {
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
    Ok(params)
}

/// Returns the values row by row, and the number of columns.
fn read_rows(text: &[u8]) -> Result<(Vec<f64>, usize), Box<dyn Error>> {
    let mut values = Vec::with_capacity(text.len() / 8);
    let mut columns = 0;
    let mut at = 0;
    while at < text.len() {
        let start = values.len();
        let line = values.len() / columns.max(1) + 1;
        loop {
            let (value, length) = read_number(&text[at..]);
            values.push(value.ok_or_else(|| format!("line {line}: not a number"))?);
            at += length + 1;
            if text.get(at - 1) != Some(&b',') {
                break;
            }
        }
        at += usize::from(text.get(at - 1) == Some(&b'\r'));
        let found = values.len() - start;
        if columns == 0 {
            columns = found;
        }
        if found != columns {
            return Err(format!("line {line} has {found} fields, the first {columns}").into());
        }
    }
    Ok((values, columns))
}

/// Reads the number at the front of `text`, up to a comma or an end of line, and tells how many
/// bytes it has.
///
/// Decimal digits that fit into 53 bits, with a power of ten that is exact, need one
/// multiplication or division to be rounded right (Clinger 1990); all others go the slow way.
fn read_number(text: &[u8]) -> (Option<f64>, usize) {
    let negative = text.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let (mut digits, mut point) = (0u64, None);
    let first = at;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'0'..=b'9' => digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
            b'.' if point.is_none() => point = Some(at),
            _ => break,
        }
        at += 1;
    }
    let decimals = point.map_or(0, |point| at - point - 1);
    let is_end = text.get(at).is_none_or(|byte| matches!(byte, b',' | b'\n' | b'\r'));
    if is_end && at > first && at - first <= 16 && digits < 1 << 53 {
        let value = digits as f64 / POWERS[decimals];
        return (Some(if negative { -value } else { value }), at);
    }
    read_slowly(text)
}

const POWERS: [f64; 17] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16];

fn read_slowly(text: &[u8]) -> (Option<f64>, usize) {
    let length = text.iter().position(|byte| matches!(byte, b',' | b'\n' | b'\r'));
    let field = &text[..length.unwrap_or(text.len())];
    let value = std::str::from_utf8(field)
        .ok()
        .map(str::trim)
        .and_then(|field| if field.is_empty() { Some(f64::NAN) } else { field.parse().ok() });
    (value, field.len())
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
