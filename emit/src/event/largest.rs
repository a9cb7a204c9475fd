//! The largest event of every kind: every text at its limit and such that nothing compresses it.
//!
//! Records, arrivals and reasons as somebody would write them who wants an event that no broker
//! takes go through the stages as they are; what comes out must fit in a message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use logwake_detector::alert::{
    Alert, AlertInput, AlertOutput, AlertSettings, Arrival, Arrivals, ExternalAlert, ExternalState,
    Scope, Silence,
};
use logwake_detector::detect::{
    Detect, DetectSettings, Findings, FleetSettings, SessionSettings, ValueSettings,
};
use logwake_detector::record::{Level, Record, Source};
use logwake_detector::tally::{ClockSettings, Tally, TallyBatch, TallyInput};
use logwake_models::session::SessionBounds;
use logwake_models::template::{CatalogueLimits, Masks};

use super::*;
use crate::wire;

/// What a message may have; a broker takes 1,048,588 bytes by default, headers included.
const MESSAGE_BYTES_MAX: usize = 1_000_000;
const WALL: Timestamp = Timestamp::from_secs(4_000_000_000);
const WINDOW: Duration = Duration::from_secs(10);
const LATENESS: Duration = Duration::from_secs(5);
/// Services that write, each under a name of its own.
const SERVICES: usize = 150;

/// Texts that nothing compresses, by a linear congruence (Knuth, TAOCP 2, 3.3.4).
struct Noise {
    seed: u64,
    letters: Vec<char>,
}

impl Noise {
    fn text(&mut self, bytes: usize) -> String {
        let mut text = String::new();
        while text.len() < bytes {
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push(self.letters[(self.seed >> 33) as usize % self.letters.len()]);
        }
        text
    }
}

/// Letters that JSON writes as six bytes, as two, and as they are, and letters of four bytes.
fn noises() -> [Noise; 4] {
    let letters = [
        ('\u{1}'..'\u{7}').collect(),
        vec!['"', '\\', 'x'],
        ('a'..='z').collect(),
        ('\u{1f400}'..'\u{1f440}').collect(),
    ];
    letters.map(|letters: Vec<char>| Noise { seed: 7, letters })
}

fn settings() -> DetectSettings {
    DetectSettings {
        window: WINDOW,
        lateness: LATENESS,
        warmup: Duration::from_secs(60),
        anomaly_budget: 1e9,
        forest_p_value_max: 0.0,
        gap_windows_max: 60,
        services_max: 1_000,
        open_windows_max: 1_000,
        catalogue: CatalogueLimits::default(),
        fleet: FleetSettings { hold_max: WINDOW * 6, stall_after: WINDOW * 3 },
        sessions: SessionSettings {
            idle: WINDOW * 6,
            sessions_max: 1_000,
            bounds: SessionBounds::default(),
        },
        values: ValueSettings { enabled: true, stable_for: WINDOW * 180 },
    }
}

/// Lets every service write a usual line for two minutes, and then as long a failure as there is.
fn tallied(noise: &mut Noise) -> Vec<TallyBatch> {
    let clock = ClockSettings {
        window: WINDOW,
        lateness: LATENESS,
        future_max: WINDOW * 60,
        jump_max: WINDOW * 360,
    };
    let source = Source::Partition { topic: noise.text(249).into(), partition: 0 };
    let mut tally = Tally::new(source, 1, clock, Masks::default(), WALL);
    let names: Vec<String> = (0..SERVICES).map(|_| noise.text(20_000)).collect();
    let hosts: Vec<String> = (0..SERVICES).map(|_| noise.text(20_000)).collect();
    let mut out = Vec::new();
    let mut offset = 0;
    for second in (0..130).step_by(5) {
        for (service, host) in names.iter().zip(&hosts) {
            let late = second >= 120;
            let text = if late { noise.text(8_000) } else { "still here".to_owned() };
            let session = noise.text(300);
            let record = Record {
                offset,
                lines: 1,
                time: Some(Timestamp::from_secs(second)),
                service,
                host,
                level: if late { Level::Fatal } else { Level::Info },
                content: text.as_bytes(),
                template: (late && offset % 2 == 0).then_some(text.as_str()),
                session: Some(&session),
            };
            tally.step(TallyInput::Record(&record), &mut out);
            offset += 1;
        }
    }
    let end = Record {
        offset,
        lines: 1,
        time: Some(Timestamp::from_secs(160)),
        service: &names[0],
        host: &hosts[0],
        level: Level::Info,
        content: b"still here",
        template: None,
        session: None,
    };
    tally.step(TallyInput::Record(&end), &mut out);
    tally.step(TallyInput::Cut { to: offset + 1, wall: WALL, idle: true }, &mut out);
    out
}

fn found(batches: Vec<TallyBatch>) -> Vec<Findings> {
    let (mut detect, mut findings) = (Detect::new(settings(), 0, 1), Vec::new());
    batches.into_iter().for_each(|batch| detect.step(batch, &mut findings));
    findings
}

/// Critical alerts of other systems, as long as the intake lets them be.
fn arrivals(noise: &mut Noise) -> Vec<ExternalAlert> {
    let alert = |n: usize| ExternalAlert {
        id: noise.text(40),
        from: noise.text(64),
        key: noise.text(255),
        state: ExternalState::Trigger,
        at: WALL,
        started_at: Some(WALL),
        ends_at: None,
        name: noise.text(255),
        summary: noise.text(4 << 10),
        severity: Some(Severity::Critical),
        service: noise.text(250) + &n.to_string(),
        host: Some(noise.text(255)),
        labels: (0..32).map(|_| (noise.text(128), noise.text(380))).collect(),
        url: Some(noise.text(2_048)),
    };
    (0..300).map(alert).collect()
}

fn alerted(findings: &[Findings], alerts: &[ExternalAlert]) -> Vec<AlertOutput> {
    let (mut alert, mut out) = (Alert::new(AlertSettings::DEFAULT), Vec::new());
    for one in findings {
        alert.step(one.clone(), &mut out);
    }
    let items = alerts.iter().map(|alert| Arrival::Alert(Box::new(alert.clone()))).collect();
    let source = "logs/0".to_owned();
    alert.receive(Arrivals { source, seq: 0, wall: WALL, items, maintenance: None }, &mut out);
    out
}

fn check(what: &str, message: &[u8]) {
    assert!(message.len() < MESSAGE_BYTES_MAX, "{what} of {} bytes", message.len());
}

#[test]
fn the_largest_event_of_each_kind_fits_in_a_message() {
    for mut noise in noises() {
        let batches = tallied(&mut noise);
        batches.iter().for_each(|batch| check("tally", &wire::encode_tally(batch)));
        let findings = found(batches);
        let anomalies: Vec<_> = findings.iter().flat_map(|one| &one.anomalies).collect();
        assert!(anomalies.len() >= SERVICES, "{} anomalies", anomalies.len());
        for one in &findings {
            let input = AlertInput::Findings(one.clone());
            check("findings", &wire::encode_alert_input(&input));
        }
        anomalies.iter().for_each(|anomaly| check("anomaly", &anomaly_json(anomaly)));
        let alerts = arrivals(&mut noise);
        let mut states = BTreeSet::new();
        for output in alerted(&findings, &alerts) {
            match output {
                AlertOutput::Change(change) => {
                    states.insert(change.state);
                    check("alert", &alert_json(&change));
                }
                AlertOutput::Decision(decision) => check("decision", &decision_json(&decision)),
            }
        }
        assert!(!states.is_empty());
        for alert in alerts {
            let arrival = Arrival::Alert(Box::new(alert));
            check("external alert", &external_json(&arrival, WALL));
        }
    }
}

#[test]
fn the_largest_silence_and_dead_letter_fit_in_a_message() {
    for mut noise in noises() {
        // A request has 64 KiB at the most.
        let silence = Silence {
            id: noise.text(64),
            scope: Scope {
                services: vec![noise.text(16 << 10)],
                hosts: vec![noise.text(16 << 10)],
                names: vec![noise.text(16 << 10)],
            },
            starts_at: WALL,
            ends_at: WALL,
            by: noise.text(1 << 10),
            comment: noise.text(8 << 10),
            ticket: Some(noise.text(1 << 10)),
            accepts: Severity::Error,
            rate_max: None,
        };
        check("silence", &external_json(&Arrival::Silence(silence), WALL));
        let source = Source::Partition { topic: noise.text(249).into(), partition: 1 };
        let reason = noise.text(2 << 20);
        let headers: BTreeMap<_, _> =
            dead_letter_headers(&source, 7, &reason).into_iter().collect();
        let bytes: usize = headers.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert!(bytes < 8 << 10, "{bytes} bytes");
        let headers = undelivered_headers("pager", "c_1", &reason);
        assert!(headers.iter().all(|(_, value)| value.len() <= 4 << 10));
    }
}
