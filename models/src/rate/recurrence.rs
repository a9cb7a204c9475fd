//! What comes by the clock: each night, each hour, on working days, once a week.
//!
//! The last visits are kept, where a visit is what comes with pauses of less than ten minutes. What
//! came at even intervals, or at this time of day and came a week ago too, is due again; it is
//! missed once it is late by more than it ever was, and, where it comes a few times a day or less,
//! by the hour that a change of the clocks makes. How unlikely it is to be merely late follows from
//! how late it used to be: delays are taken as exponential with an unknown rate, whose predictive
//! distribution is a Pareto one, as for the gaps of a baseline.
//!
//! It knows no calendar and no time zone: times are seconds since the epoch, a day has 86,400.

use serde::{Deserialize, Serialize};

/// Visits that are kept: those of a day, if it comes each hour.
const KEPT_MAX: usize = 32;
/// Pauses within a visit are no longer.
const PAUSE_MAX: u32 = 600;
/// A longer visit does not come by the clock.
const LONG_MIN: u32 = 6 * HOUR;
const HOUR: u32 = 3600;
const DAY: u32 = 86_400;
const WEEK: u32 = 7 * DAY;
/// Visits that make a habit.
const HABIT_MIN: usize = 4;
/// Shorter intervals are left to the gaps of the baseline: `KEPT_MAX` of them do not make a day, so
/// that it would not be known when it rests.
const PERIOD_MIN: u32 = 45 * 60;
/// From this interval on, a change of the clocks may be why it comes an hour early or late.
const CLOCKS_MIN: u32 = 6 * HOUR;
/// Visits this far from their time are on time, seconds.
const JITTER_MAX: u32 = 900;
/// What is late by less is not missed.
const LATE_MIN: u32 = 300;
/// It is missed when it is late by as many times the greatest delay there was.
const LATE_FACTOR: u32 = 3;
/// What every delay is held to have been at least, seconds.
const DELAY_MIN: f64 = 60.0;

/// When something comes that comes by the clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    /// Oldest first.
    visits: Vec<Visit>,
    due: Option<Expectation>,
}

/// Something that was due and did not come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Due {
    /// When it last came, seconds since the epoch.
    pub last: u64,
    /// When it should have come again.
    pub due: u64,
    /// How often it came like this.
    pub times: u32,
    /// Probability that it is as late and comes nevertheless, in (0, 1).
    pub p_value: f64,
}

/// A visit, in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Visit {
    start: u32,
    end: u32,
    /// Greatest count of a window.
    peak: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Expectation {
    last: u32,
    due: u32,
    /// When it is missed.
    deadline: u32,
    times: u32,
    /// Sum of the delays there were.
    delays: u32,
}

impl Recurrence {
    /// Starts with nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a window in which it came.
    pub fn visit(&mut self, secs: u64, count: u64) {
        let (secs, peak) = (clip(secs), count as f32);
        if let Some(last) = self.visits.last_mut().filter(|last| secs <= last.end + PAUSE_MAX) {
            last.end = last.end.max(secs);
            last.peak = last.peak.max(peak);
            return;
        }
        if self.visits.len() == KEPT_MAX {
            self.visits.remove(0);
        }
        self.visits.push(Visit { start: secs, end: secs, peak });
        self.due = self.at_intervals().or_else(|| self.by_time_of_day());
    }

    /// Tells whether it has come for too long without a pause to come by the clock.
    pub fn is_endless(&self) -> bool {
        self.visits.last().is_some_and(|last| last.end - last.start > LONG_MIN)
    }

    /// Tells, once, that it has not come although it was due.
    pub fn missed(&mut self, secs: u64) -> Option<Due> {
        let now = clip(secs);
        let Expectation { last, due, times, delays, .. } =
            self.due.take_if(|expected| now >= expected.deadline)?;
        let usual = f64::from(delays) + f64::from(times) * DELAY_MIN;
        let p_value = (usual / (usual + f64::from(now - due))).powf(f64::from(times));
        let p_value = p_value.max(f64::MIN_POSITIVE);
        Some(Due { last: u64::from(last), due: u64::from(due), times, p_value })
    }

    /// Tells whether as much came at this time on three of the last six days, in two of the last
    /// three weeks or in four of the last five hours.
    pub fn is_usual(&self, secs: u64, count: u64) -> bool {
        let (now, least) = (clip(secs), count as f32 / 2.0);
        let often = |period: u32, back: u32, jitter: u32| {
            let came = |times: &u32| {
                let then = now.saturating_sub(times * period);
                let like = |visit: &&Visit| visit.peak >= least && visit.is_near(then, jitter);
                self.visits.iter().rev().any(|visit| like(&visit))
            };
            (1..=back).filter(came).count()
        };
        often(DAY, 6, JITTER_MAX) >= 3
            || often(WEEK, 3, JITTER_MAX) >= 2
            || often(HOUR, 5, LATE_MIN) >= 4
    }

    /// Returns when it is due, if it comes at even intervals.
    fn at_intervals(&self) -> Option<Expectation> {
        let gaps: Vec<u32> =
            self.visits.windows(2).map(|pair| pair[1].start - pair[0].start).collect();
        let last = self.visits.last()?;
        let recent = &gaps[gaps.len().checked_sub(HABIT_MIN - 1)?..];
        let mut sorted = recent.to_vec();
        sorted.sort_unstable();
        let period = snapped(sorted[sorted.len() / 2]);
        // What comes once a day may rest on some: then its whole past must be even.
        let even = if period < DAY - HOUR { &gaps[gaps.len().saturating_sub(6)..] } else { &gaps };
        let offsets: Option<Vec<u32>> =
            even.iter().map(|gap| offset(*gap, period, jitter(period))).collect();
        let offsets = offsets.filter(|_| period >= PERIOD_MIN)?;
        let due = last.start.saturating_add(period);
        let is_day_known = self.visits[0].start + DAY <= due;
        let rests = period < DAY - HOUR && is_day_known && !self.came_at(due - DAY, period);
        (!rests).then(|| Expectation::new(last.start, period, &offsets))
    }

    /// Returns when it is due next, if it comes at some time of day, on some days of the week.
    fn by_time_of_day(&self) -> Option<Expectation> {
        let latest = (0..self.visits.len()).filter_map(|idx| self.next_day_of(idx));
        let now = self.visits.last()?.start;
        latest.filter(|expected| expected.deadline > now).min_by_key(|expected| expected.deadline)
    }

    /// Returns when a visit is due again that is the last one at its time of day.
    fn next_day_of(&self, idx: usize) -> Option<Expectation> {
        let (first, last) = (self.visits[0].start, self.visits[idx].start);
        let offset_of = |visit: &Visit| {
            let apart = last.abs_diff(visit.start);
            let days = (apart + DAY / 2) / DAY;
            Some(may_shift(apart.abs_diff(days * DAY), DAY)).filter(|away| *away <= JITTER_MAX)
        };
        if self.visits[idx + 1..].iter().any(|later| offset_of(later).is_some()) {
            return None;
        }
        let offsets: Vec<u32> = self.visits[..idx].iter().filter_map(offset_of).collect();
        // Without a week behind it, it is not known on which days it rests.
        let days = last.checked_sub(first.saturating_add(WEEK - HOUR))? / DAY;
        let due_then = |back: &u32| self.came_at((last - back * DAY).saturating_sub(WEEK), DAY);
        let (kept, broken): (Vec<u32>, Vec<u32>) =
            (0..=days).filter(due_then).partition(|back| self.came_at(last - back * DAY, DAY));
        if kept.len() + 1 < HABIT_MIN || broken.len() * 4 > kept.len() {
            return None;
        }
        let days = (1..=7).find(|days| {
            let due = last + days * DAY;
            [WEEK, 2 * WEEK].iter().any(|back| self.came_at(due.saturating_sub(*back), DAY))
        })?;
        Some(Expectation::new(last, days * DAY, &offsets))
    }

    /// Tells whether something came at this time that comes at intervals of `period`.
    fn came_at(&self, secs: u32, period: u32) -> bool {
        self.visits.iter().any(|visit| {
            let away = visit.start.abs_diff(secs);
            may_shift(away, period) <= JITTER_MAX
        })
    }
}

impl Visit {
    /// Tells whether it lasted until near a time of day, or near an hour before or after.
    fn is_near(&self, secs: u32, jitter: u32) -> bool {
        let away = self.start.saturating_sub(secs).max(secs.saturating_sub(self.end));
        away <= jitter || (jitter == JITTER_MAX && away.abs_diff(HOUR) <= jitter)
    }
}

impl Expectation {
    fn new(last: u32, period: u32, offsets: &[u32]) -> Self {
        let due = last.saturating_add(period);
        let greatest = offsets.iter().copied().max().unwrap_or(0);
        let clocks = if period >= CLOCKS_MIN { HOUR } else { 0 };
        let late = (greatest * LATE_FACTOR).max(LATE_MIN) + clocks;
        let (times, delays) = (offsets.len() as u32, offsets.iter().sum());
        Self { last, due, deadline: due.saturating_add(late), times, delays }
    }
}

/// Returns the period, a day or a week where it is nearly that.
fn snapped(period: u32) -> u32 {
    [DAY, WEEK]
        .into_iter()
        .find(|even| period.abs_diff(*even) <= HOUR + JITTER_MAX)
        .unwrap_or(period)
}

/// Returns how far intervals of this length may be from even.
fn jitter(period: u32) -> u32 {
    JITTER_MAX.min(period / 8)
}

/// Returns by how much an interval differs from a period, but for the hour of a change of the
/// clocks, if that is little.
fn offset(interval: u32, period: u32, jitter: u32) -> Option<u32> {
    Some(may_shift(interval.abs_diff(period), period)).filter(|away| *away <= jitter)
}

/// Returns how far something is from its time, but for the hour of a change of the clocks.
fn may_shift(away: u32, period: u32) -> u32 {
    if period >= CLOCKS_MIN { away.min(away.abs_diff(HOUR)) } else { away }
}

/// Returns seconds that a `u32` holds with weeks to spare: until the year 2106.
fn clip(secs: u64) -> u32 {
    const SECS_MAX: u32 = u32::MAX - 5 * WEEK;
    u32::try_from(secs).map_or(SECS_MAX, |secs| secs.min(SECS_MAX))
}

#[cfg(test)]
mod tests;
