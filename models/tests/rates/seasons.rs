//! Seasons, trends and changes of the clocks: what must not be found, and what must.

use super::load::{BEGIN, DAY, weekend_share};
use super::stream::Stream;
use logwake_models::rate::{Baseline, BaselineParams};
use proptest::prelude::*;
use std::f64::consts::TAU;

/// Windows of a minute and an hour's memory.
const WIDTH: u64 = 60;
const HOUR: u64 = 3600;

fn params() -> BaselineParams {
    BaselineParams { half_life: 60.0, ..BaselineParams::default() }
}

/// Thirteen times as much at three in the afternoon as at three at night, half on weekends.
fn working_week(local: f64) -> f64 {
    day_of(local, weekend_share(local / HOUR as f64))
}

fn day_of(local: f64, weekend: f64) -> f64 {
    let hour = local / HOUR as f64 % 24.0;
    0.5f64.powf(weekend) * 300.0 * (1.3 * ((hour - 15.0) / 24.0 * TAU).cos()).exp()
}

/// A window that would be told: seconds since the begin, count and mean.
type Alarm = (u64, u64, f64);

/// Watches `days` of counts with this mean; returns what would be told of those in `judged`.
fn alarms(mean_at: impl Fn(u64) -> f64, seed: u64, judged: std::ops::Range<u64>) -> Vec<Alarm> {
    let mut stream = Stream::new(seed);
    let mut baseline = Baseline::new(params());
    let mut found = Vec::new();
    for secs in (0..judged.end).step_by(WIDTH as usize) {
        let count = stream.count(mean_at(secs), 0.01);
        baseline.advance(BEGIN + secs + WIDTH);
        if judged.contains(&secs) && is_told(&baseline, count) {
            found.push((secs, count, baseline.mean()));
        }
        baseline.observe(count);
    }
    found
}

/// The least that the detector demands.
fn is_told(baseline: &Baseline, count: u64) -> bool {
    let (mean, seen) = (baseline.mean(), count as f64);
    (seen >= 2.0 * mean && baseline.p_upper(count) < 1e-6)
        || (2.0 * seen <= mean && baseline.p_lower(count) < 1e-6)
}

#[test]
fn a_monday_morning_after_two_weeks_is_no_news() {
    for seed in 0..3 {
        let found = alarms(|secs| working_week(secs as f64), seed, 14 * DAY..21 * DAY);
        assert_eq!(found, []);
    }
}

#[test]
fn changes_of_the_clocks_are_no_news() {
    for (seed, hours) in [(1, 1.0), (2, -1.0)] {
        let change = 20 * DAY + 2 * HOUR;
        let shifted = |secs: u64| {
            working_week(secs as f64 + if secs < change { 0.0 } else { hours * HOUR as f64 })
        };
        let found = alarms(shifted, seed, 19 * DAY..23 * DAY);
        assert_eq!(found, [], "by {hours}");
    }
}

#[test]
fn a_holiday_is_no_news() {
    // The fourth Monday is part of its weekend, the Tuesday begins the week.
    let holiday = |secs: u64| {
        let hours = secs as f64 / HOUR as f64;
        let weekend = match secs / DAY {
            21 => 1.0,
            22 => weekend_share(hours - 24.0),
            _ => weekend_share(hours),
        };
        day_of(secs as f64, weekend)
    };
    assert_eq!(alarms(holiday, 5, 20 * DAY..23 * DAY), []);
}

#[test]
fn what_happened_last_week_is_not_expected_again() {
    let incidents = |secs: u64| {
        let level = match secs {
            // A Monday without anything from nine to eleven, a Tuesday with five times as much.
            _ if (14 * DAY + 9 * HOUR..14 * DAY + 11 * HOUR).contains(&secs) => 0.0,
            _ if (15 * DAY + 13 * HOUR..15 * DAY + 14 * HOUR).contains(&secs) => 5.0,
            _ => 1.0,
        };
        level * working_week(secs as f64)
    };
    assert_eq!(alarms(incidents, 6, 16 * DAY..24 * DAY), []);
}

#[test]
fn trends_are_followed() {
    let a_day = |secs: u64| 1000.0 * (0.01 * secs as f64 / DAY as f64).exp();
    assert_eq!(alarms(a_day, 1, HOUR..10 * DAY), []);
    let an_hour =
        |secs: u64| 200.0 * 1.3f64.powf((secs as f64 / HOUR as f64 - 12.0).clamp(0.0, 8.0));
    assert_eq!(alarms(an_hour, 2, HOUR..DAY), []);
}

#[test]
fn the_first_morning_is_followed() {
    for seed in 0..3 {
        // From midnight on; nothing is known but the night.
        assert_eq!(alarms(|secs| working_week(secs as f64), seed, HOUR..DAY), []);
    }
}

/// Watches three weeks up to an hour of the day; told the time or not.
fn learned(hour: u64, is_told_time: bool) -> Baseline {
    let mut stream = Stream::new(4);
    let mut baseline = Baseline::new(params());
    for secs in (0..22 * DAY + hour * HOUR).step_by(WIDTH as usize) {
        if is_told_time {
            baseline.advance(BEGIN + secs + WIDTH);
        }
        baseline.observe(stream.count(working_week(secs as f64), 0.01));
    }
    baseline
}

#[test]
fn an_outage_is_found_as_well_as_without_a_season() {
    for hour in [9, 15, 21] {
        let (with, without) = (learned(hour, true), learned(hour, false));
        let mean = working_week((22 * DAY + hour * HOUR) as f64);
        assert!((with.mean() / mean - 1.0).abs() < 0.1, "{} is not {mean}", with.mean());
        for share in [0.0, 0.2, 0.4] {
            let count = (share * mean) as u64;
            let found = [&with, &without].map(|baseline| -baseline.p_lower(count).log10());
            assert!(found[0] > found[1].min(8.0), "{share} of {mean} at {hour}: {found:?}");
        }
        for share in [2.5, 4.0] {
            let count = (share * mean) as u64;
            let found = [&with, &without].map(|baseline| -baseline.p_upper(count).log10());
            assert!(found[0] > found[1].min(8.0), "{share} of {mean} at {hour}: {found:?}");
        }
    }
}

#[test]
fn a_season_is_small() {
    let baseline = learned(15, true);
    let bytes = postcard::to_allocvec(&baseline).expect("a baseline has a form at rest").len();
    assert!(bytes < 1300, "{bytes} bytes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn stopping_makes_no_difference(
        seed in 0u64..1000,
        stop in 1usize..9000,
        mean in 0.1f64..500.0,
        gap in 0u64..100_000,
    ) {
        let mut stream = Stream::new(seed);
        let mut ever = Baseline::new(params());
        let mut stopped = ever.clone();
        for window in 0..9000u64 {
            let pause = if window > 5000 { gap } else { 0 };
            let secs = BEGIN + window * WIDTH + pause;
            let count = stream.count(mean / 300.0 * working_week(secs as f64), 0.1);
            if window as usize == stop {
                let bytes = postcard::to_allocvec(&stopped).expect("a state has a form");
                stopped = postcard::from_bytes(&bytes).expect("the form is a state");
            }
            for baseline in [&mut ever, &mut stopped] {
                baseline.advance(secs);
                baseline.observe(count);
            }
        }
        prop_assert_eq!(&ever, &stopped);
        prop_assert_eq!(ever.judge(3), stopped.judge(3));
    }
}
