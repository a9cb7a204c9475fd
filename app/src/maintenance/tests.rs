//! Windows in, the times at which they are on out.

use expect_test::{Expect, expect};

use super::*;
use crate::config;
use crate::config::Config;

fn window(start: &str, minutes: u64, zone: &str) -> MaintenanceWindow {
    MaintenanceWindow {
        name: "w".to_owned(),
        start: Some(start.to_owned()),
        duration: Some(config::Span::secs(minutes * 60)),
        zone: zone.to_owned(),
        ..MaintenanceWindow::default()
    }
}

/// Lists when a window is on within some hours from an instant, to the minute.
fn check(window: &MaintenanceWindow, from: &str, hours: i64, expected: Expect) {
    let zone = TimeZone::get(&window.zone).unwrap();
    let calendar = Calendar::new(vec![Window::new(window).unwrap()]);
    let from: Instant = from.parse().unwrap();
    let (mut shown, mut was_on) = (String::new(), false);
    for minute in 0..hours * 60 {
        let at = from + Span::new().minutes(minute);
        let nanos = i64::try_from(at.as_nanosecond()).unwrap();
        let on = calendar.maintenance_at(Timestamp::from_nanos(nanos));
        if on.is_empty() == was_on {
            was_on = !was_on;
            let word = if was_on { "on " } else { "off" };
            shown += &format!("{word} {}\n", at.to_zoned(zone.clone()).strftime("%a %F %H:%M %Z"));
        }
    }
    expected.assert_eq(&shown);
}

#[test]
fn a_start_that_the_clocks_skip_is_as_much_later() {
    // In Berlin, 2026-03-29 goes from 02:00 CET to 03:00 CEST.
    check(
        &window("02:00", 120, "Europe/Berlin"),
        "2026-03-28T00:00:00Z",
        72,
        expect![[r#"
        on  Sat 2026-03-28 02:00 CET
        off Sat 2026-03-28 04:00 CET
        on  Sun 2026-03-29 03:00 CEST
        off Sun 2026-03-29 05:00 CEST
        on  Mon 2026-03-30 02:00 CEST
        off Mon 2026-03-30 04:00 CEST
    "#]],
    );
    check(
        &window("02:30", 60, "Europe/Berlin"),
        "2026-03-28T12:00:00Z",
        36,
        expect![[r#"
        on  Sun 2026-03-29 03:30 CEST
        off Sun 2026-03-29 04:30 CEST
    "#]],
    );
    // One that has begun before lasts as long as on any other day.
    check(
        &window("01:00", 120, "Europe/Berlin"),
        "2026-03-28T12:00:00Z",
        24,
        expect![[r#"
        on  Sun 2026-03-29 01:00 CET
        off Sun 2026-03-29 04:00 CEST
    "#]],
    );
}

#[test]
fn of_a_start_that_comes_twice_the_first_counts() {
    // In Berlin, 2026-10-25 goes from 03:00 CEST back to 02:00 CET.
    check(
        &window("02:00", 120, "Europe/Berlin"),
        "2026-10-24T12:00:00Z",
        48,
        expect![[r#"
        on  Sun 2026-10-25 02:00 CEST
        off Sun 2026-10-25 03:00 CET
        on  Mon 2026-10-26 02:00 CET
        off Mon 2026-10-26 04:00 CET
    "#]],
    );
    check(
        &window("02:30", 30, "Europe/Berlin"),
        "2026-10-24T12:00:00Z",
        36,
        expect![[r#"
        on  Sun 2026-10-25 02:30 CEST
        off Sun 2026-10-25 02:00 CET
    "#]],
    );
    check(
        &window("01:30", 120, "Europe/Berlin"),
        "2026-10-24T12:00:00Z",
        24,
        expect![[r#"
        on  Sun 2026-10-25 01:30 CEST
        off Sun 2026-10-25 02:30 CET
    "#]],
    );
}

#[test]
fn a_window_belongs_to_the_day_on_which_it_begins() {
    let mut weekend = window("23:00", 180, "America/New_York");
    weekend.days = vec!["sat".to_owned(), "Sun".to_owned()];
    check(
        &weekend,
        "2026-11-20T00:00:00Z",
        24 * 8,
        expect![[r#"
        on  Sat 2026-11-21 23:00 EST
        off Sun 2026-11-22 02:00 EST
        on  Sun 2026-11-22 23:00 EST
        off Mon 2026-11-23 02:00 EST
    "#]],
    );
    let mut long = window("12:00", 60 * 50, "UTC");
    long.days = vec!["fri".to_owned()];
    check(
        &long,
        "2026-11-16T00:00:00Z",
        24 * 9,
        expect![[r#"
        on  Fri 2026-11-20 12:00 UTC
        off Sun 2026-11-22 14:00 UTC
    "#]],
    );
}

#[test]
fn a_window_may_come_once() {
    let once = |from: &str, until: &str| MaintenanceWindow {
        from: Some(from.to_owned()),
        until: Some(until.to_owned()),
        start: None,
        duration: None,
        ..window("", 0, "Europe/Berlin")
    };
    check(
        &once("2026-10-25T02:00", "2026-10-25T04:00"),
        "2026-10-24T12:00:00Z",
        36,
        expect![[r#"
        on  Sun 2026-10-25 02:00 CEST
        off Sun 2026-10-25 04:00 CET
    "#]],
    );
    check(
        &once("2026-03-29T02:30", "2026-03-29T02:45:00Z"),
        "2026-03-28T12:00:00Z",
        36,
        expect![[r#"
            on  Sun 2026-03-29 03:30 CEST
            off Sun 2026-03-29 04:45 CEST
        "#]],
    );
}

#[test]
fn what_is_wrong_with_a_window_is_said_with_its_line() {
    let text = r#"
[[alerts.maintenance]]
name = "a b"
start = "25:00"
duration = "1h"
[[alerts.maintenance]]
name = "x"
start = "02:00"
[[alerts.maintenance]]
name = "x"
from = "2026-01-02T03:04"
until = "2026-01-02T03:04"
[[alerts.maintenance]]
name = "y"
days = ["monday"]
start = "02:00"
duration = "1h"
[[alerts.maintenance]]
name = "z"
[[alerts.maintenance]]
name = "t"
from = "2026-01-02T03:04"
zone = "Mars"
[[alerts.maintenance]]
start = "02:00"
duration = "9d"
"#;
    let problems = Config::parse(text, std::path::Path::new("."), &|_| None).unwrap_err();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    expect![[r#"
        line 3: alerts.maintenance[0].name: "a b" is not 1 to 64 of the characters a-z A-Z 0-9 . _ -
        line 4: alerts.maintenance[0].start: "25:00" is not a time of day such as "02:00"
        line 6: alerts.maintenance[1].duration: is missing
        line 10: alerts.maintenance[2].name: "x" is given twice
        line 12: alerts.maintenance[2].until: is not after from
        line 15: alerts.maintenance[3].days: "monday" is not a day, known: mon, tue, wed, thu, fri, sat, sun
        line 18: alerts.maintenance[4].start: is missing, or from and until are
        line 23: alerts.maintenance[5].zone: "Mars" is not a time zone, write an IANA name such as "Europe/Berlin"
        line 24: alerts.maintenance[6].name: is missing
        line 26: alerts.maintenance[6].duration: is not between 1ns and 7d"#]].assert_eq(&shown.join("\n"));
}
