//! Whatever decodes as a kept state can be gone on from: no stage panics, and what it keeps then
//! can be read again. Of a snapshot either the state comes back or an error.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use logwake_detector::alert::{AlertMachineState, AlertOutput, Silence};
use logwake_detector::detect::DetectState;
use logwake_detector::notify::{NotifyInput, NotifyState};
use logwake_detector::tally::TallyState;
use logwake_emit::event::{alert_json, anomaly_json, decision_json};
use logwake_emit::wire::{self, snapshot};
use logwake_fuzz::damage::Order;
use logwake_fuzz::samples::{self, SAMPLES, at};
use logwake_fuzz::stages::{self, TallyStage};
use logwake_ingest::decode::DecoderState;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Values that are handed to a machine after it was restored.
const STEPS: usize = 6;
/// Later than any sample.
const LATER: i64 = 700;

fuzz_target!(|input: &[u8]| {
    let Some(order) = Order::read(input) else { return };
    match order.kind % 6 {
        0 => tally(&order),
        1 => detect(&order),
        2 => alert(&order),
        3 => notify(&order),
        4 => intake(&order),
        _ => snapshots(&order),
    }
});

/// What the tally task keeps.
type TallyTaskState = (DecoderState, TallyState);
/// What the intake task keeps: a number and the silences by id.
type IntakeState = (u64, BTreeMap<String, Silence>);

fn tally(order: &Order<'_>) {
    let samples = &SAMPLES.tally_states;
    let version = wire::TALLY_STATE_VERSION;
    let Some(state) = decoded::<TallyTaskState>(version, samples, order) else { return };
    let mut stage = TallyStage::restored(state.0, state.1);
    let lines = order.rest.split(|&byte| byte == b'\n');
    let mut batches = stage.take(lines, at(LATER), false);
    batches.extend(stage.take([], at(LATER + 1), true));
    for batch in batches {
        assert_eq!(wire::decode_tally(&wire::encode_tally(&batch)), Ok(batch));
    }
    let state: TallyTaskState = (stage.decoder.state(), stage.tally.state());
    keeps(version, &state);
}

fn detect(order: &Order<'_>) {
    let samples = &SAMPLES.detect_states;
    let Some(state) = decoded::<DetectState>(wire::DETECT_STATE_VERSION, samples, order) else {
        return;
    };
    let mut detect = stages::detect();
    detect.restore(state);
    let from = SAMPLES.tallies_before[order.choice(samples.len())];
    let mut findings = Vec::new();
    for tally in SAMPLES.tallies[from..].iter().take(STEPS).chain(SAMPLES.tallies.last()) {
        let batch = wire::decode_tally(tally).expect("a sample is readable");
        detect.step(batch, &mut findings);
    }
    findings.iter().flat_map(|findings| &findings.anomalies).for_each(|anomaly| {
        anomaly_json(anomaly);
    });
    keeps(wire::DETECT_STATE_VERSION, detect.state());
}

fn alert(order: &Order<'_>) {
    let samples = &SAMPLES.alert_states;
    let Some(state) = decoded::<AlertMachineState>(wire::ALERT_STATE_VERSION, samples, order)
    else {
        return;
    };
    let mut alert = stages::alert();
    alert.restore(state);
    let from = SAMPLES.inputs_before[order.choice(samples.len())];
    for input in SAMPLES.inputs[from..].iter().take(STEPS).chain(SAMPLES.inputs.last()) {
        let input = wire::decode_alert_input(input).expect("a sample is readable");
        for output in stages::alert_takes(&mut alert, input) {
            match output {
                AlertOutput::Change(change) => alert_json(&change),
                AlertOutput::Decision(decision) => decision_json(&decision),
            };
        }
    }
    keeps(wire::ALERT_STATE_VERSION, alert.state());
}

fn notify(order: &Order<'_>) {
    let samples = &SAMPLES.notify_states;
    let Some(state) = decoded::<NotifyState>(wire::NOTIFY_STATE_VERSION, samples, order) else {
        return;
    };
    let mut notify = stages::notify();
    notify.restore(state);
    stages::notify_takes(&mut notify, NotifyInput::Tick, at(LATER));
    for (secs, event) in (LATER..).zip(SAMPLES.alerts.iter().take(STEPS)) {
        let notice = stages::notice_of(event).expect("a sample is readable");
        stages::notify_takes(&mut notify, NotifyInput::Change(notice), at(secs));
    }
    stages::notify_takes(&mut notify, NotifyInput::Tick, at(LATER) + Duration::from_secs(86_400));
    notify.state().standings().for_each(drop);
    keeps(wire::NOTIFY_STATE_VERSION, notify.state());
}

fn intake(order: &Order<'_>) {
    let version = wire::INTAKE_STATE_VERSION;
    let silences = BTreeMap::from([("s_1".to_owned(), samples::silence())]);
    let sample = wire::encode(version, &(7_u64, silences));
    if let Some(state) = decoded::<IntakeState>(version, &[sample], order) {
        keeps(version, &state);
    }
}

/// Two snapshots of one key, damaged and mixed: never a state that nobody kept.
fn snapshots(order: &Order<'_>) {
    let states = [&b"an older state"[..], order.rest];
    let pairs = states.map(|state| snapshot::split("logs/0", 7, state).1);
    let mut pairs: Vec<_> = pairs.into_iter().flatten().collect();
    if !order.is_whole() {
        let at = order.choice(pairs.len());
        pairs[at].1 = order.damaged(&[pairs[at].1.clone()]);
    }
    let borrowed = pairs.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
    match snapshot::assemble("logs/0", borrowed) {
        Ok(Some(found)) => assert!(states.contains(&found.state.as_slice())),
        Ok(None) | Err(_) => assert!(!order.is_whole(), "a whole snapshot comes back"),
    }
}

fn decoded<T: DeserializeOwned + Serialize>(
    version: u8,
    samples: &[Vec<u8>],
    order: &Order<'_>,
) -> Option<T> {
    let bytes = order.damaged(samples);
    let state = wire::decode::<T>("state", version, &bytes).ok();
    if order.is_whole() {
        let state = state.as_ref().expect("a sample is readable");
        assert_eq!(wire::encode(version, state), bytes, "a state is read as it was kept");
    }
    state
}

fn keeps<T: Serialize + DeserializeOwned>(version: u8, state: &T) {
    let kept = wire::encode(version, state);
    wire::decode::<T>("state", version, &kept).expect("what is kept is readable");
}
