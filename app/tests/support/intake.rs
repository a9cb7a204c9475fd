//! A sender of alerts to `logwake run`, and what was handed on of them.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use logwake_detector::alert::{AlertInput, Arrival, ExternalAlert};
use logwake_emit::wire;
use serde_json::{Value, json};

use super::kafka::{DEADLINE, Kafka, Record};

/// The token of the only source.
pub const TOKEN: &str = "fedcba9876543210fedcba9876543210";

/// The way in of one process.
pub struct WayIn {
    pub address: SocketAddr,
    agent: ureq::Agent,
}

impl WayIn {
    pub fn new() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        Self { address, agent }
    }

    /// What goes at the end of a configuration of [`Kafka::config`].
    pub fn config(&self) -> String {
        format!(
            "[intake]\npartitions = 2\n[[intake.sources]]\nname = \"shop\"\ntoken = \"{TOKEN}\"\nmay_silence = true\n"
        )
    }

    /// Opens the way in of a configuration.
    pub fn open(&self, config: &str) -> String {
        config.replace("listen = \"off\"", &format!("listen = \"{}\"", self.address))
    }

    /// Posts a body once; `None` where no answer came.
    pub fn post(&self, path: &str, body: &Value) -> Option<(u16, String)> {
        let request = self.agent.post(format!("http://{}{path}", self.address));
        let request = request.header("Authorization", format!("Bearer {TOKEN}"));
        let mut answer = request.send(body.to_string()).ok()?;
        let text = answer.body_mut().read_to_string().unwrap_or_default();
        Some((answer.status().as_u16(), text))
    }

    /// Asks for JSON; `None` where no answer came.
    pub fn get(&self, path: &str) -> Option<Value> {
        let mut answer = self.agent.get(format!("http://{}{path}", self.address)).call().ok()?;
        serde_json::from_str(&answer.body_mut().read_to_string().ok()?).ok()
    }

    /// Asks for an end; returns the status.
    pub fn delete(&self, path: &str) -> Option<u16> {
        let request = self.agent.delete(format!("http://{}{path}", self.address));
        let answer = request.header("Authorization", format!("Bearer {TOKEN}")).call().ok()?;
        Some(answer.status().as_u16())
    }

    /// Sends an event until it is accepted.
    #[track_caller]
    pub fn send(&self, key: &str) {
        let payload =
            json!({ "summary": format!("{key} fails"), "source": "web-1", "severity": "error" });
        let event = json!({ "routing_key": TOKEN, "event_action": "trigger", "dedup_key": key, "payload": payload });
        self.send_to("/v2/enqueue", &event, 202);
    }

    /// Posts a body until it is answered as wanted.
    #[track_caller]
    pub fn send_to(&self, path: &str, body: &Value, wanted: u16) -> String {
        let begin = Instant::now();
        loop {
            let answer = self.post(path, body);
            if let Some((status, text)) = &answer
                && *status == wanted
            {
                return text.clone();
            }
            assert!(begin.elapsed() < DEADLINE, "{path}: {answer:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What was handed to the alert stage.
#[derive(Debug, Default)]
pub struct HandedOn {
    /// How often each alert was, by id.
    pub ids: BTreeMap<String, usize>,
    pub items: Vec<Arrival>,
}

impl HandedOn {
    pub fn alerts(&self) -> impl Iterator<Item = &ExternalAlert> {
        self.items.iter().filter_map(|item| match item {
            Arrival::Alert(alert) => Some(alert.as_ref()),
            _ => None,
        })
    }

    /// Returns the keys of the alerts.
    pub fn keys(&self) -> std::collections::BTreeSet<&str> {
        self.alerts().map(|alert| alert.key.as_str()).collect()
    }

    /// Returns each alert that stands in the topic, once, by id.
    pub fn accepted(&self, kafka: &Kafka) -> BTreeMap<String, usize> {
        let topic = kafka.name("external");
        let records = kafka.read(&topic).into_iter();
        let alerts = records.filter(|record| record.text().contains("\"type\":\"alert\""));
        let id = |record: Record| {
            let place = format!("{topic}/{}", record.partition);
            let parts = [place.as_str(), &record.offset.to_string(), "0"];
            (logwake_detector::anomaly::id_of("x", &parts), 1)
        };
        alerts.map(id).collect()
    }
}

/// Reads what was handed on, each piece of arrivals once, as the alert stage takes it.
#[track_caller]
pub fn handed_on(findings: &[Record]) -> HandedOn {
    let (mut handed, mut next) = (HandedOn::default(), BTreeMap::<String, u64>::new());
    for record in findings {
        let Ok(AlertInput::Arrivals(arrivals)) = wire::decode_alert_input(&record.payload) else {
            continue;
        };
        let next = next.entry(arrivals.source.clone()).or_default();
        if arrivals.seq < *next {
            continue;
        }
        assert_eq!(arrivals.seq, *next, "a gap in the arrivals of {}", arrivals.source);
        *next += 1;
        for item in arrivals.items {
            if let Arrival::Alert(alert) = &item {
                *handed.ids.entry(alert.id.clone()).or_default() += 1;
            }
            handed.items.push(item);
        }
    }
    handed
}
