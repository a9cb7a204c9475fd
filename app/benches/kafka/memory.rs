//! Memory of `run` with ten services of a thousand templates each, over a backlog of some gigabytes.

use std::time::Duration;

use crate::process::{load, memory_mib};
use crate::support::kafka::Kafka;
use crate::support::lines::Seeded;
use crate::topic::Topic;

const PARTITIONS: i32 = 12;
const SERVICES: usize = 10;
const TEMPLATES: usize = 1000;
const WORDS: usize = 400;
const LINES_PER_SEC: u64 = 20_000;
/// Bytes of a line, about.
const LINE_BYTES: u64 = 160;

/// Fills a topic with so many gigabytes, compressed by lz4, and follows the memory of `run`.
pub fn measure(kafka: &Kafka, gigabytes: u64) {
    let count = gigabytes * 1_000_000_000 / LINE_BYTES;
    let topic = Topic::fill(kafka, "lz4", PARTITIONS, lines().take(count as usize));
    println!(
        "{:.1} GB in {} lines of {SERVICES} services with {TEMPLATES} templates each, lz4",
        topic.bytes as f64 / 1e9,
        topic.lines
    );
    let dir = tempfile::tempdir().unwrap();
    let more = std::env::var("LOGWAKE_BENCH_KAFKA").unwrap_or_default();
    let mut run = topic.run(dir.path(), &kafka.prefix, &more);
    let pid = run.service.pid();
    let mut share = 0;
    while share < 100 {
        std::thread::sleep(Duration::from_millis(200));
        let read = run.committed("tally", &topic.name, PARTITIONS);
        if read * 100 >= share * topic.lines {
            let (now, most) = (memory_mib(pid, "VmRSS:"), memory_mib(pid, "VmHWM:"));
            println!("{share:>3} % read: {now} MiB, {most} MiB at most, load {}", load());
            share = read * 100 / topic.lines / 10 * 10 + 10;
        }
    }
    run.wait_tallied(topic.lines);
    run.wait_detected();
    println!("all judged: {} MiB at most", memory_mib(pid, "VmHWM:"));
    println!(
        "{}",
        run.metrics(&[
            "logwake_templates",
            "logwake_state_bytes",
            "logwake_lines_late_total",
            "logwake_windows"
        ])
    );
    run.stop();
}

/// Lines of templates that share words and nothing else, in turn.
fn lines() -> impl Iterator<Item = String> {
    let mut rng = Seeded::new(3);
    let words: Vec<String> = (0..WORDS).map(|_| word(&mut rng)).collect();
    let texts: Vec<String> = (0..SERVICES * TEMPLATES)
        .map(|_| {
            let len = 6 + rng.below(5);
            let picked = (0..len).map(|_| words[rng.below(WORDS as u64) as usize].as_str());
            picked.collect::<Vec<_>>().join(" ")
        })
        .collect();
    (0_u64..).map(move |number| {
        let (secs, millis) = (number / LINES_PER_SEC, number % LINES_PER_SEC * 1000 / LINES_PER_SEC);
        let (hour, minute, sec) = (secs / 3600, secs / 60 % 60, secs % 60);
        let at = rng.below(texts.len() as u64) as usize;
        let value = rng.below(9000);
        format!(
            "{{\"@timestamp\":\"2026-11-20T{hour:02}:{minute:02}:{sec:02}.{millis:03}Z\",\"log.level\":\
             \"info\",\"service.name\":\"service-{}\",\"message\":\"{} {value} ms\"}}",
            at % SERVICES,
            texts[at]
        )
    })
}

fn word(rng: &mut Seeded) -> String {
    let syllables = ["ba", "ko", "ri", "lu", "me", "ta", "no", "si", "ve", "du", "pa", "ge"];
    let len = 2 + rng.below(3);
    (0..len).map(|_| syllables[rng.below(syllables.len() as u64) as usize]).collect()
}
