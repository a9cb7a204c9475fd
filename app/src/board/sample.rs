//! A board with something on it, to test with and to look at the page with.

use std::time::Duration;

use logwake_detector::alert::{Action, EvidenceKind, EvidenceLine};
use logwake_detector::anomaly::{AnomalyKind, Evidence, Severity, TemplateRef};
use logwake_detector::detect::Detect;
use logwake_detector::record::Level;
use logwake_detector::tally::{Exemplar, LineCounts, ServiceTally, SkeletonTally};
use logwake_models::template::TemplateId;

use super::*;
use crate::config::Config;
use crate::telemetry::Outcome;

const START: i64 = 1_750_000_000;

pub(super) fn settings() -> DetectSettings {
    let mut config = Config::default();
    config.detect.warmup = crate::config::Span::secs(120);
    config.detect_settings()
}

pub(super) fn source(partition: i32) -> Source {
    Source::Partition { topic: "logs".into(), partition }
}

fn evidence(service: &str, secs: i64, level: Level, text: &str) -> Evidence {
    let time = Timestamp::from_secs(START + secs);
    let host = format!("{service}-1");
    Evidence {
        source: source(0),
        exemplar: Exemplar {
            offset: 40_000 + secs as u64,
            time,
            at: time,
            host,
            level,
            text: text.into(),
        },
    }
}

fn tally(service: &str, secs: i64, text: &str, level: Level, count: u32) -> SkeletonTally {
    let mut levels = [0; Level::COUNT];
    levels[level as usize] = count;
    SkeletonTally {
        hash: text.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31) + u64::from(byte)),
        skeleton: text.into(),
        given: false,
        window: Timestamp::from_secs(START + secs),
        levels,
        hosts: vec![(format!("{service}-1"), count)],
        gravest: None,
        rows: Vec::new(),
        first: evidence(service, secs, level, &text.replace("<*>", "4711")).exemplar,
    }
}

fn batch(seq: u64, secs: i64, services: Vec<ServiceTally>) -> TallyBatch {
    let tallied = services.iter().flat_map(|s| &s.skeletons).map(SkeletonTally::count).sum();
    TallyBatch {
        source: source(0),
        sources: 1,
        seq,
        from: seq * 1000,
        to: (seq + 1) * 1000,
        newest: Some(Timestamp::from_secs(START + secs)),
        idle: false,
        wall: Timestamp::from_secs(START + secs),
        lines: LineCounts { tallied, late: 2, rejected: 1, corrected: 3 },
        services,
    }
}

pub(super) fn anomaly(
    n: u64,
    service: &str,
    kind: AnomalyKind,
    severity: Severity,
    reason: &str,
) -> Anomaly {
    let secs = 600 + n as i64 * 7;
    let at = Timestamp::from_secs(START + secs);
    Anomaly {
        id: format!("a_{n:016x}"),
        kind,
        at,
        service: service.into(),
        host: Some(format!("{service}-1")),
        level: Level::Error,
        severity,
        window_start: at - Duration::from_secs(10),
        window_end: at,
        template: Some(TemplateRef { id: TemplateId(n), text: "connection to <*> refused".into() }),
        score: 0.6,
        p_value: 1e-9,
        actual: 412.0,
        typical: 3.5,
        lower: 0.0,
        upper: 11.0,
        contributions: vec![("level:error".into(), 1.0)],
        exemplars: vec![evidence(
            service,
            secs,
            Level::Error,
            "connection to db-1:5432 refused <b>now</b>",
        )],
        reason: reason.into(),
        incomplete: false,
        session: None,
        lasts_until: None,
    }
}

pub(super) fn change(
    id: u64,
    state: AlertState,
    severity: Severity,
    title: &str,
    services: &[&str],
) -> AlertChange {
    let at = Timestamp::from_secs(START + 600 + id as i64 * 30);
    let line = |(n, (kind, reason)): (usize, (AnomalyKind, &str))| EvidenceLine {
        id: format!("a_{n:016x}"),
        kind: EvidenceKind::Anomaly(kind),
        at,
        url: None,
        severity,
        service: services[n % services.len()].into(),
        reason: reason.into(),
        line: Some(evidence(
            services[0],
            600,
            Level::Error,
            "FATAL: sorry, too many clients already; remaining connection slots are reserved for roles with the SUPERUSER attribute (pool=orders size=100 waiting=318)",
        )),
    };
    let story = [
        (
            AnomalyKind::NewTemplate,
            "postgres writes a template never seen before (fatal): FATAL: sorry, too many clients already",
        ),
        (
            AnomalyKind::RateSpike,
            "checkout: \"retry <*> of <*> for order <*>\" came 412 times in 10s, 0 to 11 are usual",
        ),
        (AnomalyKind::Silence, "payments has been silent for 40s, where a record came every 0.4s"),
    ];
    AlertChange {
        id: format!("c_{id:016x}"),
        state,
        at,
        reason: Reason::EnoughEvidence,
        severity,
        title: title.into(),
        started_at: at - Duration::from_secs(25),
        updated_at: at,
        ended_at: (state == AlertState::Resolved).then(|| at + Duration::from_secs(300)),
        services: services.iter().map(ToString::to_string).collect(),
        hosts: vec!["postgres-1".into()],
        anomaly_count: 17,
        external_count: 0,
        critical: Vec::new(),
        lacks_logs: false,
        follows: None,
        acknowledged_by: None,
        summary: String::new(),
        members: vec!["a_0000000000000000".into(), "a_0000000000000001".into()],
        evidence: story.into_iter().enumerate().map(line).collect(),
        dedup_key: format!("logwake-c_{id:016x}"),
    }
}

fn decision(n: u64, action: Action, reason: Reason) -> Decision {
    Decision {
        id: format!("d_{n:016x}"),
        at: Timestamp::from_secs(START + 600 + n as i64),
        action,
        reason,
        alert: "c_0000000000000001".into(),
        anomaly: (action == Action::Merge).then(|| format!("a_{n:016x}")),
        external: None,
        mute: None,
        weight: 1.5 * n as f64,
        sink: None,
    }
}

/// A board after ten minutes of a busy day with an incident at its end.
pub(crate) fn filled() -> Board {
    let settings = settings();
    let board = Board::new(settings);
    board.set_ready(true);
    let mut machine = Detect::new(settings, 0, 1);
    for seq in 0..64_u64 {
        let batch = batch(seq, seq as i64 * 10, services_of(seq));
        board.tallied(&batch);
        board.counted(&batch);
        machine.step(batch, &mut Vec::new());
    }
    board.source_end(&source(0), 64_120);
    board.refresh(0, machine.state());
    tell_findings(&board);
    board
}

/// What each service writes in one window.
fn services_of(seq: u64) -> Vec<ServiceTally> {
    let secs = seq as i64 * 10;
    let wave = (f64::from(u32::try_from(seq).unwrap()) / 7.0).sin().mul_add(40.0, 60.0) as u32;
    let burst = if seq > 58 { 400 } else { 3 };
    let mut services = vec![
        ServiceTally {
            name: "checkout".into(),
            sessions: Vec::new(),
            late: Vec::new(),
            skeletons: vec![
                tally(
                    "checkout",
                    secs,
                    "order <*> placed by user <*> in <*>",
                    Level::Info,
                    wave * 3,
                ),
                tally(
                    "checkout",
                    secs,
                    "retry <*> of <*> for order <*>: upstream answered <*>",
                    Level::Warn,
                    burst,
                ),
            ],
        },
        ServiceTally {
            name: "postgres".into(),
            sessions: Vec::new(),
            late: Vec::new(),
            skeletons: vec![tally(
                "postgres",
                secs,
                "checkpoint complete: wrote <*> buffers (<*>%); <*> WAL file(s) added",
                Level::Info,
                2,
            )],
        },
    ];
    if seq < 56 {
        services.push(ServiceTally {
            name: "payments".into(),
            sessions: Vec::new(),
            late: Vec::new(),
            skeletons: vec![tally(
                "payments",
                secs,
                "charge <*> accepted <script>alert(1)</script>",
                Level::Info,
                25,
            )],
        });
    }
    if seq > 57 {
        services.push(ServiceTally {
            name: "gateway-with-a-rather-long-name.eu-central-1".into(),
            sessions: Vec::new(),
            late: Vec::new(),
            skeletons: vec![tally("gateway", secs, "upstream timed out (<*>: Connection timed out) while reading response header from upstream, client: <*>, server: <*>, request: \"GET <*> HTTP/1.1\"", Level::Error, 90)],
        });
    }
    services
}

/// Anomalies, alerts, decisions and commits.
fn tell_findings(board: &Board) {
    for (n, (service, kind, severity, reason)) in [
        ("checkout", AnomalyKind::RateSpike, Severity::Error, "\"retry <*> of <*> for order <*>\" came 412 times in 10s, 0 to 11 are usual"),
        ("postgres", AnomalyKind::NewTemplate, Severity::Error, "a template never seen in 1h of checkpoints (fatal): FATAL: sorry, too many clients already <img src=x onerror=alert(1)>"),
        ("payments", AnomalyKind::Silence, Severity::Critical, "silent for 40s, where a record came every 0.4s"),
        ("checkout", AnomalyKind::Forest, Severity::Info, "the window is isolated: share of warnings 0.71, distinct templates 2"),
    ].into_iter().enumerate() {
        board.anomaly(&anomaly(n as u64, service, kind, severity, reason));
    }
    board.alert(&change(
        0,
        AlertState::Resolved,
        Severity::Warning,
        "checkout: many more retries than usual",
        &["checkout"],
    ));
    board.alert(&change(
        1,
        AlertState::Open,
        Severity::Critical,
        "postgres: FATAL: sorry, too many clients already, then checkout and payments",
        &["postgres", "checkout", "payments"],
    ));
    board.alert(&change(
        2,
        AlertState::Updated,
        Severity::Warning,
        "gateway: upstream timed out",
        &["gateway-with-a-rather-long-name.eu-central-1"],
    ));
    board.decision(&decision(0, Action::Merge, Reason::FirstEvidence));
    board.decision(&decision(1, Action::Merge, Reason::CloseInTime));
    board.decision(&decision(2, Action::Send, Reason::EnoughEvidence));
    for (stage, outcome) in [
        (Stage::Tally, Outcome::Committed),
        (Stage::Detect, Outcome::Committed),
        (Stage::Alert, Outcome::Aborted),
    ] {
        board.committed(&Commit {
            stage,
            outcome,
            took: Duration::from_millis(14),
            inputs: 12,
            outputs: 3,
        });
    }
}
