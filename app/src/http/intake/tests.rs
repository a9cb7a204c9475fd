//! Requests over a real socket, without brokers: what is right is to be sent again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use super::*;
use crate::board;
use crate::config::Config;
use crate::http::{Server, serve};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const SOURCES: &str = r#"
[[intake.sources]]
name = "shop"
token = "0123456789abcdef0123456789abcdef"
per_second = 1
burst = 2
[[intake.sources]]
name = "ops"
token = "ops-token-ops-token"
may_silence = true
"#;

fn server(config: &str) -> (Server, Arc<Metrics>) {
    let config = Config::parse(config, Path::new("."), &|_| None).unwrap().0;
    let (board, metrics) = (Arc::new(board::sample::filled()), Arc::new(Metrics::new("test")));
    let intake = Some(Arc::new(Intake::new(&config)));
    let settings = crate::http::tests::settings(0);
    (serve(&settings, board, Arc::clone(&metrics), intake).unwrap(), metrics)
}

/// Sends a request; returns its status, head and body.
fn ask(server: &Server, line: &str, headers: &str, body: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A server that has said no may read no further.
    _ = stream.write_all(body);
    let mut bytes = Vec::new();
    _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    (head[9..12].parse().unwrap(), head.to_lowercase(), body.to_owned())
}

fn event(key: &str) -> Value {
    json!({
        "routing_key": key, "event_action": "trigger", "dedup_key": "d",
        "payload": { "summary": "s", "source": "h", "severity": "error" }
    })
}

fn enqueue_status(server: &Server, event: &Value) -> (u16, Value) {
    let (status, _, body) = ask(server, "POST /v2/enqueue", "", event.to_string().as_bytes());
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn pagerduty_clients_are_answered_as_pagerduty_would() {
    let (server, metrics) = server(SOURCES);
    let (status, body) = enqueue_status(&server, &event("wrong"));
    let invalid = |faults: &[&str]| json!({ "status": "invalid event", "message": "Event object is invalid", "errors": faults });
    assert_eq!((status, body), (400, invalid(&["Invalid routing key"])));
    let (status, body) =
        enqueue_status(&server, &json!({ "routing_key": TOKEN, "event_action": "trigger" }));
    assert_eq!((status, body), (400, invalid(&["'payload' is missing or blank"])));
    for body in [&b"\xff\xfe{"[..], b"[", b"", &b"[".repeat(100_000)] {
        let (status, _, answer) = ask(&server, "POST /v2/enqueue", "", body);
        assert_eq!(status, 400, "{answer}");
    }
    let (status, _, body) = ask(&server, "POST /v2/enqueue", "", &vec![b'x'; 600_000]);
    assert_eq!(status, 413, "{body}");
    // What is right cannot be kept without brokers, and after two of them comes no more.
    let body = event(TOKEN).to_string();
    for _ in 0..2 {
        let (status, head, body) = ask(&server, "POST /v2/enqueue", "", body.as_bytes());
        assert_eq!(status, 503, "{body}");
        assert!(head.contains("retry-after: 5"), "{head}");
    }
    let (status, head, text) = ask(&server, "POST /v2/enqueue", "", body.as_bytes());
    assert_eq!(status, 429, "{text}");
    assert!(head.contains("retry-after: 1") && text.contains("throttle exceeded"), "{head} {text}");
    let text = metrics.render(crate::telemetry::Exposition::accepted(""));
    for line in [
        "logwake_intake_events_total{result=\"not_kept\",source=\"shop\"} 2",
        "logwake_intake_events_total{result=\"limited\",source=\"shop\"} 1",
        "logwake_intake_events_total{result=\"too_large\",source=\"unknown\"} 1",
        "logwake_intake_events_total{result=\"invalid\",source=\"shop\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert!(!text.contains(TOKEN), "a token is shown");
}

#[test]
fn alertmanager_clients_show_a_bearer_token() {
    let (server, _) = server(SOURCES);
    let alerts = br#"[{"labels":{"alertname":"A"}}]"#;
    let shown = |token: &str| {
        ["/api/v2/alerts", "/webhook/alertmanager"].map(|path| {
            let body: &[u8] = if path == "/api/v2/alerts" {
                alerts
            } else {
                br#"{"alerts":[{"labels":{"alertname":"A"}}]}"#
            };
            let header = if token.is_empty() {
                String::new()
            } else {
                format!("Authorization: Bearer {token}\r\n")
            };
            ask(&server, &format!("POST {path}"), &header, body).0
        })
    };
    assert_eq!(shown(""), [401, 401]);
    assert_eq!(shown("wrong"), [401, 401]);
    // Never a status for which Alertmanager gives up, where it is only that it cannot be kept.
    assert_eq!(shown(TOKEN), [503, 503]);
    let own = "Authorization: bearer ops-token-ops-token\r\n";
    assert_eq!(ask(&server, "POST /api/v2/alerts", own, b"{}").0, 400);
    let gzip = format!("{own}Content-Encoding: gzip\r\n");
    assert_eq!(ask(&server, "POST /api/v2/alerts", &gzip, alerts).0, 400);
    assert_eq!(ask(&server, "POST /api/v2/alerts", own, &vec![b' '; 5 << 20]).0, 413);
    assert_eq!(ask(&server, "GET /api/v2/alerts", own, b"").0, 405);
    assert_eq!(ask(&server, "GET /-/ready", "", b"").0, 200);
    assert_eq!(ask(&server, "GET /api/v2/status", "", b"").0, 200);
}

#[test]
fn who_may_send_may_not_silence() {
    let (server, _) = server(SOURCES);
    let silence = br#"{"services":["mail"],"duration":"1h","by":"ada","comment":"c"}"#;
    let ask = |line: &str, token: &str, body: &[u8]| {
        ask(&server, line, &format!("Authorization: Bearer {token}\r\n"), body)
    };
    assert_eq!(ask("POST /api/v1/silences", TOKEN, silence).0, 403);
    let ops = "ops-token-ops-token";
    assert_eq!(ask("POST /api/v1/silences", ops, silence).0, 503);
    for (body, fault) in [
        (r#"{"duration":"1h","by":"ada","comment":"c"}"#, "name 1 to 100"),
        (r#"{"services":["a"],"by":"ada","comment":"c"}"#, "duration is missing"),
        (r#"{"services":["a"],"duration":"400d","by":"ada","comment":"c"}"#, "within a year"),
        (
            r#"{"services":["a"],"ends_at":"2020-01-01T00:00:00Z","by":"ada","comment":"c"}"#,
            "after now",
        ),
        (r#"{"services":["a"],"duration":"1h","by":" ","comment":"c"}"#, "by must have"),
        (r#"{"service":["a"]}"#, "unknown field"),
    ] {
        let (status, _, answer) = ask("POST /api/v1/silences", ops, body.as_bytes());
        assert!(status == 400 && answer.contains(fault), "{status} {answer}");
    }
    assert_eq!(ask("GET /api/v1/silences", "", b"").0, 200);
    let open = "POST /api/v1/alerts/a_open/acknowledge";
    assert_eq!(ask(open, ops, br#"{"by":"ada"}"#).0, 404);
    assert_eq!(ask(open, TOKEN, br#"{"by":"ada"}"#).0, 403);
    assert_eq!(ask("DELETE /api/v1/silences/s_1", TOKEN, b"").0, 403);
    let matcher = |matcher: &str| {
        let body = format!(
            r#"{{"matchers":[{matcher}],"startsAt":"2026-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","createdBy":"a","comment":"c"}}"#
        );
        ask("POST /api/v2/silences", ops, body.as_bytes()).2
    };
    for (text, fault) in [
        (r#"{"name":"team","value":"x"}"#, "names no service"),
        (r#"{"name":"job","value":"x","isEqual":false}"#, "does not match"),
        (r#"{"name":"job","value":"x[ab]","isRegex":true}"#, "of expressions only"),
        (r#"{"name":"job","value":"x"},{"name":"app","value":"y"}"#, "second matcher"),
    ] {
        assert!(matcher(text).contains(fault), "{}", matcher(text));
    }
}

#[test]
fn without_sources_only_programs_on_this_machine_may_send() {
    let (server, _) = server("");
    let body = event("any").to_string();
    let status = |headers: &str| ask(&server, "POST /v2/enqueue", headers, body.as_bytes()).0;
    assert_eq!(status(""), 503);
    for header in [
        "Origin: http://evil.example",
        "X-Forwarded-For: 192.0.2.7",
        "Forwarded: for=192.0.2.7",
        "Sec-Fetch-Site: cross-site",
    ] {
        assert_eq!(status(&format!("{header}\r\n")), 403, "{header}");
    }
}

#[test]
fn behind_a_proxy_nobody_may_send_or_silence_without_a_token() {
    let silence = br#"{"services":["mail"],"duration":"1h","by":"ada","comment":"c"}"#;
    let post = "POST /api/v1/silences";
    for (config, status) in [
        ("", 503),
        ("[http]\npublic_url = \"http://logs.example\"", 503),
        ("[http]\npublic_url = \"https://logs.example\"", 403),
        ("[http]\npublic_url = \"https://logs.example\"\n[intake]\nallow_local = true", 503),
        ("[intake]\nallow_local = false", 403),
    ] {
        let (server, _) = server(config);
        assert_eq!(ask(&server, post, "", silence).0, status, "{config}");
    }
    // As nginx's plain proxy_pass sends it on: HTTP/1.0, or the name that was asked for.
    let (server, _) = server("");
    let len = silence.len();
    for head in [
        format!("{post} HTTP/1.0\r\nHost: 127.0.0.1:9464\r\nContent-Length: {len}\r\n\r\n"),
        format!(
            "{post} HTTP/1.1\r\nHost: logs.example\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n"
        ),
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        _ = stream.write_all(silence);
        let mut text = String::new();
        _ = stream.read_to_string(&mut text);
        assert!(text.contains(" 403 ") && text.contains("intake.sources"), "{text}");
    }
}

#[test]
fn a_source_is_known_by_its_token_under_any_name() {
    let (server, _) = server(SOURCES);
    let ask = |token: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(stream, "GET /api/v2/silences HTTP/1.1\r\nHost: logwake.monitoring.svc\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(ask(TOKEN).starts_with("HTTP/1.1 200"));
    assert!(ask("wrong").starts_with("HTTP/1.1 421"));
}
