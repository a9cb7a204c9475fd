//! Real values of every type that is read back: states, tallies, inputs of the alert stage, events.
//!
//! They are what the stages make of ten minutes of three small services with a fault, so they
//! change with the program and no file has to be kept.

use std::sync::LazyLock;
use std::time::Duration;

use logwake_detector::alert::{
    AlertInput, AlertOutput, Arrival, Arrivals, ExternalAlert, ExternalState, Maintenance, Scope,
    Silence,
};
use logwake_detector::anomaly::Severity;
use logwake_detector::notify::{Answer, NotifyInput, NotifyOutput};
use logwake_detector::tally::TallyBatch;
use logwake_detector::time::Timestamp;
use logwake_emit::event::{alert_json, anomaly_json, decision_json, external_json};
use logwake_emit::wire;

use crate::stages::{self, BEGIN, TallyStage};

/// Seconds of logs.
const SECS: i64 = 600;
/// Seconds between commits.
const COMMIT_SECS: i64 = 5;
/// When the fault begins, and when states are taken: before the warm-up ends, and in the fault.
const FAULT: i64 = 450;
const TAKEN: [i64; 3] = [60, 440, 500];

/// The samples, made once in a process.
pub static SAMPLES: LazyLock<Samples> = LazyLock::new(make);

/// Real values.
#[derive(Debug, Default)]
pub struct Samples {
    /// States of decoder and tally machine.
    pub tally_states: Vec<Vec<u8>>,
    /// States of the detect machine.
    pub detect_states: Vec<Vec<u8>>,
    /// States of the alert machine.
    pub alert_states: Vec<Vec<u8>>,
    /// States of the notify machine.
    pub notify_states: Vec<Vec<u8>>,
    /// Tallies on the wire, in order.
    pub tallies: Vec<Vec<u8>>,
    /// For each detect state, how many of the tallies came before it.
    pub tallies_before: Vec<usize>,
    /// Inputs of the alert stage on the wire, in order.
    pub inputs: Vec<Vec<u8>>,
    /// For each alert state, how many of the inputs came before it.
    pub inputs_before: Vec<usize>,
    /// Events of every dataset, one JSON text each.
    pub events: Vec<Vec<u8>>,
    /// The events of alerts among them.
    pub alerts: Vec<Vec<u8>>,
}

fn make() -> Samples {
    let mut samples = Samples::default();
    let mut tally = TallyStage::new();
    let (mut detect, mut alert, mut notify) = (stages::detect(), stages::alert(), stages::notify());
    for (seq, secs) in (0..SECS).step_by(COMMIT_SECS as usize).enumerate() {
        let wall = at(secs + COMMIT_SECS);
        let lines: Vec<String> = (secs..secs + COMMIT_SECS).flat_map(lines_at).collect();
        let batches = tally.take(lines.iter().map(String::as_bytes), wall, false);
        let mut inputs = vec![AlertInput::Arrivals(arrivals(seq as u64, secs, wall))];
        samples.arrived(&inputs[0], wall);
        for batch in batches {
            inputs.extend(samples.found(&mut detect, batch));
        }
        for input in inputs {
            samples.inputs.push(wire::encode_alert_input(&input));
            samples.told(stages::alert_takes(&mut alert, input), &mut notify, wall);
        }
        stages::notify_takes(&mut notify, NotifyInput::Tick, wall);
        if TAKEN.contains(&(secs + COMMIT_SECS)) {
            let state = (tally.decoder.state(), tally.tally.state());
            samples.tally_states.push(wire::encode(wire::TALLY_STATE_VERSION, &state));
            samples.detect_states.push(wire::encode(wire::DETECT_STATE_VERSION, detect.state()));
            samples.alert_states.push(wire::encode(wire::ALERT_STATE_VERSION, alert.state()));
            samples.notify_states.push(wire::encode(wire::NOTIFY_STATE_VERSION, notify.state()));
            samples.tallies_before.push(samples.tallies.len());
            samples.inputs_before.push(samples.inputs.len());
        }
    }
    samples
}

impl Samples {
    fn arrived(&mut self, input: &AlertInput, wall: Timestamp) {
        let AlertInput::Arrivals(arrivals) = input else { return };
        self.events.extend(arrivals.items.iter().map(|arrival| external_json(arrival, wall)));
    }

    fn found(
        &mut self,
        detect: &mut logwake_detector::detect::Detect,
        batch: TallyBatch,
    ) -> Vec<AlertInput> {
        self.tallies.push(wire::encode_tally(&batch));
        let mut findings = Vec::new();
        detect.step(batch, &mut findings);
        let anomalies = findings.iter().flat_map(|findings| &findings.anomalies);
        self.events.extend(anomalies.map(anomaly_json));
        findings.into_iter().map(AlertInput::Findings).collect()
    }

    fn told(
        &mut self,
        outputs: Vec<AlertOutput>,
        notify: &mut logwake_detector::notify::Notify,
        wall: Timestamp,
    ) {
        for output in outputs {
            match output {
                AlertOutput::Decision(decision) => self.events.push(decision_json(&decision)),
                AlertOutput::Change(change) => {
                    let event = alert_json(&change);
                    self.events.push(event.clone());
                    self.alerts.push(event.clone());
                    let notice = stages::notice_of(&event).expect("a fresh event is readable");
                    let sent = stages::notify_takes(notify, NotifyInput::Change(notice), wall);
                    sent.into_iter().for_each(|sent| answer(notify, sent, wall));
                }
            }
        }
    }
}

/// The pager takes all, the chat is down.
fn answer(notify: &mut logwake_detector::notify::Notify, sent: NotifyOutput, wall: Timestamp) {
    let NotifyOutput::Deliver(delivery) = sent else { return };
    let later = Answer::Later(Duration::from_secs(30));
    let answer = if delivery.sink == "pager" { Answer::Accepted } else { later };
    let input = NotifyInput::Answered { id: delivery.id, sink: delivery.sink, answer };
    stages::notify_takes(notify, input, wall);
}

/// Returns the instant so many seconds after the begin.
pub fn at(secs: i64) -> Timestamp {
    BEGIN + Duration::from_secs(u64::try_from(secs).unwrap_or(0))
}

/// What the services log in one second.
fn lines_at(secs: i64) -> Vec<String> {
    let time = format!("2026-03-01T12:{:02}:{:02}Z", secs / 60, secs % 60);
    let (user, took) = (secs % 7, 20 + secs * 37 % 11);
    let trace = format!("t{}", secs / 3);
    let step = ["cart opened", "cart filled", "order placed"][(secs % 3) as usize];
    let mut lines = vec![
        format!(
            r#"{{"@timestamp":"{time}","service":"shop","host":"web-1","level":"info","trace_id":"{trace}","message":"{step} by user-{user} in {took} ms"}}"#
        ),
        format!("ts={time} level=info app=bank msg=\"transfer {secs} of {took}.50 EUR booked\""),
    ];
    if secs % 5 == 0 {
        lines.push(format!("{time} INFO mail[12]: queue has {} messages", secs % 4));
    }
    if secs >= FAULT {
        lines.remove(1);
        lines.push(format!("{time} ERROR bank: connection to db-{user} refused"));
        lines.push(format!(r#"{{"@timestamp":"{time}","service":"shop","level":"fatal","message":"payment failed\njava.lang.IllegalStateException: no bank\n\tat a.B.c(B.java:{took})"}}"#));
    }
    lines
}

/// What arrives from elsewhere in one commit interval.
fn arrivals(seq: u64, secs: i64, wall: Timestamp) -> Arrivals {
    let items = match secs {
        100 => vec![Arrival::Silence(silence())],
        200 | 455 => vec![Arrival::Alert(Box::new(alert(secs, ExternalState::Trigger)))],
        250 | 520 => vec![Arrival::Alert(Box::new(alert(secs, ExternalState::Resolve)))],
        480 => vec![Arrival::Acknowledge {
            alert: "alert_1".to_owned(),
            by: "ada".to_owned(),
            at: at(secs),
        }],
        540 => vec![Arrival::Unsilence { id: "s_1".to_owned(), at: at(secs) }],
        _ => Vec::new(),
    };
    let scope = Scope { hosts: vec!["web-9".to_owned()], ..Scope::default() };
    let window = Maintenance { name: "backup".to_owned(), scope, ends_at: at(300) };
    let maintenance = Some(if secs < 300 { vec![window] } else { Vec::new() });
    Arrivals { source: "logwake.external/0".to_owned(), seq, wall, items, maintenance }
}

/// A silence of one service.
pub fn silence() -> Silence {
    Silence {
        id: "s_1".to_owned(),
        scope: Scope { services: vec!["mail*".to_owned()], ..Scope::default() },
        starts_at: at(100),
        ends_at: at(900),
        by: "ada".to_owned(),
        comment: "moves".to_owned(),
        ticket: Some("OPS-7".to_owned()),
        accepts: Severity::Error,
        rate_max: Some(30),
    }
}

fn alert(secs: i64, state: ExternalState) -> ExternalAlert {
    ExternalAlert {
        id: format!("x_{secs}"),
        from: "prometheus".to_owned(),
        key: "7f".to_owned(),
        state,
        at: at(secs),
        started_at: Some(at(secs - 10)),
        ends_at: Some(at(secs + 300)),
        name: "QueueGrows".to_owned(),
        summary: format!("queue of {secs} grows"),
        severity: Some(Severity::Critical),
        service: "bank".to_owned(),
        host: Some("db-1".to_owned()),
        labels: [("team".to_owned(), "post".to_owned())].into(),
        url: Some("http://prom.example/graph".to_owned()),
    }
}
