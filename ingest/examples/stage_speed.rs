//! Measures the parts of a replay over one file that fits in memory: decoding alone, with the tally
//! stage behind it, and the detect stage alone over the tallies.
//!
//! `cargo run --release -p logwake-ingest --example stage_speed FILE`

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use logwake_detector::detect::{Detect, DetectSettings, FleetSettings};
use logwake_detector::record::{Record, Source};
use logwake_detector::tally::{ClockSettings, Tally, TallyBatch, TallyInput};
use logwake_detector::time::Timestamp;
use logwake_ingest::decode::{Decoder, DecoderOptions, Reason, Sink};
use logwake_ingest::files::{FileSource, Line, service_of};

const ROUNDS: usize = 5;
/// Lines after which a replay cuts a batch.
const LINES_PER_CUT: u64 = 65_536;
const WINDOW: Duration = Duration::from_secs(10);
const LATENESS: Duration = Duration::from_secs(5);
const WALL: Timestamp = Timestamp::from_secs(1_772_668_800);

/// Counts records, and tallies them where there is a tally stage.
struct Counted {
    records: u64,
    tally: Option<Tally>,
    out: Vec<TallyBatch>,
}

impl Sink for Counted {
    fn record(&mut self, record: &Record<'_>) {
        self.records += 1;
        if let Some(tally) = &mut self.tally {
            tally.step(TallyInput::Record(record), &mut self.out);
        }
    }
    fn reject(&mut self, _: u64, lines: u32, _: Reason, _: &[u8]) {
        if let Some(tally) = &mut self.tally {
            tally.step(TallyInput::Rejected { lines }, &mut self.out);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(path) = std::env::args().nth(1) else { return Err("name a file".into()) };
    let (mut lines, mut bytes) = (0_u64, 0_u64);
    let read = best(|| {
        (lines, bytes) = (0, 0);
        let mut file = FileSource::open(&path)?;
        while let Some(line) = file.next_line()? {
            lines += 1;
            if let Line::Text(text) = line {
                bytes += text.len() as u64 + 1;
            }
        }
        Ok(())
    })?;
    let tell = |name: &str, secs: f64| {
        let (lines, bytes) = (lines as f64, bytes as f64);
        println!(
            "{name:18} {:7.1} ms {:6.2} M lines/s {:5.0} MB/s",
            secs * 1e3,
            lines / 1e6 / secs,
            bytes / 1e6 / secs
        );
    };
    tell("read", read);
    tell("read, decode", best(|| run(&path, None).map(drop))?);
    let mut batches = Vec::new();
    let tallied = best(|| {
        batches = run(&path, Some(tally(&path)))?;
        Ok(())
    })?;
    tell("read, decode, tally", tallied);
    let (mut anomalies, mut windows) = (0, 0);
    let detected = best_of(|| {
        let copy = batches.clone();
        let mut detect = Detect::new(settings(), 0, 1);
        let mut out = Vec::new();
        let start = Instant::now();
        for batch in copy {
            detect.step(batch, &mut out);
        }
        let secs = start.elapsed().as_secs_f64();
        anomalies = out.iter().map(|findings| findings.anomalies.len()).sum::<usize>();
        windows = detect.state().counts().windows;
        Ok(secs)
    })?;
    tell("detect", detected);
    println!("{} batches, {windows} windows, {anomalies} anomalies", batches.len());
    Ok(())
}

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn best(mut work: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    best_of(|| {
        let start = Instant::now();
        work()?;
        Ok(start.elapsed().as_secs_f64())
    })
}

fn best_of(mut work: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        best = best.min(work()?);
    }
    Ok(best)
}

fn run(path: &str, tally: Option<Tally>) -> Outcome<Vec<TallyBatch>> {
    let options = Arc::new(DecoderOptions { now: WALL, ..DecoderOptions::default() });
    let mut file = FileSource::open(path)?;
    let mut decoder = Decoder::new(options, service_of(path.as_ref()));
    let mut sink = Counted { records: 0, tally, out: Vec::new() };
    let mut number = 0;
    while let Some(line) = file.next_line()? {
        if let Line::Text(text) = line {
            decoder.push(text, number, None, &mut sink);
        }
        number += 1;
        if number % LINES_PER_CUT == 0 {
            cut(&mut sink, number, false);
        }
    }
    decoder.flush(&mut sink);
    cut(&mut sink, number, true);
    Ok(sink.out)
}

fn cut(sink: &mut Counted, to: u64, idle: bool) {
    if let Some(tally) = &mut sink.tally {
        tally.step(TallyInput::Cut { to, wall: WALL, idle }, &mut sink.out);
    }
}

fn tally(path: &str) -> Tally {
    let clock = ClockSettings {
        window: WINDOW,
        lateness: LATENESS,
        future_max: Duration::from_secs(600),
        jump_max: Duration::from_secs(3600),
    };
    Tally::new(Source::File { path: path.into() }, 1, clock, Default::default(), WALL)
}

fn settings() -> DetectSettings {
    DetectSettings {
        window: WINDOW,
        lateness: LATENESS,
        warmup: Duration::from_secs(300),
        forest_p_value_max: 1e-5,
        gap_windows_max: 360,
        services_max: 1000,
        open_windows_max: 10_000,
        catalogue: Default::default(),
        fleet: FleetSettings {
            hold_max: Duration::from_secs(60),
            stall_after: Duration::from_secs(30),
        },
    }
}
