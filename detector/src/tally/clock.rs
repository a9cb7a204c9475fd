//! The clock of one source: how far its event time has come, and which stated times to believe.
//!
//! A single record with a clock in 2099, one restored from a backup, or a host whose clock is ahead
//! must not move the clock, or all others would be late.
//! These rules see to that, in this order:
//!
//! - A time further than `future_max` ahead of wall time is not believed: the record takes the time
//!   that its source has reached.
//! - A step ahead of no more than `lateness` is believed from any record, as long as it does not
//!   lead beyond wall time by more than that.
//! - A larger step is believed as far as most streams of the source have come
//!   ([`streams`](super::streams)); a source of one stream has its own word for it.
//! - Where no stream contradicts, since the others are silent or were replaced, a run of records
//!   that are all ahead is believed once it has gone on for as long as the gap that it claims, a
//!   minute at most, or once the source is at its end; and where it does not lead beyond wall time.
//! - What leads more than `jump_max` ahead is in addition believed only once the next record
//!   confirms it.
//!
//! Until then the clock waits, and a record that is ahead is counted in the window that it states:
//! after a gap the first ones are right.
//! Once the source has gone on without its stream it is known to be wrong, and takes the time that
//! its source has reached.
//!
//! What one record alone has begun the next stream may take back: the first record of a source may
//! be the one with the wrong clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::streams::{SAY_FOR, StreamId, Streams};
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
    streams: Streams,
    run: Option<Run>,
}

/// Records since the last one that agreed with the clock, all of them ahead of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    first: Timestamp,
    last: Timestamp,
}

/// What a record says of its time.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    /// The event time, where the entry states one.
    pub time: Option<Timestamp>,
    /// The service that wrote it.
    pub service: &'a str,
    /// The host that it ran on, empty where not stated.
    pub host: &'a str,
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
    /// Its window, that of this time, may be closed already.
    Late(Timestamp),
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

    /// Takes in what one record states, in the order of its source.
    pub fn observe(
        &mut self,
        stated: Stated<'_>,
        wall: Timestamp,
        settings: &ClockSettings,
    ) -> Placement {
        let Some(time) = stated.time.filter(|time| *time <= wall + settings.future_max) else {
            return self.newest.map_or(Placement::Unknown, Placement::Corrected);
        };
        let newest = *self.newest.get_or_insert(time);
        if time > newest + settings.lateness {
            if !self.weigh_step(time, stated.stream(), wall, settings) {
                return Placement::Corrected(self.newest.unwrap_or(time));
            }
        } else {
            self.agree(time, stated, wall, settings);
        }
        let closed = self.watermark(settings);
        let end = time.window_start(settings.window) + settings.window;
        if closed.is_some_and(|watermark| end <= watermark) {
            Placement::Late(time)
        } else {
            Placement::Stated(time)
        }
    }

    /// Believes what nobody has contradicted, up to wall time: its source has nothing more to say.
    pub fn settle(&mut self, wall: Timestamp, settings: &ClockSettings) {
        if let Some(run) = self.run.take_if(|run| run.last <= wall + settings.lateness) {
            self.believe(run.last, settings);
        }
    }

    /// Takes in a time that is no large step ahead.
    fn agree(
        &mut self,
        time: Timestamp,
        stated: Stated<'_>,
        wall: Timestamp,
        settings: &ClockSettings,
    ) {
        (self.suspect, self.run) = (None, None);
        let newest = self.newest.unwrap_or(time);
        let leads = time > newest && time > wall + settings.lateness;
        if time > newest && !leads {
            self.newest = Some(time);
        }
        if time + settings.lateness < newest && self.streams.rests_on_another(stated.stream()) {
            self.newest = Some(time);
            self.streams.start_over(time);
        }
        if self.streams.wants(time) || leads {
            self.streams.agrees(stated.stream(), time, self.newest.unwrap_or(time));
        }
        if leads {
            self.newest = self.newest.max(self.streams.reached_by_most(newest));
        }
    }

    /// Takes in a larger step ahead; tells whether the record is to be counted where it states.
    fn weigh_step(
        &mut self,
        time: Timestamp,
        id: StreamId,
        wall: Timestamp,
        settings: &ClockSettings,
    ) -> bool {
        let newest = self.newest.unwrap_or(time);
        let since = self.streams.goes_ahead(id, time, newest, newest + settings.lateness);
        let most = self.streams.reached_by_most(newest);
        if let Some(most) = most.map_or(Some(time), |most| Some(most).filter(|it| *it > newest)) {
            self.believe(most, settings);
            self.run = None;
        } else if newest > since + settings.lateness {
            return false;
        } else {
            let run = self.run.get_or_insert(Run { first: time, last: time });
            let confirmed = run.last.min(time);
            run.last = time;
            let gap = run.first.since(newest).min(SAY_FOR);
            if time.since(run.first) >= gap && time <= wall + settings.lateness {
                self.run = Some(Run { first: time, last: time });
                self.believe(confirmed, settings);
            }
        }
        let newest = self.newest.unwrap_or(time);
        if time <= newest + settings.lateness {
            self.streams.agrees(id, time, newest);
        }
        true
    }

    /// Goes on to a time that is believed; no stream is wrong for having been there before.
    fn believe(&mut self, time: Timestamp, settings: &ClockSettings) {
        self.advance(time, settings);
        self.streams.start_over(self.newest.unwrap_or(time));
    }

    /// Goes on to a time that is believed, unless it is so far ahead that another must confirm it.
    fn advance(&mut self, time: Timestamp, settings: &ClockSettings) {
        let mut newest = self.newest.unwrap_or(time);
        if time > newest + settings.jump_max {
            match self.suspect.take() {
                Some(suspect) if time + settings.jump_max >= suspect => newest = time.min(suspect),
                _ => {
                    self.suspect = Some(time);
                    return;
                }
            }
        }
        if time > newest + settings.jump_max {
            self.suspect = Some(time);
        } else {
            newest = newest.max(time);
            self.suspect = None;
        }
        self.newest = Some(newest);
    }
}

impl Stated<'_> {
    fn stream(&self) -> StreamId {
        StreamId::new(self.service, self.host)
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

    fn stated(secs: i64, service: &str) -> Stated<'_> {
        Stated { time: Some(Timestamp::from_secs(secs)), service, host: "" }
    }

    fn run(times: &[i64]) -> (Vec<Placement>, Option<Timestamp>) {
        let mut clock = SourceClock::default();
        let placed =
            times.iter().map(|secs| clock.observe(stated(*secs, "a"), WALL, &SETTINGS)).collect();
        (placed, clock.newest())
    }

    /// A clock that a few services have moved on to 1000, second by second.
    fn steady(services: &[&str]) -> SourceClock {
        let mut clock = SourceClock::default();
        for secs in 900..=1000 {
            for service in services {
                clock.observe(stated(secs, service), WALL, &SETTINGS);
            }
        }
        clock
    }

    fn secs(clock: &SourceClock) -> i64 {
        clock.newest().map_or(0, |newest| newest.as_nanos() / 1_000_000_000)
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
        assert_eq!(placed[2], Placement::Late(Timestamp::from_secs(109)));
        let (placed, _) = run(&[100, 114, 109]);
        assert_eq!(placed[2], Placement::Stated(Timestamp::from_secs(109)));
    }

    #[test]
    fn a_new_stream_ahead_moves_no_clock_however_often_and_takes_the_time_of_its_source() {
        let mut clock = steady(&["web"]);
        for second in 1001..1100 {
            for name in ["other", "other", "n1", "n2", "n3"] {
                let placed = clock.observe(stated(second + 590, name), WALL, &SETTINGS);
                let newest = Timestamp::from_secs(second - 1);
                let right = placed == Placement::Corrected(newest);
                assert!(right || second <= 1006, "{second} {placed:?}");
            }
            let placed = clock.observe(stated(second, "web"), WALL, &SETTINGS);
            assert_eq!(placed, Placement::Stated(Timestamp::from_secs(second)));
            assert_eq!(secs(&clock), second);
        }
    }

    #[test]
    fn one_of_a_few_known_streams_ahead_moves_no_clock() {
        let names = ["a", "b", "c"];
        let mut clock = steady(&names);
        for second in 1001..1200 {
            for name in names {
                let ahead = if name == "b" { 60 } else { 0 };
                clock.observe(stated(second + ahead, name), WALL, &SETTINGS);
            }
            assert_eq!(secs(&clock), second);
        }
    }

    #[test]
    fn nobody_walks_the_clock_beyond_wall_time_in_small_steps() {
        let mut clock = steady(&["web", "shop"]);
        let wall = Timestamp::from_secs(1000);
        (0..100).for_each(|n| _ = clock.observe(stated(1000 + 4 * n, "other"), wall, &SETTINGS));
        assert_eq!(secs(&clock), 1004);
        // A machine whose own clock is behind follows most of the streams.
        for second in 1000..1100 {
            for name in ["web", "shop"] {
                let placed = clock.observe(stated(second, name), wall, &SETTINGS);
                assert_eq!(placed, Placement::Stated(Timestamp::from_secs(second)));
            }
        }
        assert!((1090..=1100).contains(&secs(&clock)), "{}", secs(&clock));
    }

    #[test]
    fn after_a_gap_most_streams_confirm_and_no_record_is_misplaced() {
        for names in [&["a"][..], &["a", "b"], &["a", "b", "c", "d", "e"]] {
            let mut clock = steady(names);
            for name in names {
                let placed = clock.observe(stated(3600, name), WALL, &SETTINGS);
                assert_eq!(placed, Placement::Stated(Timestamp::from_secs(3600)));
            }
            assert_eq!(secs(&clock), 3600, "{names:?}");
        }
    }

    #[test]
    fn streams_with_new_names_after_a_gap_are_believed_within_a_minute_of_their_time() {
        let mut clock = steady(&["a", "b", "c"]);
        for second in 3600..3670 {
            for name in ["d", "e", "f"] {
                let placed = clock.observe(stated(second, name), WALL, &SETTINGS);
                assert_eq!(placed, Placement::Stated(Timestamp::from_secs(second)));
            }
        }
        assert_eq!(secs(&clock), 3669);
    }

    #[test]
    fn the_clock_of_a_quiet_source_lags_by_one_record_at_most() {
        for (streams, gap) in [(1, 1200), (2, 1200), (100, 6), (10, 30), (7, 30)] {
            let mut clock = SourceClock::default();
            let names: Vec<String> = (0..streams).map(|n| format!("host{n}")).collect();
            for n in 0..500 {
                let (time, name) = (1000 + n * gap, &names[n as usize % names.len()]);
                let placed = clock.observe(stated(time, name), WALL, &SETTINGS);
                assert_eq!(placed, Placement::Stated(Timestamp::from_secs(time)));
                let lag = time - secs(&clock);
                assert!(lag <= gap || n < 3, "{streams} streams each {gap} s: {lag} s at {n}");
            }
        }
    }

    #[test]
    fn the_last_stream_after_the_others_fell_silent_goes_on() {
        let mut clock = steady(&["a", "b", "c", "d"]);
        for n in 1..20 {
            clock.observe(stated(1000 + 10 * n, "d"), WALL, &SETTINGS);
            assert!(secs(&clock) >= 1000 + 10 * (n - 1), "{n}");
        }
    }

    #[test]
    fn a_first_record_that_is_ahead_is_taken_back_by_the_next_stream() {
        let mut clock = SourceClock::default();
        for second in 1000..1100 {
            for (name, ahead) in [("e", 60), ("a", 0), ("b", 0), ("c", 0), ("d", 0)] {
                let placed = clock.observe(stated(second + ahead, name), WALL, &SETTINGS);
                assert!(!matches!(placed, Placement::Late(_)), "{second} {name}");
            }
            assert_eq!(secs(&clock), second);
        }
    }

    #[test]
    fn at_the_end_of_a_source_what_nobody_contradicts_is_believed_up_to_wall_time() {
        let mut clock = steady(&["a", "b"]);
        clock.observe(stated(1300, "c"), WALL, &SETTINGS);
        let mut live = clock.clone();
        live.settle(Timestamp::from_secs(1200), &SETTINGS);
        assert_eq!(secs(&live), 1000);
        clock.settle(WALL, &SETTINGS);
        assert_eq!(secs(&clock), 1300);
    }

    #[test]
    fn the_streams_remembered_are_bounded() {
        let mut clock = steady(&["web"]);
        let before = clock.clone();
        for n in 0..10_000 {
            let name = format!("invented{n}");
            clock.observe(stated(1000 + n / 1000, &name), WALL, &SETTINGS);
            clock.observe(stated(1590, &name), WALL, &SETTINGS);
        }
        assert_eq!(secs(&clock), 1009);
        let bytes = |clock| postcard::to_allocvec(clock).map_or(0, |bytes| bytes.len());
        assert!(bytes(&clock) < 4096 && bytes(&before) < 128);
    }
}
