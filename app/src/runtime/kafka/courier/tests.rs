#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread::JoinHandle;

use logwake_detector::notify::{Content, Digest};

use super::*;
use crate::config::Config;

fn door(address: SocketAddr) -> Arc<Door> {
    let text = format!(
        "[[notify]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{address}/hook\"\n\
         token = \"hunter2\"\ntimeout = \"500ms\"\n"
    );
    let (config, _) = Config::parse(&text, Path::new("."), &|_| None).unwrap();
    Arc::new(Door::new(&config.notify.0[0], None))
}

fn delivery() -> Delivery {
    let digest = Digest { id: "digest_1".to_owned(), revision: 3, ..Digest::default() };
    Delivery { id: 7, sink: "hook".to_owned(), content: Content::Digest(digest) }
}

/// Answers one request with a text and returns the request; says nothing where the text is empty.
fn server(answer: String) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&String::from_utf8_lossy(&request)) {
            let count = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..count]);
        }
        if answer.is_empty() {
            // Waits until the other side has had enough.
            _ = stream.read(&mut buffer);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (address, serving)
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() >= len.parse().unwrap()
}

#[track_caller]
fn send(address: SocketAddr) -> Answer {
    let courier = Courier::new(&[door(address)]);
    courier.send(delivery());
    let landed = courier.from.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!((landed.id, landed.sink.as_str()), (7, "hook"));
    landed.answer
}

fn plain(head: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: 2\r\n\r\nno")
}

#[test]
fn a_request_carries_its_key_and_token() {
    let (address, serving) = server(plain("202 Accepted"));
    assert_eq!(send(address), Answer::Accepted);
    let request = serving.join().unwrap().to_ascii_lowercase();
    for line in [
        "post /hook http/1.1",
        "idempotency-key: digest_1-3",
        "authorization: bearer hunter2",
        "content-type: application/json",
    ] {
        assert!(request.contains(line), "{line} in {request}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = elsewhere.local_addr().unwrap();
    let (address, _) =
        server(plain(&format!("307 Temporary Redirect\r\nLocation: http://{location}/hook")));
    assert_eq!(send(address), Answer::Refused("status 307: no".to_owned()));
    assert!(elsewhere.accept().is_err(), "a connection to where nobody said");
}

#[test]
fn an_answer_that_repeats_a_secret_is_not_repeated() {
    let echo = "HTTP/1.1 400 Bad Request\r\nContent-Length: 22\r\n\r\nno hunter2 under /hook";
    let (address, _) = server(echo.to_owned());
    let redacted = "status 400: no (redacted) under (redacted)";
    assert_eq!(send(address), Answer::Refused(redacted.to_owned()));
}

#[test]
fn a_secret_at_the_cut_of_an_answer_is_not_shown_in_part() {
    let secrets = ["hunter2-and-more".to_owned(), "hunter2".to_owned()];
    for before in 0..=ANSWER_BYTES_MAX + 1 {
        let answer = format!("{}hunter2-and-more{}", "x".repeat(before), "y".repeat(600));
        let more = &answer.as_bytes()[..ANSWER_BYTES_MAX + secrets[0].len()];
        let shown = redacted_head(more, &secrets);
        assert!(!shown.contains('h'), "{before}: {shown}");
    }
}

#[test]
fn a_sink_may_ask_for_time() {
    let (address, _) = server(plain("429 Too Many Requests\r\nRetry-After: 90"));
    assert_eq!(send(address), Answer::TooMany(Duration::from_secs(90)));
}

#[test]
fn what_cannot_have_arrived_is_told_from_what_may_have() {
    let (address, serving) = server(String::new());
    assert_eq!(send(address), Answer::Unknown(Duration::ZERO));
    drop(serving.join());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(send(free), Answer::Later(Duration::ZERO));
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    assert_eq!(secs_of("120"), Some(120));
    assert_eq!(secs_of("Wed, 21 Oct 2015 07:28:00 GMT"), Some(0));
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(100);
    let date = jiff::fmt::rfc2822::to_string(&later.to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    assert!((90..=100).contains(&secs_of(&date).unwrap()), "{date}");
    assert_eq!(secs_of("soon"), None);
}
