//! Peers that are slow, silent or too many, over real sockets.

use std::path::Path;
use std::time::Instant;

use super::*;
use crate::config::{Config, Http};
use crate::http::settings::Timeouts;
use crate::telemetry::Exposition;

/// Longest wait for anything that must come.
const DEADLINE: Duration = Duration::from_secs(60);
/// A time that is never over in a test.
const NEVER: Duration = Duration::from_secs(3_600);

struct Fixture {
    server: Server,
    metrics: Arc<Metrics>,
}

fn never() -> Timeouts {
    Timeouts { head: NEVER, body: NEVER, idle: NEVER, write: NEVER, answer: NEVER }
}

fn start(connections_max: usize, timeouts: Timeouts) -> Fixture {
    let token = "[[intake.sources]]\nname = \"a\"\ntoken = \"0123456789abcdef\"";
    let config = Config::parse(token, Path::new("."), &|_| None).unwrap().0;
    let (board, metrics) = (Arc::new(board::sample::filled()), Arc::new(Metrics::new("test")));
    let intake = Some(Arc::new(Intake::new(&config)));
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let base = Settings::new(address, &Http::default());
    let settings = Settings { connections_max, timeouts, ..base };
    let server = serve(&settings, board, Arc::clone(&metrics), intake).unwrap();
    Fixture { server, metrics }
}

impl Fixture {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    fn half_request(&self) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-a: ").unwrap();
        stream
    }

    /// Waits until a series of the metrics has a value.
    fn wait(&self, series: &str, is_there: impl Fn(u64) -> bool) {
        let begin = Instant::now();
        loop {
            let text = self.metrics.render(Exposition::Prometheus);
            let line = text.lines().find_map(|line| line.strip_prefix(series));
            let value: Option<u64> = line.and_then(|value| value.trim().parse().ok());
            if value.is_some_and(&is_there) {
                return;
            }
            assert!(begin.elapsed() < DEADLINE, "{series} is {value:?} in {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait_closed(&self, reason: &str, count: u64) {
        let series = format!("logwake_http_connections_closed_total{{reason=\"{reason}\"}}");
        self.wait(&series, |value| value >= count);
    }
}

/// Reads to the end of a stream that its peer closes.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A peer that closes with bytes unread resets.
    _ = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_head_that_does_not_arrive_is_cut_off() {
    let fixture = start(64, Timeouts { head: Duration::from_millis(100), ..never() });
    let (silent, half) = (fixture.connect(), fixture.half_request());
    assert_eq!((rest(silent), rest(half)), (String::new(), String::new()));
    fixture.wait_closed("header_timeout", 2);
    fixture.wait("logwake_http_connections", |open| open == 0);
}

#[test]
fn a_body_that_trickles_is_answered_408_and_cut_off() {
    let fixture = start(64, Timeouts { body: Duration::from_millis(100), ..never() });
    let mut stream = fixture.connect();
    let head = "POST /v2/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    assert!(rest(stream).starts_with("HTTP/1.1 408"));
    fixture.wait_closed("body_timeout", 1);
}

#[test]
fn a_connection_is_kept_between_requests_and_closed_once_it_is_idle() {
    let fixture = start(64, Timeouts { idle: Duration::from_millis(100), ..never() });
    let mut stream = fixture.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(rest(stream).ends_with("ok\n"));
    fixture.wait_closed("idle", 1);
}

#[test]
fn a_reader_that_does_not_read_is_cut_off() {
    let fixture = start(64, Timeouts { write: Duration::from_millis(300), ..never() });
    let mut stream = fixture.connect();
    stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    // More pages than all buffers between hold; at the end the server no longer reads.
    let asked = (0..100_000)
        .take_while(|_| stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").is_ok())
        .count();
    assert!(asked > 10, "{asked} requests were taken");
    fixture.wait_closed("write_timeout", 1);
    fixture.wait("logwake_http_connections", |open| open == 0);
}

#[test]
fn half_requests_give_way_to_a_probe_and_never_take_more_than_their_share() {
    let fixture = start(16, never());
    let held: Vec<TcpStream> = (0..100).map(|_| fixture.half_request()).collect();
    let mut probe = fixture.connect();
    write!(probe, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    assert!(rest(probe).ends_with("ok\n"));
    fixture.wait_closed("limit", 84);
    fixture.wait("logwake_http_connections", |open| open <= 16);
    drop(held);
}

#[test]
fn bodies_that_do_not_arrive_give_way_to_a_probe() {
    let fixture = start(8, never());
    let held: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = fixture.connect();
            let head = "POST /v2/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{";
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let mut probe = fixture.connect();
    write!(probe, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    assert!(rest(probe).ends_with("ok\n"));
    fixture.wait_closed("limit", 1);
    drop(held);
}

#[test]
fn the_token_is_checked_before_the_body_is_read() {
    let fixture = start(64, never());
    for path in ["/api/v2/alerts", "/webhook/alertmanager", "/api/v1/silences"] {
        let mut stream = fixture.connect();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 401", "{path}");
    }
}

#[test]
fn large_bodies_of_unknown_senders_share_a_bound() {
    let fixture = start(64, never());
    // 40 bodies of 500,000 bytes that lack their last one: 32 of them fit in 16 MiB.
    let mut held: Vec<TcpStream> = Vec::new();
    for _ in 0..40 {
        let mut stream = fixture.connect();
        let head = "POST /v2/enqueue HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500001\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        // The server may have said no before all of it is sent.
        _ = stream.write_all(&vec![b' '; 500_000]);
        held.push(stream);
    }
    let limited = "logwake_intake_events_total{result=\"limited\",source=\"unknown\"}";
    fixture.wait(limited, |count| count >= 1);
    let mut small = fixture.connect();
    let body = "{\"routing_key\": \"wrong\"}";
    let len = body.len();
    write!(small, "POST /v2/enqueue HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n{body}").unwrap();
    assert!(rest(small).starts_with("HTTP/1.1 400"), "a small one is read all the same");
    drop(held);
}
