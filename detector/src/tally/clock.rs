//! The clock of one source: how far its event time has come, and which stated times to believe.
//!
//! A single record with a clock in 2099, or one restored from a backup, must not move the clock.
//! Two rules see to that.
//! A time further than `future_max` ahead of wall time is not believed: the record takes the time
//! that its source has reached.
//! A jump of more than `jump_max` ahead is believed once the next record confirms it; the first
//! record is counted in the window that it states, and the clock waits.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What a source clock believes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSettings {
    /// Width of the tumbling windows.
    pub window: Duration,
    /// How far behind the newest record of its source a record may be.
    pub lateness: Duration,
    /// How far ahead of wall time a stated time may be.
    pub future_max: Duration,
    /// The largest step ahead that one record alone may make.
    pub jump_max: Duration,
}

/// How far the event time of one source has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceClock {
    newest: Option<Timestamp>,
    suspect: Option<Timestamp>,
}

/// Where the clock puts a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Into the window of this time, as stated.
    Stated(Timestamp),
    /// Into the window of this time, since the stated one is missing or not to be believed.
    Corrected(Timestamp),
    /// No time is stated and none is known of the source yet.
    Unknown,
    /// Its window may be closed already.
    Late,
}

impl SourceClock {
    /// Returns the greatest event time believed so far.
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// Returns the time before which no record is taken any more.
    pub fn watermark(&self, settings: &ClockSettings) -> Option<Timestamp> {
        self.newest.map(|newest| newest - settings.lateness)
    }

    /// Takes in the stated time of one record, in the order of its source.
    pub fn observe(
        &mut self,
        stated: Option<Timestamp>,
        wall: Timestamp,
        settings: &ClockSettings,
    ) -> Placement {
        let Some(time) = stated.filter(|time| *time <= wall + settings.future_max) else {
            return self.newest.map_or(Placement::Unknown, Placement::Corrected);
        };
        self.advance(time, settings);
        let closed = self.watermark(settings);
        let end = time.window_start(settings.window) + settings.window;
        if closed.is_some_and(|watermark| end <= watermark) {
            Placement::Late
        } else {
            Placement::Stated(time)
        }
    }

    fn advance(&mut self, time: Timestamp, settings: &ClockSettings) {
        let Some(newest) = self.newest else {
            self.newest = Some(time);
            return;
        };
        if time <= newest + settings.jump_max {
            self.newest = Some(newest.max(time));
            self.suspect = None;
            return;
        }
        match self.suspect.take() {
            Some(suspect) if time + settings.jump_max >= suspect => {
                self.newest = Some(time.min(suspect));
                self.advance(time, settings);
            }
            _ => self.suspect = Some(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: ClockSettings = ClockSettings {
        window: Duration::from_secs(10),
        lateness: Duration::from_secs(5),
        future_max: Duration::from_secs(600),
        jump_max: Duration::from_secs(3600),
    };
    const WALL: Timestamp = Timestamp::from_secs(1_000_000);

    fn run(times: &[i64]) -> (Vec<Placement>, Option<Timestamp>) {
        let mut clock = SourceClock::default();
        let placed = times
            .iter()
            .map(|secs| clock.observe(Some(Timestamp::from_secs(*secs)), WALL, &SETTINGS))
            .collect();
        (placed, clock.newest())
    }

    #[test]
    fn a_clock_far_ahead_of_wall_time_moves_nothing() {
        let (placed, newest) = run(&[100, 4_000_000_000, 101]);
        assert_eq!(placed[1], Placement::Corrected(Timestamp::from_secs(100)));
        assert_eq!(newest, Some(Timestamp::from_secs(101)));
    }

    #[test]
    fn one_record_from_a_later_day_moves_nothing_and_two_do() {
        let (_, newest) = run(&[100, 90_000, 101]);
        assert_eq!(newest, Some(Timestamp::from_secs(101)));
        let (_, newest) = run(&[100, 90_000, 90_001, 90_002]);
        assert_eq!(newest, Some(Timestamp::from_secs(90_002)));
    }

    #[test]
    fn what_lies_in_a_closed_window_is_late() {
        let (placed, _) = run(&[100, 116, 109]);
        assert_eq!(placed[2], Placement::Late);
        let (placed, _) = run(&[100, 114, 109]);
        assert_eq!(placed[2], Placement::Stated(Timestamp::from_secs(109)));
    }
}
