//! Requests with alerts: each is decoded or refused, what is kept of one is bounded, its event fits
//! the schema and reads back as the same alert, and the alert stage takes it.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use logwake_detector::alert::{AlertInput, Arrival, Arrivals, ExternalAlert};
use logwake_detector::time::Timestamp;
use logwake_emit::event::{ExternalEvent, external_json};
use logwake_fuzz::stages::{self, BEGIN};
use logwake_fuzz::{json, schemas};
use logwake_ingest::intake::{Receipt, Shape, decode, decode_any, routing_key};

const RECEIPT: Receipt<'static> = Receipt {
    from: "fuzzed",
    at: BEGIN,
    future_max: Duration::from_secs(600),
    resolve_timeout: Duration::from_secs(300),
};

fuzz_target!(|body: &[u8]| {
    _ = routing_key(body);
    let shapes = [Shape::PagerDuty, Shape::Alerts, Shape::Webhook];
    let decoded = shapes.map(|shape| decode(shape, body, &RECEIPT));
    for received in decoded.into_iter().chain([decode_any(body, &RECEIPT)]).flatten() {
        received.alerts.iter().for_each(is_bounded);
        let items: Vec<Arrival> =
            received.alerts.into_iter().map(|alert| Arrival::Alert(Box::new(alert))).collect();
        items.iter().for_each(reads_back);
        let source = "logwake.external/1".to_owned();
        let arrivals = Arrivals { source, seq: 0, wall: BEGIN, items, maintenance: None };
        stages::alert_takes(&mut stages::alert(), AlertInput::Arrivals(arrivals));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, size_max: usize, seed: u32| {
    json::mutate(data, size, size_max, seed, include_str!("../dictionaries/intake.dict"))
});

fn is_bounded(alert: &ExternalAlert) {
    let labels: usize = alert.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(labels <= 16 << 10 && alert.labels.len() <= 64);
    assert!(alert.summary.len() <= 4 << 10 && alert.name.len() <= 255);
    assert!(alert.service.len() <= 255 && alert.key.chars().count() <= 255);
    assert!(alert.host.as_ref().is_none_or(|host| host.len() <= 255));
    assert!(alert.at <= RECEIPT.at + RECEIPT.future_max);
    assert!(alert.started_at.is_none_or(|time| time >= Timestamp::from_secs(0)));
    assert!(!alert.key.is_empty());
}

fn reads_back(arrival: &Arrival) {
    let event = external_json(arrival, BEGIN);
    schemas::check(&schemas::EXTERNAL, &event);
    let read: ExternalEvent = serde_json::from_slice(&event).expect("an event is readable");
    assert_eq!(&read.into_arrival(String::new), arrival);
}
