//! A broker, a capture in its log topic, and what a replay of the same lines gives.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::kafka::{Kafka, Record, Tail};
use crate::support::lines::deal;
use crate::support::program::{Service, logwake};
use crate::support::tallies::{check_tiles, cover};

/// A log topic under a prefix of its own.
pub struct Pipeline {
    pub kafka: Kafka,
    pub dir: tempfile::TempDir,
    pub parts: Vec<Vec<String>>,
    more: String,
}

/// What a replay found.
pub struct Expected {
    pub anomalies: Vec<String>,
    pub alerts: Vec<String>,
    pub decisions: Vec<String>,
}

impl Pipeline {
    /// Makes the log topic with so many partitions; `more` goes at the end of `[kafka]`.
    pub fn new(kafka: Kafka, lines: &[String], partitions: usize, more: &str) -> Self {
        kafka.make_topic(&kafka.logs(), partitions as i32, &[]);
        let parts = match partitions {
            1 => vec![lines.to_vec()],
            _ => deal(lines, partitions, 7),
        };
        let dir = tempfile::tempdir().unwrap();
        Self { kafka, dir, parts, more: more.to_owned() }
    }

    pub fn lines(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// Produces everything.
    pub fn produce(&self) {
        let topic = self.kafka.logs();
        for (part, number) in self.parts.iter().zip(0..) {
            self.kafka.produce(&topic, number, part);
        }
    }

    /// Produces everything, so many lines in one batch.
    pub fn produce_in_batches(&self, batch: usize) {
        let topic = self.kafka.logs();
        for (part, number) in self.parts.iter().zip(0..) {
            self.kafka.produce_in_batches(&topic, number, part, batch);
        }
    }

    pub fn start(&self, instance: &str) -> Service {
        self.start_with(instance, |config| config)
    }

    /// Starts a process with a configuration that is changed before.
    pub fn start_with(&self, instance: &str, change: impl Fn(String) -> String) -> Service {
        let config = change(self.kafka.config(instance, &self.more));
        Service::start(self.dir.path(), instance, &config)
    }

    /// Names the configuration of a process that was started.
    pub fn config_of(&self, instance: &str) -> PathBuf {
        self.dir.path().join(format!("{instance}.toml"))
    }

    /// Deletes every topic of the pipeline.
    pub fn delete_topics(&self) {
        let suffixes = [
            "tallies",
            "findings",
            "anomalies",
            "alerts",
            "decisions",
            "deadletter",
            "state.tally",
            "state.detect",
            "state.alert",
        ];
        let mut topics = suffixes.map(|suffix| self.kafka.name(suffix)).to_vec();
        topics.push(self.kafka.logs());
        self.kafka.delete_topics(&topics.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Replays the same lines as captures of the topic.
    pub fn replay(&self) -> Expected {
        let files: Vec<PathBuf> = self
            .parts
            .iter()
            .enumerate()
            .map(|(number, part)| {
                let path = self.dir.path().join(format!("part-{number}.log"));
                std::fs::write(&path, part.join("\n") + "\n").unwrap();
                path
            })
            .collect();
        let (out, topic) = (self.dir.path().join("replay"), self.kafka.logs());
        let mut args = vec!["replay", "--topic", &topic, "--out", out.to_str().unwrap()];
        args.extend(files.iter().map(|file| file.to_str().unwrap()));
        logwake(&args).done();
        let read = |name: &str| -> Vec<String> {
            let text = std::fs::read_to_string(out.join(name)).unwrap();
            text.lines().map(str::to_owned).collect()
        };
        let [anomalies, alerts, decisions] =
            ["anomalies.jsonl", "alerts.jsonl", "decisions.jsonl"].map(read);
        assert!(anomalies.len() > 2 && alerts.len() > 1, "the capture has a fault");
        Expected { anomalies, alerts, decisions }
    }

    /// Follows the tallies.
    pub fn tallies(&self) -> Tail {
        self.kafka.tail(&self.kafka.name("tallies"))
    }

    /// Waits until as many lines are tallied and every source is at its end.
    #[track_caller]
    pub fn wait_for_all(&self, tallies: &mut Tail, lines: u64) {
        let sources = self.parts.len();
        tallies.wait(&format!("{lines} lines in {sources} sources"), |records| {
            let covered = cover(records);
            covered.lines.total() >= lines
                && covered.idle.len() == sources
                && covered.idle.values().all(|idle| *idle)
        });
    }

    /// Waits until there are as many anomalies and alert events as expected.
    #[track_caller]
    pub fn wait_for_results(&self, expected: &Expected) {
        for (suffix, wanted) in [
            ("anomalies", expected.anomalies.len()),
            ("alerts", expected.alerts.len()),
            ("decisions", expected.decisions.len()),
        ] {
            let mut tail = self.kafka.tail(&self.kafka.name(suffix));
            tail.wait(&format!("{wanted} {suffix}"), |records| records.len() >= wanted);
        }
    }

    pub fn read(&self, suffix: &str) -> Vec<Record> {
        self.kafka.read(&self.kafka.name(suffix))
    }

    pub fn texts(&self, suffix: &str) -> Vec<String> {
        self.kafka.texts(&self.kafka.name(suffix))
    }

    /// Asserts that every line was tallied once, as the ranges and the sums say.
    #[track_caller]
    pub fn check_lines(&self) {
        let tallies = self.read("tallies");
        check_tiles(&tallies);
        let covered = cover(&tallies);
        assert_eq!(covered.lines.total(), self.lines(), "{:?}", covered.lines);
        for (part, number) in self.parts.iter().zip(0..) {
            let source = format!("{}/{number}", self.kafka.logs());
            assert_eq!(covered.to[&source], part.len() as u64, "{source}");
        }
    }

    /// Asserts that the topics hold what the replay gave, in its order, byte for byte.
    #[track_caller]
    pub fn check_same(&self, expected: &Expected) {
        assert_same("anomalies", &self.texts("anomalies"), &expected.anomalies);
        assert_same("alerts", &self.texts("alerts"), &expected.alerts);
        assert_same("decisions", &self.texts("decisions"), &expected.decisions);
    }

    /// Asserts that the anomalies are those of the replay, each once, in whatever order.
    #[track_caller]
    pub fn check_ids(&self, expected: &Expected) {
        let ids = ids(&self.texts("anomalies"));
        let unique: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "an anomaly came twice");
        let wanted = self::ids(&expected.anomalies);
        assert_eq!(unique, wanted.iter().collect());
    }
}

#[track_caller]
fn assert_same(what: &str, found: &[String], expected: &[String]) {
    for (idx, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "{what}, number {idx}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

/// Returns the ids of events.
pub fn ids(events: &[String]) -> Vec<String> {
    let id = |event: &String| {
        let event: Value = serde_json::from_str(event).unwrap();
        event["event"]["id"].as_str().unwrap().to_owned()
    };
    events.iter().map(id).collect()
}
