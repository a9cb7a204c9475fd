//! Anomaly scores of one series, online, for comparing with other implementations.
//!
//! Reads a CSV with the header `timestamp,value` (`YYYY-MM-DD HH:MM:SS`) and prints a CSV with the
//! header `anomaly_score`: a score in [0, 1] a point, made from that point and earlier ones alone.

use logwake_models::rate::Surprise;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read, Write as _};

fn main() -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    let mut surprise = Surprise::new();
    let mut out = String::from("anomaly_score\n");
    for (number, line) in text.lines().enumerate().skip(1) {
        let (day_secs, value) =
            read_point(line).ok_or_else(|| format!("line {}: no time and value", number + 1))?;
        writeln!(out, "{:.6}", surprise.observe(day_secs, value))?;
    }
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(())
}

/// Returns the seconds after midnight and the value.
fn read_point(line: &str) -> Option<(u32, f64)> {
    let (time, value) = line.split_once(',')?;
    let clock = time.get(11..19)?;
    let mut parts = clock.split(':').map(str::parse::<u32>);
    let mut part = || parts.next()?.ok();
    let day_secs = part()? * 3600 + part()? * 60 + part()?;
    Some((day_secs, value.trim().parse().ok()?))
}
