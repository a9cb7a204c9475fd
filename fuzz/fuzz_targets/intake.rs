//! Every request with alerts is decoded or refused, and what is kept of one is bounded.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use logwake_detector::time::Timestamp;
use logwake_ingest::intake::{Receipt, Shape, decode, decode_any, routing_key};

fuzz_target!(|body: &[u8]| {
    let receipt = Receipt {
        from: "fuzzed",
        at: Timestamp::from_secs(1_772_366_400),
        future_max: Duration::from_secs(600),
        resolve_timeout: Duration::from_secs(300),
    };
    _ = routing_key(body);
    let shapes = [Shape::PagerDuty, Shape::Alerts, Shape::Webhook];
    let decoded = shapes.map(|shape| decode(shape, body, &receipt));
    for received in decoded.into_iter().chain([decode_any(body, &receipt)]).flatten() {
        for alert in received.alerts {
            let labels: usize = alert.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(labels <= 16 << 10 && alert.labels.len() <= 64);
            assert!(alert.summary.len() <= 4 << 10 && alert.name.len() <= 255);
            assert!(alert.service.len() <= 255 && alert.key.chars().count() <= 255);
            assert!(alert.at <= receipt.at + receipt.future_max);
            assert!(!alert.key.is_empty());
        }
    }
});
