//! Alerts to sinks: a storm within the page budget, crashes, sinks that are down, refusals.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;

use crate::support::alerts::{alert, alert_id, ends, ledger};
use crate::support::kafka::{Kafka, Record};
use crate::support::pager::{Manners, Pager};
use crate::support::program::{Service, logwake};
use crate::support::schema;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const ALERTS: usize = 10_000;
/// Longest wait for a storm: a minute of budget and what a crash costs.
const STORM: Duration = Duration::from_secs(240);

fn sink(name: &str, pager: &str, key: &str) -> String {
    format!(
        "[[notify]]\nname = \"{name}\"\nkind = \"pagerduty\"\nurl = \"{pager}\"\nrouting_key = \"{key}\"\n"
    )
}

struct Bench {
    kafka: Kafka,
    dir: tempfile::TempDir,
    config: String,
}

impl Bench {
    fn new(sinks: &str) -> Option<Self> {
        let kafka = Kafka::from_env()?;
        kafka.make_topic(&kafka.logs(), 1, &[]);
        let config = kafka.config("a", &format!("detect_partitions = 1\n{sinks}"));
        Some(Self { kafka, dir: tempfile::tempdir().unwrap(), config })
    }

    fn run(&self) -> Service {
        Service::start(self.dir.path(), "a", &self.config)
    }

    fn produce(&self, alerts: &[Vec<u8>]) {
        let topic = self.kafka.name("alerts");
        self.kafka.wait_until(&topic, |found| found > 0);
        self.kafka.produce(&topic, 0, alerts);
    }

    /// Waits until the ledger fulfils a condition; returns it.
    #[track_caller]
    fn wait(&self, what: &str, is_met: impl Fn(&[Record]) -> bool) -> Vec<Record> {
        let mut tail = self.kafka.tail(&self.kafka.name("decisions"));
        tail.wait_within(STORM, what, is_met);
        tail.records
    }
}

fn severity_of(number: usize) -> Severity {
    if number % 333 == 100 { Severity::Critical } else { Severity::Error }
}

/// Every alert is accounted for once, every critical one paged once, and PagerDuty never says 429.
#[track_caller]
fn storm(manners: Manners, kills: usize) {
    let pager = Pager::start(manners);
    let Some(bench) = Bench::new(&sink("pager", &pager.url(), KEY)) else { return };
    let mut service = bench.run();
    let alerts: Vec<_> =
        (0..ALERTS).map(|number| alert(number, AlertState::Open, severity_of(number))).collect();
    let begin = Instant::now();
    bench.produce(&alerts);
    for kill in 1..=kills {
        pager.wait("requests before the kill", |book| book.pages.len() >= kill * 25);
        service.kill();
        service = bench.run();
    }
    let critical: BTreeSet<String> = (0..ALERTS)
        .filter(|number| severity_of(*number) == Severity::Critical)
        .map(alert_id)
        .collect();
    assert_eq!(critical.len(), 30);
    let is_done = |records: &[Record]| {
        let told = ledger(records, "pager");
        let is_sent = |change: &String| told[change].iter().any(|(action, _)| action == "deliver");
        ends(records, "pager").len() == ALERTS
            && told.keys().any(|change| change.starts_with("digest") && is_sent(change))
    };
    let records = bench.wait("every alert accounted for, the digest sent", is_done);
    eprintln!("accounted for after {:.1?}; {:?}", begin.elapsed(), pager.book().statuses);
    service.stop();

    let ends = ends(&records, "pager");
    assert!(ends.values().all(|ends| ends.len() == 1), "a change ended twice");
    schema::check_all("decision", records.iter().map(Record::text));
    let book = pager.book();
    assert_eq!(book.statuses.get(&429), None, "{:?}", book.statuses);
    assert_eq!(book.statuses.get(&400), None, "{:?}", book.statuses);
    let keys: BTreeSet<String> = book.pages.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys.len(), book.pages.len(), "somebody was paged twice for one alert");
    assert!(critical.is_subset(&keys), "{:?}", critical.difference(&keys));
    let digests: Vec<_> = keys.iter().filter(|key| key.starts_with("digest")).collect();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let sent = ends.values().filter(|ends| ends[0].0 == "deliver").count();
    let merged = ends.values().filter(|ends| ends[0].1 == "in_digest").count();
    assert_eq!((sent + merged, sent + 1), (ALERTS, keys.len()), "pages are what the ledger says");
    let summary = &book.summaries[digests[0]];
    assert!(summary.ends_with("more services, held back by the page budget"), "{summary}");

    // Any alert of the ledger is explained, though the service remembers the newest alone.
    let config = bench.dir.path().join("a.toml");
    let text = logwake(&["explain", "-c", config.to_str().unwrap(), &alert_id(9_999)]).done();
    assert!(text.contains(" went into digest_") || text.contains("pager was sent"), "{text}");
}

#[test]
fn a_storm_of_ten_thousand_pages_for_what_is_critical_and_one_digest() {
    storm(Manners { slow_ms_max: 300, fails_one_in: 0, drops_one_in: 0 }, 0);
}

#[test]
fn a_storm_over_kills_loses_no_page_and_doubles_none() {
    storm(Manners { slow_ms_max: 300, fails_one_in: 25, drops_one_in: 25 }, 2);
}

#[test]
fn a_sink_that_is_down_holds_up_no_other_and_gets_all_once_it_is_back() {
    let pager = Pager::start(Manners::default());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let down = format!("http://{address}/v2/enqueue");
    let sinks = sink("down", &down, KEY) + &sink("pager", &pager.url(), KEY);
    let Some(bench) = Bench::new(&sinks) else { return };
    let service = bench.run();
    bench.produce(&[alert(1, AlertState::Open, Severity::Error)]);
    pager.wait("the page", |book| book.pages.len() == 1);
    let failing = ("delay".to_owned(), "sink_failing".to_owned());
    bench.wait("the failure in the ledger", |records| {
        ledger(records, "down").values().any(|decisions| decisions.contains(&failing))
    });
    let late = Pager::at(address, Manners::default());
    late.wait("the page of the sink that was down", |book| book.pages.len() == 1);
    bench.produce(&[alert(1, AlertState::Resolved, Severity::Error)]);
    for pager in [&pager, &late] {
        pager.wait("the end", |book| book.open.is_empty());
    }
    let log = service.log();
    service.stop();
    assert!(!log.contains(KEY), "a secret is in the log: {log}");
    assert_eq!(log.matches("the sink fails").count(), 1, "{log}");
}

#[test]
fn what_a_sink_refuses_is_a_dead_letter_with_its_reason() {
    let pager = Pager::start(Manners::default());
    let Some(bench) = Bench::new(&sink("pager", &pager.url(), "too-short")) else { return };
    let service = bench.run();
    let event = alert(1, AlertState::Open, Severity::Error);
    bench.produce(&[event.clone(), b"{\"no\": \"alert\"}".to_vec()]);
    let mut dead = bench.kafka.tail(&bench.kafka.name("deadletter"));
    dead.wait("two dead letters", |records| records.len() == 2);
    service.stop();
    let schema = schema::validator("deadletter");
    for record in &dead.records {
        let headers: serde_json::Map<String, serde_json::Value> =
            record.headers.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
        schema::check(&schema, &headers.into());
    }
    let refused = dead.records.iter().find(|record| record.payload == event).unwrap();
    let reason = refused.headers.iter().find(|(key, _)| key == "logwake.reason").unwrap();
    assert!(reason.1.starts_with("status 400: ") && reason.1.contains("routing_key"), "{reason:?}");
    let records = bench.kafka.read(&bench.kafka.name("decisions"));
    let ends: Vec<_> = ends(&records, "pager").into_values().collect();
    assert_eq!(ends, [[("suppress".to_owned(), "not_taken".to_owned())]]);
}
