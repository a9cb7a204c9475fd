//! The load of a service that nothing happens to: six weeks with mornings, nights, weekends, a
//! slow trend and a change of the clocks.

use super::stream::Stream;
use std::f64::consts::TAU;

/// Seconds of a day.
pub(crate) const DAY: u64 = 86_400;
const HOUR: f64 = 3600.0;
/// The first second: a Monday.
pub(crate) const BEGIN: u64 = 4 * DAY;
/// Day of the change of the clocks: the Sunday after three weeks.
pub(crate) const CLOCKS_DAY: u64 = 20;
/// Mean counts of a window of ten seconds, from sparse to thousands.
const MEANS: [f64; 2] = [0.03, 5000.0];

/// What one service is like.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// Mean count of a window of ten seconds, by day and night.
    pub(crate) mean: f64,
    /// The variance of a count is `mean + dispersion mean²`.
    pub(crate) dispersion: f64,
    /// Logarithmic amplitudes of the day and the half day, and the hours of their peaks.
    waves: [(f64, f64); 2],
    /// The load of a weekend, and how much of the waves it has.
    weekend: f64,
    weekend_waves: f64,
    /// Logarithm of the growth a day.
    trend: f64,
    /// Hours by which the clocks are changed.
    clocks: f64,
}

impl Load {
    /// Draws a service.
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        let [low, high] = MEANS.map(f64::ln);
        let mean = stream.between(low, high).exp();
        let dispersion =
            if stream.unit() < 0.2 { 0.0 } else { stream.between(1e-3_f64.ln(), 0.0).exp() };
        let day = (stream.between(0.0, 1.3), stream.between(12.0, 18.0));
        let half = (stream.between(0.0, 0.4), stream.between(0.0, 12.0));
        Self {
            mean,
            dispersion,
            waves: [day, half],
            weekend: if stream.unit() < 0.2 { 1.0 } else { stream.between(0.2, 1.0) },
            weekend_waves: stream.between(0.3, 1.0),
            trend: stream.between(-0.01, 0.01),
            clocks: if stream.unit() < 0.5 { 1.0 } else { -1.0 },
        }
    }

    /// Returns the mean count of ten seconds at a second since `BEGIN`.
    pub(crate) fn mean_at(&self, secs: u64) -> f64 {
        let changed = secs >= CLOCKS_DAY * DAY + DAY / 12;
        let local = secs as f64 + if changed { self.clocks * HOUR } else { 0.0 };
        let hour = (local / HOUR).rem_euclid(24.0);
        let [day, half] = self.waves;
        let wave = day.0 * ((hour - day.1) / 24.0 * TAU).cos()
            + half.0 * ((hour - half.1) / 12.0 * TAU).cos();
        let rest = weekend_share(local / HOUR);
        let shape = wave * (1.0 - rest + rest * self.weekend_waves) + rest * self.weekend.ln();
        self.mean * (shape + self.trend * secs as f64 / DAY as f64).exp()
    }
}

/// Returns how much of a weekend an hour since a Monday is: nights change over in three hours.
pub(crate) fn weekend_share(hours: f64) -> f64 {
    let hour = hours.rem_euclid(168.0);
    let ramp = |from: f64| {
        let share = ((hour - from) / 3.0).clamp(0.0, 1.0);
        share * share * (3.0 - 2.0 * share)
    };
    // Sunday's night is over on Monday at three.
    ramp(120.0) + 1.0 - ramp(0.0)
}
