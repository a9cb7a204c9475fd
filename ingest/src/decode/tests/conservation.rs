//! Whatever the bytes: no panic, no line lost or doubled, and a restart changes nothing.

use proptest::prelude::*;

use super::*;

const LINES: [&str; 32] = [
    "2026-03-04 10:00:00 INFO a",
    "2026-03-04 10:00:00 ERROR a.b.C: b",
    "Mar  4 10:00:00 h a[1]: x",
    "Dec 31 23:59:59 h a[1]: x",
    "\tat a.b.C(D.java:1)",
    "Caused by: x",
    "java.lang.IllegalStateException: x",
    "Traceback (most recent call last):",
    "  File",
    "KeyError: 'a'",
    "",
    "During handling of the above exception, another exception occurred:",
    "panic: x",
    "goroutine 1 [running]:",
    "main.main()",
    "thread 'main' panicked at a.rs:1:2:",
    "note: run with",
    "plain",
    "2026-03-04T10:00:00Z stdout P part",
    "2026-03-04T10:00:00Z stdout F part",
    "2026-03-04T10:00:00Z stderr P part",
    r#"{"message":"\tat x(","service":"a"}"#,
    r#"{"message":"2026-03-04 10:00:00 INFO a","service":"b"}"#,
    r#"{"log":"a","logtag":"P","kubernetes":{"pod_name":"p"}}"#,
    r#"{"log":"a\n","kubernetes":{"pod_name":"p"}}"#,
    r#"{"msg":"#,
    r#"{"a":1}"#,
    "level=info msg=a",
    "level=info a=b",
    "<34>Oct 11 22:14:15 h su: x",
    "\u{feff}\u{1b}[31mERROR\u{1b}[0m",
    r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{}]}]}]}"#,
];

fn format() -> impl Strategy<Value = &'static str> {
    prop::sample::select(Format::NAMES.to_vec())
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(LINES.to_vec()).prop_map(|line| line.as_bytes().to_vec());
    let cut = (prop::sample::select(LINES.to_vec()), 0..80_usize, any::<u8>()).prop_map(
        |(line, at, byte)| {
            let mut line = line.as_bytes().to_vec();
            let at = at % (line.len() + 1);
            line.truncate(at);
            line.push(byte);
            line
        },
    );
    let shaped = "[-0-9A-Za-z:., /\\[\\]{}\"=<>#*+|]{0,48}".prop_map(String::into_bytes);
    prop_oneof![6 => line, 2 => cut, 2 => shaped, 1 => prop::collection::vec(any::<u8>(), 0..64)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_conserved(format in format(), payloads in prop::collection::vec(payload(), 0..40)) {
        let payloads: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
        decode(options(format), &payloads);
    }

    #[test]
    fn restart_changes_nothing(format in format(), payloads in prop::collection::vec(payload(), 0..40), every in 1..7_usize) {
        let slices: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
        let expected = decode(options(format), &slices);
        let options = Arc::new(options(format));
        let mut decoder = Decoder::new(options.clone(), "svc");
        let mut out = Collected::default();
        for (offset, payload) in payloads.iter().enumerate() {
            decoder.push(payload, offset as u64, None, &mut out);
            if offset % every == 0 {
                let bytes = postcard::to_allocvec(&decoder.state()).unwrap();
                decoder = Decoder::restore(options.clone(), "svc", postcard::from_bytes(&bytes).unwrap());
            }
        }
        decoder.flush(&mut out);
        prop_assert_eq!(out.text, expected);
    }

    #[test]
    fn stamps_of_any_shape_are_safe(text in "[0-9]{1,8}[-/. :T][0-9A-Za-z]{1,4}[-/. :,][0-9]{1,4}[ T:.,_-]{0,2}[0-9:.,+Z -]{0,30}") {
        each("auto", &text);
    }
}

#[test]
fn quiet_streams_and_many_streams_are_let_go() {
    let mut decoder = Decoder::new(Arc::new(options("auto")), "svc");
    let mut out = Collected::default();
    for at in 0..5000_u64 {
        let service = if at < 3000 { at } else { 0 };
        let payload = format!(r#"{{"message":"INFO a","service":"s{service}"}}"#);
        decoder.push(payload.as_bytes(), at, None, &mut out);
        assert_eq!(out.lines + decoder.pending_lines(), at + 1);
        assert!(decoder.pending_lines() <= 1024);
    }
    assert_eq!(decoder.pending_lines(), 1);
}
