//! Missing years, dates and zones.

use expect_test::expect;

use super::*;

#[test]
fn missing_years() {
    // Against `now`, 2026-03-05: at most a day ahead, else a year back.
    expect![[r#"
        2026-03-05T10:00:00Z unknown a @h | x
        2025-03-07T10:00:00Z unknown a @h | x
        2025-12-31T23:59:59Z unknown a @h | x
        2024-02-29T10:00:00Z unknown a @h | x
    "#]].assert_eq(&each("auto", "Mar  5 10:00:00 h a[1]: x\nMar  7 10:00:00 h a[1]: x\nDec 31 23:59:59 h a[1]: x\nFeb 29 10:00:00 h a[1]: x"));
    // Over the turn of a year, and back to a late line.
    expect![[r#"
        2025-12-31T23:59:59Z unknown a @h | x
        2026-01-01T00:00:01Z unknown a @h | x
        2025-12-31T23:59:58Z unknown a @h | x
        2026-01-09T00:00:00Z unknown a @h | x
    "#]].assert_eq(&together("Dec 31 23:59:59 h a[1]: x\nJan  1 00:00:01 h a[1]: x\nDec 31 23:59:58 h a[1]: x\nJan  9 00:00:00 h a[1]: x"));
}

#[test]
fn a_number_beyond_all_times_is_none() {
    expect![[r#"
        - info svc | a
        - info svc | b
    "#]]
    .assert_eq(&each(
        "auto",
        "t=33333333333333 msg=a level=info\nt=99999999999999999 msg=b level=info",
    ));
}

#[test]
fn missing_zones() {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let lines: [&[u8]; 4] = [
        b"2026-01-04 10:00:00 INFO winter",
        b"2026-07-04 10:00:00 INFO summer",
        b"2026-03-29 02:30:00 INFO in the gap",
        b"2026-07-04T10:00:00Z INFO stated",
    ];
    expect![[r#"
        2026-01-04T09:00:00Z info svc | winter
        2026-07-04T08:00:00Z info svc | summer
        2026-03-29T00:30:00Z info svc | in the gap
        2026-07-04T10:00:00Z info svc | stated
    "#]]
    .assert_eq(&decode(DecoderOptions { zone, ..options("auto") }, &lines));
}

#[test]
fn a_local_clock_that_runs_ahead_of_its_reading_is_set_back() {
    let line = r#"{"@timestamp":"2026-03-04T08:00:01Z","message":"2026-03-04 16:00:00.500 INFO x"}
{"@timestamp":"2026-03-04T08:00:01Z","message":"2026-03-04 07:00:00.500 INFO x"}
{"@timestamp":"2026-03-04T08:00:01Z","message":"16:00:00.500 INFO x"}"#;
    expect![[r#"
        2026-03-04T08:00:00.5Z info svc | x
        2026-03-04T07:00:00.5Z info svc | x
        2026-03-04T08:00:01Z info svc | x
    "#]]
    .assert_eq(&each("auto", line));
}

#[test]
fn a_clock_in_2099_does_not_lead_the_years_of_others() {
    expect![[r#"
        2099-01-01T00:00:00Z info svc | x
        2026-03-04T10:00:00Z unknown a @h | x
    "#]]
    .assert_eq(&together("2099-01-01 00:00:00 INFO x\nMar  4 10:00:00 h a[1]: x"));
}

#[test]
fn time_of_the_transport_is_the_last_resort() {
    let mut decoder = Decoder::new(Arc::new(options("auto")), "svc");
    let mut out = Collected::default();
    decoder.push(b"no time", 0, Some(NOW), &mut out);
    decoder.push(b"Mar  4 10:00:00 h a[1]: x", 1, Some(NOW), &mut out);
    decoder.flush(&mut out);
    expect![[r#"
        2026-03-05T00:00:00Z unknown svc | no time
        2026-03-04T10:00:00Z unknown a @h | x
    "#]]
    .assert_eq(&out.text);
}
