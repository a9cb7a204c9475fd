//! `logwake run` with `at_least_once` on the broker that librdkafka carries: needs nothing installed.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "tests")]

mod support;

use std::collections::BTreeSet;

use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use serde_json::Value;
use support::alerts::{alert, publish};
use support::intake::{WayIn, handed_on};
use support::kafka::Kafka;
use support::lines::{deal, shop};
use support::pager::{Manners, Pager};
use support::program::Service;
use support::tallies::cover;

const PARTITIONS: i32 = 4;
const SHARDS: i32 = 2;

struct Embedded {
    cluster: MockCluster<'static, DefaultProducerContext>,
    kafka: Kafka,
    dir: tempfile::TempDir,
}

impl Embedded {
    /// Starts a broker with every topic: it makes none by request.
    fn start() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        let kafka = Kafka::at(cluster.bootstrap_servers());
        cluster.create_topic(&kafka.logs(), PARTITIONS, 1).unwrap();
        for (suffix, partitions) in [
            ("tallies", SHARDS),
            ("findings", 1),
            ("anomalies", SHARDS),
            ("alerts", 1),
            ("decisions", 1),
            ("deadletter", 1),
            ("state.tally", PARTITIONS),
            ("state.detect", SHARDS),
            ("state.alert", 1),
            ("state.notify", 1),
            ("external", 2),
            ("state.intake", 2),
        ] {
            cluster.create_topic(&kafka.name(suffix), partitions, 1).unwrap();
        }
        Self { cluster, kafka, dir: tempfile::tempdir().unwrap() }
    }

    fn run(&self) -> Service {
        self.run_with("")
    }

    /// Runs it with a way in.
    fn run_at(&self, way_in: &WayIn) -> Service {
        let config = way_in.open(&self.config(&way_in.config()));
        Service::start(self.dir.path(), "a", &config)
    }

    fn run_with(&self, sinks: &str) -> Service {
        Service::start(self.dir.path(), "a", &self.config(sinks))
    }

    fn config(&self, sinks: &str) -> String {
        let more = format!("detect_partitions = {SHARDS}\ndelivery = \"at_least_once\"\n{sinks}");
        let config = self.kafka.config("a", &more);
        // A round of its groups takes a second less than a session.
        config.replace("\"1500\"", "\"3000\"").replace("\"300\"", "\"500\"")
    }
}

#[test]
fn every_line_is_counted_over_a_restart() {
    let embedded = Embedded::start();
    let kafka = &embedded.kafka;
    let lines = shop(61);
    let total = lines.len() as u64;
    let parts = deal(&lines, PARTITIONS as usize, 61);
    let service = embedded.run();
    let mut tallies = kafka.tail(&kafka.name("tallies"));
    for (part, number) in parts.iter().zip(0..) {
        kafka.produce(&kafka.logs(), number, &part[..part.len() / 2]);
    }
    tallies.wait("some lines", |records| cover(records).lines.total() > total / 4);
    service.stop();
    for (part, number) in parts.iter().zip(0..) {
        kafka.produce(&kafka.logs(), number, &part[part.len() / 2..]);
    }
    let service = embedded.run();
    tallies.wait("all lines", |records| cover(records).lines.total() >= total);
    let mut alerts = kafka.tail(&kafka.name("alerts"));
    alerts.wait("an alert that names the fault", |records| {
        records.iter().any(|record| record.text().contains("acquirer"))
    });
    service.stop();
    assert_eq!(cover(&tallies.records).lines.total(), total);
    let anomalies = kafka.texts(&kafka.name("anomalies"));
    support::schema::check_all("anomaly", anomalies.iter().map(String::as_str));
    let ids: BTreeSet<String> = anomalies
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"]["id"].to_string())
        .collect();
    assert_eq!(ids.len(), anomalies.len(), "an anomaly came twice");
}

#[test]
fn a_page_is_sent_over_a_kill_and_its_end_too() {
    let embedded = Embedded::start();
    let pager = Pager::start(Manners::default());
    let sink = format!(
        "[[notify]]\nname = \"pager\"\nkind = \"pagerduty\"\nurl = \"{}\"\nrouting_key = \"{}\"\n",
        pager.url(),
        "0123456789abcdef".repeat(2)
    );
    let kafka = &embedded.kafka;
    let service = embedded.run_with(&sink);
    publish(kafka, &[alert(1, AlertState::Open, Severity::Error)]);
    pager.wait("the page", |book| book.pages.len() == 1);
    service.kill();
    publish(kafka, &[alert(1, AlertState::Resolved, Severity::Error)]);
    let service = embedded.run_with(&sink);
    pager.wait("the end", |book| book.open.is_empty());
    service.stop();
    assert_eq!(pager.book().pages.len(), 1);
}

#[test]
fn what_was_accepted_is_handed_on_once_over_a_kill() {
    let embedded = Embedded::start();
    let way_in = WayIn::new();
    let start = || embedded.run_at(&way_in);
    let service = start();
    let keys: Vec<String> = (0..200).map(|number| format!("key-{number}")).collect();
    let (before, after) = keys.split_at(100);
    before.iter().for_each(|key| way_in.send(key));
    service.kill();
    let service = start();
    after.iter().for_each(|key| way_in.send(key));
    let mut findings = embedded.kafka.tail(&embedded.kafka.name("findings"));
    findings.wait("every key", |records| handed_on(records).keys().len() >= keys.len());
    service.stop();
    let handed = handed_on(&findings.records);
    assert_eq!(handed.accepted(&embedded.kafka), handed.ids, "each accepted alert once");
}

#[test]
fn brokers_that_fall_silent_do_not_keep_it_from_stopping() {
    let embedded = Embedded::start();
    let kafka = &embedded.kafka;
    kafka.produce(&kafka.logs(), 0, &shop(62)[..100]);
    let service = embedded.run();
    let mut tallies = kafka.tail(&kafka.name("tallies"));
    tallies.wait("lines", |records| cover(records).lines.total() >= 100);
    embedded.cluster.broker_down(1).unwrap();
    service.stop();
}
