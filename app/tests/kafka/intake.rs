//! Alerts of other systems: Debian's Prometheus and Alertmanager as senders, and what is accepted
//! over a `kill -9`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use logwake_detector::alert::{Arrival, ExternalState};
use logwake_detector::anomaly::Severity;
use serde_json::{Value, json};

use crate::alertmanager::Alertmanager;
use crate::support::intake::{HandedOn, TOKEN, WayIn, handed_on};
use crate::support::kafka::Kafka;
use crate::support::program::{Service, logwake};
use crate::support::schema;

/// A broker, a way in, and what runs between them.
struct Bench {
    kafka: Kafka,
    dir: tempfile::TempDir,
    way_in: WayIn,
    config: String,
}

impl Bench {
    fn new(more: &str) -> Option<Self> {
        let kafka = Kafka::from_env()?;
        kafka.make_topic(&kafka.logs(), 1, &[]);
        let way_in = WayIn::new();
        let more = format!("detect_partitions = 1\n{}{more}", way_in.config());
        let config = way_in.open(&kafka.config("a", &more));
        Some(Self { kafka, dir: tempfile::tempdir().unwrap(), way_in, config })
    }

    fn run(&self) -> Service {
        Service::start(self.dir.path(), "a", &self.config)
    }

    /// Waits until what was handed on fulfils a condition; returns it.
    #[track_caller]
    fn wait(&self, what: &str, is_met: impl Fn(&HandedOn) -> bool) -> HandedOn {
        let mut tail = self.kafka.tail(&self.kafka.name("findings"));
        tail.wait(what, |records| is_met(&handed_on(records)));
        handed_on(&tail.records)
    }

    /// Holds the topics against each other.
    #[track_caller]
    fn verify(&self) -> String {
        let path = self.dir.path().join("a.toml");
        logwake(&["verify".as_ref(), "-c".as_ref(), path.as_os_str()]).done()
    }
}

#[test]
fn what_was_accepted_is_handed_on_once_over_kills() {
    let Some(bench) = Bench::new("") else { return };
    let is_over = AtomicBool::new(false);
    let (service, accepted): (Service, BTreeSet<String>) = std::thread::scope(|scope| {
        let mut service = bench.run();
        let send = |sender: usize| {
            let (bench, is_over) = (&bench, &is_over);
            move || {
                let mut keys = Vec::new();
                for number in 0.. {
                    if is_over.load(Ordering::Acquire) {
                        break;
                    }
                    let key = format!("{sender}-{number}");
                    let labels = |idx| json!({ "labels": { "alertname": "Storm", "key": key, "idx": format!("{idx}") } });
                    if number % 2 == 0 {
                        bench.way_in.send(&key);
                        keys.push(format!("{key} fails"));
                    } else {
                        let alerts: Vec<Value> = (0..20).map(labels).collect();
                        bench.way_in.send_to("/api/v2/alerts", &alerts.into(), 200);
                        keys.extend((0..20).map(|idx| format!("{key}/{idx}")));
                    }
                }
                keys
            }
        };
        let senders: Vec<_> = (0..4).map(|sender| scope.spawn(send(sender))).collect();
        for _ in 0..3 {
            std::thread::sleep(Duration::from_secs(5));
            service.kill();
            service = bench.run();
        }
        std::thread::sleep(Duration::from_secs(5));
        is_over.store(true, Ordering::Release);
        (service, senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect())
    });
    assert!(accepted.len() > 500, "{}", accepted.len());
    let named = |handed: &HandedOn| -> BTreeSet<String> {
        let name = |alert: &logwake_detector::alert::ExternalAlert| match alert.labels.get("idx") {
            Some(idx) => format!("{}/{idx}", alert.labels["key"]),
            None => alert.summary.clone(),
        };
        handed.alerts().map(name).collect()
    };
    let handed = bench.wait("all that was accepted", |handed| accepted.is_subset(&named(handed)));
    service.stop();
    assert_eq!(handed.accepted(&bench.kafka), handed.ids, "each alert of the topic once");
    let said = bench.verify();
    assert!(said.contains("external alerts: ") && said.contains("nothing lost"), "{said}");
}

struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

impl Prometheus {
    /// Starts one whose only rule fires for some seconds.
    fn start(dir: &Path, way_in: &WayIn, fires_for: Duration) -> Option<Self> {
        if Command::new("prometheus").arg("--version").output().is_err() {
            eprintln!("skipped: prometheus is not installed");
            return None;
        }
        let until = (SystemTime::now() + fires_for).duration_since(UNIX_EPOCH).unwrap().as_secs();
        let rules = format!(
            "groups: [{{ name: g, interval: 1s, rules: [{{ alert: QueueGrows, expr: 'vector(time()) < {until}', for: 0s,\n\
             labels: {{ severity: page, service: mail, instance: 'mx-1:9100' }}, annotations: {{ summary: 'queue of mail grows' }} }}] }}]\n"
        );
        std::fs::write(dir.join("rules.yml"), rules).unwrap();
        let config = format!(
            "global: {{ evaluation_interval: 1s }}\nrule_files: [rules.yml]\nalerting:\n  alertmanagers:\n\
             \x20 - authorization: {{ credentials: {TOKEN} }}\n    static_configs: [{{ targets: ['{}'] }}]\n",
            way_in.address
        );
        std::fs::write(dir.join("prometheus.yml"), config).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("tsdb").display()))
            .arg(format!("--web.listen-address={free}"))
            .arg("--rules.alert.resend-delay=1s")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self(child))
    }
}

#[test]
fn prometheus_takes_it_for_an_alertmanager() {
    let Some(bench) = Bench::new("") else { return };
    let service = bench.run();
    bench.way_in.send("the way in is open");
    let Some(_prometheus) =
        Prometheus::start(bench.dir.path(), &bench.way_in, Duration::from_secs(15))
    else {
        return;
    };
    let states = |handed: &HandedOn| -> BTreeSet<ExternalState> {
        handed
            .alerts()
            .filter(|alert| alert.name == "QueueGrows")
            .map(|alert| alert.state)
            .collect()
    };
    let handed = bench.wait("it fires and is over", |handed| states(handed).len() == 2);
    service.stop();
    let alert = handed.alerts().find(|alert| alert.name == "QueueGrows").unwrap();
    assert_eq!((alert.from.as_str(), alert.state), ("shop", ExternalState::Trigger));
    assert_eq!((alert.service.as_str(), alert.host.as_deref()), ("mail", Some("mx-1")));
    assert_eq!(
        (alert.severity, alert.summary.as_str()),
        (Some(Severity::Critical), "queue of mail grows")
    );
    assert!(alert.ends_at.is_some() && alert.started_at.is_some() && alert.url.is_some());
    let keys: BTreeSet<&str> = handed
        .alerts()
        .filter(|alert| alert.name == "QueueGrows")
        .map(|alert| alert.key.as_str())
        .collect();
    assert_eq!(keys.len(), 1, "one condition, one key");
    let events = bench.kafka.texts(&bench.kafka.name("external"));
    schema::check_all("external", events.iter().map(String::as_str));
}

#[test]
fn alertmanager_sends_its_notifications_and_its_pages() {
    let Some(bench) = Bench::new("") else { return };
    let receivers = format!(
        "route:\n  receiver: both\n  group_wait: 0s\n  group_interval: 1s\n  group_by: ['...']\nreceivers:\n  - name: both\n\
         \x20   webhook_configs:\n      - url: http://{0}/webhook/alertmanager\n        http_config: {{ authorization: {{ credentials: {TOKEN} }} }}\n\
         \x20   pagerduty_configs:\n      - routing_key: {TOKEN}\n        url: http://{0}/v2/enqueue\n        severity: '{{{{ .CommonLabels.severity }}}}'\n",
        bench.way_in.address
    );
    let Some(alertmanager) = Alertmanager::start_with(bench.dir.path(), &receivers) else { return };
    let service = bench.run();
    bench.way_in.send("the way in is open");
    let alert = |ends: Option<&str>| {
        let labels = json!({ "alertname": "Slow", "app": "checkout", "node": "web-7", "severity": "critical" });
        let annotations = json!({ "summary": "checkout takes 4 s" });
        json!([{ "labels": labels, "annotations": annotations, "endsAt": ends }])
    };
    alertmanager.post(&alert(None));
    let slow = |handed: &HandedOn, state| {
        handed.alerts().filter(|alert| alert.name == "Slow" && alert.state == state).count()
    };
    bench.wait("both say that it fires", |handed| slow(handed, ExternalState::Trigger) >= 2);
    alertmanager.post(&alert(Some("2020-01-01T00:00:00Z")));
    let over = |handed: &HandedOn| {
        handed.alerts().filter(|alert| alert.state == ExternalState::Resolve).count()
    };
    let handed = bench.wait("both say that it is over", |handed| over(handed) >= 2);
    service.stop();
    for alert in handed.alerts().filter(|alert| alert.name == "Slow") {
        assert_eq!(
            (alert.service.as_str(), alert.host.as_deref()),
            ("checkout", Some("web-7")),
            "{alert:?}"
        );
        assert_eq!(alert.severity, Some(Severity::Critical), "{alert:?}");
    }
}

#[test]
fn a_topic_of_others_is_read_and_what_is_no_alert_is_a_dead_letter() {
    let Some(kafka) = Kafka::from_env() else { return };
    drop(kafka);
    let topic = format!("others-{}", std::process::id());
    let Some(bench) = Bench::new("") else { return };
    let config = bench.config.replace("[intake]\n", &format!("[intake]\ntopics = [\"{topic}\"]\n"));
    bench.kafka.make_topic(&topic, 1, &[]);
    let service = Service::start(bench.dir.path(), "a", &config);
    let bodies = [
        json!({ "event_action": "resolve", "dedup_key": "k-1" }).to_string(),
        json!([{ "labels": { "alertname": "A" } }, { "labels": {} }, { "labels": { "alertname": "B" } }]).to_string(),
        json!({ "alerts": [{ "labels": { "alertname": "C" } }], "truncatedAlerts": 2 }).to_string(),
        "a line of a log".to_owned(),
        json!({ "logwake": { "external": { "type": "unsilence", "id": "s_1" } } }).to_string(),
    ];
    bench.kafka.produce(&topic, 0, &bodies);
    let handed = bench.wait("four alerts", |handed| handed.items.len() >= 4);
    let mut dead = bench.kafka.tail(&bench.kafka.name("deadletter"));
    dead.wait("three dead letters", |records| records.len() >= 3);
    service.stop();
    assert!(handed.alerts().all(|alert| alert.from == topic));
    assert_eq!(handed.items.len(), 4);
    let schema = schema::validator("deadletter");
    for record in &dead.records {
        let headers: serde_json::Map<String, Value> =
            record.headers.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
        schema::check(&schema, &headers.into());
    }
}

#[test]
fn what_people_ask_for_lasts_over_a_restart() {
    let window = "[[alerts.maintenance]]\nname = \"always\"\nhosts = [\"db-*\"]\nstart = \"00:00\"\nduration = \"24h\"\n";
    let Some(bench) = Bench::new(window) else { return };
    let service = bench.run();
    let asked = json!({ "services": ["mail*"], "duration": "2h", "by": "ada", "comment": "moves", "accepts": "error", "rate_max": 30 });
    let silence: Value =
        serde_json::from_str(&bench.way_in.send_to("/api/v1/silences", &asked, 201)).unwrap();
    let id = silence["id"].as_str().unwrap();
    bench.wait("the silence", |handed| {
        handed
            .items
            .iter()
            .any(|item| matches!(item, Arrival::Silence(silence) if silence.id == id))
    });
    service.stop();
    let service = bench.run();
    let begin = std::time::Instant::now();
    loop {
        let listed = bench.way_in.get("/api/v1/silences");
        if let Some(listed) = &listed
            && listed["items"][0]["id"] == id
        {
            assert_eq!(
                (&listed["items"][0]["rate_max"], &listed["total"]),
                (&30.into(), &1.into())
            );
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{listed:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(bench.way_in.delete("/api/v1/silences/s_none"), Some(404));
    assert_eq!(bench.way_in.delete(&format!("/api/v1/silences/{id}")), Some(202));
    bench.wait("its end", |handed| {
        handed
            .items
            .iter()
            .any(|item| matches!(item, Arrival::Unsilence { id: ended, .. } if ended == id))
    });
    service.stop();
    let ticks = bench.kafka.read(&bench.kafka.name("findings"));
    let windows = ticks.iter().filter_map(|record| {
        match logwake_emit::wire::decode_alert_input(&record.payload) {
            Ok(logwake_detector::alert::AlertInput::Arrivals(arrivals)) => arrivals.maintenance,
            _ => None,
        }
    });
    assert!(windows.clone().count() >= 2);
    assert!(windows.into_iter().all(|on| on.len() == 1 && on[0].name == "always"));
    bench.verify();
}
