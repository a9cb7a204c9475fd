//! What exactly once costs: one topic is read from its beginning with either delivery, by turns.

use std::time::{Duration, Instant};

use crate::figures::by_default;
use crate::support::kafka::Kafka;
use crate::support::lines::{busy_shop, deal};
use crate::support::program::Service;
use crate::support::tallies::Follow;

const PARTITIONS: usize = 4;
/// There are ten minutes of them.
const LINES_A_SECOND: u64 = 1000;
/// Lines that a producer takes at once.
const CHUNK: usize = 50_000;
/// By turns, so that what else the machine does hits both.
const TURNS: [&str; 8] = [
    "exactly_once",
    "at_least_once",
    "at_least_once",
    "exactly_once",
    "exactly_once",
    "at_least_once",
    "at_least_once",
    "exactly_once",
];
const LONGEST: Duration = Duration::from_secs(300);

#[test]
fn what_exactly_once_costs() {
    if std::env::var_os("LOGWAKE_STORM_FIGURES").is_none() {
        eprintln!("skipped: LOGWAKE_STORM_FIGURES is not set");
        return;
    }
    let kafka = Kafka::from_env().unwrap();
    kafka.make_topic(&kafka.logs(), PARTITIONS as i32, &[]);
    let lines = busy_shop(1, LINES_A_SECOND);
    let total = lines.len() as u64;
    for (part, number) in deal(&lines, PARTITIONS, 7).iter().zip(0..) {
        for some in part.chunks(CHUNK) {
            kafka.produce(&kafka.logs(), number, some);
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut rates = [Vec::new(), Vec::new()];
    for (turn, delivery) in TURNS.iter().enumerate() {
        let name = format!("turn-{turn}");
        let (rate, cpu_secs) = read_all(&kafka, dir.path(), &name, delivery, total);
        let cpu = total as f64 / cpu_secs / 1000.0;
        let wall = rate / 1000.0;
        eprintln!("{delivery}: {wall:.0} thousand lines a second, {cpu:.0} thousand a CPU second");
        rates[usize::from(*delivery == "at_least_once")].push((rate, cpu));
    }
    let [once, least] = rates.map(|rates| {
        let (walls, cpus): (Vec<f64>, Vec<f64>) = rates.into_iter().unzip();
        (median(walls), median(cpus))
    });
    eprintln!(
        "exactly once by at least once, medians: {:.1} % a second, {:.1} % a CPU second",
        100.0 * once.0 / least.0,
        100.0 * once.1 / least.1
    );
}

/// Reads the topic from its beginning under a prefix of its own; returns lines a second of wall time
/// after the first tenth, and the CPU time in seconds.
fn read_all(
    kafka: &Kafka,
    dir: &std::path::Path,
    name: &str,
    delivery: &str,
    total: u64,
) -> (f64, f64) {
    let prefix = format!("{}-{name}", kafka.name("speed"));
    let config = by_default(&kafka.config(name, &format!("delivery = \"{delivery}\"")))
        .lines()
        .map(|line| match line.starts_with("prefix = ") {
            true => format!("prefix = \"{prefix}\"\n"),
            false => format!("{line}\n"),
        })
        .collect::<String>();
    let mut service = Service::start(dir, name, &config);
    service.wait_for_log("running");
    let mut tallies = Follow::new(kafka.tail(&format!("{prefix}.tallies")));
    let begin = Instant::now();
    let (mut first, mut last) = (None, (begin, 0));
    while last.1 < total {
        let read = tallies.read().lines.total();
        if read > last.1 {
            last = (Instant::now(), read);
        }
        if first.is_none() && read >= total / 10 {
            first = Some(last);
        }
        assert!(begin.elapsed() < LONGEST, "{read} of {total} lines");
    }
    let first = first.unwrap();
    let rate = (last.1 - first.1) as f64 / (last.0 - first.0).as_secs_f64();
    let cpu = service.cpu_secs();
    service.stop();
    (rate, cpu)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    (values[middle - 1] + values[middle]) / 2.0
}
