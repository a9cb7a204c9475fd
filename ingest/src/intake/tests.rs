//! Requests in, what is kept of them out.

use expect_test::{Expect, expect};
use logwake_detector::alert::ExternalState;
use logwake_detector::anomaly::Severity;
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// 2026-03-01T12:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_772_366_400);

fn receipt() -> Receipt<'static> {
    Receipt {
        from: "shop",
        at: NOW,
        future_max: Duration::from_secs(600),
        resolve_timeout: Duration::from_secs(300),
    }
}

fn received(shape: Shape, body: &Value) -> Received {
    decode(shape, body.to_string().as_bytes(), &receipt()).unwrap()
}

fn only(shape: Shape, body: &Value) -> ExternalAlert {
    let received = received(shape, body);
    assert_eq!(received.refused, [""; 0]);
    received.alerts.into_iter().next().unwrap()
}

fn check(shape: Shape, body: &Value, expected: Expect) {
    let alert = only(shape, body);
    let relative = |time: Option<Timestamp>| {
        time.map_or("-".to_owned(), |time| {
            format!("{}", (time.as_nanos() - NOW.as_nanos()) / 1_000_000_000)
        })
    };
    let labels: Vec<String> =
        alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let shown = format!(
        "{:?} {:?} {} on {:?}: {:?} {:?}\nkey {}, at {}, since {}, until {}, {:?}\n{}",
        alert.state,
        alert.severity,
        alert.service,
        alert.host,
        alert.name,
        alert.summary,
        alert.key,
        relative(Some(alert.at)),
        relative(alert.started_at),
        relative(alert.ends_at),
        alert.url,
        labels.join(" ")
    );
    expected.assert_eq(&shown);
}

fn faults(shape: Shape, body: &Value) -> Vec<String> {
    match decode(shape, body.to_string().as_bytes(), &receipt()) {
        Err(IntakeError::Invalid(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pagerduty_event_says_what_is_wrong_where() {
    check(
        Shape::PagerDuty,
        &json!({
            "routing_key": "k", "event_action": "trigger", "client": "Monitor",
            "client_url": "https://monitor.example/a/7",
            "payload": {
                "summary": "disk 93% full on db-3", "source": "db-3.example:9100",
                "severity": "error", "timestamp": "2026-03-01T11:58:20.000+0000",
                "component": "postgres", "group": "orders", "class": "disk",
                "custom_details": { "used": 93, "mounts": { "/": 93 }, "note": null }
            }
        }),
        expect![[r#"
            Trigger Some(Error) postgres on Some("db-3.example"): "disk" "disk 93% full on db-3"
            key dc9ed67a233a9e42beb3ba43e36e4bf3, at -100, since -100, until -, Some("https://monitor.example/a/7")
            class=disk component=postgres group=orders mounts={"/":93} source=db-3.example:9100 used=93"#]],
    );
}

#[test]
fn an_event_that_alertmanager_sends_pagerduty_is_read_to_its_labels() {
    check(
        Shape::PagerDuty,
        &json!({
            "routing_key": "k", "event_action": "trigger", "dedup_key": "c0ffee", "client": "Alertmanager",
            "payload": {
                "summary": "[FIRING:2] HighLatency (checkout)", "source": "Alertmanager", "severity": "critical",
                "custom_details": {
                    "firing": "Labels:\n - alertname = HighLatency\n - instance = web-1:9100\n - app = checkout\nAnnotations:\n - summary = slow\nSource: http://prom/graph\nLabels:\n - app = other\n",
                    "num_firing": "2", "resolved": ""
                }
            }
        }),
        expect![[r#"
            Trigger Some(Critical) checkout on Some("web-1"): "HighLatency" "[FIRING:2] HighLatency (checkout)"
            key c0ffee, at 0, since -, until -, None
            alertname=HighLatency app=checkout instance=web-1:9100 num_firing=2 source=Alertmanager"#]],
    );
}

#[test]
fn an_alert_of_prometheus_says_what_is_wrong_where() {
    check(
        Shape::Alerts,
        &json!([{
            "labels": { "alertname": "QueueGrows", "job": "node", "service": "mail", "instance": "[2001:db8::1]:9100", "severity": "page", "empty": "" },
            "annotations": { "summary": "queue of 4182 grows", "runbook_url": "https://runbook.example/q" },
            "startsAt": "2026-03-01T11:59:00.5Z", "endsAt": "2026-03-01T12:04:00Z", "generatorURL": "http://prom.example/graph?g0.expr=1"
        }]),
        expect![[r#"
            Trigger Some(Critical) mail on Some("2001:db8::1"): "QueueGrows" "queue of 4182 grows"
            key dcdaa96b24eaef5810d3ffbf063bb872, at 0, since -59, until 240, Some("http://prom.example/graph?g0.expr=1")
            alertname=QueueGrows annotations.runbook_url=https://runbook.example/q annotations.summary=queue of 4182 grows instance=[2001:db8::1]:9100 job=node service=mail severity=page"#]],
    );
}

#[test]
fn a_notification_of_alertmanager_may_have_no_end() {
    let notification = json!({
        "version": "4", "groupKey": "{}", "truncatedAlerts": 3, "status": "firing", "receiver": "logwake",
        "orgId": 1, "title": "[FIRING:1]", "state": "alerting", "message": "m",
        "alerts": [{
            "status": "firing", "labels": { "alertname": "Down", "node": "web-2" }, "annotations": null,
            "startsAt": "2026-03-01T11:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
            "fingerprint": "1a30ba71cca2921f", "values": { "A": 1.5 }, "silenceURL": "http://g/s"
        }]
    });
    check(
        Shape::Webhook,
        &notification,
        expect![[r#"
        Trigger None  on Some("web-2"): "Down" "Down"
        key ae8a557b834a759b1b197db2478c7565, at 0, since -3600, until 300, None
        alertname=Down node=web-2"#]],
    );
    assert_eq!(received(Shape::Webhook, &notification).truncated, 3);
}

#[test]
fn an_alert_is_over_once_its_end_is_past_or_it_says_so() {
    let state = |shape, body: Value| {
        let alert = only(shape, &body);
        (alert.state, alert.ends_at)
    };
    let over = (ExternalState::Resolve, None);
    let labels = json!({ "alertname": "A" });
    let ended = json!([{ "labels": labels, "endsAt": "2026-03-01T12:00:00Z" }]);
    assert_eq!(state(Shape::Alerts, ended), over);
    let resolved = json!({ "alerts": [{ "status": "resolved", "labels": labels, "endsAt": "2026-03-01T11:59:00Z" }] });
    assert_eq!(state(Shape::Webhook, resolved), over);
    let open = (ExternalState::Trigger, Some(NOW + Duration::from_secs(300)));
    assert_eq!(state(Shape::Alerts, json!([{ "labels": labels }])), open);
    let open = (ExternalState::Trigger, Some(NOW + Duration::from_secs(60)));
    let going_on = json!([{ "labels": labels, "endsAt": "2026-03-01T12:01:00Z" }]);
    assert_eq!(state(Shape::Alerts, going_on), open);
}

#[test]
fn the_same_labels_are_the_same_alert_by_any_way() {
    let one = only(Shape::Alerts, &json!([{ "labels": { "a": "1", "b": "2", "c": "" } }]));
    let other = only(Shape::Webhook, &json!({ "alerts": [{ "labels": { "b": "2", "a": "1" } }] }));
    assert_eq!(one.key, other.key);
    let shifted = only(Shape::Alerts, &json!([{ "labels": { "a1": "b2" } }]));
    assert_ne!(one.key, shifted.key);
}

#[test]
fn an_event_without_a_key_has_the_same_one_each_time() {
    let event = |summary: &str, source: &str| {
        let payload = json!({ "summary": summary, "source": source, "severity": "info" });
        only(Shape::PagerDuty, &json!({ "event_action": "trigger", "payload": payload })).key
    };
    assert_eq!(event("load 3.51 for 12s", "a"), event("load 9.02 for 40s", "a"));
    assert_ne!(event("load 3.51 for 12s", "a"), event("load 3.51 for 12s", "b"));
    assert_ne!(event("load 3.51 for 12s", "a"), event("disk full", "a"));
}

#[test]
fn a_time_too_far_ahead_is_not_believed_and_an_old_one_is() {
    let at = |time: &str| {
        let payload =
            json!({ "summary": "s", "source": "h", "severity": "info", "timestamp": time });
        let alert =
            only(Shape::PagerDuty, &json!({ "event_action": "trigger", "payload": payload }));
        alert.at
    };
    assert_eq!(at("2026-03-01T12:20:00Z"), NOW);
    assert_eq!(at("2026-03-01T12:09:00Z"), NOW + Duration::from_secs(540));
    assert_eq!(at("2020-03-01T13:00:00+01:00"), Timestamp::from_secs(1_583_064_000));
    assert_eq!(at("yesterday"), NOW);
}

#[test]
fn words_for_severity_are_those_that_people_use() {
    let word = |word: &str| severity::word(word);
    for (words, expected) in [
        ("critical Crit FATAL page P1 p0 sev1", Severity::Critical),
        ("error high major P2 SEV-2", Severity::Error),
        ("warning WARN medium ticket p3", Severity::Warning),
        ("info low notice P4 none", Severity::Info),
    ] {
        words.split(' ').for_each(|text| assert_eq!(word(text), Some(expected), "{text}"));
    }
    assert_eq!(word("purple"), None);
}

#[test]
fn a_host_is_named_without_scheme_path_and_port() {
    for (text, expected) in [
        ("web-1:9100", Some("web-1")),
        ("10.0.0.7:443", Some("10.0.0.7")),
        ("[::1]:9100", Some("::1")),
        ("2001:db8::7", Some("2001:db8::7")),
        ("https://shop.example/health?x=1", Some("shop.example")),
        ("two words", None),
        ("", None),
    ] {
        assert_eq!(alias::host(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn every_fault_of_an_event_is_told_as_pagerduty_does() {
    let long = "x".repeat(1_025);
    for (event, expected) in [
        (json!([]), "the event is not an object"),
        (json!({}), "'event_action' is missing or blank"),
        (
            json!({ "event_action": "trigger", "payload": {} }),
            "'payload.summary' is missing or blank; 'payload.source' is missing or blank; 'payload.severity' is missing or blank",
        ),
        (json!({ "event_action": "resolve" }), "'dedup_key' is missing or blank"),
        (
            json!({ "event_action": "shout", "dedup_key": 7, "payload": {} }),
            "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve'); 'dedup_key' is not a string",
        ),
        (json!({ "event_action": "trigger", "payload": "x" }), "'payload' is missing or blank"),
        (
            json!({ "event_action": "trigger", "dedup_key": long, "payload": { "summary": long, "severity": "bad" } }),
            "Length of 'dedup_key' is incorrect (should be at most 255 characters); 'payload.source' is missing or blank; Length of 'payload.summary' is incorrect (should be at most 1024 characters); 'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
        ),
    ] {
        assert_eq!(faults(Shape::PagerDuty, &event).join("; "), expected, "{event}");
    }
}

#[test]
fn an_alert_of_its_own_that_comes_back_is_passed_over() {
    let alerts = json!([
        { "labels": { "alertname": "LogwakeAlert", "alert_id": "alert_1" } },
        { "labels": { "alertname": "A" } },
    ]);
    let came_back = received(Shape::Webhook, &json!({ "alerts": alerts }));
    assert_eq!((came_back.alerts.len(), came_back.own), (1, 1));
}

#[test]
fn one_bad_alert_keeps_no_other_out() {
    let received = received(
        Shape::Alerts,
        &json!([
            { "labels": { "alertname": "A" } },
            { "labels": {} },
            { "labels": { "alertname": "B" }, "startsAt": "noon" },
            { "labels": { "alertname": "C" }, "startsAt": "2026-03-01T12:00:00Z", "endsAt": "2026-03-01T11:00:00Z" },
        ]),
    );
    assert_eq!(received.alerts.len(), 1);
    assert_eq!(
        received.refused,
        [
            "alert 1: at least one label pair required",
            "alert 2: startsAt \"noon\" is not a time of RFC 3339",
            "alert 3: start time must be before end time"
        ]
    );
    assert!(
        faults(Shape::Alerts, &json!([{ "labels": { "a": 1 } }]))[0].contains("expected a string")
    );
    assert!(
        faults(Shape::Webhook, &json!({ "version": "4" }))[0].contains("missing field `alerts`")
    );
}

#[test]
fn hostile_requests_are_refused_or_cut() {
    let deep = [b"[".repeat(100_000), b"{\"alerts\":".repeat(50_000)];
    for body in &deep {
        assert!(decode_any(body, &receipt()).is_err());
        assert!(decode(Shape::PagerDuty, body, &receipt()).is_err());
    }
    for body in [&b"\xff\xfe"[..], b"", b"[{\"labels\":{\"a\":\"\xff\"}}]", b"null", b"7", b"{}"] {
        assert!(decode_any(body, &receipt()).is_err(), "{body:?}");
    }
    let many: serde_json::Map<String, Value> =
        (0..10_000).map(|idx| (format!("label_{idx}"), "v".repeat(600).into())).collect();
    let mut labels = many.clone();
    labels.insert("service".to_owned(), "mail".into());
    let alert = only(Shape::Alerts, &json!([{ "labels": labels }]));
    assert!(alert.labels.len() <= limits::LABELS_MAX);
    assert_eq!(alert.service, "mail");
    let kept: usize = alert.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(kept <= limits::LABELS_BYTES_MAX, "{kept}");
    let payload = json!({ "summary": "é".repeat(1_024), "source": "s".repeat(100_000), "severity": "info", "custom_details": many });
    let alert = only(Shape::PagerDuty, &json!({ "event_action": "trigger", "payload": payload }));
    assert!(alert.summary.len() <= limits::SUMMARY_BYTES_MAX && alert.host.is_none());
}

#[test]
fn a_payload_of_a_topic_is_known_by_its_shape() {
    for body in [
        json!({ "event_action": "resolve", "dedup_key": "k" }),
        json!([{ "labels": { "a": "b" } }]),
        json!({ "alerts": [{ "labels": { "a": "b" } }] }),
    ] {
        let received = decode_any(format!("\n {body}").as_bytes(), &receipt()).unwrap();
        assert_eq!(received.alerts.len(), 1, "{body}");
    }
    assert!(decode_any(b"{\"message\":\"hello\"}", &receipt()).is_err());
}

#[test]
fn the_key_of_a_sender_is_found_in_the_event() {
    let key = |body: &[u8]| routing_key(body);
    assert_eq!(key(b"{\"a\":[1,{}],\"routing_key\":\"abc\"}"), Ok(Some("abc".to_owned())));
    assert_eq!(key(b"{\"routing_key\":7}"), Ok(None));
    assert_eq!(key(b"[]"), Ok(None));
    assert!(key(b"{\"routing_key\":").is_err());
}

proptest! {
    #[test]
    fn what_is_kept_is_bounded(body in ".{0,400}", text in "\\PC{0,3000}") {
        _ = decode_any(body.as_bytes(), &receipt());
        let payload = json!({ "summary": text, "source": text, "severity": "info", "custom_details": { "service": text, "host": text } });
        let event = json!({ "event_action": "trigger", "payload": payload });
        if let Ok(received) = decode(Shape::PagerDuty, event.to_string().as_bytes(), &receipt()) {
            let alert = &received.alerts[0];
            prop_assert!(alert.summary.len() <= limits::SUMMARY_BYTES_MAX);
            prop_assert!(alert.name.len() <= limits::NAME_BYTES_MAX);
            prop_assert!(alert.service.len() <= limits::NAME_BYTES_MAX);
            prop_assert!(alert.host.as_ref().is_none_or(|host| host.len() <= limits::NAME_BYTES_MAX));
        }
    }
}

#[test]
fn an_end_that_no_clock_reaches_is_no_end() {
    for ends in
        ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999+00:00", "0001-01-01T00:00:00Z"]
    {
        let alert = json!([{ "labels": { "alertname": "A" }, "startsAt": "2026-03-01T11:00:00Z", "endsAt": ends }]);
        let alert = only(Shape::Alerts, &alert);
        assert_eq!(alert.state, ExternalState::Trigger, "{ends}");
        assert_eq!(alert.ends_at, Some(NOW + Duration::from_secs(300)), "{ends}");
    }
}

#[test]
fn a_body_nested_too_deep_is_refused_on_a_small_stack() {
    let nested = |levels: usize| {
        let details = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let labels = format!(r#"{{"labels":{{"a":"b"}},"status":{details}}}"#);
        let payload = r#""summary":"s","source":"h","severity":"error""#;
        [
            format!(
                r#"{{"event_action":"trigger","payload":{{{payload},"custom_details":{{"a":{details}}}}}}}"#
            ),
            format!("[{labels}]"),
            format!(r#"{{"alerts":[{labels}]}}"#),
        ]
    };
    let decode = move || {
        for body in nested(21) {
            assert!(decode_any(body.as_bytes(), &receipt()).is_ok(), "{body}");
        }
        for body in nested(500_000) {
            let Err(IntakeError::NotJson(what)) = decode_any(body.as_bytes(), &receipt()) else {
                panic!("{} bytes were taken in", body.len())
            };
            assert_eq!(what, "objects and lists are nested more than 24 deep");
            routing_key(body.as_bytes()).unwrap();
        }
    };
    std::thread::Builder::new().stack_size(64 << 10).spawn(decode).unwrap().join().unwrap();
}

#[test]
fn faults_quote_no_more_than_a_line_of_the_sender() {
    let long = "x".repeat(100_000);
    let alerts = json!([{ "labels": { "a": "b" }, "startsAt": long }]);
    let refused = received(Shape::Alerts, &alerts).refused;
    assert!(refused[0].len() < 400, "{}", refused[0].len());
    let fault = faults(Shape::Alerts, &json!([{ "labels": long }]));
    assert!(fault[0].len() < 400, "{}", fault[0].len());
}

#[test]
fn every_text_of_an_alert_has_a_limit() {
    let long = "\u{e9}".repeat(5_000);
    let alert = only(
        Shape::PagerDuty,
        &json!({
            "event_action": "trigger", "client": long, "client_url": format!("https://{long}"),
            "links": [{ "href": format!("https://{long}") }, { "href": "https://x.example" }],
            "payload": {
                "summary": "s", "source": long, "severity": "error", "component": long, "group": long,
                "class": long, "custom_details": { "service": long, "host": long, (long.clone()): long }
            }
        }),
    );
    let alerts = json!([{
        "labels": { "alertname": long, "service": long, "instance": long, (long.clone()): long },
        "annotations": { "summary": long, "other": long }, "generatorURL": format!("https://{long}")
    }]);
    for alert in [alert, only(Shape::Alerts, &alerts)] {
        let bytes = postcard::to_allocvec(&alert).unwrap().len();
        assert!(bytes < 16 << 10, "{bytes} bytes");
        assert!(alert.name.len() <= 255 && alert.service.len() <= 255 && alert.key.len() <= 1_020);
    }
}
