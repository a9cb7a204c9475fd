//! What each kind of sink is sent, within its published limits.

use std::collections::BTreeMap;

use logwake_detector::alert::{AlertChange, AlertState, EvidenceKind, EvidenceLine, Reason};
use logwake_detector::anomaly::{AnomalyKind, Evidence, Severity, id_of};
use logwake_detector::notify::{Digest, DigestKind, DigestLine, Notice};
use logwake_detector::record::{Level, Source};
use logwake_detector::tally::Exemplar;
use serde_json::{Value, json};

use super::*;
use crate::event::{AlertEvent, alert_json};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + secs)
}

fn line(text: &str) -> EvidenceLine {
    EvidenceLine {
        id: id_of("a", &[text]),
        kind: EvidenceKind::Anomaly(AnomalyKind::NewTemplate),
        at: at(3),
        url: None,
        severity: Severity::Error,
        service: "payments".to_owned(),
        reason: "payments: a new kind of message".to_owned(),
        line: Some(Evidence {
            source: Source::Partition { topic: "logs".into(), partition: 3 },
            exemplar: Exemplar {
                offset: 41,
                time: at(3),
                at: at(3),
                host: "pay-1".to_owned(),
                level: Level::Error,
                text: text.to_owned(),
            },
        }),
    }
}

fn change(state: AlertState) -> AlertChange {
    AlertChange {
        id: id_of("alert", &["payments"]),
        state,
        at: at(60),
        reason: Reason::EnoughEvidence,
        severity: Severity::Critical,
        title: "payments: acquirer <refuses> & \"drops\" connections".to_owned(),
        started_at: at(0),
        updated_at: at(50),
        ended_at: None,
        services: vec!["payments".to_owned(), "checkout".to_owned()],
        hosts: vec!["pay-1".to_owned()],
        anomaly_count: 2,
        external_count: 0,
        critical: Vec::new(),
        lacks_logs: false,
        follows: None,
        acknowledged_by: None,
        summary: String::new(),
        members: vec![id_of("a", &["1"])],
        evidence: vec![line("connection to acquirer refused\nat line 2"), line("order rejected")],
        dedup_key: "logwake/alert_1".to_owned(),
    }
}

fn alert(change: &AlertChange) -> Content {
    let event = AlertEvent::from(change);
    Content::Alert(Notice {
        alert: change.id.clone(),
        change: event.event.id,
        at: at(61),
        state: change.state,
        severity: change.severity,
        title: change.title.clone(),
        services: change.services.clone(),
        critical: change.critical.len(),
        event: alert_json(change),
    })
}

fn digest(count: usize) -> Content {
    let line = |idx: usize| DigestLine {
        severity: Severity::ALL[idx % 3],
        service: format!("service-{:02}", idx % 7),
        title: if idx < 200 { format!("alert {idx} is open") } else { String::new() },
    };
    let open: BTreeMap<String, DigestLine> =
        (0..count).map(|idx| (id_of("alert", &[&idx.to_string()]), line(idx))).collect();
    Content::Digest(Digest {
        kind: DigestKind::Storm,
        id: id_of("digest", &["1"]),
        revision: 2,
        began: at(0),
        open,
        total: count.max(9) as u64,
    })
}

#[track_caller]
fn body(kind: &SinkKind, content: &Content) -> Value {
    let bytes = kind.render(content, at(70), Some("https://logwake.example/")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn pagerduty() -> SinkKind {
    SinkKind::PagerDuty { routing_key: KEY.to_owned() }
}

#[test]
fn pagerduty_is_triggered_with_the_evidence_and_resolved_by_key() {
    let trigger = body(&pagerduty(), &alert(&change(AlertState::Open)));
    assert_eq!(trigger["routing_key"], KEY);
    assert_eq!(trigger["event_action"], "trigger");
    assert_eq!(trigger["dedup_key"], "logwake/alert_1");
    let payload = &trigger["payload"];
    assert_eq!(payload["summary"], "payments: acquirer <refuses> & \"drops\" connections");
    assert_eq!((&payload["source"], &payload["severity"]), (&json!("pay-1"), &json!("critical")));
    assert_eq!(payload["timestamp"], "2023-11-14T22:13:20Z");
    assert_eq!(
        (&payload["component"], &payload["class"]),
        (&json!("payments"), &json!("new_template"))
    );
    assert!(payload["custom_details"]["story"][0].as_str().unwrap().contains("acquirer refused"));
    let href = format!("https://logwake.example/#{}", change(AlertState::Open).id);
    assert_eq!(trigger["links"][0]["href"], href);
    let resolve = body(&pagerduty(), &alert(&change(AlertState::Resolved)));
    let wanted = json!({
        "routing_key": KEY, "event_action": "resolve", "dedup_key": "logwake/alert_1",
    });
    assert_eq!(resolve, wanted);
}

#[test]
fn an_event_beyond_512_kb_arrives_with_what_matters() {
    let mut change = change(AlertState::Open);
    change.title = "acquirer gone ".repeat(1_000);
    change.hosts = vec!["h".repeat(400); 300];
    change.evidence = (0..600).map(|_| line(&"refused ".repeat(128))).collect();
    change.members = (0..9_000).map(|idx| id_of("a", &[&idx.to_string()])).collect();
    let content = alert(&change);
    let Content::Alert(notice) = &content else { unreachable!() };
    assert!(notice.event.len() > 600_000, "{}", notice.event.len());
    let bytes = pagerduty().render(&content, at(70), None).unwrap();
    assert!(bytes.len() <= pagerduty::BYTES_MAX, "{}", bytes.len());
    let sent: Value = serde_json::from_slice(&bytes).unwrap();
    let payload = &sent["payload"];
    assert!((1_000..=1_024).contains(&payload["summary"].as_str().unwrap().chars().count()));
    assert!(payload["source"].as_str().unwrap().chars().count() <= 255);
    let details = &payload["custom_details"];
    for name in ["reason", "story", "services", "hosts", "since", "anomaly_count", "members"] {
        assert!(!details[name].is_null(), "{name}");
    }
    assert_eq!(details["shed"], json!(["members", "evidence", "hosts", "story"]));
    assert!(!details["evidence"].as_array().unwrap().is_empty());
}

#[test]
fn a_digest_says_what_is_in_it_and_ends_under_its_key() {
    let trigger = body(&pagerduty(), &digest(10_000));
    assert_eq!(trigger["dedup_key"], id_of("digest", &["1"]));
    let summary = trigger["payload"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("10000 more alerts in service-00, "), "{summary}");
    assert!(summary.ends_with("and 2 more services, held back by the page budget"), "{summary}");
    let story = trigger["payload"]["custom_details"]["story"].as_array().unwrap();
    assert_eq!(story.len(), 7 + 200);
    assert_eq!(body(&pagerduty(), &digest(0))["event_action"], "resolve");
    assert!(body(&SinkKind::Slack, &digest(0)).to_string().contains("all 9 alerts"));
}

#[test]
fn alertmanager_gets_an_alert_that_lives_for_five_minutes() {
    let sent = body(&SinkKind::Alertmanager, &alert(&change(AlertState::Open)));
    let alert_of = |sent: &Value| sent.as_array().map(|alerts| alerts[0].clone()).unwrap();
    let open = alert_of(&sent);
    let labels = json!({
        "alertname": "LogwakeAlert", "alert_id": "logwake/alert_1",
        "service": "payments", "severity": "critical",
    });
    assert_eq!(open["labels"], labels);
    assert_eq!(open["startsAt"], "2023-11-14T22:13:20Z");
    assert_eq!(open["endsAt"], "2023-11-14T22:19:30Z");
    let sent = body(&SinkKind::Alertmanager, &alert(&change(AlertState::Resolved)));
    assert_eq!(alert_of(&sent)["labels"], labels);
    assert_eq!(alert_of(&sent)["endsAt"], "2023-11-14T22:14:30Z");
}

#[test]
fn chats_get_text_that_cannot_turn_into_markup() {
    let sent = body(&SinkKind::Slack, &alert(&change(AlertState::Open)));
    let text = sent["text"].as_str().unwrap();
    assert!(text.contains("&lt;refuses&gt; &amp;"), "{text}");
    assert_eq!(sent["attachments"][0]["blocks"].as_array().unwrap().len(), 2);
    let sent = body(&SinkKind::Teams, &alert(&change(AlertState::Open)));
    let card = &sent["attachments"][0]["content"];
    assert_eq!(
        card["body"][0]["inlines"][0]["text"],
        "[critical] payments: acquirer <refuses> & \"drops\" connections"
    );
    assert!(card["actions"][0]["url"].as_str().unwrap().starts_with("https://logwake.example/#"));
}

/// Finds every object that has a `text`, however deep.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        found.extend(value.get("text").is_some_and(Value::is_string).then_some(value));
        waiting.extend(value.as_array().into_iter().flatten());
        waiting.extend(value.as_object().into_iter().flat_map(|fields| fields.values()));
    }
}

#[test]
fn chats_link_nothing_of_a_log_and_refuse_no_length() {
    let hostile =
        "[log in](https://evil.example/) <https://evil.example|x> &&& ``` \u{202e}\x1b]8;;";
    let mut change = change(AlertState::Open);
    change.title = hostile.repeat(40);
    change.evidence = (0..9).map(|_| line(&hostile.repeat(40))).collect();
    let sent = body(&SinkKind::Slack, &alert(&change));
    let mut fields = Vec::new();
    texts(&sent, &mut fields);
    let blocks: Vec<&&Value> = fields.iter().filter(|field| field["type"] == "mrkdwn").collect();
    assert_eq!(blocks.len(), 3);
    for field in blocks {
        let text = field["text"].as_str().unwrap();
        assert_eq!(field["verbatim"], true);
        assert!(text.encode_utf16().count() <= 3_000, "{}", text.len());
        let links = text.replace("<https://logwake.example/#", "");
        assert!(!links.contains('<') && !text.contains(['\u{202e}', '\x1b']), "{text}");
    }
    let sent = body(&SinkKind::Teams, &alert(&change));
    let mut fields = Vec::new();
    texts(&sent["attachments"], &mut fields);
    assert!(fields.len() > 2 && fields.iter().all(|field| field["type"] == "TextRun"));
    assert!(!sent.to_string().contains("](") && !sent.to_string().contains('\u{202e}'));
}

#[test]
fn a_webhook_gets_the_event_or_what_its_template_makes_of_it() {
    let content = alert(&change(AlertState::Open));
    let plain = SinkKind::Webhook(None).render(&content, at(70), None).unwrap();
    assert_eq!(plain, alert_json(&change(AlertState::Open)));
    let templated = |text: &str| SinkKind::Webhook(Some(Template::new(text).unwrap()));
    let sent = body(
        &templated(r#"{"text": {{ title }}, "state": {{ state }}, "lines": {{ lines }}}"#),
        &content,
    );
    assert_eq!(sent["text"], change(AlertState::Open).title);
    assert_eq!(sent["lines"].as_array().unwrap().len(), 2);
    body(&templated(r#"{"text": {{ title }}, "alerts": {{ digest.open }}}"#), &digest(3));
    let error =
        |text: &str| templated(text).render(&content, at(70), None).unwrap_err().to_string();
    assert!(error("{{ title }} is open").contains("does not make JSON"));
    assert!(error("{{ titel.text }}").contains("undefined"));
    assert!(Template::new("{{ title").is_err());
}

#[test]
fn answers_mean_what_the_contracts_say() {
    let judged = |status, retry_after_secs| {
        judge(&Response { status, retry_after_secs, body: "why".to_owned() })
    };
    assert_eq!(judged(202, None), Answer::Accepted);
    assert_eq!(judged(400, None), Answer::Refused("status 400: why".to_owned()));
    assert_eq!(judged(302, None), Answer::Refused("status 302: why".to_owned()));
    assert_eq!(judged(429, None), Answer::TooMany(TOO_MANY_WAIT));
    assert_eq!(judged(429, Some(90)), Answer::TooMany(Duration::from_secs(90)));
    assert_eq!(judged(503, Some(9_999_999)), Answer::Later(RETRY_AFTER_MAX));
    assert_eq!(judged(502, None), Answer::Unknown(Duration::ZERO));
}
