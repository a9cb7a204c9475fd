//! How often rates are found unusual over weeks in which nothing happens, against what their
//! p-values promise.
//!
//! `calibration [SERVICES [DAYS [LEARNED [WIDTH [SEED [TOLD]]]]]]`: services, days, days learned
//! before any is judged, seconds of a window, seed, and 0 to leave the season out. Prints realised over nominal rates: of randomised p-values
//! of both tails (even under the model, however few records a window has), and of the upper
//! p-values as the detector uses them. Lower tails are judged above three records a window.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example that prints and takes arguments"
)]

mod load;
mod realised;
mod stream;

use load::Load;
use realised::{LEVELS, Realised, Watch, run};
use std::error::Error;
use stream::Stream;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut number = |default: u64| args.next().map_or(Ok(default), |text| text.parse());
    let (services, days, learned) = (number(1000)?, number(42)?, number(14)?);
    let (width, seed, told) = (number(10)?, number(1)?, number(1)?);
    let watch = Watch { width, days: learned..days, is_told_time: told != 0 };
    let mut draws = Stream::new(seed);
    let mut by_mean = vec![Realised::default(); 6];
    let mut by_day = vec![Realised::default(); days as usize];
    for service in 0..services {
        let load = Load::draw(&mut draws);
        let mean = load.mean * width as f64 / 10.0;
        let class = ((mean.log10() + 1.5).max(0.0) as usize).min(by_mean.len() - 1);
        let found = run(&load, seed * 1_000_003 + service, &watch);
        for (day, found) in found.iter().enumerate() {
            by_mean[class].add(found);
            by_day[day].add(found);
        }
    }
    println!(
        "{services} services, {days} days, {learned} learned, windows of {width} s, seed {seed}"
    );
    println!("realised over nominal rates at {LEVELS:?}: upper, lower, plain upper");
    for (class, found) in by_mean.iter().enumerate() {
        let from = 10f64.powf(class as f64 - 1.5);
        print_line(&format!("mean from {from:.2}"), found);
    }
    let mut all = Realised::default();
    for (day, found) in by_day.iter().enumerate().skip(learned as usize) {
        print_line(&format!("day {day}"), found);
        all.add(found);
    }
    print_line("all", &all);
    Ok(())
}

fn print_line(name: &str, found: &Realised) {
    let [up, down, plain] =
        found.ratios().map(|ratios| ratios.map(|ratio| format!("{ratio:7.2}")).join(""));
    println!("{name:20} {:>11} |{up} |{down} |{plain}", found.windows);
}
