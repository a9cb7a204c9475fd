//! A stand-in for PagerDuty: enforces the published contract of its Events API v2, and misbehaves
//! as networks do.
//!
//! Source: <https://developer.pagerduty.com/docs/events-api-v2-overview>: 120 requests a minute and
//! routing key, then 429; 512 KB; summary at most 1,024 characters, dedup key 255; a trigger under
//! the key of an open alert joins it, one after its end opens another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::lines::Seeded;

const PER_MINUTE: usize = 120;
const BYTES_MAX: usize = 512_000;

/// How it misbehaves: one in so many requests, 0 for never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    /// Longest pause before an answer.
    pub slow_ms_max: u64,
    /// Answers 500 and does nothing.
    pub fails_one_in: u64,
    /// Takes the event and drops the connection.
    pub drops_one_in: u64,
}

/// What came in.
#[derive(Debug, Default)]
pub struct Book {
    /// Requests by status; 0 where the connection was dropped.
    pub statuses: BTreeMap<u16, usize>,
    /// What somebody was woken for.
    pub pages: Vec<Page>,
    /// Dedup keys of alerts that are open.
    pub open: BTreeSet<String>,
    /// Payloads by dedup key, the last ones.
    pub payloads: BTreeMap<String, Value>,
    /// Bytes of the greatest request.
    pub bytes_max: usize,
    /// Requests in the busiest 60 seconds of one key.
    pub busiest: usize,
    recent: BTreeMap<String, VecDeque<Instant>>,
}

/// Somebody is woken.
#[derive(Clone, Debug)]
pub struct Page {
    /// Dedup key of the alert.
    pub key: String,
    /// When its first event came.
    pub at: Instant,
}

/// The stand-in, on a port of this machine until the program ends.
pub struct Pager {
    pub address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

impl Pager {
    pub fn start(manners: Manners) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), manners)
    }

    pub fn at(address: SocketAddr, manners: Manners) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let book = Arc::new(Mutex::new(Book::default()));
        let shared = Arc::clone(&book);
        std::thread::spawn(move || {
            for (stream, seed) in listener.incoming().zip(1..) {
                let (book, stream) = (Arc::clone(&shared), stream.unwrap());
                let mut rng = Seeded::new(seed);
                std::thread::spawn(move || serve(&stream, &book, manners, &mut rng));
            }
        });
        Self { address, book }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v2/enqueue", self.address)
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Waits until what came in fulfils a condition.
    #[track_caller]
    pub fn wait(&self, what: &str, is_met: impl Fn(&Book) -> bool) {
        let begin = Instant::now();
        while !is_met(&self.book()) {
            assert!(begin.elapsed() < Duration::from_secs(120), "{what}: {:?}", self.book());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Answers the requests of one connection.
fn serve(stream: &TcpStream, book: &Mutex<Book>, manners: Manners, rng: &mut Seeded) {
    let mut reader = BufReader::new(stream);
    while let Some((line, body)) = read_request(&mut reader) {
        std::thread::sleep(Duration::from_millis(rng.below(manners.slow_ms_max + 1)));
        let mut one_in = |count: u64| count > 0 && rng.below(count) == 0;
        let (fails, drops) = (one_in(manners.fails_one_in), one_in(manners.drops_one_in));
        let mut book = book.lock().unwrap();
        let (status, answer) = book.answer(&line, &body, fails);
        let is_dropped = drops && status == 202;
        *book.statuses.entry(if is_dropped { 0 } else { status }).or_default() += 1;
        drop(book);
        if is_dropped {
            return;
        }
        let text = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            text.len()
        );
        let mut to = stream;
        if to.write_all((head + &text).as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut first, mut len) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.trim_end().to_ascii_lowercase();
        if first.is_empty() {
            first = line.trim_end().to_owned();
        } else if lower.is_empty() {
            break;
        } else if let Some(value) = lower.strip_prefix("content-length:") {
            len = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    Some((first, body))
}

impl Book {
    fn answer(&mut self, line: &str, body: &[u8], fails: bool) -> (u16, Value) {
        self.bytes_max = self.bytes_max.max(body.len());
        if !line.starts_with("POST /v2/enqueue ") {
            return (404, json!({}));
        }
        if body.len() > BYTES_MAX {
            return (413, json!({}));
        }
        let Ok(event) = serde_json::from_slice::<Value>(body) else {
            return (400, json!({ "status": "invalid event", "errors": ["not JSON"] }));
        };
        if self.is_too_many(event["routing_key"].as_str().unwrap_or_default()) {
            return (429, json!({ "status": "throttle exceeded" }));
        }
        if let Err(what) = check(&event) {
            return (400, json!({ "status": "invalid event", "errors": [what] }));
        }
        if fails {
            return (500, json!({}));
        }
        self.take(&event);
        (202, json!({ "status": "success", "dedup_key": event["dedup_key"] }))
    }

    fn is_too_many(&mut self, key: &str) -> bool {
        let recent = self.recent.entry(key.to_owned()).or_default();
        recent.push_back(Instant::now());
        while recent.front().is_some_and(|at| at.elapsed() > Duration::from_secs(60)) {
            recent.pop_front();
        }
        self.busiest = self.busiest.max(recent.len());
        recent.len() > PER_MINUTE
    }

    fn take(&mut self, event: &Value) {
        let key = event["dedup_key"].as_str().unwrap().to_owned();
        if event["event_action"] != "trigger" {
            self.open.remove(&key);
            return;
        }
        self.payloads.insert(key.clone(), event["payload"].clone());
        if self.open.insert(key.clone()) {
            self.pages.push(Page { key, at: Instant::now() });
        }
    }
}

/// Checks an event as the reference says it must be.
fn check(event: &Value) -> Result<(), &'static str> {
    let text = |value: &Value, chars_max: usize| {
        value.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= chars_max)
    };
    if event["routing_key"].as_str().is_none_or(|key| key.len() != 32) {
        return Err("routing_key");
    }
    if !text(&event["dedup_key"], 255) {
        return Err("dedup_key");
    }
    if event["event_action"] == "resolve" {
        return Ok(());
    }
    let payload = &event["payload"];
    let severities = ["critical", "error", "warning", "info"];
    match () {
        () if event["event_action"] != "trigger" => Err("event_action"),
        () if !text(&payload["summary"], 1_024) => Err("summary"),
        () if !text(&payload["source"], usize::MAX) => Err("source"),
        () if !severities.iter().any(|name| payload["severity"] == *name) => Err("severity"),
        () if !payload["custom_details"].is_object() => Err("custom_details"),
        () => Ok(()),
    }
}
