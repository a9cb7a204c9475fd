//! Reads contents on standard input, a line each, as those of one service, and prints how many had
//! their final template at once after the first 10,000 lines.
#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use logwake_models::template::{Catalogue, CatalogueLimits, Skeleton, mask};

/// Lines that a service may take to show itself.
const SETTLING_LINES: usize = 10_000;

fn main() -> io::Result<()> {
    let mut catalogue = Catalogue::new("", CatalogueLimits::default());
    let mut skeleton = Skeleton::new();
    let mut given = Vec::new();
    for line in io::stdin().lock().split(b'\n') {
        mask(&line?, &mut skeleton);
        given.push(catalogue.assign(skeleton.hash(), skeleton.text()).id);
    }
    let later = given.get(SETTLING_LINES..).unwrap_or_default();
    let mut moved = BTreeMap::new();
    for id in later.iter().filter(|&&id| catalogue.resolve(id) != id) {
        *moved.entry(catalogue.text(*id)).or_insert(0u64) += 1;
    }
    let moved_lines: u64 = moved.values().sum();
    let share = 1.0 - moved_lines as f64 / later.len().max(1) as f64;
    println!("{} lines, {} templates", given.len(), catalogue.len());
    println!("after {SETTLING_LINES}: {} lines, {share:.6} final at once", later.len());
    for (text, lines) in moved {
        println!("{lines:8} {text}");
    }
    Ok(())
}
