//! Inputs shared by the benchmarks: log lines made from a seed, and what they decode to.
//!
//! The lines are of no real system. [`storage`] is what a block store writes: plain lines of few
//! templates, ids and addresses in most of them. [`mixed`] is what a shop of many programs writes:
//! eight formats, stack traces among them. Event time advances by a thousand lines a second, so
//! that windows close as they do in a busy stream.

mod lines;
mod records;

pub use lines::{Lines, mixed, storage, storage_stream};
pub use records::{OwnedRecord, Records, decoder_options, records};

use std::time::Duration;

use logwake_detector::alert::AlertSettings;
use logwake_detector::detect::{DetectSettings, FleetSettings, SessionSettings, ValueSettings};
use logwake_detector::tally::ClockSettings;
use logwake_detector::time::Timestamp;
use logwake_models::session::SessionBounds;
use logwake_models::template::CatalogueLimits;

/// Wall time of every benchmark: midnight after the day of the lines, 2026-11-21T00:00:00Z.
pub const WALL: Timestamp = Timestamp::from_secs(1_795_219_200);

/// How source clocks believe times: the defaults of the program.
pub const CLOCK: ClockSettings = ClockSettings {
    window: Duration::from_secs(10),
    lateness: Duration::from_secs(5),
    future_max: Duration::from_secs(600),
    jump_max: Duration::from_secs(3600),
};

/// How alerts are made: the defaults of the program.
pub const ALERTS: AlertSettings = AlertSettings::DEFAULT;

/// Returns how the detect stage judges: the defaults of the program, but for a warm-up short enough
/// that the windows of a benchmark are judged.
pub fn detect_settings() -> DetectSettings {
    DetectSettings {
        window: CLOCK.window,
        lateness: CLOCK.lateness,
        warmup: Duration::from_secs(20),
        anomaly_budget: 10.0,
        forest_p_value_max: 1e-5,
        gap_windows_max: 360,
        services_max: 1000,
        open_windows_max: 10_000,
        catalogue: CatalogueLimits::default(),
        fleet: FleetSettings {
            hold_max: Duration::from_secs(60),
            stall_after: Duration::from_secs(30),
        },
        sessions: SessionSettings {
            idle: Duration::from_secs(600),
            sessions_max: 100_000,
            bounds: SessionBounds::default(),
        },
        values: ValueSettings { enabled: true, stable_for: Duration::from_secs(1800) },
    }
}
