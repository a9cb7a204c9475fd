//! When a series of values turns unusual, point by point.
//!
//! A bank of distances from what was expected, each in constant time: from the running level, from
//! the previous value, from the time of day, and of the last few values from those before. Each is
//! calibrated by its own [`Tail`], so that one threshold serves all series. The surprises are
//! joined by a power mean, and what does not exceed the recent peak is damped: the onset counts.

use super::Tail;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

const FEATURES: usize = 4;
/// Quarters of an hour: fine enough for a morning, coarse enough to be visited often.
const SLOTS: usize = 96;
/// A slot speaks once it was visited as often.
const VISITS_MIN: u32 = 3;
/// Weight of a new value in its slot: some days.
const SLOT_SHARE: f64 = 0.1;
/// Weight of a new value in the level.
const LEVEL_SHARE: f64 = 0.02;
/// Values that are compared with the `WINDOW - SHORT` before them.
const SHORT: usize = 8;
const WINDOW: usize = 72;
/// Distances that a tail must have seen to be believed.
const SEEN_MIN: u64 = 100;
const MEMORY: u32 = 5000;
/// The power mean of surprises is near their maximum, yet two that agree say more than one.
const POWER: i32 = 3;
/// Points for which a peak damps lesser ones, and by how much.
const REFRACTORY: u64 = 200;
const DAMPING: f64 = 0.1;
/// The surprise, in powers of ten, that scores 0.5.
const HALF: f64 = 3.0;

/// A scorer of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surprise {
    tails: [Tail; FEATURES],
    seen: u64,
    level: f64,
    variance: f64,
    /// Mean value and visits of each part of the day.
    slots: Vec<(f64, u32)>,
    /// The last values, oldest first.
    window: VecDeque<f64>,
    /// Falling peaks of the refractory time, with their places.
    peaks: VecDeque<(u64, f64)>,
}

impl Default for Surprise {
    fn default() -> Self {
        Self::new()
    }
}

impl Surprise {
    /// Starts with nothing known.
    pub fn new() -> Self {
        Self {
            tails: std::array::from_fn(|_| Tail::new(MEMORY)),
            seen: 0,
            level: 0.0,
            variance: 0.0,
            slots: vec![(0.0, 0); SLOTS],
            window: VecDeque::with_capacity(WINDOW),
            peaks: VecDeque::new(),
        }
    }

    /// Scores a value of a time of day, given in seconds after midnight, and learns it: in [0, 1),
    /// higher is more anomalous. A value that is not finite scores 0 and is not learned.
    pub fn observe(&mut self, day_secs: u32, value: f64) -> f64 {
        if !value.is_finite() {
            return 0.0;
        }
        let slot = (day_secs as usize * SLOTS / 86_400).min(SLOTS - 1);
        let distances = self.distances(slot, value);
        let mut sum = 0.0;
        for (tail, distance) in self.tails.iter_mut().zip(distances) {
            if tail.seen() > SEEN_MIN {
                sum += (-tail.p_value(distance).log10()).powi(POWER);
            }
            tail.observe(distance);
        }
        self.learn(slot, value);
        let surprise = self.gate(sum.cbrt());
        surprise / (surprise + HALF)
    }

    /// Returns how far a value is from each expectation, `NaN` where there is none yet.
    fn distances(&self, slot: usize, value: f64) -> [f64; FEATURES] {
        let (expected, visits) = self.slots[slot];
        let known = |holds: bool, distance: f64| if holds { distance.abs() } else { f64::NAN };
        let previous = self.window.back().copied().unwrap_or(value);
        [
            known(self.seen > 0, (value - self.level) / (self.variance.sqrt() + 1e-9)),
            known(self.seen > 0, value - previous),
            known(visits >= VISITS_MIN, value - expected),
            known(self.window.len() == WINDOW, self.step(value)),
        ]
    }

    /// Returns by how much the newest values differ from those before.
    fn step(&self, value: f64) -> f64 {
        let split = self.window.len().saturating_sub(SHORT - 1);
        let short: f64 = self.window.iter().skip(split).sum::<f64>() + value;
        let long: f64 = self.window.iter().take(split).sum();
        short / SHORT as f64 - long / split.max(1) as f64
    }

    fn learn(&mut self, slot: usize, value: f64) {
        self.seen += 1;
        let share = LEVEL_SHARE.max(1.0 / self.seen as f64);
        let change = value - self.level;
        self.level += share * change;
        self.variance = (1.0 - share) * (self.variance + share * change * change);
        let (expected, visits) = &mut self.slots[slot];
        *visits = visits.saturating_add(1);
        *expected += SLOT_SHARE.max(1.0 / f64::from(*visits)) * (value - *expected);
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back(value);
    }

    /// Damps a surprise that does not exceed the greatest of the refractory time.
    fn gate(&mut self, surprise: f64) -> f64 {
        while self.peaks.front().is_some_and(|(at, _)| at + REFRACTORY < self.seen) {
            self.peaks.pop_front();
        }
        let is_onset = self.peaks.front().is_none_or(|(_, peak)| surprise > *peak);
        while self.peaks.back().is_some_and(|(_, peak)| *peak <= surprise) {
            self.peaks.pop_back();
        }
        self.peaks.push_back((self.seen, surprise));
        if is_onset { surprise } else { DAMPING * surprise }
    }
}
