#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;

const WINDOW: i64 = 10;
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
const DEMAND: Demand =
    Demand { p_value_max: 1e-6, ratio_min: 2.0, records_min: 3.0, is_patient: false };

/// Closes the windows of these seconds with what `count_at` says; returns what was told when.
fn told(
    series: &mut Series,
    secs: std::ops::Range<i64>,
    count_at: impl Fn(i64) -> u64,
) -> Vec<(i64, Deviation)> {
    secs.step_by(WINDOW as usize)
        .filter_map(|start| {
            let end = Timestamp::from_secs(start + WINDOW);
            series.close(count_at(start), end, &DEMAND).map(|deviation| (start, deviation))
        })
        .collect()
}

/// Minutes by which a job is late, another each night.
fn jitter(day: i64) -> i64 {
    day * 7 % 5 * MINUTE
}

/// What a job writes that starts at three and runs for some windows.
fn job(start: i64, count: u64) -> u64 {
    let since = start % DAY - 3 * HOUR - jitter(start / DAY);
    if (0..30).contains(&since) { count } else { 0 }
}

#[test]
fn a_nightly_job_that_did_not_run_is_told_once_and_soon() {
    let mut series = Series::by_the_clock(0);
    let found = told(&mut series, 0..8 * DAY, |start| job(start, 1));
    assert_eq!(found, []);
    let found = told(&mut series, 8 * DAY..10 * DAY, |_| 0);
    let once: Vec<_> = found.iter().filter(|(_, deviation)| !deviation.is_repeat).collect();
    let [(at, deviation)] = once[..] else { panic!("{once:?}") };
    assert_eq!(deviation.direction, Direction::Gone);
    let missed = deviation.missed.unwrap();
    let due = 8 * DAY + 3 * HOUR;
    assert!((missed.due.due as i64 - due).abs() < 10 * MINUTE, "{missed:?}");
    assert!(*at > due + HOUR && *at < due + HOUR + 25 * MINUTE, "{at}");
    // It is back, and missed again.
    let found = told(&mut series, 10 * DAY..14 * DAY, |start| job(start, 1));
    assert_eq!(found, []);
}

#[test]
fn a_job_that_writes_much_is_no_spike_each_night() {
    let mut series = Series::by_the_clock(0);
    let found = told(&mut series, 0..10 * DAY, |start| job(start, 400));
    assert!(found.iter().all(|(at, _)| *at < 2 * DAY), "{found:?}");
    // Nor is it where the template comes all day.
    let mut series = Series::by_the_clock(0);
    let usual = |start: i64| 4 + (start / WINDOW * 7 % 5) as u64;
    let found = told(&mut series, 0..10 * DAY, |start| usual(start) + job(start, 400));
    assert!(found.iter().all(|(at, _)| *at < 2 * DAY), "{found:?}");
    // At noon it is one.
    let noon = 10 * DAY + 12 * HOUR;
    told(&mut series, 10 * DAY..noon, usual);
    let found = told(&mut series, noon..noon + 60, |start| usual(start) + 400);
    assert_eq!(found.first().map(|(at, _)| *at), Some(noon));
}

#[test]
fn a_change_of_the_clocks_is_no_miss() {
    for hours in [-1, 1] {
        let local = |start: i64| if start < 9 * DAY { start } else { start - hours * HOUR };
        let mut series = Series::by_the_clock(0);
        let found = told(&mut series, 0..16 * DAY, |start| job(local(start), 1));
        assert_eq!(found, [], "by {hours}");
        let mut series = Series::by_the_clock(0);
        let found = told(&mut series, 0..16 * DAY, |start| job(local(start), 400));
        assert!(found.iter().all(|(at, _)| *at < 2 * DAY), "by {hours}: {found:?}");
    }
}

#[test]
fn what_is_not_asked_about_is_not_missed() {
    let mut series = Series::new(0);
    told(&mut series, 0..8 * DAY, |start| job(start, 1));
    assert_eq!(told(&mut series, 8 * DAY..9 * DAY, |_| 0), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn stopping_makes_no_difference(
        counts in prop::collection::vec(prop_oneof![4 => Just(0u64), 2 => 1u64..8, 1 => 50u64..500], 50..400),
        stop in 0usize..50,
        width in prop_oneof![Just(10i64), Just(60), Just(900)],
    ) {
        let mut ever = Series::by_the_clock(3);
        let mut stopped = ever.clone();
        for (idx, count) in counts.iter().enumerate() {
            if idx % 50 == stop {
                let bytes = postcard::to_allocvec(&stopped).unwrap();
                stopped = postcard::from_bytes(&bytes).unwrap();
            }
            let at = Timestamp::from_secs(1_000_000 + idx as i64 * width);
            prop_assert_eq!(ever.close(*count, at, &DEMAND), stopped.close(*count, at, &DEMAND));
        }
        prop_assert_eq!(ever, stopped);
    }
}
