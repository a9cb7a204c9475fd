//! What `logwake run` costs on Kafka, beside what reading alone costs.
//!
//! ```sh
//! scripts/kafka start
//! LOGWAKE_TEST_KAFKA=127.0.0.1:19092 cargo bench -p logwake --bench kafka -- floor
//! ```
//!
//! `floor [LINES [LINES_PER_SEC]]` reads topics of each codec with a bare consumer and with `run`, by turns.
//! `LOGWAKE_TEST_BIN` names another build of the program.
//! Every topic is made from a seed and deleted afterwards.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::print_stdout,
    reason = "a measuring program"
)]

mod floor;
mod latency;
mod process;
#[path = "../../tests/support/mod.rs"]
mod support;
mod topic;

use support::kafka::Kafka;
use topic::Topic;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let Some(kafka) = Kafka::from_env() else { return };
    let number = |at: usize, or: u64| args.get(at).map_or(or, |arg| arg.parse().unwrap());
    match args.first().map(String::as_str) {
        Some("floor") => floor::measure(&kafka, number(1, 4_000_000), number(2, 100_000)),
        Some("fill") => {
            let lines = logwake_benches::storage_stream(1, number(2, 100_000));
            let topic = Topic::fill(&kafka, "none", 4, lines.take(number(1, 4_000_000) as usize));
            println!("{}", topic.name);
            std::mem::forget(topic);
        }
        Some("latency") => {
            let intervals = args.get(3..).filter(|given| !given.is_empty());
            let intervals = intervals.map_or(vec!["default".to_owned()], <[String]>::to_vec);
            latency::measure(&kafka, number(1, 20_000), number(2, 30), &intervals);
        }
        _ => println!(
            "one of: floor [LINES [LINES_PER_SEC]], fill [LINES [LINES_PER_SEC]], latency [LINES_PER_SEC [SECS [INTERVAL...]]]"
        ),
    }
}
