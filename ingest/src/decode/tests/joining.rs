//! Joining of lines, and of pieces of lines.

use expect_test::expect;

use super::*;

#[test]
fn java() {
    let text = samples::JAVA;
    expect![[r#"
        2026-03-04T10:00:00Z error svc +0x6 | failed\njava.lang.IllegalStateException: no cart\n\tat a.B.run(B.java:3)\n\t... 12 more\nCaused by: java.io.IOException: refused\n\tat a.C.run(C.java:3)
        2026-03-04T10:00:01Z info svc | next
    "#]].assert_eq(&together(text));
}

#[test]
fn python() {
    let text = samples::PYTHON;
    expect![[r#"
        - info svc | start
        - error svc +1x10 | Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    boom()\nKeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "a.py", line 3, in <module>\nValueError: b
        - info svc | next
    "#]].assert_eq(&together(text));
}

#[test]
fn go() {
    let text = samples::GO;
    expect![[r#"
        2026-03-04T10:00:00Z unknown svc | ready
        - fatal svc +1x6 | panic: runtime error: index out of range [5] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:12 +0x1d\nexit status 2
        2026-03-04T10:00:00Z unknown svc | ready
    "#]].assert_eq(&together(text));
}

#[test]
fn rust_and_dotnet() {
    let text = samples::RUST_AND_DOTNET;
    expect![[r#"
        - info svc | ready
        - error svc +1x5 | thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1`\nstack backtrace:\n   0: std::panicking
        - info svc | ready
        - error svc +7x3 | Unhandled exception. System.Exception: boom\n   at A.B.Run() in a.cs:line 3\n--- End of stack trace from previous location ---
        - info svc | ready
    "#]].assert_eq(&together(text));
}

#[test]
fn lines_without_header_join_where_nearly_all_have_one() {
    let mut text: String = (0..9).map(|at| format!("2026-03-04 10:00:0{at} INFO tick\n")).collect();
    text.push_str(
        "and a bit more\nand more\n2026-03-04 10:01:00 INFO tock\npanic: apart\nERROR: tail",
    );
    let given = together(&text);
    let tail: String = given.lines().skip(8).map(|line| format!("{line}\n")).collect();
    expect![[r#"
        2026-03-04T10:00:08Z info svc +8x3 | tick\nand a bit more\nand more
        2026-03-04T10:01:00Z info svc | tock
        - fatal svc +12x2 | panic: apart\nERROR: tail
    "#]]
    .assert_eq(&tail);
    expect![[r#"
        - unknown svc | one
        - unknown svc | two
        - unknown svc | three
    "#]]
    .assert_eq(&together("one\ntwo\nthree"));
}

#[test]
fn limits_and_rule_of_the_user() {
    let multiline = MultilineOptions { lines_max: 2, ..MultilineOptions::default() };
    let lines: [&[u8]; 4] = [b"2026-03-04 10:00:00 ERROR a", b" b", b" c", b" d"];
    expect![[r#"
        2026-03-04T10:00:00Z error svc +0x2 | a\n b
        2026-03-04T10:00:00Z error svc +2x2 |  c\n d
    "#]]
    .assert_eq(&decode(DecoderOptions { multiline, ..options("auto") }, &lines));
    let multiline = MultilineOptions { bytes_max: 32, ..MultilineOptions::default() };
    expect![[r#"
        2026-03-04T10:00:00Z error svc +0x4 | a\n b\n c\n d
    "#]]
    .assert_eq(&decode(DecoderOptions { multiline, ..options("auto") }, &lines));
    let start = Some(regex::bytes::Regex::new("^#").unwrap());
    let multiline = MultilineOptions { start, ..MultilineOptions::default() };
    let lines: [&[u8]; 4] = [b"# a", b"b", b"ERROR c", b"# d"];
    expect![[r#"
        - unknown svc +0x3 | # a\nb\nERROR c
        - unknown svc | # d
    "#]]
    .assert_eq(&decode(DecoderOptions { multiline, ..options("auto") }, &lines));
    let multiline = MultilineOptions { enabled: false, ..MultilineOptions::default() };
    let lines: [&[u8]; 2] = [b"ERROR a", b"  b"];
    expect![[r#"
        - error svc | a
        - unknown svc |   b
    "#]]
    .assert_eq(&decode(DecoderOptions { multiline, ..options("auto") }, &lines));
}

#[test]
fn pieces_of_cut_lines() {
    let lines: [&[u8]; 6] = [
        b"2026-03-04T10:00:00.1Z stdout P 2026-03-04T10:00:00Z ERR",
        b"2026-03-04T10:00:00.1Z stderr F apart",
        b"2026-03-04T10:00:00.2Z stdout P OR a",
        b"2026-03-04T10:00:00.3Z stdout F  b",
        b"2026-03-04T10:00:00.3Z stdout F \tat c",
        b"2026-03-04T10:00:00.4Z stdout P open",
    ];
    expect![[r#"
        2026-03-04T10:00:00Z error svc +0x4 | a b\n\tat c
        2026-03-04T10:00:00.1Z unknown svc | apart
        2026-03-04T10:00:00.4Z unknown svc | open
    "#]]
    .assert_eq(&decode(options("auto"), &lines));
    let lines: [&[u8]; 3] = [
        br#"{"log":"a","stream":"stdout","time":"2026-03-04T10:00:00Z"}"#,
        br#"{"log":"b\n","stream":"stdout","time":"2026-03-04T10:00:01Z"}"#,
        br#"{"log":"c\n","stream":"stdout","time":"2026-03-04T10:00:02Z"}"#,
    ];
    expect![[r#"
        2026-03-04T10:00:00Z unknown svc +0x2 | ab
        2026-03-04T10:00:02Z unknown svc | c
    "#]]
    .assert_eq(&decode(options("docker"), &lines));
}

#[test]
fn streams_of_one_partition_do_not_mix() {
    let lines: [&[u8]; 5] = [
        br#"{"message":"ERROR a","service":{"name":"x"}}"#,
        br#"{"message":"ERROR b","service":{"name":"y"}}"#,
        br#"{"message":"\tat a.A.run(A.java)","service":{"name":"x"}}"#,
        br#"{"message":"\tat b.B.run(B.java)","service":{"name":"y"}}"#,
        br#"{"message":"INFO c","service":{"name":"x"}}"#,
    ];
    expect![[r#"
        - error x +0x2 | a\n\tat a.A.run(A.java)
        - error y +1x2 | b\n\tat b.B.run(B.java)
        - info x | c
    "#]]
    .assert_eq(&decode(options("auto"), &lines));
}

/// It was held for 1,024 payloads of the source and came out too late for its window.
#[test]
fn the_last_entry_of_a_quiet_stream_is_let_go_as_event_time_goes_on() {
    let lines: [&[u8]; 4] = [
        br#"{"message":"2026-03-04 10:00:00 INFO saved","service":{"name":"quiet"}}"#,
        br#"{"message":"2026-03-04 10:00:00 INFO a","service":{"name":"busy"}}"#,
        br#"{"message":"2026-03-04 10:00:02 INFO b","service":{"name":"busy"}}"#,
        br#"{"message":"2026-03-04 10:00:03 INFO c","service":{"name":"busy"}}"#,
    ];
    let mut decoder = Decoder::new(Arc::new(options("auto")), "svc");
    let mut out = Collected::default();
    for (offset, line) in lines.iter().enumerate() {
        decoder.push(line, offset as u64, None, &mut out);
    }
    expect![[r#"
        2026-03-04T10:00:00Z info quiet | saved
        2026-03-04T10:00:00Z info busy | a
        2026-03-04T10:00:02Z info busy | b
    "#]]
    .assert_eq(&out.text);
}
