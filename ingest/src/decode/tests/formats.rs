//! Structured payloads: JSON of the shippers and loggers, logfmt, CRI, docker, OTLP, users' patterns.

use expect_test::{Expect, expect};

use super::*;

fn check(format: &str, lines: &str, expected: Expect) {
    expected.assert_eq(&each(format, lines));
}

#[test]
fn envelopes() {
    check(
        "auto",
        samples::ENVELOPES,
        expect![[r#"
            2026-03-04T10:00:00.5Z error shop @web-1 | cart lost
            2026-03-04T10:00:01Z warn shop | cart slow\na.B: timed out\n\tat a.B.run(B.java:3)
            2026-03-04T10:00:00Z unknown sshd @db-1 | closed
            2026-03-04T10:00:00.25Z error cart @shop-1 | boom
            2026-03-04T10:00:00.123456789Z unknown x @h | disk full
            2026-03-04T10:00:00.25Z error shop @h | boom\nat x
            2026-03-04T10:00:00.123456789Z unknown svc | line
            2026-03-04T10:00:00.123Z error svc @h | boom: refused
            2026-03-04T10:00:00.5Z error svc | boom: refused
            2026-03-04T10:00:00.123Z warn svc | slow
            2026-03-04T10:00:00Z warn svc template="user {Id} in" | user 7 in
            2026-03-04T10:00:00.123456Z error cron @h | boom
            2026-03-04T10:00:00Z warn shop | nested
            - unknown svc template="x <*>" | x
            2026-03-04T10:00:00Z info svc | a.b=true n=7 user="al ice"
            reject 0x1 empty 14 bytes
            - unknown svc | {"a":1
            - unknown svc | [1,2]
        "#]],
    );
}

#[test]
fn forced_formats() {
    check(
        "json",
        "{\"a\":1\n[1]\nplain\n{\"msg\":\"x\"}",
        expect![[r#"
        reject 0x1 invalid_json 6 bytes
        reject 0x1 not_an_object 3 bytes
        reject 0x1 invalid_json 5 bytes
        - unknown svc | x
    "#]],
    );
    check(
        "docker",
        "{\"log\":\"a\\n\"}\n{\"msg\":\"x\"}",
        expect![[r#"
        - unknown svc | a
        reject 0x1 format_mismatch 11 bytes
    "#]],
    );
    check(
        "gelf",
        "{\"short_message\":\"a\",\"level\":4}\n{\"msg\":\"x\"}",
        expect![[r#"
        - warn svc | a
        reject 0x1 format_mismatch 11 bytes
    "#]],
    );
    check(
        "cri",
        "2026-03-04T10:00:00Z stdout F a\nplain",
        expect![[r#"
        2026-03-04T10:00:00Z unknown svc | a
        reject 0x1 format_mismatch 5 bytes
    "#]],
    );
    check(
        "plain",
        "2026-03-04T10:00:00Z ERROR a\n{\"msg\":1}\n  x",
        expect![[r#"
        - unknown svc | 2026-03-04T10:00:00Z ERROR a
        - unknown svc | {"msg":1}
        - unknown svc |   x
    "#]],
    );
    check(
        "logfmt",
        "a=1 b=2\nlevel=warn ts=2026-03-04T10:00:00Z msg=\"x \\\"y\\\"\" svc=z",
        expect![[r#"
            - unknown svc | a=1 b=2
            2026-03-04T10:00:00Z warn svc | x "y"
        "#]],
    );
}

#[test]
fn logfmt() {
    check(
        "auto",
        samples::LOGFMT,
        expect![[r#"
            2026-03-04T10:00:00.1Z info svc | Server started
            2026-03-04T10:00:00Z warn shop | slow query: timed out
            2026-03-04T10:00:00Z error svc | ts=2026-03-04T10:00:00Z level=error component=tsdb n=3
            2026-03-04T10:00:00Z info svc | hello
        "#]],
    );
}

#[test]
fn otlp() {
    let payload = samples::OTLP.as_bytes();
    let empty: &[u8] = br#"{"resourceLogs":[]}"#;
    expect![[r#"
        reject 0x1 empty 618 bytes
        reject 1x1 empty 19 bytes
        reject 2x1 invalid_otlp 18 bytes
        2026-03-04T10:00:00Z error shop @h | boom
        2026-03-04T10:00:00Z warn shop @h | a=7
    "#]]
    .assert_eq(&decode(options("auto"), &[payload, empty, br#"{"resourceLogs":7}"#]));
}

#[test]
fn patterns_of_the_user() {
    let pattern = HeaderPattern::new(
        "mine",
        r"^(?P<time>\S+ \S+)~(?P<level>\w+)~(?P<service>\w+)@(?P<host>\w+)~(?P<message>.*)$",
    );
    let options = DecoderOptions { headers: vec![pattern.unwrap()], ..options("mine") };
    let lines: [&[u8]; 2] = [b"2026-03-04 10:00:00~WARN~shop@web~slow", b"ERROR other"];
    expect![[r#"
        2026-03-04T10:00:00Z warn shop @web | slow
        - unknown svc | ERROR other
    "#]]
    .assert_eq(&decode(options, &lines));
    let error = HeaderPattern::new("mine", "(?P<when>.)").unwrap_err();
    expect!["header pattern `mine` has the group `when`; use time, level, service, host, message"]
        .assert_eq(&error.to_string());
    let error = "no such".parse::<Format>().unwrap_err();
    expect!["format `no such` is unknown; use auto, plain, json, logfmt, syslog, cri, docker, gelf, otlp, or the name of a header pattern from the configuration (none is defined)"].assert_eq(&error.to_string());
}

#[test]
fn bytes_that_are_no_text() {
    let lines: [&[u8]; 7] = [
        b"\xef\xbb\xbfERROR a\r\n",
        b"\x1b[31m2026-03-04 10:00:00 \x1b[1mERROR\x1b[0m a\x1b[0m",
        b"a\0b\xff\0\0",
        b"",
        b" \t",
        b"\xff\xfea\0",
        b"{\"msg\":\"a\xffb\"}",
    ];
    expect![[r#"
        - error svc | a
        2026-03-04T10:00:00Z error svc | a
        reject 3x1 empty 0 bytes
        reject 4x1 empty 2 bytes
        reject 5x1 invalid_encoding 4 bytes
        - unknown svc | a\x00b\xff
        - unknown svc | a\xef\xbf\xbdb
    "#]]
    .assert_eq(&decode(options("auto"), &lines));
    let options = DecoderOptions { line_bytes_max: 4, ..options("auto") };
    expect![[r#"
        reject 0x1 too_long 5 bytes
        - unknown svc | 1234
    "#]]
    .assert_eq(&decode(options, &[b"12345", b"1234"]));
}

#[test]
fn session_and_service_of_the_user() {
    let options = DecoderOptions {
        session_key: Some(regex::bytes::Regex::new("blk_(-?[0-9]+)").unwrap()),
        service: Some("hdfs".to_owned()),
        ..options("auto")
    };
    expect![[r#"
        - unknown hdfs session=-17 | got blk_-17 now
        - unknown hdfs | none
    "#]]
    .assert_eq(&decode(options, &[b"got blk_-17 now", b"none"]));
}

#[test]
fn only_lists_of_records_are_requests() {
    let scopes = |records: &str| {
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":{records}}}]}}]}}"#)
    };
    for (text, reason) in [
        (r#"{"resourceLogs":7}"#.to_owned(), "invalid_otlp"),
        (r#"{"resourceLogs":[7]}"#.to_owned(), "invalid_otlp"),
        (scopes("7"), "invalid_otlp"),
        (scopes("[{},7]"), "invalid_otlp"),
        (scopes("[]"), "empty"),
        (scopes("[{}"), "invalid_json"),
    ] {
        let given = decode(options("auto"), &[text.as_bytes()]);
        assert!(given.contains(reason), "{text}: {given}");
    }
    let text = scopes(r#"[{"body":{"stringValue":"a"},"severityText":7,"timeUnixNano":{}}]"#);
    assert_eq!(decode(options("auto"), &[text.as_bytes()]), "- unknown svc | a\n");
}
