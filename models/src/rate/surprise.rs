//! When a series of values turns unusual, point by point.
//!
//! A bank of distances from what was expected, each in constant time: from a forecast, from the
//! last value on a logarithmic scale, from what is usual at this time of day, and of the last few
//! values from those before. Each is calibrated
//! by its own [`Gauge`], so that one threshold serves all series. The surprises are joined by a
//! power mean; so are two running means of them, because many small surprises in a row are a large
//! one (the anomaly likelihood of Lavin and Ahmad, ICMLA 2015, with the tail fitted, not normal).
//! What does not exceed the recent peak is damped: the onset counts.
//! It knows no clock: the time of day is given. State is bounded, at most 15 kB.

mod forecast;
mod gauge;
mod profile;
mod recent;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use forecast::Forecast;
use gauge::Gauge;
use profile::Profile;
use recent::Recent;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Forecast, change, time of day, range of the time of day, a short step and a long one.
const DISTANCES: usize = 6;
/// Points over which surprises are averaged: an hour and a shift, at five minutes a point.
const SPANS: [f64; 2] = [12.0, 48.0];
/// What a single surprise, in powers of ten, counts at most in an average.
const SHARE_MAX: f64 = 3.0;
/// Points after which surprises are averaged.
const SETTLED: u64 = 100;
/// The power mean of surprises is near their maximum, yet two that agree say more than one.
const POWER: i32 = 4;
/// The surprise, in powers of ten, that scores 0.5.
const HALF: f64 = 3.0;
/// A peak damps lesser surprises for a twentieth of what was seen so far, within these bounds: a
/// young series has short episodes.
const PEAK_SHARE: u64 = 20;
const PEAK_POINTS: (u64, u64) = (30, 200);
/// What is left of a surprise that is damped.
const DAMPING: f64 = 0.1;
/// Values are taken as no larger, so that no sum or square overflows.
const VALUE_MAX: f64 = 1e100;

/// A scorer of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surprise {
    seen: u64,
    forecast: Forecast,
    profile: Profile,
    recent: Recent,
    gauges: [Gauge; DISTANCES],
    /// Running means of the surprise, each with what it is usually.
    means: [(f64, Gauge); SPANS.len()],
    onset: Onset,
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
            seen: 0,
            forecast: Forecast::new(),
            profile: Profile::new(),
            recent: Recent::new(),
            gauges: std::array::from_fn(|_| Gauge::new()),
            means: std::array::from_fn(|_| (0.0, Gauge::new())),
            onset: Onset::new(),
        }
    }

    /// Scores a value of a time of day, given in seconds after midnight, and learns it: in [0, 1),
    /// higher is more anomalous. A value that is not finite scores 0 and is not learned.
    pub fn observe(&mut self, day_secs: u32, value: f64) -> f64 {
        if !value.is_finite() {
            return 0.0;
        }
        let value = value.clamp(-VALUE_MAX, VALUE_MAX);
        self.seen += 1;
        let distances = self.distances(day_secs, value);
        let mut sum = 0.0;
        for (gauge, distance) in self.gauges.iter_mut().zip(distances) {
            sum += gauge.step(distance).powi(POWER);
        }
        sum += self.lasting(root(sum));
        let surprise = self.onset.gate(root(sum));
        surprise / (surprise + HALF)
    }

    /// Returns how far a value is from each expectation, none where there is none yet, and learns
    /// it.
    fn distances(&mut self, day_secs: u32, value: f64) -> [Option<f64>; DISTANCES] {
        let [from_usual, from_range] = self.profile.distances(day_secs, value);
        let [from_forecast, change] =
            self.forecast.step(value, &self.recent, self.profile.expected(day_secs));
        let [short_step, long_step] = self.recent.steps(value);
        self.profile.learn(day_secs, value);
        self.recent.push(value);
        [from_forecast, change, from_usual, from_range, short_step, long_step]
    }

    /// Returns the power sum of what the running means of the surprise say.
    fn lasting(&mut self, surprise: f64) -> f64 {
        let mut sum = 0.0;
        for ((mean, gauge), span) in self.means.iter_mut().zip(SPANS) {
            *mean += (surprise.min(SHARE_MAX) - *mean) / span;
            sum += gauge.step((self.seen > SETTLED).then_some(*mean)).powi(POWER);
        }
        sum
    }
}

/// Returns the root that undoes [`POWER`].
fn root(sum: f64) -> f64 {
    sum.sqrt().sqrt()
}

/// The recent peaks of surprise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Onset {
    seen: u64,
    /// Falling peaks with their places, oldest first.
    peaks: VecDeque<(u64, f64)>,
}

impl Onset {
    fn new() -> Self {
        Self { seen: 0, peaks: VecDeque::new() }
    }

    /// Damps a surprise that does not exceed the greatest of the recent past.
    fn gate(&mut self, surprise: f64) -> f64 {
        self.seen += 1;
        let points = (self.seen / PEAK_SHARE).clamp(PEAK_POINTS.0, PEAK_POINTS.1);
        while self.peaks.front().is_some_and(|(at, _)| at + points < self.seen) {
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
