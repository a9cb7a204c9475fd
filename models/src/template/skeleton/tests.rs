//! What the mask makes of shapes.
#![allow(clippy::unwrap_used, reason = "tests")]

use expect_test::{Expect, expect};

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
fn punctuation_put_aside_says_nothing_of_the_word_before_it() {
    check(
        "deadbeefs:### deadbeef: deadbeef:### null:!",
        expect![[r#"
            deadbeefs:### <*>: <*>:### <*>:!
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

/// Prints each variable with its class.
fn check_classes(content: &str, expect: Expect) {
    let mut lines = String::new();
    for line in content.lines() {
        let mut skeleton = Skeleton::new();
        mask(line.as_bytes(), &mut skeleton);
        let spans = skeleton.variables().iter();
        let shown = spans.map(|v| format!("{:?} {}", v.class, &line[v.start..v.end]));
        lines.push_str(&shown.collect::<Vec<_>>().join(", "));
        lines.push('\n');
    }
    expect.assert_eq(&lines);
}

#[test]
fn each_shape_has_its_class() {
    check_classes(
        "7 of -7 and +7\n\
         3.25 or 1,234,567 or 1.5e-9 or 6.02E23\n\
         0x7fff12 and deadbeefcafe and 00ff17a\n\
         f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n\
         192.168.7.9 at 192.168.7.9:443 at /192.168.7.9:443 net 192.168.0.0/16\n\
         fe80::1%eth0 at ::1 at [2001:db8::7]:8443 net fe80::/10 v4 ::ffff:10.0.0.1\n\
         00:1b:44:11:3a:b7\n\
         ann.lee@example.com or bob7@mail.example.org\n\
         https://example.com:8443/a/b?c=1#d and ftp://h/x\n\
         /var/log/syslog and ~/notes.txt and C:\\logs\\a.txt and ./x/y7\n\
         db.example.com at db7.example.com:5432 at localhost:80 org.example.app.Main\n\
         at 12:30:45.123 on 2026-01-02 on 2026-01-02T03:04:05Z on 02/01/2026\n\
         Mon Jan 2 2026 or Feb 3, 12:30 PM\n\
         15ms or 1h30m or 2.5GiB or 99% or 1m2.5s\n\
         tag=\"two words\" ok=true no=null v1.2.3 nginx/1.25.3 1.2.3\n\
         dGhpcyBpcyBqdXN0IGEgdGVzdA== eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl1\n\
         key=aGVsbG8gd29ybGQgMTIzNDU2Nzg5MA== SomeQuiteLongCamelCaseClassName2Impl",
        expect![[r#"
            Integer 7, Integer -7, Integer +7
            Decimal 3.25, Decimal 1,234,567, Decimal 1.5e-9, Decimal 6.02E23
            Hex 0x7fff12, Hex deadbeefcafe, Hex 00ff17a
            Uuid f81d4fae-7dec-11d0-a765-00a0c91e6bf6
            Ipv4 192.168.7.9, Ipv4 192.168.7.9:443, Ipv4 /192.168.7.9:443, Ipv4 192.168.0.0/16
            Ipv6 fe80::1%eth0, Ipv6 ::1, Ipv6 [2001:db8::7]:8443, Ipv6 fe80::/10, Ipv6 ::ffff:10.0.0.1
            Mac 00:1b:44:11:3a:b7
            Email ann.lee@example.com, Email bob7@mail.example.org
            Url https://example.com:8443/a/b?c=1#d, Url ftp://h/x
            Path /var/log/syslog, Path ~/notes.txt, Path C:\logs\a.txt, Path ./x/y7
            Host db.example.com, Host db7.example.com:5432, Host localhost:80, Host org.example.app.Main
            Time 12:30:45.123, Time 2026-01-02, Time 2026-01-02T03:04:05Z, Time 02/01/2026
            Time Mon Jan 2 2026, Time Feb 3, Time 12:30 PM
            Quantity 15ms, Quantity 1h30m, Quantity 2.5GiB, Quantity 99%, Quantity 1m2.5s
            Quoted two words, Boolean true, Absent null, Version v1.2.3, Version 1.25.3, Version 1.2.3
            Base64 dGhpcyBpcyBqdXN0IGEgdGVzdA==, Base64 eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl1
            Base64 aGVsbG8gd29ybGQgMTIzNDU2Nzg5MA==
        "#]],
    );
}

#[test]
fn base64_with_its_padding_is_one_variable() {
    check(
        "token=dGhpcyBpcyBqdXN0IGEgdGVzdA== end\n\
         body \"aGVsbG8gd29ybGQgMTIzNDU2Nzg5MA==\" end\n\
         SomeQuiteLongCamelCaseClassName2=on",
        expect![[r#"
            token=<*> end
            body "<*>" end
            SomeQuiteLongCamelCaseClassName2=on
        "#]],
    );
}

#[test]
fn an_address_in_brackets_takes_its_port() {
    check(
        "from [2001:db8::7]:8443 to [fe80::1] via ::1 port [::1]:80, list [1:2]",
        expect![[r#"
            from <*> to [<*>] via <*> port <*>, list [<*>]
        "#]],
    );
}

#[test]
fn colons_without_end_are_no_address() {
    check(
        "at ::::::::::::0. and ::1:: or ::12%z.",
        expect![[r#"
            at ::::::::::::<*>. and <*>:: or <*>.
        "#]],
    );
}

#[test]
fn a_query_after_a_colon_is_masked() {
    check(
        "GET /a/:?c=1 HTTP/1.1",
        expect![[r#"
        GET <*> HTTP/<*>
    "#]],
    );
}

#[test]
fn a_long_line_is_its_first_words() {
    let long =
        |blob: usize| masked(&format!("upload of {blob} took 7 ms: {} end", "x7 y ".repeat(blob)));
    assert_eq!(long(1000), long(1700));
    expect!["upload of <*> took <*> ms: x7 y x7 y x7 y x7 y x7 y x7 y x7 y x7 y x7 y x7 y x7 y x7 y x7 y <*>"].assert_eq(&long(1000));
    expect!["body <*>"].assert_eq(&masked(&format!("body {} end", "QUJD1a".repeat(2000))));
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

mod documents;
mod properties;
mod traces;
