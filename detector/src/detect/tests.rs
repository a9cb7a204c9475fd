#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::{Expect, expect};
use logwake_models::template::Masks;
use proptest::prelude::*;

use super::*;
use crate::alert::{Alert, AlertOutput, AlertSettings};
use crate::anomaly::AnomalyKind;
use crate::record::{Level, Record, Source};
use crate::tally::{ClockSettings, Tally, TallyInput};
use crate::testing::{self, CLOCK, Dice, WALL};

/// Ten minutes of warm-up, a forest, and few open windows.
fn settings() -> DetectSettings {
    let mut settings = testing::settings();
    settings.warmup = Duration::from_secs(600);
    settings.forest_p_value_max = 1e-5;
    settings.open_windows_max = 20;
    settings.sessions.idle = Duration::from_secs(600);
    settings.sessions.sessions_max = 100_000;
    settings
}

/// One simulated record.
#[derive(Clone, Debug)]
struct Line {
    millis: i64,
    service: String,
    level: Level,
    text: String,
}

/// Templates of a steady service with their mean counts a second.
const STEADY: [(&str, f64); 5] = [
    ("request served in 12 ms", 2.0),
    ("cache lookup hit for key 77", 1.0),
    ("session opened by user 1001", 0.5),
    ("session closed by user 1001", 0.4),
    ("garbage collection took 3 ms", 0.1),
];

/// Records of a service from second `from` to `to`, template rates as told by `rate`.
fn steady(
    dice: &mut Dice,
    service: &str,
    seconds: std::ops::Range<i64>,
    rate: impl Fn(i64, usize) -> f64,
) -> Vec<Line> {
    let mut lines = Vec::new();
    for second in seconds {
        for (idx, (text, mean)) in STEADY.iter().enumerate() {
            for _ in 0..dice.poisson(mean * rate(second, idx)) {
                lines.push(Line {
                    millis: second * 1000 + (dice.next() * 1000.0) as i64,
                    service: service.to_owned(),
                    level: Level::Info,
                    text: (*text).to_owned(),
                });
            }
        }
    }
    lines
}

fn line(second: i64, service: &str, level: Level, text: &str) -> Line {
    Line { millis: second * 1000, service: service.to_owned(), level, text: text.to_owned() }
}

/// Tallies lines in order of time as one source of `sources`, with cuts after the lines in `cuts`.
fn tally(
    partition: i32,
    sources: u32,
    lines: &[Line],
    is_cut: impl Fn(usize) -> bool,
) -> Vec<TallyBatch> {
    let source = Source::Partition { topic: "logs".into(), partition };
    let mut tally = Tally::new(source, sources, CLOCK, Masks::default(), WALL);
    tally_on(&mut tally, 0, lines, is_cut)
}

/// The same from the record `first` on.
fn tally_on(
    tally: &mut Tally,
    first: usize,
    lines: &[Line],
    is_cut: impl Fn(usize) -> bool,
) -> Vec<TallyBatch> {
    let mut out = Vec::new();
    for (offset, line) in lines.iter().enumerate().skip(first) {
        let record = Record {
            offset: offset as u64,
            lines: 1,
            time: Some(Timestamp::from_millis(line.millis)),
            service: &line.service,
            host: "host-1",
            level: line.level,
            content: line.text.as_bytes(),
            template: None,
            session: None,
        };
        tally.step(TallyInput::Record(&record), &mut out);
        if is_cut(offset) {
            let to = offset as u64 + 1;
            tally.step(TallyInput::Cut { to, wall: WALL, idle: false }, &mut out);
        }
    }
    let to = lines.len() as u64;
    tally.step(TallyInput::Cut { to, wall: WALL, idle: false }, &mut out);
    out
}

fn in_time(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by_key(|line| line.millis);
    lines
}

fn detect(settings: DetectSettings, batches: Vec<TallyBatch>) -> (Detect, Vec<Anomaly>) {
    let mut detect = Detect::new(settings, 0, 1);
    let mut findings = Vec::new();
    for batch in batches {
        detect.step(batch, &mut findings);
    }
    for (seq, one) in findings.iter().enumerate() {
        assert_eq!(one.seq, seq as u64);
    }
    (detect, findings.into_iter().flat_map(|findings| findings.anomalies).collect())
}

fn judge(lines: Vec<Line>) -> Vec<Anomaly> {
    detect(settings(), tally(0, 1, &in_time(lines), |_| false)).1
}

fn print(anomalies: &[Anomaly]) -> String {
    let print = |anomaly: &Anomaly| {
        let at = anomaly.at.as_nanos() / 1_000_000_000;
        let (kind, severity) = (anomaly.kind.as_str(), anomaly.severity.as_str());
        format!("{at} {kind} {severity} {:.2} {}\n", anomaly.score, anomaly.reason)
    };
    anomalies.iter().map(print).collect()
}

fn check(lines: Vec<Line>, expected: Expect) {
    expected.assert_eq(&print(&judge(lines)));
}

#[test]
fn without_its_state_a_shard_numbers_on_above_its_position() {
    let mut detect = Detect::new(settings(), 0, 1);
    detect.begin(70);
    let mut findings = Vec::new();
    let lines = [line(1, "a", Level::Info, "up"), line(40, "a", Level::Info, "up")];
    tally(0, 1, &lines, |_| true).into_iter().for_each(|b| detect.step(b, &mut findings));
    let numbers: Vec<u64> = findings.iter().map(|findings| findings.seq).collect();
    assert_eq!(numbers.first(), Some(&70));
    assert!(numbers.is_sorted(), "{numbers:?}");
}

#[test]
fn a_new_template_is_an_anomaly_after_warm_up_and_not_before() {
    let mut lines = steady(&mut Dice(1), "checkout", 0..1200, |_, _| 1.0);
    lines.push(line(100, "checkout", Level::Error, "upstream of shop 12 gave no answer"));
    lines.push(line(905, "checkout", Level::Error, "connection refused by 10.0.0.7"));
    lines.push(line(915, "checkout", Level::Error, "connection refused by 10.0.0.8"));
    lines.push(line(925, "checkout", Level::Info, "log rotated"));
    check(
        lines,
        expect![[r#"
            905 new_template error 0.37 checkout: first `connection refused by <*>` (error) in 3,444 records over 15 min
            925 new_template info 0.26 checkout: first `log rotated` (info) in 3,533 records over 15 min
        "#]],
    );
}

#[test]
fn a_burst_of_one_template_is_a_spike_and_its_absence_a_silence() {
    let lines = steady(&mut Dice(2), "checkout", 0..1200, |second, idx| match (second, idx) {
        (900..930, 2) => 20.0,
        (1000.., 0) => 0.0,
        _ => 1.0,
    });
    check(
        lines,
        expect![[r#"
            902 rate_spike info 0.58 checkout: 25 times `session opened by user <*>` in the first 2.5 s of 10 s, expected 0 to 14
            915 rate_spike info 0.71 checkout: 124 records in 10 s, expected 19 to 62
            922 rate_spike info 0.63 checkout: 30 times `session opened by user <*>` in the first 2.5 s of 10 s, expected 0 to 14, for 20 s so far
            935 rate_spike info 0.75 checkout: 146 records in 10 s, expected 19 to 62, for 30 s so far
            1025 silence info 0.72 checkout: no `request served in <*> ms` for 20 s, usually 19 in 10 s
        "#]],
    );
}

#[test]
fn a_drop_to_a_third_is_told() {
    let busy = |second: i64, _: usize| if (900..960).contains(&second) { 2.0 } else { 6.0 };
    check(
        steady(&mut Dice(3), "checkout", 0..1200, busy),
        expect![[r#"
            915 rate_drop warning 0.76 checkout: 85 records in 10 s, expected 184 to 293
            925 rate_drop info 0.59 checkout: 1 time `session closed by user <*>` in 10 s, expected 9 to 42
        "#]],
    );
}

#[test]
fn a_service_that_falls_silent_while_another_goes_on_is_told_once_a_minute_and_alone() {
    let mut lines = steady(&mut Dice(4), "checkout", 0..900, |_, _| 1.0);
    lines.extend(steady(&mut Dice(5), "cart", 0..1800, |_, _| 1.0));
    check(
        lines,
        expect![[r#"
            915 rate_drop warning 0.72 checkout: 0 records in 10 s, expected 20 to 63
            925 silence error 0.84 checkout: no records for 20 s, usually 40 in 10 s
            945 silence error 0.84 checkout: no records for 40 s, usually 40 in 10 s
            1005 silence error 0.84 checkout: no records for 100 s, usually 40 in 10 s
            1065 silence error 0.84 checkout: no records for 2 min, usually 40 in 10 s
            1125 silence error 0.84 checkout: no records for 3 min, usually 40 in 10 s
            1185 silence error 0.84 checkout: no records for 4 min, usually 40 in 10 s
            1245 silence error 0.84 checkout: no records for 5 min, usually 40 in 10 s
            1305 silence error 0.84 checkout: no records for 6 min, usually 40 in 10 s
            1365 silence error 0.84 checkout: no records for 7 min, usually 40 in 10 s
            1425 silence error 0.84 checkout: no records for 8 min, usually 40 in 10 s
            1485 silence error 0.84 checkout: no records for 9 min, usually 40 in 10 s
            1545 silence error 0.84 checkout: no records for 10 min, usually 40 in 10 s
            1605 silence error 0.84 checkout: no records for 11 min, usually 40 in 10 s
            1665 silence error 0.84 checkout: no records for 12 min, usually 40 in 10 s
            1725 silence error 0.84 checkout: no records for 13 min, usually 40 in 10 s
            1785 silence error 0.84 checkout: no records for 14 min, usually 40 in 10 s
        "#]],
    );
}

#[test]
fn a_modest_service_that_falls_silent_after_a_rush_is_told() {
    let rush = |second: i64, _: usize| if (700..730).contains(&second) { 4.0 } else { 0.5 };
    let mut lines = steady(&mut Dice(14), "checkout", 0..900, rush);
    lines.extend(steady(&mut Dice(15), "cart", 0..1000, |_, _| 1.0));
    check(
        lines,
        expect![[r#"
            705 rate_spike info 0.61 checkout: 45 times `request served in <*> ms` in the first 5 s of 10 s, expected 1 to 23
            710 rate_spike info 0.59 checkout: 21 times `session opened by user <*>` in 10 s, expected 0 to 9
            710 rate_spike info 0.62 checkout: 36 times `cache lookup hit for key <*>` in 10 s, expected 0 to 14
            715 rate_spike info 0.79 checkout: 175 records in 10 s, expected 6 to 38
            925 silence error 0.62 checkout: no records for 20 s, usually 22 in 10 s
            945 silence error 0.62 checkout: no records for 40 s, usually 22 in 10 s
        "#]],
    );
}

#[test]
fn a_nightly_job_that_did_not_run_is_a_silence_of_its_template() {
    let (minute, day) = (60, 86_400);
    let beats = (0..7 * day / 300).map(|n| line(n * 300, "billing", Level::Info, "still here"));
    let nights = (0..6).map(|n| {
        let start = n * day + 180 * minute + n * 7 % 4 * minute;
        line(start, "billing", Level::Info, "export of 7 orders finished")
    });
    let mut found = judge(beats.chain(nights).collect());
    found.retain(|anomaly| anomaly.kind == AnomalyKind::Silence);
    let expected = expect![[r#"
        533535 silence error 0.39 billing: no `export of <*> orders finished`: last at 03:03 UTC, 25 h ago, due at 03:03 UTC, 69 min ago, on time 5 times before
    "#]];
    expected.assert_eq(&print(&found));
}

#[test]
fn more_errors_than_usual_are_a_level_shift() {
    let mut lines = steady(&mut Dice(6), "checkout", 0..1200, |_, _| 1.0);
    for n in 0..40 {
        lines.push(line(n * 22, "checkout", Level::Error, "payment declined for card 4"));
    }
    for n in 0..25 {
        lines.push(line(900 + n / 5, "checkout", Level::Error, "payment declined for card 4"));
    }
    check(
        lines,
        expect![[r#"
            902 level_shift error 0.66 checkout: 16 records of level error or above in the first 2.5 s of 10 s, expected 0 to 4
            902 rate_spike error 0.66 checkout: 16 times `payment declined for card <*>` in the first 2.5 s of 10 s, expected 0 to 4
        "#]],
    );
}

/// Two hours of steady noise and then one window in which the rates of the templates are scaled by
/// `mix` and `warnings` are added: what the forest tells in all of it.
fn told_by_forest(mix: [f64; 4], warnings: i64) -> String {
    let mut lines = steady(&mut Dice(7), "checkout", 0..7260, |second, idx| {
        if (7200..7210).contains(&second) { *mix.get(idx).unwrap_or(&1.0) } else { 1.0 }
    });
    for n in 0..warnings {
        lines.push(line(7200 + n, "checkout", Level::Warn, "session closed by user 1001"));
    }
    let (_, mut found) = detect(settings(), tally(0, 1, &in_time(lines), |_| false));
    found.retain(|anomaly| anomaly.kind == AnomalyKind::Forest);
    let at = |one: &Anomaly| one.window_start.as_nanos() / 1_000_000_000;
    found.iter().map(|one| format!("{}: {}\n", at(one), one.reason)).collect()
}

#[test]
fn the_forest_tells_of_a_level_that_never_came_before_and_of_nothing_in_steady_noise() {
    expect![""].assert_eq(&told_by_forest([1.0, 1.0, 1.0, 1.0], 0));
    expect![""].assert_eq(&told_by_forest([0.4, 1.8, 2.4, 0.0], 0));
    expect![[r#"
        7200: checkout: these 10 s as a whole are unusual, most of all in warning share (95 %), volume (2 %), volume against its usual (2 %); isolation 0.69, usually 0.33
    "#]].assert_eq(&told_by_forest([1.0, 1.0, 1.0, 1.0], 9));
}

/// Sixty hours of services in all; at a p-value of 1e-3 the forest spoke six times in them when this
/// was written.
#[test]
fn ten_services_of_steady_noise_raise_nothing_in_six_hours() {
    let mut dice = Dice(8);
    let lines = (0..10).flat_map(|n| {
        let scale = [0.1, 0.3, 1.0, 1.0, 2.0, 3.0, 0.5, 0.2, 1.5, 0.05][n];
        steady(&mut dice, &format!("service-{n}"), 0..21_600, |_, _| scale)
    });
    let settings = DetectSettings { forest_p_value_max: 1e-4, ..settings() };
    let (_, found) = detect(settings, tally(0, 1, &in_time(lines.collect()), |_| false));
    assert_eq!(print(&found), "");
}

#[test]
fn a_parked_window_neither_blocks_nor_starves_the_others() {
    let mut lines = steady(&mut Dice(9), "checkout", 0..1200, |_, _| 1.0);
    let mut batches = Vec::new();
    for n in 0..40 {
        lines.push(Line {
            millis: 100_000 + n * 20_000,
            ..line(0, "checkout", Level::Info, &format!("parked at {n}"))
        });
    }
    let mut lines = in_time(lines);
    for line in lines.iter_mut().filter(|line| line.text.starts_with("parked")) {
        line.millis += 3_000_000_000;
    }
    batches.extend(tally(0, 1, &lines, |_| false));
    let (detect, anomalies) = detect(settings(), batches);
    let state = detect.state();
    assert_eq!(state.closed, Some(Timestamp::from_secs(1190)));
    assert_eq!(state.services["checkout"].windows, 119);
    assert!(state.services["checkout"].open.len() <= settings().open_windows_max);
    assert!((20..=22).contains(&state.counts.records_dropped));
    assert_eq!(print(&anomalies), "");
}

#[test]
fn a_gap_of_a_day_is_passed_over() {
    let mut lines = steady(&mut Dice(10), "checkout", 0..1200, |_, _| 1.0);
    lines.extend(steady(&mut Dice(11), "checkout", 87_600..88_800, |_, _| 1.0));
    let (detect, anomalies) = detect(settings(), tally(0, 1, &in_time(lines), |_| false));
    assert!(detect.state().counts.windows < 120 + 120 + 62);
    expect![[r#"
        1215 rate_drop warning 0.70 checkout: 0 records in 10 s, expected 19 to 65
        1225 silence error 0.83 checkout: no records for 20 s, usually 40 in 10 s
        1245 silence error 0.83 checkout: no records for 40 s, usually 40 in 10 s
        1305 silence error 0.83 checkout: no records for 100 s, usually 40 in 10 s
        1365 silence error 0.83 checkout: no records for 2 min, usually 40 in 10 s
        1425 silence error 0.83 checkout: no records for 3 min, usually 40 in 10 s
        1485 silence error 0.83 checkout: no records for 4 min, usually 40 in 10 s
        1545 silence error 0.83 checkout: no records for 5 min, usually 40 in 10 s
        1605 silence error 0.83 checkout: no records for 6 min, usually 40 in 10 s
        1665 silence error 0.83 checkout: no records for 7 min, usually 40 in 10 s
        1725 silence error 0.83 checkout: no records for 8 min, usually 40 in 10 s
        1785 silence error 0.83 checkout: no records for 9 min, usually 40 in 10 s
        87607 rate_spike info 0.80 checkout: 13 times `cache lookup hit for key <*>` in the first 7.5 s of 10 s, expected 0 to 1
        87630 rate_spike info 0.79 checkout: 12 times `cache lookup hit for key <*>` in 10 s, expected 0 to 1
    "#]].assert_eq(&print(&anomalies));
}

#[test]
fn windows_of_another_width_are_learned_anew_and_templates_stay() {
    let mut dice = Dice(5);
    let lines = in_time(steady(&mut dice, "web", 0..7200, |_, _| 1.0));
    let (half, wide) = (lines.len() / 2, Duration::from_secs(60));
    let source = || Source::Partition { topic: "logs".into(), partition: 0 };
    let mut narrow = Tally::new(source(), 1, CLOCK, Masks::default(), WALL);
    let batches = tally_on(&mut narrow, 0, &lines[..half], |_| false);
    let (before, mut found) = detect(settings(), batches);
    let ids: Vec<_> = before.state().services()["web"].templates.keys().copied().collect();
    let clock = ClockSettings { window: wide, ..CLOCK };
    let mut wider = Tally::new(source(), 1, clock, Masks::default(), WALL);
    wider.restore(narrow.state());
    let mut after = Detect::new(DetectSettings { window: wide, ..settings() }, 0, 1);
    assert!(!after.restore(before.state().clone()));
    let mut out = Vec::new();
    for batch in tally_on(&mut wider, half, &lines, |_| false) {
        after.step(batch, &mut out);
    }
    found.extend(out.into_iter().flat_map(|findings| findings.anomalies));
    assert_eq!(print(&found), "");
    let web = &after.state().services()["web"];
    assert!(web.templates.keys().copied().eq(ids));
    assert!((50..62).contains(&web.windows), "{}", web.windows);
}

#[test]
fn a_batch_that_comes_again_is_dropped() {
    let lines = in_time(steady(&mut Dice(12), "checkout", 0..300, |_, _| 1.0));
    let once = tally(0, 1, &lines, |n| n % 50 == 0);
    let twice: Vec<_> = once.iter().flat_map(|batch| [batch.clone(), batch.clone()]).collect();
    let (mut twice, _) = detect(settings(), twice);
    assert_eq!(twice.state().counts.repeated, once.len() as u64);
    assert_eq!(twice.state().counts.lines.total(), lines.len() as u64);
    twice.state.counts.repeated = 0;
    assert!(twice == detect(settings(), once).0);
}

#[test]
fn anomalies_say_when_a_source_was_not_waited_for() {
    let lines = in_time(steady(&mut Dice(13), "checkout", 0..1200, |second, idx| {
        if second >= 1100 && idx == 2 { 30.0 } else { 1.0 }
    }));
    let mut batches = tally(0, 2, &lines, |_| false);
    for batch in &mut batches {
        batch.wall = batch.wall + batch.newest.unwrap().since(Timestamp::from_secs(0));
    }
    let (_, anomalies) = detect(settings(), batches);
    assert!(!anomalies.is_empty());
    assert!(anomalies.iter().all(|anomaly| anomaly.incomplete));
}

#[test]
fn services_beyond_the_limit_are_counted_together() {
    let lines: Vec<Line> =
        (0..50).map(|n| line(n, &format!("s{n}"), Level::Info, "hello")).collect();
    let settings = DetectSettings { services_max: 3, ..settings() };
    let (detect, _) = detect(settings, tally(0, 1, &lines, |_| false));
    let records = |service: &Service| service.records;
    let found: Vec<_> =
        detect.state().services.iter().map(|(name, one)| (name.as_str(), records(one))).collect();
    assert_eq!(found, [("(other)", 47), ("s0", 1), ("s1", 1), ("s2", 1)]);
}

#[test]
fn a_service_idle_for_days_gives_up_its_place_to_a_new_one_and_the_longest_idle_goes_first() {
    let (hour, day) = (3600, 86_400);
    let names = |detect: &Detect| detect.state().services.keys().cloned().collect::<Vec<_>>();
    let mut lines: Vec<Line> =
        (0..4 * day / hour).map(|n| line(n * hour, "web", Level::Info, "still here")).collect();
    lines.push(line(10, "once", Level::Info, "hello"));
    lines.push(line(20, "invented", Level::Info, "hello"));
    // Too early: nobody has been idle for so long.
    lines.push(line(day, "early", Level::Info, "hello"));
    lines.push(line(3 * day, "first", Level::Info, "hello"));
    lines.push(line(3 * day + hour, "second", Level::Info, "hello"));
    lines.push(line(3 * day + 2 * hour, "third", Level::Info, "hello"));
    let settings = DetectSettings { services_max: 3, ..settings() };
    let batches = tally(0, 1, &in_time(lines), |_| false);
    let (whole, _) = detect(settings, batches.clone());
    assert_eq!(names(&whole), ["(other)", "first", "second", "web"]);
    let (mut stopped, mut out) = (Detect::new(settings, 0, 1), Vec::new());
    for batch in batches {
        stopped.step(batch, &mut out);
        let state = postcard::to_allocvec(stopped.state()).unwrap();
        stopped = Detect::new(settings, 0, 1);
        stopped.restore(postcard::from_bytes(&state).unwrap());
    }
    assert!(stopped.state() == whole.state());
}

/// Records of `web` for 20 min, and of `other`, whose clock is ahead from the middle on.
fn beside_a_clock_that_is_ahead(ahead: i64) -> Vec<Line> {
    let mut lines = in_time(steady(&mut Dice(21), "web", 0..1200, |_, _| 1.0));
    for second in [800, 801, 802, 803] {
        let at = lines.partition_point(|line| line.millis < second * 1000);
        let other = line(second + ahead, "other", Level::Info, "batch done");
        lines.splice(at..at, [other.clone(), other]);
    }
    let fatal = line(900, "web", Level::Fatal, "cannot allocate memory");
    let at = lines.partition_point(|line| line.millis < 900_000);
    lines.insert(at, fatal);
    lines
}

#[test]
fn records_of_another_service_that_are_ahead_hide_no_failure_and_close_no_window() {
    let (detect, told) =
        detect(settings(), tally(0, 1, &beside_a_clock_that_is_ahead(590), |_| false));
    assert_eq!(detect.state().counts.lines.late, 0);
    let is_less = |one: &Anomaly| matches!(one.kind, AnomalyKind::Silence | AnomalyKind::RateDrop);
    assert!(!told.iter().any(is_less), "{}", print(&told));
    assert!(told.iter().any(|one| one.service == "web" && one.level == Level::Fatal));
}

#[test]
fn the_last_line_of_a_source_is_told_though_no_other_stream_confirms_its_time() {
    let mut lines = in_time(steady(&mut Dice(24), "web", 0..1200, |_, _| 1.0));
    lines.extend(steady(&mut Dice(25), "shop", 0..1200, |_, _| 1.0));
    let mut lines = in_time(lines);
    lines.push(line(1230, "web", Level::Fatal, "cannot allocate memory"));
    let source = Source::Partition { topic: "logs".into(), partition: 0 };
    let mut machine = Tally::new(source, 1, CLOCK, Masks::default(), WALL);
    let mut batches = tally_on(&mut machine, 0, &lines, |_| false);
    let to = lines.len() as u64;
    machine.step(TallyInput::Cut { to, wall: WALL, idle: true }, &mut batches);
    let (detect, told) = detect(settings(), batches);
    assert_eq!(detect.state().progress(), Some(Timestamp::from_secs(1230)));
    let fatal = told.iter().find(|one| one.level == Level::Fatal).unwrap();
    assert_eq!(fatal.at, Timestamp::from_secs(1230));
}

#[test]
fn the_first_of_a_failure_is_told_though_it_came_too_late_and_no_window_counts_it() {
    let mut lines = in_time(steady(&mut Dice(22), "web", 0..1200, |_, _| 1.0));
    let at = lines.partition_point(|line| line.millis < 900_000);
    lines.insert(at, line(700, "web", Level::Fatal, "cannot allocate memory"));
    let without: Vec<Line> =
        lines.iter().filter(|line| line.level != Level::Fatal).cloned().collect();
    let (late, told) = detect(settings(), tally(0, 1, &lines, |_| false));
    assert_eq!(late.state().counts.lines.late, 1);
    assert_eq!(late.state().services["web"].late, 1);
    expect![[r#"
        899 new_template error 0.37 web: first `cannot allocate memory` (fatal) in 3,455 records over 14 min
    "#]]
    .assert_eq(&print(&told));
    let (never, _) = detect(settings(), tally(0, 1, &without, |_| false));
    let total = |detect: &Detect| detect.state().services["web"].total.clone();
    assert!(total(&late) == total(&never));
}

#[test]
fn anomalies_that_are_too_many_for_one_message_are_handed_over_in_parts() {
    let mut lines = steady(&mut Dice(23), "web", 0..900, |_, _| 1.0);
    let word = |n: i64| {
        (0..4).map(|k| char::from(b'g' + (n / 17_i64.pow(k) % 17) as u8)).collect::<String>()
    };
    for n in 0..600 {
        let text = format!("{} {}", word(n * 31), word(n).repeat(500));
        lines.push(Line { millis: 899_000, ..line(0, "web", Level::Error, &text) });
    }
    lines.push(line(950, "web", Level::Info, "request served in 12 ms"));
    let mut machine = Detect::new(settings(), 0, 1);
    let mut found = Vec::new();
    for batch in tally(0, 1, &in_time(lines), |_| false) {
        machine.step(batch, &mut found);
    }
    let bytes = |one: &Findings| postcard::to_allocvec(one).unwrap().len();
    assert!(found.iter().map(bytes).max().unwrap() < 1_000_000);
    assert!(found.iter().map(|one| one.anomalies.len()).sum::<usize>() >= 500);
    assert!(found.iter().map(|one| one.seq).eq(0..found.len() as u64));
    assert!(found.is_sorted_by_key(|one| one.progress));
}

/// Half an hour of two services with some of everything in it, shaped by a seed.
fn eventful(seed: u64) -> Vec<Line> {
    let mut dice = Dice(seed);
    let turn = 700 + (dice.next() * 300.0) as i64;
    let mut lines = steady(&mut dice.clone(), "checkout", 0..1300, |second, idx| {
        if second > turn && idx == 1 { 12.0 } else { 1.0 }
    });
    lines.extend(steady(&mut dice, "cart", 0..turn, |_, _| 1.0));
    lines.extend(steady(&mut dice, "search", 330..1300, |second, idx| {
        if second > turn && idx == 1 { 12.0 } else { 1.0 }
    }));
    for n in 0..6 {
        let second = 650 + (dice.next() * 600.0) as i64;
        let text = ["disk full", "out of memory", "lease lost", "queue broken", "no route", "bad"];
        lines.push(line(second, "checkout", Level::Error, text[n]));
    }
    in_time(lines)
}

fn quick() -> DetectSettings {
    DetectSettings { warmup: Duration::from_secs(300), open_windows_max: 1000, ..settings() }
}

/// Runs batches through detect and alert.
fn alerts(batches: Vec<TallyBatch>) -> (Vec<Anomaly>, Vec<AlertOutput>) {
    let mut alert = Alert::new(AlertSettings {
        open_weight: 3.0,
        join_gap: Duration::from_secs(60),
        resolve_after: Duration::from_secs(300),
        update_every: Duration::from_secs(120),
        clusters_max: 100,
        ..AlertSettings::DEFAULT
    });
    let (mut detect, mut findings, mut out) = (Detect::new(quick(), 0, 1), Vec::new(), Vec::new());
    for batch in batches {
        detect.step(batch, &mut findings);
    }
    for one in &findings {
        alert.step(one.clone(), &mut out);
    }
    (findings.into_iter().flat_map(|findings| findings.anomalies).collect(), out)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn more_cuts_change_no_anomaly(
        seed in any::<u64>(),
        every in 3usize..400,
        jitter in 0i64..4000,
    ) {
        let mut dice = Dice(seed ^ 7);
        let mut lines = eventful(seed);
        for line in &mut lines {
            line.millis -= (dice.next() * jitter as f64) as i64;
            line.millis -= if seed % 2 == 0 { line.millis.rem_euclid(1000) } else { 0 };
        }
        let (once, first) = alerts(tally(0, 1, &lines, |_| false));
        let (often, second) = alerts(tally(0, 1, &lines, |n| n % every == 0));
        prop_assert!(!once.is_empty());
        prop_assert_eq!(once, often);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn batches_of_two_sources_may_come_in_any_order(
        seed in any::<u64>(),
        lead in prop::collection::vec(0usize..3, 20..60),
    ) {
        let mut dice = Dice(seed ^ 3);
        let (left, right): (Vec<Line>, Vec<Line>) =
            eventful(seed).into_iter().partition(|_| dice.next() < 0.5);
        let batches = || {
            (tally(0, 2, &left, |n| n % 40 == 0), tally(1, 2, &right, |n| n % 70 == 0))
        };
        let told = |order: Vec<TallyBatch>| -> Vec<Anomaly> {
            let mut told = detect(quick(), order).1;
            told.sort_by(|a, b| a.id.cmp(&b.id));
            told
        };
        let (a, b) = batches();
        let first = told(a.into_iter().chain(b).collect());
        let (a, b) = batches();
        let (mut a, mut b, mut mixed) = (a.into_iter(), b.into_iter(), Vec::new());
        for turn in lead.iter().cycle() {
            let taken = if *turn == 0 { b.next() } else { a.next() };
            let Some(batch) = taken else { break };
            mixed.push(batch);
        }
        mixed.extend(a);
        mixed.extend(b);
        prop_assert_eq!(told(mixed), first);
    }

    #[test]
    fn a_machine_restored_from_its_bytes_goes_on_as_if_never_stopped(
        seed in any::<u64>(),
        stops in prop::collection::vec(0usize..130, 1..5),
    ) {
        let batches = tally(0, 1, &eventful(seed), |_| false);
        let (mut steady, mut stopped) = (Detect::new(quick(), 0, 1), Detect::new(quick(), 0, 1));
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        for (n, batch) in batches.into_iter().enumerate() {
            steady.step(batch.clone(), &mut expected);
            stopped.step(batch, &mut found);
            if stops.contains(&n) {
                let bytes = postcard::to_allocvec(stopped.state()).unwrap();
                stopped = Detect::new(quick(), 0, 1);
                stopped.restore(postcard::from_bytes(&bytes).unwrap());
                prop_assert!(bytes == postcard::to_allocvec(stopped.state()).unwrap());
            }
        }
        prop_assert_eq!(expected, found);
        prop_assert!(steady == stopped);
    }
}
