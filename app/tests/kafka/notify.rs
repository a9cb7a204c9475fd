//! Alerts to sinks: crashes, sinks that are down or hang, refusals, great events, secrets.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;
use serde_json::Value;

use crate::support::alerts::{alert, alert_id, ends, ledger, publish};
use crate::support::kafka::{Kafka, Record};
use crate::support::pager::{Manners, Pager};
use crate::support::program::Service;
use crate::support::schema;

/// An integration key.
pub const KEY: &str = "0123456789abcdef0123456789abcdef";
/// Longest wait for a storm: a minute of budget and what a crash costs.
const STORM: Duration = Duration::from_secs(300);

/// Configures a pager.
pub fn sink(name: &str, pager: &str, key: &str) -> String {
    format!(
        "[[notify]]\nname = \"{name}\"\nkind = \"pagerduty\"\nurl = \"{pager}\"\nrouting_key = \"{key}\"\n"
    )
}

/// A broker, sinks, and what runs between them.
pub struct Bench {
    pub kafka: Kafka,
    pub dir: tempfile::TempDir,
    pub config: String,
}

impl Bench {
    pub fn new(sinks: &str) -> Option<Self> {
        let kafka = Kafka::from_env()?;
        kafka.make_topic(&kafka.logs(), 1, &[]);
        let config = kafka.config("a", &format!("detect_partitions = 1\n{sinks}"));
        Some(Self { kafka, dir: tempfile::tempdir().unwrap(), config })
    }

    pub fn run(&self) -> Service {
        Service::start(self.dir.path(), "a", &self.config)
    }

    /// Publishes changes of alerts.
    pub fn produce(&self, alerts: &[Vec<u8>]) {
        publish(&self.kafka, alerts);
    }

    /// Waits until the ledger fulfils a condition; returns it.
    #[track_caller]
    pub fn wait(&self, what: &str, is_met: impl Fn(&[Record]) -> bool) -> Vec<Record> {
        let mut tail = self.kafka.tail(&self.kafka.name("decisions"));
        tail.wait_for(what, STORM, is_met);
        tail.records
    }
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

#[test]
fn a_sink_that_hangs_slows_nothing() {
    // Connections are taken by the system and never answered.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let pager = Pager::start(Manners::default());
    let hangs = format!("http://{}/v2/enqueue", deaf.local_addr().unwrap());
    let sinks =
        sink("deaf", &hangs, KEY) + "timeout = \"60s\"\n" + &sink("pager", &pager.url(), KEY);
    let Some(bench) = Bench::new(&sinks) else { return };
    let service = bench.run();
    for number in 0..20 {
        let begin = Instant::now();
        bench.produce(&[alert(number, AlertState::Open, Severity::Error)]);
        pager.wait("the page", |book| book.pages.len() == number + 1);
        assert!(begin.elapsed() < Duration::from_secs(20), "{number}: {:?}", begin.elapsed());
    }
    // It stops in good order with requests in flight, and knows that they may have arrived.
    service.stop();
    let service = bench.run();
    let lost = ("delay".to_owned(), "answer_lost".to_owned());
    bench.wait("what was in flight is in the ledger", |records| {
        ledger(records, "deaf").values().filter(|decisions| decisions.contains(&lost)).count() >= 8
    });
    service.stop();
}

#[test]
fn an_event_of_600_kb_arrives_with_what_matters() {
    let pager = Pager::start(Manners::default());
    let Some(bench) = Bench::new(&sink("pager", &pager.url(), KEY)) else { return };
    let mut event: Value =
        serde_json::from_slice(&alert(1, AlertState::Open, Severity::Critical)).unwrap();
    let body = &mut event["logwake"]["alert"];
    body["hosts"] = (0..1_000).map(|number| format!("host-{number:0>395}")).collect();
    body["members"] = (0..9_000).map(alert_id).collect();
    let event = serde_json::to_vec(&event).unwrap();
    assert!(event.len() > 600_000, "{}", event.len());
    let service = bench.run();
    bench.produce(&[event]);
    pager.wait("the page", |book| book.pages.len() == 1);
    service.stop();
    let book = pager.book();
    assert!(book.bytes_max <= 512_000, "{}", book.bytes_max);
    let payload = &book.payloads[&alert_id(1)];
    assert_eq!(payload["summary"], "service-01: queue 1 does not drain");
    assert_eq!(
        (&payload["severity"], &payload["component"]),
        (&"critical".into(), &"service-01".into())
    );
    let details = &payload["custom_details"];
    for name in ["reason", "services", "hosts", "since", "anomaly_count", "members"] {
        assert!(!details[name].is_null(), "{name}");
    }
    assert!(!details["shed"].as_array().unwrap().is_empty());
}

#[test]
fn secrets_are_nowhere_to_be_read() {
    let pager = Pager::start(Manners::default());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sinks = format!(
        "[[notify]]\nname = \"pager\"\nkind = \"pagerduty\"\nurl = \"{}\"\nrouting_key_file = \"key\"\n\
         [[notify]]\nname = \"chat\"\nkind = \"slack\"\nurl_file = \"chat\"\n\
         [[notify]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{free}/hook/s3cret-path\"\ntoken = \"${{HOOK_TOKEN}}\"\n\
         [telemetry]\nlog = \"trace\"\n",
        pager.url()
    );
    let Some(bench) = Bench::new(&sinks) else { return };
    let folder = bench.dir.path();
    std::fs::write(folder.join("key"), format!("{KEY}\n")).unwrap();
    std::fs::write(folder.join("chat"), format!("http://{free}/services/s3cret-chat\n")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = bench.config.replace("listen = \"off\"", &format!("listen = \"{port}\""));
    let env = [("HOOK_TOKEN", "s3cret-token")];
    let service = Service::start_with(folder, "a", &config, &env);
    bench.produce(&[alert(1, AlertState::Open, Severity::Error)]);
    pager.wait("the page", |book| book.pages.len() == 1);
    bench.wait("both others fail", |records| {
        ["chat", "hook"].iter().all(|name| !ledger(records, name).is_empty())
    });

    let mut seen = service.log();
    assert!(seen.contains("the sink fails"), "{seen}");
    let agent = ureq::Agent::config_builder().proxy(None).build().new_agent();
    for path in [
        "/",
        "/metrics",
        "/api/v1/status",
        "/api/v1/sinks",
        "/api/v1/decisions",
        "/api/v1/alerts",
        &format!("/api/v1/explain/{}", alert_id(1)),
    ] {
        let mut answer = agent.get(format!("http://{port}{path}")).call().unwrap();
        seen += &answer.body_mut().read_to_string().unwrap();
    }
    assert!(seen.contains("\"per_minute\":100"), "the sinks are shown");
    for command in ["check", "config"] {
        let output = Command::new(env!("CARGO_BIN_EXE_logwake"))
            .args([command, "-c"])
            .arg(folder.join("a.toml"))
            .envs(env)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        seen += &String::from_utf8_lossy(&output.stdout);
        seen += &String::from_utf8_lossy(&output.stderr);
    }
    service.stop();
    for record in bench.kafka.read(&bench.kafka.name("decisions")) {
        seen += record.text();
    }
    for secret in [KEY, "s3cret"] {
        assert!(!seen.contains(secret), "{secret} is in: {seen}");
    }
}
