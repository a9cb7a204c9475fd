//! One count a window and its baseline: when it deviates, and when to say so again.
//!
//! An anomaly of a condition that lasts is repeated at most once in `REPEAT_AFTER`; what is
//! screened out by a cheap bound never reaches the exact tail. What comes by the clock is no
//! deviation when it comes, and one when it does not.

use std::time::Duration;

use logwake_models::rate::{Baseline, BaselineParams, Due, Recurrence, Regime, Verdict};
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How soon a lasting condition is stated again.
pub(super) const REPEAT_AFTER: Duration = Duration::from_secs(60);
/// Empty windows in a row that are held to be independent of each other.
const EMPTY_MAX: u32 = 3;
/// After this long, what is gone has been given up.
const GONE_MAX: Duration = Duration::from_secs(86_400);

/// How long a norm is kept after the last deviation, windows: half an hour at ten seconds.
const NORM_WINDOWS: u16 = 180;

/// Empty windows before its first that a series learns from: what a baseline remembers.
const BEFORE_MAX: u64 = 500;

/// What stays away for longer comes back as a visit of its own.
const PAUSE_MAX_SECS: u64 = 600;

/// Windows that are judged together with the one that closes, where one alone shows nothing.
const RECENT: usize = 5;
/// Two ways to be told must not make it twice as likely by chance.
const HALF: f64 = 0.5;

/// A norm of fewer records a window has empty windows: one in twenty, were they Poisson.
const NORM_EMPTY: f64 = 3.0;

/// Which way a count deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// More than the baseline allows.
    Up,
    /// Fewer.
    Down,
    /// None at all where there were always some.
    Gone,
}

/// A deviation worth stating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// Which way.
    pub direction: Direction,
    /// What the baseline says.
    pub verdict: Verdict,
    /// Probability of something at least as extreme.
    pub p_value: f64,
    /// Records that were judged.
    pub count: u64,
    /// What they came in.
    pub stretch: Stretch,
    /// How many windows in a row it has lasted, this one included.
    pub windows: u32,
    /// Whether it was stated before and lasts.
    pub is_repeat: bool,
    /// When it was due, where it comes by the clock and did not.
    pub missed: Option<Missed>,
}

/// What a count was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// A window.
    Window,
    /// The first part of a window, which is still open.
    Part(Duration),
    /// So many windows, up to this one.
    Windows(u32),
}

impl Stretch {
    /// Returns how many windows before the one that is judged it holds.
    pub fn windows_before(self) -> u32 {
        match self {
            Self::Window | Self::Part(_) => 0,
            Self::Windows(windows) => windows.saturating_sub(1),
        }
    }
}

/// Something that comes by the clock and did not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Missed {
    /// When it was due and when it last came.
    pub due: Due,
    /// Time since it last came.
    pub away: Duration,
    /// Time since it was due.
    pub late: Duration,
}

/// How extreme and how large a deviation must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Greatest p-value that counts.
    pub p_value_max: f64,
    /// Smallest ratio to what is typical.
    pub ratio_min: f64,
    /// Smallest difference to what is typical, in records.
    pub records_min: f64,
    /// Whether a few windows are judged together where one alone shows nothing.
    pub is_patient: bool,
}

/// One series of counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    baseline: Baseline,
    streak: Option<(Direction, u32)>,
    stated: Option<(Direction, Timestamp)>,
    empty: u32,
    gone: Option<Gone>,
    norm: Option<Norm>,
    /// When it comes, unless that is all the time.
    comings: Comings,
    /// When more comes than the baseline allows.
    bursts: Option<Box<Recurrence>>,
    /// Counts of the last windows, the newest first.
    recent: [u16; RECENT],
}

/// When a series comes that does not come all the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Comings {
    /// Nobody asks.
    Unasked,
    /// It comes all the time, at last at this second.
    Always(u64),
    /// It comes and goes.
    Visits(Box<Recurrence>),
}

/// What was normal before a series began to deviate; to come back to it is no anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Norm {
    mean: f64,
    windows_left: u16,
}

/// What was expected of a series when it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Gone {
    since: Timestamp,
    typical: f64,
    lower: f64,
    upper: f64,
    p_value: f64,
}

impl Norm {
    /// Tells whether a count is within a factor of two of the norm, and what chance adds; nothing
    /// at all is normal only where there often was nothing.
    fn admits(&self, count: u64) -> bool {
        if count == 0 && self.mean >= NORM_EMPTY {
            return false;
        }
        let (seen, chance) = (count as f64, 3.0 * self.mean.sqrt());
        seen >= self.mean / 2.0 - chance && seen <= self.mean * 2.0 + chance
    }
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
            gone: None,
            norm: None,
            comings: Comings::Unasked,
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

    /// Tells whether it stopped and has not come back.
    pub fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// Judges the count of a closed window by those before it, then learns it.
    pub fn close(&mut self, count: u64, at: Timestamp, demand: &Demand) -> Option<Deviation> {
        let secs = secs_of(at);
        self.baseline.advance(secs);
        let missed = self.comings.watch(count, secs).filter(|_| !self.baseline.is_warming());
        self.empty = if count == 0 { self.empty.saturating_add(1) } else { 0 };
        self.gone = self.gone.filter(|_| count == 0);
        let lasting = self.gone;
        let found = match lasting {
            Some(gone) => Some((Direction::Gone, gone.p_value)),
            None => self.deviation(count, demand),
        };
        let found = found.or(missed.map(|missed| (Direction::Gone, missed.due.p_value)));
        let found = found.filter(|(direction, _)| !self.is_usual_burst(*direction, count, secs));
        let found = found.filter(|_| !self.norm.is_some_and(|norm| norm.admits(count)));
        let (found, stretch) = match found {
            Some(found) => (Some(found), Stretch::Window),
            None => (self.sum_deviates(count, demand), Stretch::Windows(RECENT as u32 + 1)),
        };
        self.remember_norm(found.is_some());
        let told = found.is_some_and(|(direction, _)| self.is_told(direction, at));
        let judged = found.map(|(direction, p_value)| {
            let verdict = match lasting {
                Some(gone) => Some(gone.verdict()),
                // Its bounds take long to find, so not for what is not stated.
                None if told && direction != Direction::Gone => None,
                None if stretch == Stretch::Window => Some(self.baseline.judge(count)),
                None => Some(self.baseline.judge_sum(self.sum(count), RECENT as u32 + 1)),
            };
            (direction, verdict, p_value)
        });
        let sum = if stretch == Stretch::Window { count } else { self.sum(count) };
        self.baseline.observe(count);
        self.recent.rotate_right(1);
        self.recent[0] = u16::try_from(count).unwrap_or(u16::MAX);
        let Some((direction, verdict, p_value)) = judged else {
            self.streak = None;
            return None;
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
        self.stated = Some((direction, at));
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

    /// Adds the last windows to a count.
    fn sum(&self, count: u64) -> u64 {
        self.recent.iter().map(|count| u64::from(*count)).sum::<u64>() + count
    }

    /// Judges what rarely comes over a few windows: too little in each may be too much in all.
    fn sum_deviates(&self, count: u64, demand: &Demand) -> Option<(Direction, f64)> {
        let (mean, sum) = (self.baseline.mean(), self.sum(count));
        let spread = sum > count && count > 0 && mean < 1.0;
        if !demand.is_patient || !spread || self.norm.is_some() || self.baseline.is_warming() {
            return None;
        }
        let windows = RECENT as u32 + 1;
        if (sum as f64) < mean * f64::from(windows) * demand.ratio_min + demand.records_min {
            return None;
        }
        let p_value = self.baseline.p_upper_of_sum(sum, windows);
        (p_value <= demand.p_value_max * HALF).then_some((Direction::Up, p_value))
    }

    /// Remembers a burst; tells whether such bursts come at this time.
    fn is_usual_burst(&mut self, direction: Direction, count: u64, secs: u64) -> bool {
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
        if self.norm.is_some_and(|norm| norm.admits(count))
            || self.bursts.as_deref().is_some_and(is_usual)
        {
            return None;
        }
        self.baseline.advance(secs_of(at));
        let p_value = self.baseline.p_upper(count);
        if p_value > demand.p_value_max {
            return None;
        }
        self.stated = Some((Direction::Up, at));
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
        let just = |(before, last)| before == direction && at.since(last) < REPEAT_AFTER;
        given_up || self.stated.is_some_and(just)
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
        let p_value = self.baseline.p_lower(count).powi(self.empty.clamp(1, EMPTY_MAX) as i32);
        let is_unlikely = p_value <= demand.p_value_max;
        is_unlikely.then_some((direction, p_value.max(f64::MIN_POSITIVE)))
    }
}

impl Comings {
    /// Takes in a window; tells what was missed.
    fn watch(&mut self, count: u64, secs: u64) -> Option<Missed> {
        match self {
            Self::Visits(visits) if count == 0 => {
                let due = visits.missed(secs)?;
                let [away, late] = [due.last, due.due].map(|then| Duration::from_secs(secs - then));
                return Some(Missed { due, away, late });
            }
            Self::Visits(visits) => {
                visits.visit(secs, count);
                if visits.is_endless() {
                    *self = Self::Always(secs);
                }
            }
            Self::Always(last) if count > 0 => {
                if secs > *last + PAUSE_MAX_SECS {
                    let mut visits = Recurrence::new();
                    visits.visit(secs, count);
                    *self = Self::Visits(Box::new(visits));
                } else {
                    *last = secs;
                }
            }
            Self::Always(_) | Self::Unasked => {}
        }
        None
    }
}

/// Returns whole seconds since the epoch, 0 for what is before it.
fn secs_of(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanos() / 1_000_000_000).unwrap_or(0)
}

impl Gone {
    fn new(since: Timestamp, verdict: &Verdict, p_value: f64) -> Self {
        let Verdict { typical, lower, upper, .. } = *verdict;
        Self { since, typical, lower, upper, p_value }
    }

    fn verdict(&self) -> Verdict {
        let Self { typical, lower, upper, p_value, .. } = *self;
        let regime = Regime::Stopped;
        Verdict { regime, typical, lower, upper, p_upper: 1.0, p_lower: p_value }
    }
}

#[cfg(test)]
mod tests;
