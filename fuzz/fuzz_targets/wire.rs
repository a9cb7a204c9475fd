//! What crosses topics is read, or refused: read again it is the same, the stage behind it takes it
//! without panic, and the events that it makes are as their schemas say.
#![no_main]

use std::fmt::Debug;
use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use logwake_detector::alert::{Alert, AlertInput, AlertOutput, Arrivals};
use logwake_detector::detect::Detect;
use logwake_detector::notify::{Notify, NotifyInput, NotifyOutput};
use logwake_emit::event::{
    AlertEvent, AnomalyEvent, DecisionEvent, ExternalEvent, alert_json, anomaly_json,
    decision_json, external_json,
};
use logwake_emit::kafka::OutMessage;
use logwake_emit::notify::SinkKind;
use logwake_emit::wire;
use logwake_fuzz::damage::Order;
use logwake_fuzz::samples::{SAMPLES, at};
use logwake_fuzz::{json, schemas, stages};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Bytes before the text of an input.
const HEAD_BYTES: usize = 3;
/// Greatest request that PagerDuty takes.
const PAGERDUTY_BYTES_MAX: usize = 512_000;
/// Wall time, later than any sample.
const LATER: i64 = 700;

fuzz_target!(|input: &[u8]| {
    let Some(order) = Order::read(input) else { return };
    match order.kind % 6 {
        0 => tally(&order),
        1 => alert_input(&order),
        2 => outputs(&order),
        3 => external(order.rest),
        4 => alert_event(order.rest),
        _ => other_events(order.rest),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, size_max: usize, seed: u32| {
    let is_json = size > HEAD_BYTES && size <= size_max && data[0] % 6 >= 3;
    if !is_json {
        return fuzzer_mutate(data, size, size_max);
    }
    let words = include_str!("../dictionaries/wire.dict");
    let (size, size_max) = (size - HEAD_BYTES, size_max - HEAD_BYTES);
    HEAD_BYTES + json::mutate(&mut data[HEAD_BYTES..], size, size_max, seed, words)
});

/// The detect and alert machines when all samples were taken, and a notify machine.
static MACHINES: LazyLock<(Detect, Alert, Notify)> = LazyLock::new(|| {
    let (mut detect, mut alert) = (stages::detect(), stages::alert());
    for tally in &SAMPLES.tallies {
        detect.step(wire::decode_tally(tally).expect("a sample is readable"), &mut Vec::new());
    }
    for input in &SAMPLES.inputs {
        let input = wire::decode_alert_input(input).expect("a sample is readable");
        stages::alert_takes(&mut alert, input);
    }
    (detect, alert, stages::notify())
});

fn tally(order: &Order<'_>) {
    let bytes = order.damaged(&SAMPLES.tallies);
    let Ok(batch) = wire::decode_tally(&bytes) else { return };
    assert_eq!(wire::decode_tally(&wire::encode_tally(&batch)).as_ref(), Ok(&batch));
    let mut detect = MACHINES.0.clone();
    let mut findings = Vec::new();
    detect.step(batch, &mut findings);
    let mut alert = MACHINES.1.clone();
    for found in findings {
        for anomaly in &found.anomalies {
            schemas::check(&schemas::ANOMALY, &anomaly_json(anomaly));
        }
        told(stages::alert_takes(&mut alert, AlertInput::Findings(found)));
    }
}

fn alert_input(order: &Order<'_>) {
    let bytes = order.damaged(&SAMPLES.inputs);
    let Ok(input) = wire::decode_alert_input(&bytes) else { return };
    let again = wire::encode_alert_input(&input);
    let read = wire::decode_alert_input(&again).expect("what was written is readable");
    assert_eq!(wire::encode_alert_input(&read), again);
    told(stages::alert_takes(&mut MACHINES.1.clone(), input));
}

fn outputs(order: &Order<'_>) {
    let message = OutMessage {
        topic: "logwake.tallies".into(),
        partition: Some(3),
        key: b"logs/0".to_vec(),
        payload: SAMPLES.tallies.first().cloned(),
        headers: vec![("logwake-origin".into(), "0/7".to_owned())],
    };
    let sample = wire::encode_outputs(&[message], b"state");
    if let Ok((messages, state)) = wire::decode_outputs(&order.damaged(&[sample])) {
        let again = wire::encode_outputs(&messages, &state);
        assert_eq!(wire::decode_outputs(&again), Ok((messages, state)));
    }
}

fn external(text: &[u8]) {
    let Some(event) = read_back::<ExternalEvent>(text) else { return };
    let arrival = event.into_arrival(|| "x_1".to_owned());
    let written = external_json(&arrival, at(LATER));
    let read: ExternalEvent = serde_json::from_slice(&written).expect("an event is readable");
    assert_eq!(read.into_arrival(|| "x_1".to_owned()), arrival);
    let source = "logwake.external/0".to_owned();
    let arrivals = Arrivals {
        source,
        seq: u64::MAX / 2,
        wall: at(LATER),
        items: vec![arrival],
        maintenance: None,
    };
    told(stages::alert_takes(&mut MACHINES.1.clone(), AlertInput::Arrivals(arrivals)));
}

/// An alert of its topic, through the notify stage to the body of each kind of sink.
fn alert_event(text: &[u8]) {
    if read_back::<AlertEvent>(text).is_none() {
        return;
    }
    let notice = stages::notice_of(text).expect("an event is readable");
    let mut notify = MACHINES.2.clone();
    let mut sent = stages::notify_takes(&mut notify, NotifyInput::Change(notice), at(LATER));
    sent.extend(stages::notify_takes(&mut notify, NotifyInput::Tick, at(LATER + 3600)));
    for output in sent {
        let NotifyOutput::Deliver(delivery) = output else { continue };
        for kind in kinds() {
            let page = Some("https://logs.example");
            let body = kind.render(&delivery.content, at(LATER), page).expect("it renders");
            serde_json::from_slice::<Value>(&body).expect("a body is JSON");
            let is_pagerduty = matches!(kind, SinkKind::PagerDuty { .. });
            assert!(!is_pagerduty || body.len() <= PAGERDUTY_BYTES_MAX, "PagerDuty refuses it");
        }
    }
}

fn kinds() -> [SinkKind; 5] {
    let routing_key = "0123456789abcdef0123456789abcdef".to_owned();
    [
        SinkKind::PagerDuty { routing_key },
        SinkKind::Alertmanager,
        SinkKind::Slack,
        SinkKind::Teams,
        SinkKind::Webhook(None),
    ]
}

fn other_events(text: &[u8]) {
    read_back::<AnomalyEvent>(text);
    read_back::<DecisionEvent>(text);
}

/// Reads an event; what is written of it reads the same.
fn read_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &[u8]) -> Option<T> {
    let event: T = serde_json::from_slice(text).ok()?;
    let written = serde_json::to_vec(&event).expect("an event is written");
    let again: T = serde_json::from_slice(&written).expect("an event is readable");
    assert_eq!(again, event);
    Some(event)
}

fn told(outputs: Vec<AlertOutput>) {
    for output in outputs {
        match output {
            AlertOutput::Change(change) => schemas::check(&schemas::ALERT, &alert_json(&change)),
            AlertOutput::Decision(decision) => {
                schemas::check(&schemas::DECISION, &decision_json(&decision));
            }
        }
    }
}
