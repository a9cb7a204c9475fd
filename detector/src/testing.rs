//! What tests of several stages begin with: a clock, settings, and randomness that is the same
//! everywhere.

use std::time::Duration;

use logwake_models::session::SessionBounds;
use logwake_models::template::CatalogueLimits;

use crate::detect::{DetectSettings, FleetSettings, SessionSettings, ValueSettings};
use crate::tally::ClockSettings;
use crate::time::Timestamp;

pub(crate) const CLOCK: ClockSettings = ClockSettings {
    window: Duration::from_secs(10),
    lateness: Duration::from_secs(5),
    future_max: Duration::from_secs(600),
    jump_max: Duration::from_secs(3600),
};
/// Wall time, later than any record states.
pub(crate) const WALL: Timestamp = Timestamp::from_secs(4_000_000_000);

/// A short warm-up and no forest.
pub(crate) fn settings() -> DetectSettings {
    DetectSettings {
        window: CLOCK.window,
        lateness: CLOCK.lateness,
        warmup: Duration::from_secs(60),
        anomaly_budget: 10.0,
        forest_p_value_max: 0.0,
        gap_windows_max: 60,
        services_max: 100,
        open_windows_max: 1000,
        catalogue: CatalogueLimits::default(),
        fleet: FleetSettings {
            hold_max: Duration::from_secs(60),
            stall_after: Duration::from_secs(30),
        },
        sessions: SessionSettings {
            idle: Duration::from_secs(60),
            sessions_max: 1000,
            bounds: SessionBounds::default(),
        },
        values: ValueSettings { enabled: true, stable_for: Duration::from_secs(1800) },
    }
}

/// SplitMix64.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Draws from [0, 1).
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Draws a number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        (self.next() * bound as f64) as u64
    }

    /// Draws a Poisson count, by Knuth's products.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let (end, mut product, mut count) = ((-mean).exp(), self.next(), 0);
        while product > end {
            product *= self.next();
            count += 1;
        }
        count
    }

    /// Draws a log-normal number of milliseconds with this median.
    pub(crate) fn latency(&mut self, median: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.next()).sum::<f64>() - 6.0;
        median * (0.5 * sum).exp()
    }
}
