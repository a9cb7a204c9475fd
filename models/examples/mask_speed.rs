//! Reads lines on standard input and says how fast they are masked, and masked and assigned.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an example that prints and takes the time"
)]

use std::io::{self, Read};
use std::time::Instant;

use logwake_models::template::{Catalogue, CatalogueLimits, Skeleton, mask};

const ROUNDS: usize = 5;

fn main() -> io::Result<()> {
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input)?;
    let lines: Vec<&[u8]> = input.split(|&byte| byte == b'\n').collect();
    let mut skeleton = Skeleton::new();
    let mut catalogue = Catalogue::new("", CatalogueLimits::default());
    for assigns in [false, true] {
        let mut best = f64::MAX;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for line in &lines {
                mask(line, &mut skeleton);
                if assigns && catalogue.find(skeleton.hash()).is_none() {
                    catalogue.assign(skeleton.hash(), skeleton.text());
                }
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        let name = if assigns { "mask and assign" } else { "mask" };
        let mbytes = input.len() as f64 / 1e6 / best;
        println!("{name}: {mbytes:.0} MB/s, {:.2} M lines/s", lines.len() as f64 / 1e6 / best);
    }
    println!("{} templates, {} bytes", catalogue.len(), catalogue.bytes_used());
    Ok(())
}
