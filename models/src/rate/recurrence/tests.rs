#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

const MINUTE: u64 = 60;
const H: u64 = 3600;
const D: u64 = 86_400;

/// Visits at these times, and when something was missed meanwhile, checked each minute until `end`.
fn watch(visits: impl IntoIterator<Item = u64>, end: u64) -> (Recurrence, Vec<(u64, Due)>) {
    let mut recurrence = Recurrence::new();
    let (mut missed, mut now) = (Vec::new(), 0);
    let mut pass = |recurrence: &mut Recurrence, until: u64| {
        while now < until {
            missed.extend(recurrence.missed(now).map(|due| (now, due)));
            now += MINUTE;
        }
    };
    for visit in visits {
        pass(&mut recurrence, visit);
        recurrence.visit(visit, 1);
    }
    pass(&mut recurrence, end);
    (recurrence, missed)
}

/// Minutes of delay that vary from day to day.
fn jitter(day: u64) -> u64 {
    (day * 7 % 5) * MINUTE + day * 13 % 60
}

fn nightly(days: std::ops::Range<u64>) -> impl Iterator<Item = u64> {
    days.map(|day| day * D + 3 * H + jitter(day))
}

#[test]
fn a_nightly_job_is_missed_soon_and_once() {
    for days in [4, 6, 8, 20, 60] {
        let (_, missed) = watch(nightly(0..days), (days + 5) * D);
        assert_eq!(missed.len(), 1, "{days} days: {missed:?}");
        let (at, due) = missed[0];
        let usual = days * D + 3 * H;
        assert!(at >= usual + H && at < usual + H + 20 * MINUTE, "{days} days: {at}, {due:?}");
        assert!(due.due.abs_diff(usual) < 10 * MINUTE, "{due:?}");
        assert!(due.last < (days - 1) * D + 4 * H && due.p_value < 1e-2, "{due:?}");
    }
}

#[test]
fn a_change_of_the_clocks_is_no_miss() {
    for (change, shift) in [(3, 1), (3, -1), (20, 1), (20, -1)] {
        let visits =
            (0..40).map(|day| day * D + if day < change { 3 * H } else { (3 + shift) as u64 * H });
        let visits = visits.zip(0..).map(|(visit, day)| visit + jitter(day));
        let (_, missed) = watch(visits, 39 * D + 5 * H);
        assert_eq!(missed, [], "change {change} by {shift}");
    }
}

#[test]
fn a_job_of_working_days_rests_on_weekends_once_that_is_known() {
    let visits = nightly(0..40).filter(|visit| visit / D % 7 < 5);
    let (_, missed) = watch(visits, 39 * D);
    let first = missed.iter().filter(|(at, _)| *at < 8 * D).count();
    assert_eq!(missed.len(), first, "{missed:?}");
    assert!(first <= 1, "{missed:?}");
    // Monday is missed.
    let visits = nightly(0..40).filter(|visit| visit / D % 7 < 5 && *visit < 35 * D);
    let (_, missed) = watch(visits, 40 * D);
    assert_eq!(missed.last().map(|(at, _)| at / H), Some(35 * 24 + 4), "{missed:?}");
}

#[test]
fn hourly_and_weekly_jobs_are_missed() {
    let hourly = (0..30).map(|hour| hour * H + jitter(hour) / 4);
    let (_, missed) = watch(hourly, 40 * H);
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert!(missed[0].0 < 30 * H + 10 * MINUTE, "{missed:?}");

    let weekly = (0..5).map(|week| week * 7 * D + jitter(week));
    let (_, missed) = watch(weekly, 40 * D);
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert!(missed[0].0.abs_diff(35 * D) < 90 * MINUTE, "{missed:?}");
}

#[test]
fn hourly_work_ends_with_the_day() {
    let visits = (0..20 * 24).map(|hour| hour * H).filter(|at| (8 * H..18 * H).contains(&(at % D)));
    let (_, missed) = watch(visits, 20 * D);
    assert!(missed.iter().all(|(at, _)| *at < D), "{missed:?}");
}

#[test]
fn what_comes_at_random_is_never_due() {
    let mut state = 1u64;
    let mut at = 0;
    let visits: Vec<u64> = std::iter::from_fn(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        at += 20 * MINUTE + (state >> 33) % (2 * D);
        Some(at)
    })
    .take(200)
    .collect();
    let (_, missed) = watch(visits, 200 * D);
    assert!(missed.len() <= 1, "{missed:?}");
}

#[test]
fn what_comes_each_night_is_usual_then_and_not_at_noon() {
    let mut recurrence = Recurrence::new();
    for day in 0..4 {
        assert_eq!(recurrence.is_usual(day * D + 2 * H, 500), day >= 3);
        recurrence.visit(day * D + 2 * H + jitter(day), 450);
    }
    assert!(recurrence.is_usual(4 * D + 2 * H + 5 * MINUTE, 800));
    assert!(recurrence.is_usual(4 * D + 3 * H, 500), "the clocks may have been changed");
    assert!(!recurrence.is_usual(4 * D + 2 * H, 2000));
    assert!(!recurrence.is_usual(4 * D + 12 * H, 500));
    // On a Monday after a working week, but not on a Saturday.
    let mut working = Recurrence::new();
    nightly(0..5).for_each(|at| working.visit(at, 500));
    assert!(working.is_usual(7 * D + 3 * H, 500));
}

#[test]
fn it_stays_small() {
    let (recurrence, _) = watch((0..1000).map(|hour| hour * H), 0);
    assert_eq!(recurrence.visits.len(), KEPT_MAX);
    assert_eq!(size_of::<Visit>(), 12);
}
