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
        r#"{"@timestamp":"2026-03-04T10:00:01.000Z","@metadata":{"beat":"filebeat"},"log":{"file":{"path":"/var/log/shop.log"},"offset":0},"message":"2026-03-04 10:00:00.500 ERROR cart lost","host":{"name":"web-1"}}
{"@timestamp":"2026-03-04T10:00:01.000Z","log.level":"WARN","log":{"logger":"a.b"},"service.name":"shop","message":"cart slow","error":{"message":"timed out","stack_trace":"a.B: timed out\n\tat a.B.run(B.java:3)"}}
{"@timestamp":"2026-03-04T10:00:01.000Z","@version":"1","message":"Mar  4 10:00:00 db-1 sshd[1]: closed","host":{"hostname":"collector"}}
{"@timestamp":1772618400.5,"log":"E0304 10:00:00.250000       1 a.go:1] boom\n","stream":"stderr","kubernetes":{"pod_name":"shop-1","container_name":"shop","labels":{"app.kubernetes.io/name":"cart"}}}
{"file":"/var/log/x.log","host":"h","message":"disk full","source_type":"file","timestamp":"2026-03-04T10:00:00.123456789Z"}
{"version":"1.1","host":"h","short_message":"boom","full_message":"boom\nat x","timestamp":1772618400.25,"level":3,"_app":"shop"}
{"log":"line\n","stream":"stdout","time":"2026-03-04T10:00:00.123456789Z"}
{"level":50,"time":1772618400123,"pid":1,"hostname":"h","msg":"boom","err":{"message":"refused"}}
{"level":"error","ts":1772618400.5,"caller":"a/b.go:1","msg":"boom","error":"refused"}
{"t":{"$date":"2026-03-04T10:00:00.123+00:00"},"s":"W","c":"NETWORK","id":1,"ctx":"conn1","msg":"slow"}
{"@t":"2026-03-04T10:00:00Z","@mt":"user {Id} in","@m":"user 7 in","@l":"Warning","Id":7}
{"MESSAGE":"boom","PRIORITY":"3","_HOSTNAME":"h","SYSLOG_IDENTIFIER":"cron","__REALTIME_TIMESTAMP":"1772618400123456"}
{"message":"{\"level\":\"warn\",\"msg\":\"nested\",\"service\":\"shop\"}","@timestamp":"2026-03-04T10:00:00Z","log":{"file":{"path":"/x/y.log"}}}
{"message":"x","log":{"record":{"template":"x <*>"}}}
{"time":"2026-03-04T10:00:00Z","user":"al ice","n":7,"level":"info","a":{"b":true}}
{"message":""}
{"a":1
[1,2]"#,
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
        r#"level=info ts=2026-03-04T10:00:00.1Z caller=main.go:3 msg="Server started" port=80
time="2026-03-04T10:00:00Z" level=warning msg="slow query" app=shop error="timed out"
ts=2026-03-04T10:00:00Z level=error component=tsdb n=3
2026-03-04 10:00:00 level=info msg=hello"#,
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
    let payload = br#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},{"key":"host.name","value":{"stringValue":"h"}}]},"scopeLogs":[{"logRecords":[
        {"timeUnixNano":"1772618400000000000","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"boom"}},
        {"timeUnixNano":1772618400000000000,"severityNumber":"SEVERITY_NUMBER_WARN2","body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"7"}}]}}},
        {"observedTimeUnixNano":"1772618400000000000","body":{"stringValue":""}, "attributes":[{"key":"log.record.template","value":{"stringValue":"t"}}]}]}]}]}"#;
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
