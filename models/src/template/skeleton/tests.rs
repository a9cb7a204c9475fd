//! What the mask makes of shapes, and that it holds for any bytes.
#![allow(clippy::unwrap_used, reason = "tests")]

use expect_test::{Expect, expect};
use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::*;

fn masked(content: &str) -> String {
    let mut skeleton = Skeleton::new();
    mask(content.as_bytes(), &mut skeleton);
    skeleton.text().to_owned()
}

fn check(content: &str, expect: Expect) {
    let lines: Vec<String> = content.lines().map(masked).collect();
    expect.assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn numbers_addresses_and_ids() {
    check(
        "took 12 ms, 3.5 s, -7 C, 0x1f, 99%, <1 sec\n\
         from 10.0.0.1:8080 and fe80::1%eth0 and 00:1a:2b:3c:4d:5e\n\
         id 123e4567-e89b-12d3-a456-426614174000 {123e4567-e89b-12d3-a456-426614174000}\n\
         job_20240101_0007 in rack A7-B1 on web-eu-07 by worker-3, pool-1-thread-2\n\
         mail to ann@example.com via https://example.com/a?b=c&d=e done",
        expect![[r#"
            took <*> ms, <*> s, <*> C, <*>, <*>, <*> sec
            from <*> and <*> and <*>
            id <*> <*>
            <*> in rack <*> on <*> by worker-<*>, pool-<*>-thread-<*>
            mail to <*> via <*> done
        "#]],
    );
}

#[test]
fn words_with_a_digit_stay() {
    check(
        "eth0 up, ssh2 over ipv6 with sha256 and x86_64, disk_2_full sda12 Log4jLogger",
        expect![[r#"
            eth0 up, ssh2 over ipv6 with sha256 and x86_64, disk_2_full <*> Log4jLogger
        "#]],
    );
}

#[test]
fn dates_in_words_are_one_variable() {
    check(
        "at Thu Aug 04 15:31:25 UTC 2005 sharp\n\
         since Jan 2, 2024 it may run\n\
         2024-01-02T03:04:05.678Z and 2024-01-02 03:04:05,678 and 03:04 PM",
        expect![[r#"
            at <*> sharp
            since <*>, <*> it may run
            <*> and <*> <*> and <*>
        "#]],
    );
}

#[test]
fn paths_hosts_and_errors() {
    check(
        "open /var/log/app.log: no such file, ~/x, ./y/z, C:\\Temp\\a.txt and/or tcp/udp\n\
         org.example.app.Main at db.example.com threw java.io.IOException: closed",
        expect![[r#"
            open <*>: no such file, <*>, <*>, <*> and/or tcp/udp
            <*> at <*> threw java.io.IOException: closed
        "#]],
    );
}

#[test]
fn requests_and_agents() {
    check(
        "10.0.0.1 \"GET /a/b?c=1 HTTP/1.1\" 200 \"Mozilla/5.0 (X11; Linux)\" end\n\
         10.0.0.1 \"GET / HTTP/1.1\" 200 \"curl/8.5.0\" end",
        expect![[r#"
            <*> "GET <*>" <*> "<*>" end
            <*> "GET <*>" <*> "<*>" end
        "#]],
    );
}

#[test]
fn keys_stay_and_values_go() {
    check(
        "reg7=0x1 size=12 ok=true tag=\"two words\" msg=\"disk 7 full\" user= x=null",
        expect![[r#"
            reg7=<*> size=<*> ok=<*> tag="<*>" msg="disk <*> full" user= x=<*>
        "#]],
    );
}

#[test]
fn lists_collapse_and_blanks_are_one() {
    check(
        "  bits   1 2 3 4 5 6 7 8 9 set [1, 2, 3]\t\u{1b}[31mred\u{1b}[0m ",
        expect![[r#"
            bits <*> set [<*>, <*>, <*>] red
        "#]],
    );
}

#[test]
fn a_trace_is_its_first_line_and_its_causes() {
    let trace = "request 7 failed\n\tat a.B.c(B.java:10)\nCaused by: a.B.DiskError: sector 9\n\tat x.Y(Z.java:1)";
    expect!["request <*> failed Caused by: a.B.DiskError: sector <*>"].assert_eq(&masked(trace));
    let trace =
        "Traceback (most recent call last):\n  File \"/a.py\", line 3\n    f()\nValueError: bad 5";
    expect!["Traceback (most recent call last): ValueError: bad <*>"].assert_eq(&masked(trace));
}

#[test]
fn a_document_does_not_hang_on_the_order_of_keys() {
    let one = r#"{"msg":"disk 7 full","n":1,"user":"ann","in":{"b":[1,2],"a":null}}"#;
    let two = r#"{"in": {"a": 5, "b": []}, "user": "bob", "n": 2.5, "msg": "disk 8 full"}"#;
    expect!["{in: {a: <*>, b: <*>}, msg: disk <*> full, n: <*>, user: <*>}"]
        .assert_eq(&masked(one));
    assert_eq!(masked(one), masked(two));
}

#[test]
fn variables_point_into_the_content() {
    let content = b"user 17 of 10.0.0.1:80 done";
    let mut skeleton = Skeleton::new();
    mask(content, &mut skeleton);
    let spans = skeleton.variables().iter();
    let values: Vec<_> = spans.map(|v| (&content[v.start..v.end], v.class)).collect();
    assert_eq!(
        values,
        [(&b"17"[..], ShapeClass::Integer), (&b"10.0.0.1:80"[..], ShapeClass::Ipv4)]
    );
}

proptest! {
    #[test]
    fn any_bytes_give_a_skeleton(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut skeleton = Skeleton::new();
        mask(&content, &mut skeleton);
        holds(&content, &skeleton);
    }

    #[test]
    fn any_log_like_text_gives_a_skeleton(content in "([a-zA-Z0-9:./=_<>*\"'{}\\[\\](), @#%$~\\\\\n-]|é|0x|://|true|Jan ){0,80}") {
        let mut skeleton = Skeleton::new();
        mask(content.as_bytes(), &mut skeleton);
        holds(content.as_bytes(), &skeleton);
        let text = skeleton.text().to_owned();
        mask(b"something else 1", &mut skeleton);
        mask(content.as_bytes(), &mut skeleton);
        prop_assert_eq!(text, skeleton.text());
    }

    #[test]
    fn numbers_do_not_matter(a in 1u32..999_999, b in 1u32..999_999) {
        let text = |n: u32| masked(&format!("took {n} ms for block-{n} at 10.0.0.{} [{n}]", n % 256));
        prop_assert_eq!(text(a), text(b));
    }
}

fn holds(content: &[u8], skeleton: &Skeleton) {
    assert_eq!(skeleton.hash(), xxh3_64(skeleton.text().as_bytes()));
    assert!(std::str::from_utf8(&skeleton.text).is_ok());
    for variable in skeleton.variables() {
        assert!(variable.start <= variable.end && variable.end <= content.len());
    }
}
