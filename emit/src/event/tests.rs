//! Every event against its schema, as it reads, and read back.

use std::fmt::Debug;

use expect_test::{Expect, expect};
use jsonschema::Validator;
use logwake_detector::alert::{
    Action, AlertChange, AlertState, AtSink, Decision, EvidenceKind, EvidenceLine, Reason,
};
use logwake_detector::anomaly::{Anomaly, AnomalyKind, Evidence, TemplateRef, id_of};
use logwake_detector::record::{Level, Source};
use logwake_detector::tally::Exemplar;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn schema(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}

macro_rules! schema {
    ($name:literal) => {
        schema(include_str!(concat!("../../../docs/schema/", $name, ".schema.json")))
    };
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn partition() -> Source {
    Source::Partition { topic: "logs".into(), partition: 3 }
}

fn file() -> Source {
    Source::File { path: "var/log/shop.log".into() }
}

fn evidence(source: Source) -> Evidence {
    let exemplar = Exemplar {
        offset: 41,
        time: Timestamp::from_millis(1_700_000_003_250),
        at: at(3),
        host: "web-1".to_owned(),
        level: Level::Error,
        text: "payment 8812 refused by \"acquirer\"".to_owned(),
    };
    Evidence { source, exemplar }
}

fn template() -> TemplateRef {
    serde_json::from_value(json!({"id": 42, "text": "payment <*> refused by <*>"})).unwrap()
}

fn anomaly(kind: AnomalyKind) -> Anomaly {
    Anomaly {
        id: id_of("a", &["shop", kind.as_str()]),
        kind,
        at: at(15),
        service: "shop".to_owned(),
        host: Some("web-1".to_owned()),
        level: Level::Error,
        severity: Severity::Error,
        window_start: at(0),
        window_end: at(10),
        template: Some(template()),
        score: 0.75,
        p_value: 1e-18,
        actual: 214.0,
        typical: 3.5,
        lower: 0.0,
        upper: 9.0,
        contributions: vec![("rate".to_owned(), 0.75), ("level".to_owned(), 0.25)],
        exemplars: vec![evidence(partition()), evidence(file())],
        reason: "shop: 214 times in 10 s, expected 3.5".to_owned(),
        incomplete: false,
        session: None,
        lasts_until: None,
    }
}

fn change(state: AlertState, reason: Reason) -> AlertChange {
    let line = |source: Option<Source>, kind| EvidenceLine {
        id: id_of("a", &["shop"]),
        kind: EvidenceKind::Anomaly(kind),
        at: at(15),
        url: None,
        severity: Severity::Error,
        service: "shop".to_owned(),
        reason: "shop: said nothing for 40 s".to_owned(),
        line: source.map(evidence),
    };
    AlertChange {
        id: id_of("alert", &["shop"]),
        state,
        at: at(60),
        reason,
        severity: Severity::Critical,
        title: "shop: new: payment refused".to_owned(),
        started_at: at(15),
        updated_at: at(50),
        ended_at: (state == AlertState::Resolved).then(|| at(60)),
        services: vec!["shop".to_owned(), "bank".to_owned()],
        hosts: vec!["web-1".to_owned()],
        anomaly_count: 3,
        external_count: 0,
        critical: Vec::new(),
        lacks_logs: false,
        follows: None,
        acknowledged_by: None,
        summary: String::new(),
        members: vec![id_of("a", &["shop"])],
        evidence: vec![
            line(Some(partition()), AnomalyKind::NewTemplate),
            line(Some(file()), AnomalyKind::RateSpike),
            line(None, AnomalyKind::Silence),
        ],
        dedup_key: "logwake/alert_1".to_owned(),
    }
}

fn decision(action: Action, reason: Reason) -> Decision {
    Decision {
        id: id_of("d", &[reason.as_str()]),
        at: at(60),
        action,
        reason,
        alert: id_of("alert", &["shop"]),
        anomaly: (action == Action::Merge).then(|| id_of("a", &["shop"])),
        external: None,
        mute: None,
        weight: 2.5,
        sink: None,
    }
}

/// Validates an event and reads it back; returns it.
#[track_caller]
fn check<T: DeserializeOwned + Serialize + PartialEq + Debug>(
    schema: &Validator,
    line: &[u8],
) -> Value {
    assert!(!line.contains(&b'\n'), "one line");
    let value: Value = serde_json::from_slice(line).unwrap();
    if let Some(error) = schema.iter_errors(&value).next() {
        panic!("{error} at {}: {value:#}", error.instance_path());
    }
    let event: T = serde_json::from_slice(line).unwrap();
    assert_eq!(one_line(&event), line, "what is read is what was written");
    value
}

/// Makes one change to a valid event and expects that the schema refuses it.
#[track_caller]
fn refuse(schema: &Validator, event: &Value, pointer: &str, change: Option<Value>) {
    let mut event = event.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match &change {
        Some(value) => drop(parent.insert(key.to_owned(), value.clone())),
        None => drop(parent.remove(key).unwrap()),
    }
    assert!(!schema.is_valid(&event), "{pointer} = {change:?} is taken");
}

#[track_caller]
fn show(line: &[u8], expected: &Expect) {
    expected.assert_eq(std::str::from_utf8(line).unwrap());
}

#[test]
fn anomalies_of_every_kind_and_severity_are_valid() {
    let schema = schema!("anomaly");
    for kind in AnomalyKind::ALL {
        for severity in Severity::ALL {
            let event = Anomaly { severity, ..anomaly(kind) };
            let value = check::<AnomalyEvent>(&schema, &anomaly_json(&event));
            assert_eq!(value["logwake"]["kind"], kind.as_str());
            assert_eq!(value["logwake"]["severity"], severity.as_str());
        }
    }
    for level in Level::ALL {
        let event = Anomaly { level, ..anomaly(AnomalyKind::LevelShift) };
        check::<AnomalyEvent>(&schema, &anomaly_json(&event));
    }
}

#[test]
fn an_anomaly_of_no_host_level_template_or_finite_number_is_valid() {
    let mut bare = anomaly(AnomalyKind::Forest);
    (bare.host, bare.level, bare.template) = (None, Level::Unknown, None);
    (bare.contributions, bare.exemplars) = (Vec::new(), Vec::new());
    (bare.upper, bare.typical, bare.p_value) = (f64::INFINITY, f64::NAN, f64::NAN);
    let value = check::<AnomalyEvent>(&schema!("anomaly"), &anomaly_json(&bare));
    assert_eq!((value.get("log"), value.get("host")), (None, None));
    assert_eq!(value["logwake"]["p_value"], 1.0);
}

#[test]
fn alerts_of_every_state_reason_and_severity_are_valid() {
    let schema = schema!("alert");
    // Those that follow are of decisions about sinks.
    let of_alerts = Reason::ALL.into_iter().filter(|reason| *reason <= Reason::LimitReached);
    for state in AlertState::SENT {
        for reason in of_alerts.clone() {
            for severity in Severity::ALL {
                let event = AlertChange { severity, ..change(state, reason) };
                let value = check::<AlertEvent>(&schema, &alert_json(&event));
                assert_eq!(value["logwake"]["alert"]["state"], state.as_str());
                assert_eq!(value["logwake"]["alert"]["reason"], reason.as_str());
            }
        }
    }
}

#[test]
fn an_alert_that_was_never_sent_is_no_event() {
    let pending = alert_json(&change(AlertState::Pending, Reason::FirstEvidence));
    assert!(!schema!("alert").is_valid(&serde_json::from_slice(&pending).unwrap()));
}

#[test]
fn each_change_of_an_alert_has_an_id_of_its_own() {
    let id = |state, reason| AlertEvent::from(&change(state, reason)).event.id;
    let open = id(AlertState::Open, Reason::EnoughEvidence);
    assert_eq!(open, id(AlertState::Open, Reason::EnoughEvidence));
    assert_ne!(open, id(AlertState::Resolved, Reason::QuietAgain));
}

#[test]
fn decisions_of_every_action_and_reason_are_valid() {
    let schema = schema!("decision");
    for action in [Action::Send, Action::Merge, Action::Suppress, Action::Mute] {
        for reason in Reason::ALL {
            let value = check::<DecisionEvent>(&schema, &decision_json(&decision(action, reason)));
            assert_eq!(value["logwake"]["decision"]["action"], action.as_str());
            assert_eq!(value["logwake"]["decision"]["reason"], reason.as_str());
        }
    }
}

#[test]
fn decisions_about_a_sink_are_valid() {
    let schema = schema!("decision");
    for action in [Action::Deliver, Action::Delay, Action::Merge, Action::Suppress] {
        let mut decision = decision(action, Reason::InDigest);
        decision.alert = id_of("digest", &["pager"]);
        decision.sink = Some(AtSink {
            name: "pager".to_owned(),
            change: id_of("c", &["1"]),
            digest: (action == Action::Merge).then(|| id_of("digest", &["pager"])),
        });
        let value = check::<DecisionEvent>(&schema, &decision_json(&decision));
        assert_eq!(value["logwake"]["decision"]["sink"], "pager");
        assert!(value["message"].as_str().unwrap().contains("pager"));
    }
}

#[test]
fn headers_of_dead_letters_are_valid() {
    let schema = schema!("deadletter");
    let headers = undelivered_headers("pager", "c_1", "status 400: summary is missing");
    let value: Value =
        headers.into_iter().map(|(key, value)| (key.into_owned(), json!(value))).collect();
    assert!(schema.is_valid(&value), "{value}");
    for source in [partition(), file()] {
        let headers = dead_letter_headers(&source, 41, "not UTF-8");
        let value: Value =
            headers.into_iter().map(|(key, value)| (key.into_owned(), json!(value))).collect();
        assert!(schema.is_valid(&value), "{value}");
        refuse(&schema, &value, "/logwake.reason", None);
        refuse(&schema, &value, "/event.kind", Some(json!("event")));
    }
    assert!(!schema.is_valid(&json!({"event.kind": "pipeline_error", "logwake.reason": "x"})));
}

#[test]
fn broken_anomalies_are_refused() {
    let schema = schema!("anomaly");
    let event = check::<AnomalyEvent>(&schema, &anomaly_json(&anomaly(AnomalyKind::RateSpike)));
    for pointer in
        ["/@timestamp", "/event/id", "/service/name", "/logwake/score", "/logwake/window"]
    {
        refuse(&schema, &event, pointer, None);
    }
    refuse(&schema, &event, "/@timestamp", Some(json!("yesterday")));
    refuse(&schema, &event, "/@timestamp", Some(json!("2026-02-30T00:00:00Z")));
    refuse(&schema, &event, "/event/kind", Some(json!("signal")));
    refuse(&schema, &event, "/event/severity", Some(json!(101)));
    refuse(&schema, &event, "/log/level", Some(json!("loud")));
    refuse(&schema, &event, "/logwake/kind", Some(json!("odd")));
    refuse(&schema, &event, "/logwake/score", Some(json!(1.5)));
    refuse(&schema, &event, "/logwake/upper", Some(json!(null)));
    refuse(&schema, &event, "/logwake/new_key", Some(json!(1)));
    refuse(&schema, &event, "/logwake/template/id", Some(json!("42")));
    let nowhere = json!([{"time": "2026-01-01T00:00:00Z", "level": "info", "text": ""}]);
    refuse(&schema, &event, "/logwake/exemplars", Some(nowhere));
}

#[test]
fn broken_alerts_and_decisions_are_refused() {
    let schema = schema!("alert");
    let open = change(AlertState::Open, Reason::EnoughEvidence);
    let event = check::<AlertEvent>(&schema, &alert_json(&open));
    refuse(&schema, &event, "/logwake/alert/state", Some(json!("closed")));
    refuse(&schema, &event, "/logwake/alert/state", Some(json!("resolved")));
    refuse(&schema, &event, "/logwake/alert/ended_at", Some(json!("2026-01-01T00:00:00Z")));
    refuse(&schema, &event, "/logwake/alert/services", Some(json!([])));
    refuse(&schema, &event, "/logwake/alert/dedup_key", None);
    refuse(&schema, &event, "/logwake/anomaly", Some(json!({})));
    let schema = schema!("decision");
    let sent = decision(Action::Send, Reason::EnoughEvidence);
    let event = check::<DecisionEvent>(&schema, &decision_json(&sent));
    refuse(&schema, &event, "/logwake/decision/reason", Some(json!("mood")));
    refuse(&schema, &event, "/logwake/decision/alert", None);
    refuse(&schema, &event, "/logwake/decision/weight", Some(json!(-1)));
}

#[test]
fn keys_of_later_versions_are_passed_over() {
    let event = anomaly(AnomalyKind::Silence);
    let mut value: Value = serde_json::from_slice(&anomaly_json(&event)).unwrap();
    value["agent"] = json!({"name": "collector"});
    value["logwake"]["later"] = json!(true);
    let read: AnomalyEvent = serde_json::from_value(value).unwrap();
    assert_eq!(read, AnomalyEvent::from(&event));
}

#[test]
fn an_anomaly_reads_so() {
    show(
        &anomaly_json(&anomaly(AnomalyKind::RateSpike)),
        &expect![[
            r#"{"@timestamp":"2023-11-14T22:13:35Z","ecs":{"version":"9.0.0"},"event":{"kind":"alert","id":"a_0a8fac11c4c1ed08","dataset":"logwake.anomaly","module":"logwake","reason":"shop: 214 times in 10 s, expected 3.5","severity":73,"start":"2023-11-14T22:13:20Z","end":"2023-11-14T22:13:30Z"},"message":"shop: 214 times in 10 s, expected 3.5","log":{"level":"error","record":{"template":"payment <*> refused by <*>"}},"service":{"name":"shop"},"host":{"name":"web-1"},"logwake":{"kind":"rate_spike","severity":"error","score":0.75,"p_value":1e-18,"window":{"start":"2023-11-14T22:13:20Z","end":"2023-11-14T22:13:30Z"},"template":{"id":"t_000000000000002a","text":"payment <*> refused by <*>"},"actual":214.0,"typical":3.5,"lower":0.0,"upper":9.0,"contributions":[{"name":"rate","share":0.75},{"name":"level","share":0.25}],"exemplars":[{"topic":"logs","partition":3,"offset":41,"time":"2023-11-14T22:13:23.25Z","level":"error","host":"web-1","text":"payment 8812 refused by \"acquirer\""},{"file":"var/log/shop.log","line":42,"time":"2023-11-14T22:13:23.25Z","level":"error","host":"web-1","text":"payment 8812 refused by \"acquirer\""}],"incomplete":false,"origin":"logwake"}}"#
        ]],
    );
}

#[test]
fn an_alert_reads_so() {
    show(
        &alert_json(&change(AlertState::Resolved, Reason::QuietAgain)),
        &expect![[
            r#"{"@timestamp":"2023-11-14T22:14:20Z","ecs":{"version":"9.0.0"},"event":{"kind":"alert","id":"c_0294b8b3a0a18b65","dataset":"logwake.alert","module":"logwake","reason":"shop: new: payment refused; resolved because nothing more came for long enough","severity":99,"start":"2023-11-14T22:13:35Z","end":"2023-11-14T22:14:20Z"},"message":"shop: new: payment refused","service":{"name":"shop"},"host":{"name":"web-1"},"logwake":{"alert":{"id":"alert_9d09ace3d7248476","state":"resolved","severity":"critical","title":"shop: new: payment refused","summary":"","started_at":"2023-11-14T22:13:35Z","updated_at":"2023-11-14T22:14:10Z","ended_at":"2023-11-14T22:14:20Z","services":["shop","bank"],"hosts":["web-1"],"anomaly_count":3,"external_count":0,"lacks_logs":false,"members":["a_9d09ace3d7248476"],"evidence":[{"anomaly":"a_9d09ace3d7248476","service":"shop","kind":"new_template","severity":"error","reason":"shop: said nothing for 40 s","topic":"logs","partition":3,"offset":41,"time":"2023-11-14T22:13:23.25Z","level":"error","host":"web-1","text":"payment 8812 refused by \"acquirer\""},{"anomaly":"a_9d09ace3d7248476","service":"shop","kind":"rate_spike","severity":"error","reason":"shop: said nothing for 40 s","file":"var/log/shop.log","line":42,"time":"2023-11-14T22:13:23.25Z","level":"error","host":"web-1","text":"payment 8812 refused by \"acquirer\""},{"anomaly":"a_9d09ace3d7248476","service":"shop","kind":"silence","severity":"error","reason":"shop: said nothing for 40 s"}],"dedup_key":"logwake/alert_1","reason":"quiet_again"}}}"#
        ]],
    );
}

#[test]
fn a_decision_reads_so() {
    show(
        &decision_json(&decision(Action::Merge, Reason::SameHost)),
        &expect![[
            r#"{"@timestamp":"2023-11-14T22:14:20Z","ecs":{"version":"9.0.0"},"event":{"kind":"event","id":"d_48440a7243564c4c","dataset":"logwake.decision","module":"logwake","reason":"merged a_9d09ace3d7248476 into alert_9d09ace3d7248476 because the alert is about the same host"},"message":"merged a_9d09ace3d7248476 into alert_9d09ace3d7248476 because the alert is about the same host","logwake":{"decision":{"action":"merge","reason":"same_host","explanation":"the alert is about the same host","alert":"alert_9d09ace3d7248476","anomaly":"a_9d09ace3d7248476","weight":2.5}}}"#
        ]],
    );
}
