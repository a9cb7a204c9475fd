//! What `logwake run` costs on Kafka, beside what reading alone costs.
//!
//! ```sh
//! scripts/kafka start
//! LOGWAKE_TEST_KAFKA=127.0.0.1:19092 cargo bench -p logwake --bench kafka -- floor
//! ```
//!
//! - `floor [LINES [LINES_PER_SEC]]` reads topics of each codec with a bare consumer and with `run`, by turns; `LOGWAKE_BENCH_CODECS=none,lz4` names the codecs.
//! - `latency [LINES_PER_SEC [SECS [INTERVAL…]]]` writes lines of the present and measures how long it takes from one that is new to what is told of it, for each commit interval.
//! - `memory [GIGABYTES]` reads a backlog of ten services with 10,000 templates and follows the memory of `run`.
//! - `cost [LINES [LINES_PER_SEC [PARTITIONS]]]` tells what each stage takes for a million lines, and what it takes when nothing comes.
//! - `fill [LINES [LINES_PER_SEC]]` makes a topic and leaves it, for a profiler.
//!
//! `LOGWAKE_BENCH_KAFKA` is text that goes to the end of `[kafka]` of each configuration.
//! `LOGWAKE_TEST_BIN` names another build of the program.
//! Every topic is made from a seed and deleted afterwards.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    clippy::print_stdout,
    reason = "a measuring program"
)]

mod cost;
mod floor;
mod latency;
mod memory;
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
        Some("memory") => memory::measure(&kafka, number(1, 10)),
        Some("cost") => {
            let partitions = i32::try_from(number(3, 4)).unwrap();
            cost::measure(&kafka, number(1, 4_000_000), number(2, 100_000), partitions);
        }
        _ => println!(
            "one of: floor, latency, memory, cost, fill; app/benches/kafka/main.rs says more"
        ),
    }
}
