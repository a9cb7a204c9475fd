//! Requests over a real socket.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use super::*;
use crate::board;
use crate::telemetry::Stage;

mod slow;

fn server() -> Server {
    let board = Arc::new(board::sample::filled());
    let metrics = Arc::new(Metrics::new("logwake-test"));
    metrics.state_size(Stage::Alert, 1);
    serve(&settings(0), board, metrics, None).unwrap()
}

pub(super) fn settings(port: u16) -> Settings {
    Settings::new(SocketAddr::from(([127, 0, 0, 1], port)), &crate::config::Http::default())
}

fn request(server: &Server, head: &str) -> (String, String) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn get(server: &Server, path: &str) -> (String, String) {
    request(server, &format!("GET {path} HTTP/1.1"))
}

fn json(server: &Server, path: &str) -> Value {
    let (head, body) = get(server, path);
    assert!(head.starts_with("http/1.1 200"), "{path}: {head}\n{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn the_api_answers_with_what_the_board_holds() {
    let server = server();
    assert_eq!(json(&server, "/api/v1/status")["alerts_open"], 2);
    assert_eq!(json(&server, "/api/v1/services")["total"], 4);
    assert_eq!(
        json(&server, "/api/v1/templates?service=checkout&limit=1")["items"][0]["service"],
        "checkout"
    );
    assert_eq!(json(&server, "/api/v1/anomalies?kind=silence")["total"], 1);
    assert_eq!(json(&server, "/api/v1/alerts")["items"][0]["state"], "updated");
    assert_eq!(json(&server, "/api/v1/decisions")["total"], 3);
    assert_eq!(json(&server, "/api/v1/sinks")["total"], 0);
    let story = &json(&server, "/api/v1/explain/a_0000000000000001")["story"];
    assert_eq!(story.as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_answered_says_why_in_json() {
    let server = server();
    for (path, status) in [
        ("/api/v1/explain/nobody", "404"),
        ("/api/v1/nothing", "404"),
        ("/api/v1/alerts?colour=red", "400"),
        ("/api/v1/alerts?limit=-1", "400"),
    ] {
        let (head, body) = get(&server, path);
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{path}: {head}");
        assert!(serde_json::from_str::<Value>(&body).unwrap()["error"].is_string(), "{body}");
    }
    let (head, _) = request(&server, "POST /api/v1/alerts HTTP/1.1");
    assert!(head.starts_with("http/1.1 405"), "{head}");
}

#[test]
fn health_readiness_and_metrics_are_served() {
    let server = server();
    assert_eq!(get(&server, "/healthz").1, "ok\n");
    assert_eq!(get(&server, "/readyz").1, "ready\n");
    assert_eq!(get(&server, "/readyz?verbose").1, "[+]start ok\nready\n");
    let (head, body) = get(&server, "/metrics");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(body.contains("logwake_state_bytes{stage=\"alert\"} 1"), "{body}");
    let accept = "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0";
    assert!(request(&server, accept).1.ends_with("# EOF\n"));
}

#[test]
fn readiness_names_what_is_wrong_and_lists_its_checks() {
    let board = Arc::new(board::Board::new(board::sample::settings()));
    let metrics = Arc::new(Metrics::new("logwake-test"));
    let server = serve(&settings(0), Arc::clone(&board), metrics, None).unwrap();
    let (head, body) = get(&server, "/readyz");
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(body, "The stages have not started.\n");
    let alert = board.stage_progress(Stage::Alert);
    let wrong = "[-]start failed: The stages have not started.\n[+]stage alert ok\n";
    assert_eq!(get(&server, "/readyz?verbose").1, wrong);
    let text = get(&server, "/metrics").1;
    assert!(text.contains("logwake_stage_ready{stage=\"alert\"} 0"), "{text}");
    board.set_ready(true);
    let text = get(&server, "/metrics").1;
    assert!(text.contains("logwake_stage_ready{stage=\"alert\"} 1"), "{text}");
    alert.failed("no broker answers");
    assert_eq!(json(&server, "/api/v1/status")["not_ready"], serde_json::json!([]));
}

#[test]
fn under_an_unknown_name_only_probes_and_scrapers_are_answered() {
    let server = server();
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    for path in ["/", "/api/v1/alerts", "/api/v1/status", "/api/v1/explain/x"] {
        let text = ask(path);
        assert!(text.starts_with("HTTP/1.1 421") && text.contains("http.hosts"), "{text}");
    }
    assert!(ask("/metrics").starts_with("HTTP/1.1 200"));
    // The health check of the image.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.0 200"), "{text}");
}

#[test]
fn a_head_that_proxies_may_read_otherwise_is_answered_400() {
    let server = server();
    for head in [
        "GET /healthz HTTP/1.1\nHost: localhost\n\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        "GET http://a@b/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 400", "{head}");
    }
}

#[test]
fn the_page_runs_its_own_script_alone() {
    let server = server();
    let (head, body) = get(&server, "/");
    let nonce = head.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(body.contains(&format!("<script nonce=\"{nonce}\">")));
    assert!(!body.contains("{{nonce}}") && !body.contains("innerHTML"));
    for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!body.contains(outside), "the page asks for {outside}");
    }
    assert_ne!(get(&server, "/").0, head, "each answer has a nonce of its own");
}

#[test]
fn an_address_in_use_is_an_error_and_a_stopped_server_is_gone() {
    let first = server();
    let address = first.address();
    let board = Arc::new(board::sample::filled());
    let taken = settings(address.port());
    assert!(serve(&taken, board, Arc::new(Metrics::new("logwake-test")), None).is_err());
    let idle = TcpStream::connect(address).unwrap();
    first.shutdown();
    drop(idle);
    assert!(TcpStream::connect(address).is_err());
}

/// Serves the filled board for as long as `LOGWAKE_SERVE_SECS` says, to look at the page.
#[test]
fn the_page_can_be_looked_at() {
    let Some(secs) = std::env::var("LOGWAKE_SERVE_SECS").ok().and_then(|secs| secs.parse().ok())
    else {
        println!("skipped: LOGWAKE_SERVE_SECS is not set");
        return;
    };
    let board = Arc::new(board::sample::filled());
    let metrics = Arc::new(Metrics::new("logwake-test"));
    let server = serve(&settings(19_464), board, metrics, None).unwrap();
    println!("http://{}", server.address());
    std::thread::sleep(Duration::from_secs(secs));
}
