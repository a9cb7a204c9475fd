//! Changes of alerts as the alert stage publishes them, and what the ledger says of them.

use std::collections::BTreeMap;

use logwake_detector::alert::{AlertChange, AlertState, Reason};
use logwake_detector::anomaly::{Severity, id_of};
use logwake_detector::time::Timestamp;
use logwake_emit::event::alert_json;
use serde_json::Value;

use super::kafka::{Kafka, Record, Sender};

/// 2026-03-01T12:00:00Z.
const START_MS: i64 = 1_772_366_400_000;

/// Names an alert by its number.
pub fn alert_id(number: usize) -> String {
    id_of("alert", &[&number.to_string()])
}

/// A change of an alert as JSON; it happens 6 ms after that of the number before.
pub fn alert(number: usize, state: AlertState, severity: Severity) -> Vec<u8> {
    let id = alert_id(number);
    let at = Timestamp::from_millis(START_MS + 6 * number as i64);
    let service = format!("service-{:02}", number % 40);
    alert_json(&AlertChange {
        dedup_key: id.clone(),
        id,
        state,
        at,
        reason: Reason::EnoughEvidence,
        severity,
        title: format!("{service}: queue {number} does not drain"),
        started_at: at,
        updated_at: at,
        ended_at: (state == AlertState::Resolved).then_some(at),
        services: vec![service],
        hosts: vec![format!("host-{}", number % 7)],
        anomaly_count: 1,
        external_count: 0,
        critical: Vec::new(),
        lacks_logs: false,
        follows: None,
        acknowledged_by: None,
        summary: String::new(),
        members: vec![id_of("a", &[&number.to_string()])],
        evidence: Vec::new(),
    })
}

/// Publishes changes of alerts once their topic is there.
pub fn publish(kafka: &Kafka, alerts: &[Vec<u8>]) {
    let topic = kafka.name("alerts");
    kafka.wait_until(&topic, |found| found > 0);
    send(&kafka.producer(10_000), &topic, alerts);
}

/// Publishes changes of alerts, with the keys that their topic demands.
pub fn send(producer: &Sender, topic: &str, alerts: &[Vec<u8>]) {
    let key = |alert: &Vec<u8>| match serde_json::from_slice::<Value>(alert) {
        Ok(event) => event["logwake"]["alert"]["id"].to_string(),
        Err(_) => "none".to_owned(),
    };
    let keyed: Vec<_> = alerts.iter().map(|alert| (key(alert), alert.as_slice())).collect();
    producer.send(topic, 0, keyed.iter().map(|(key, alert)| (Some(key.as_str()), *alert)));
}

/// Returns the decisions about a sink, by the change that they are about: action and reason.
pub fn ledger(records: &[Record], sink: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut ledger: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for record in records {
        let event: Value = serde_json::from_str(record.text()).unwrap();
        let decision = &event["logwake"]["decision"];
        if decision["sink"] == sink {
            let text = |name: &str| decision[name].as_str().unwrap().to_owned();
            ledger.entry(text("change")).or_default().push((text("action"), text("reason")));
        }
    }
    ledger
}

/// Returns the decisions that end a change, those of digests left out.
pub fn ends(records: &[Record], sink: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut ledger = ledger(records, sink);
    ledger.retain(|change, decisions| {
        decisions.retain(|(action, _)| action != "delay");
        !change.starts_with("digest") && !decisions.is_empty()
    });
    ledger
}
