//! No input recurses: whatever is repeated or nested is decoded on a small stack.

use std::thread;

use serde_json::json;

use super::hostile::*;
use super::*;

/// A stage thread has 2 MiB, main threads 8; what fits here leaves them their own.
const STACK_BYTES: usize = 64 << 10;

fn on_small_stack(format: &str, payloads: Vec<Vec<u8>>) {
    let options = options(format);
    let decode = move || drop(decoded(options, &payloads));
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(decode).unwrap();
    thread.join().unwrap();
}

/// A text as a member of a document, half as long as allowed since quotes in it are written as two bytes.
fn member(name: &str, text: &str) -> Vec<u8> {
    let text = text.repeat(PAYLOAD_BYTES / 3 / text.len());
    let document = json!({ name: text, "stream": "stdout", "time": "2026-03-04T10:00:00Z" });
    document.to_string().into_bytes()
}

#[test]
fn every_sample_repeated_fits_a_small_stack() {
    for format in ["auto", "plain"] {
        let payloads = samples::all().map(|line| repeated(line.as_bytes(), PAYLOAD_BYTES));
        on_small_stack(format, payloads.collect());
    }
}

#[test]
fn every_sample_nested_fits_a_small_stack() {
    let mut payloads = Vec::new();
    for line in samples::all() {
        payloads.push(member("message", line));
        payloads.push(member("log", &format!("{line}\n")));
        payloads.push(nested(CRI_PIECE, line, "", PAYLOAD_BYTES / 8));
    }
    on_small_stack("auto", payloads);
}

#[test]
fn every_bracket_nested_fits_a_small_stack() {
    let line = "2026-03-04 10:00:00 ERROR a";
    let shapes = [
        ("[", line, "]"),
        ("[INFO]", line, ""),
        ("[INFO] [", line, "]"),
        ("E, [", line, "]"),
        ("a-b | ", line, ""),
        ("web-1  | [", line, ""),
        (r#"{"a":"#, "1", "}"),
        (r#"{"log":"#, "1", "}"),
        (r#"{"message":"#, "1", "}"),
        (r#"{"a":[{"b":["#, "1", "]}]}"),
        ("<34>", line, ""),
        (CRI_PIECE, line, ""),
        ("2026-03-04T10:00:00Z stdout F ", line, ""),
        ("level=info msg=\"", line, "\""),
        ("\u{1b}]", line, "\u{7}"),
    ];
    let mut payloads: Vec<_> =
        shapes.map(|(open, core, close)| nested(open, core, close, PAYLOAD_BYTES)).to_vec();
    payloads.push([&br#"{"a":"#[..], &nested("[", "", "]", PAYLOAD_BYTES - 8), b"}"].concat());
    payloads.push(matryoshka(line.to_owned()));
    for (open, close) in [
        (r#"{"kvlistValue":{"values":[{"key":"a","value":"#, "}]}}"),
        (r#"{"arrayValue":{"values":["#, "]}}"),
        (r#"{"aValue":"#, "}"),
        ("[", "]"),
    ] {
        let body = nested(open, "1", close, PAYLOAD_BYTES - 100);
        let body = String::from_utf8(body).unwrap();
        let record = format!(r#"{{"attributes":{body},"body":{body}}}"#);
        let request =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#);
        payloads.push(request.into_bytes());
    }
    for format in ["auto", "json", "otlp", "syslog"] {
        let options = DecoderOptions { line_bytes_max: 4 * PAYLOAD_BYTES, ..options(format) };
        let payloads = payloads.clone();
        let decode = move || drop(decoded(options, &payloads));
        thread::Builder::new().stack_size(STACK_BYTES).spawn(decode).unwrap().join().unwrap();
    }
}

#[test]
fn pieces_in_pieces_of_many_streams_fit_a_small_stack() {
    let pieces = |at: usize| {
        let inner = String::from_utf8(nested(CRI_PIECE, "x", "", 4096)).unwrap();
        let log = json!({ "log": inner, "logtag": "P", "host": format!("h{at}") });
        log.to_string().into_bytes()
    };
    on_small_stack("auto", (0..600).map(pieces).collect());
}
