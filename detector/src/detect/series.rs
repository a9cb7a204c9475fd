//! One count a window and its baseline: when it deviates, and when to say so again.
//!
//! An anomaly of a condition that lasts is repeated after `CONFIRM_AFTER`, since what lasts weighs
//! more than a blip, and from then on at most once in `REPEAT_AFTER`; what is
//! screened out by a cheap bound never reaches the exact tail. What comes by the clock is no
//! deviation when it comes, and one when it does not.

mod comings;
mod deviation;
mod memory;

use std::time::Duration;

use logwake_models::rate::{Baseline, BaselineParams, Due, Recurrence};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

pub(super) use deviation::{Demand, Deviation, Direction, Missed, Stretch};

use comings::Comings;
use memory::{Gone, NORM_EMPTY, NORM_WINDOWS, Norm, Stated};

/// How soon a lasting condition is stated again.
pub(super) const REPEAT_AFTER: Duration = Duration::from_secs(60);
/// How soon it is stated the second time.
const CONFIRM_AFTER: Duration = Duration::from_secs(20);
/// Empty windows in a row that are held to be independent of each other.
const EMPTY_MAX: u32 = 3;
/// After this long, what is gone has been given up.
const GONE_MAX: Duration = Duration::from_secs(86_400);

/// Empty windows before its first that a series learns from: what a baseline remembers.
const BEFORE_MAX: u64 = 500;

/// Windows that are judged together with the one that closes, where one alone shows nothing.
const RECENT: usize = 5;
/// Two ways to be told must not make it twice as likely by chance.
const HALF: f64 = 0.5;

/// One series of counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    baseline: Baseline,
    streak: Option<(Direction, u32)>,
    stated: Option<Stated>,
    empty: u32,
    /// How likely the first of the empty windows was.
    empty_p: f64,
    gone: Option<Gone>,
    norm: Option<Norm>,
    /// When it comes, unless that is all the time.
    comings: Comings,
    /// What was missed and has not come since.
    awaited: Option<Due>,
    /// When more comes than the baseline allows.
    bursts: Option<Box<Recurrence>>,
    /// Counts of the last windows, the newest first.
    recent: [u16; RECENT],
}

impl Series {
    /// Starts a series that was empty for `before` windows.
    pub fn new(before: u64) -> Self {
        let mut baseline = Baseline::new(BaselineParams::default());
        for _ in 0..before.min(BEFORE_MAX) {
            baseline.observe(0);
        }
        Self {
            baseline,
            streak: None,
            stated: None,
            empty: 0,
            empty_p: 1.0,
            gone: None,
            norm: None,
            comings: Comings::Unasked,
            awaited: None,
            bursts: None,
            recent: [0; RECENT],
        }
    }

    /// Starts the series of something that is missed when it comes by the clock and does not.
    pub fn by_the_clock(before: u64) -> Self {
        Self { comings: Comings::Visits(Box::default()), ..Self::new(before) }
    }

    /// Returns the expected count of a window.
    pub fn mean(&self) -> f64 {
        self.baseline.mean()
    }

    /// Returns how many windows it was given.
    pub fn windows(&self) -> u64 {
        self.baseline.windows()
    }

    /// Tells whether it stopped and has not come back.
    pub fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// Judges the count of a closed window by those before it, then learns it.
    pub fn close(&mut self, count: u64, at: Timestamp, demand: &Demand) -> Option<Deviation> {
        let secs = secs_of(at);
        self.baseline.advance(secs);
        let missed = self.comings.watch(count, secs).filter(|_| !self.baseline.is_warming());
        let returned = self.awaited.take_if(|_| count > 0);
        self.awaited = missed.map(|missed| missed.due).or(self.awaited);
        self.empty = if count == 0 { self.empty.saturating_add(1) } else { 0 };
        self.empty_p = if count == 0 { self.empty_p } else { 1.0 };
        if self.empty == 1 && self.baseline.mean() >= NORM_EMPTY {
            self.empty_p = self.baseline.p_lower(0);
        }
        self.gone = self.gone.filter(|_| count == 0);
        let lasting = self.gone;
        let found = match lasting {
            Some(gone) => Some((Direction::Gone, gone.p_value)),
            None => self.deviation(count, demand),
        };
        let found = found.or(missed.map(|missed| (Direction::Gone, missed.due.p_value)));
        let is_usual = found.is_some_and(|(direction, _)| self.is_usual(direction, count, secs));
        let found = found.filter(|_| !is_usual);
        let found = found.filter(|_| !self.norm.is_some_and(|norm| norm.admits(count, 1)));
        let (found, stretch) = if found.is_some() || is_usual {
            (found, Stretch::Window)
        } else {
            (self.sum_deviates(count, demand), Stretch::Windows(RECENT as u32 + 1))
        };
        let sum = if stretch == Stretch::Window { count } else { self.sum(count) };
        let greatest = self.recent.iter().fold(count, |most, one| most.max(u64::from(*one)));
        let found = found.filter(|(direction, _)| {
            stretch == Stretch::Window || !self.is_usual(*direction, greatest, secs)
        });
        self.remember_norm(found.is_some());
        let told = found.is_some_and(|(direction, _)| self.is_told(direction, at));
        let judged = found.map(|(direction, p_value)| {
            let verdict = match lasting {
                Some(gone) => Some(gone.verdict()),
                // Its bounds take long to find, so not for what is not stated.
                None if told && direction != Direction::Gone => None,
                None if stretch == Stretch::Window => Some(self.baseline.judge(count)),
                None => Some(self.baseline.judge_sum(sum, RECENT as u32 + 1)),
            };
            (direction, verdict, p_value)
        });
        self.baseline.observe(count);
        self.recent.rotate_right(1);
        self.recent[0] = u16::try_from(count).unwrap_or(u16::MAX);
        let Some((direction, verdict, p_value)) = judged else {
            self.streak = None;
            return returned.map(|due| self.has_returned(count, secs, due));
        };
        if let (Direction::Gone, None, Some(verdict)) = (direction, lasting, &verdict) {
            self.gone = Some(Gone::new(at, verdict, p_value));
        }
        let windows = match self.streak {
            _ if direction == Direction::Gone => self.empty,
            Some((before, windows)) if before == direction => windows + 1,
            _ => 1,
        };
        self.streak = Some((direction, windows));
        let verdict = verdict.filter(|_| !told)?;
        self.state(direction, at);
        let is_repeat = lasting.is_some();
        Some(Deviation {
            direction,
            verdict,
            p_value,
            count: sum,
            stretch,
            windows,
            is_repeat,
            missed,
        })
    }

    /// Tells that what was missed has come.
    fn has_returned(&self, count: u64, secs: u64, due: Due) -> Deviation {
        Deviation {
            direction: Direction::Back,
            verdict: self.baseline.judge(count),
            p_value: 1.0,
            count,
            stretch: Stretch::Window,
            windows: 1,
            is_repeat: false,
            missed: Some(Missed::new(due, secs)),
        }
    }

    /// Adds the last windows to a count.
    fn sum(&self, count: u64) -> u64 {
        self.recent.iter().map(|count| u64::from(*count)).sum::<u64>() + count
    }

    /// Judges what rarely comes over a few windows: too little in each may be too much in all.
    fn sum_deviates(&self, count: u64, demand: &Demand) -> Option<(Direction, f64)> {
        let (mean, sum) = (self.baseline.mean(), self.sum(count));
        let spread = sum > count && count > 0 && mean < 1.0;
        if !demand.is_patient || !spread || self.baseline.is_warming() {
            return None;
        }
        let windows = RECENT as u32 + 1;
        if self.norm.is_some_and(|norm| norm.admits(sum, windows)) {
            return None;
        }
        if (sum as f64) < mean * f64::from(windows) * demand.ratio_min + demand.records_min {
            return None;
        }
        let p_value = self.baseline.p_upper_of_sum(sum, windows);
        (p_value <= demand.p_value_max * HALF).then_some((Direction::Up, p_value))
    }

    /// Remembers a burst; tells whether such bursts come at this time.
    fn is_usual(&mut self, direction: Direction, count: u64, secs: u64) -> bool {
        if direction != Direction::Up {
            return false;
        }
        let bursts = self.bursts.get_or_insert_default();
        let is_usual = bursts.is_usual(secs, count);
        bursts.visit(secs, count);
        is_usual
    }

    /// Judges a count that can still grow before its window closes; only more than is usual is told.
    pub fn judge_early(
        &mut self,
        count: u64,
        at: Timestamp,
        passed: Duration,
        demand: &Demand,
    ) -> Option<Deviation> {
        if !self.may_rise(count, demand) || self.is_told(Direction::Up, at) {
            return None;
        }
        let is_usual = |bursts: &Recurrence| bursts.is_usual(secs_of(at), count);
        if self.norm.is_some_and(|norm| norm.admits(count, 1))
            || self.bursts.as_deref().is_some_and(is_usual)
        {
            return None;
        }
        self.baseline.advance(secs_of(at));
        let p_value = self.baseline.p_upper(count);
        if p_value > demand.p_value_max {
            return None;
        }
        self.state(Direction::Up, at);
        let windows = match self.streak {
            Some((Direction::Up, windows)) => windows + 1,
            _ => 1,
        };
        let verdict = self.baseline.judge(count);
        Some(Deviation {
            direction: Direction::Up,
            verdict,
            p_value,
            count,
            stretch: Stretch::Part(passed),
            windows,
            is_repeat: false,
            missed: None,
        })
    }

    /// Tells whether a count is so large that it is worth asking how likely it is.
    pub fn may_rise(&self, count: u64, demand: &Demand) -> bool {
        count as f64 > self.baseline.mean() && self.may_deviate(count, demand)
    }

    /// Keeps what was normal before the first deviation until long after the last one.
    fn remember_norm(&mut self, deviates: bool) {
        if deviates {
            let mean = self.norm.map_or(self.baseline.mean(), |norm| norm.mean);
            self.norm = Some(Norm { mean, windows_left: NORM_WINDOWS });
        } else if let Some(norm) = &mut self.norm {
            norm.windows_left -= 1;
            self.norm = self.norm.filter(|norm| norm.windows_left > 0);
        }
    }

    /// Tells whether a deviation was stated just before, or so long ago that it is known.
    fn is_told(&self, direction: Direction, at: Timestamp) -> bool {
        let given_up = self.gone.is_some_and(|gone| at.since(gone.since) > GONE_MAX);
        let just = |stated: Stated| {
            let pause = if stated.times == 1 { CONFIRM_AFTER } else { REPEAT_AFTER };
            stated.direction == direction && at.since(stated.at) < pause
        };
        given_up || self.stated.is_some_and(just)
    }

    /// Remembers that a deviation was stated.
    fn state(&mut self, direction: Direction, at: Timestamp) {
        let lasts =
            |last: &Stated| last.direction == direction && at.since(last.at) <= REPEAT_AFTER * 2;
        let times = self.stated.filter(lasts).map_or(0, |last| last.times);
        self.stated = Some(Stated { direction, at, times: times.saturating_add(1) });
    }

    /// Tells whether a count is so large or small, and its baseline so old, that it is worth asking
    /// how likely it is; a silence is asked about apart from that.
    pub fn may_deviate(&self, count: u64, demand: &Demand) -> bool {
        let (mean, seen) = (self.baseline.mean(), count as f64);
        let is_far = (seen - mean).abs() >= demand.records_min;
        let is_another = seen >= mean * demand.ratio_min || seen * demand.ratio_min <= mean;
        is_far && is_another && !self.baseline.is_warming()
    }

    fn deviation(&self, count: u64, demand: &Demand) -> Option<(Direction, f64)> {
        let (mean, seen) = (self.baseline.mean(), count as f64);
        if count == 0 && self.empty > 1 {
            let p_value = self.baseline.silence_p_value(u64::from(self.empty));
            if p_value <= demand.p_value_max {
                return (!self.baseline.is_warming()).then_some((Direction::Gone, p_value));
            }
        }
        if !self.may_deviate(count, demand) {
            return None;
        }
        if seen >= mean * demand.ratio_min {
            let p_value = self.baseline.p_upper(count);
            if p_value <= demand.p_value_max {
                return Some((Direction::Up, p_value));
            }
        }
        if seen * demand.ratio_min > mean {
            return None;
        }
        let direction = if self.empty > 1 { Direction::Gone } else { Direction::Down };
        // By what was known before the first empty window, which the later ones have taught.
        let p_value = match self.empty {
            0 => self.baseline.p_lower(count),
            empty => self.empty_p.powi(empty.min(EMPTY_MAX) as i32),
        };
        let is_unlikely = p_value <= demand.p_value_max;
        is_unlikely.then_some((direction, p_value.max(f64::MIN_POSITIVE)))
    }
}

/// Returns whole seconds since the epoch, 0 for what is before it.
fn secs_of(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanos() / 1_000_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests;
