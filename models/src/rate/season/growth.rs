//! By how much the expected count grows from one half hour to the next, over a day and a week.
//!
//! Growth is kept, not levels: it is the same on every level, an incident touches the half hours of
//! its begin and end alone, and what comes of it is made from the counts of the last hour anyway.
//! A half hour of the week is learned robustly: of what was seen, what was known of this half hour
//! and what is known of the same half hour of any day, the median is taken.
//! Where little was counted, the week is drawn to the day, and the day to no growth.

use serde::{Deserialize, Serialize};

/// Half an hour: coarse enough to be learned from few records, fine enough for a morning.
pub(super) const SLOT_SECS: u64 = 1800;
const DAY: usize = 48;
const WEEK: usize = 7 * DAY;
/// Slots of an hour, by which a change of the clocks shifts everything.
const HOUR: usize = 2;

/// Growth is kept in steps of as many to one doubling.
const STEPS: f32 = 4096.0;
/// Faster growth, in doublings a slot, is a step and no season.
const GROWTH_MAX: f32 = 2.0;
/// A cell that was never seen.
const UNKNOWN: i16 = i16::MIN;
/// One slot moves the growth of any day by no more than this share of itself, and this much.
const DAY_SHARE: f32 = 1.0 / 7.0;
const DAY_STEP: f32 = 0.5;
/// One slot moves the growth of its week by no less than this share.
const WEEK_SHARE: f32 = 0.25;
/// Two witnesses that differ by more from what was known replace it.
const DISAGREEMENT: f32 = 1.0;
/// Variances beforehand, in doublings: of the growth of any slot, and of how much one day of the
/// week differs from the others.
const DAY_VARIANCE: f32 = 0.25;
const WEEK_VARIANCE: f32 = 0.1;

/// What a slot keeps of earlier evidence that the clocks were changed: a half-life of a day.
const TURN_KEEP: f32 = 0.985_66;
/// One slot tells no more of that than this, in natural logarithms.
const TURN_STEP: f32 = 2.0;
/// As much evidence is enough.
const TURN_MIN: f32 = 12.0;
/// Variance of the growth of a slot around what is usual: beforehand, at least, and the share of a
/// new slot.
const SPREAD: f32 = 0.02;
const SPREAD_MIN: f32 = 1e-4;
const SPREAD_SHARE: f32 = 1.0 / 96.0;

/// The growth of each slot of a week, as the logarithm to base 2 of its ratio to the slot before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Growth {
    week: Box<[i16]>,
    day: Box<[i16]>,
    /// Slots learned.
    seen: u32,
    /// Slots by which the table was turned.
    turned: u16,
    /// Variance of the growth of a slot around what is usual.
    spread: f32,
    /// Evidence that now is as usual an hour later, or an hour before.
    turn: [f32; 2],
}

impl Growth {
    pub(super) fn new() -> Self {
        let unknown = |slots| vec![UNKNOWN; slots].into_boxed_slice();
        let (week, day) = (unknown(WEEK), unknown(DAY));
        Self { week, day, seen: 0, turned: 0, spread: SPREAD, turn: [0.0; 2] }
    }

    /// Returns the cell of the slot with this number since the epoch, `back` slots earlier.
    fn cell(&self, slot: u64, back: usize) -> usize {
        ((slot % WEEK as u64) as usize + usize::from(self.turned) + WEEK - back) % WEEK
    }

    fn of_day(&self, cell: usize) -> Option<f32> {
        value(self.day[cell % DAY])
    }

    /// Returns what is expected of a cell, given the variance of the growth of one slot.
    fn expected(&self, cell: usize, noise: f32) -> f32 {
        let Some(day) = self.of_day(cell) else { return 0.0 };
        let days = (self.seen / DAY as u32).clamp(1, 7) as f32;
        let drawn = day * DAY_VARIANCE / (DAY_VARIANCE + noise / days);
        let weeks = (self.seen / WEEK as u32).clamp(1, 4) as f32;
        let own = value(self.week[cell]).map_or(0.0, |week| week - day);
        drawn + own * WEEK_VARIANCE / (WEEK_VARIANCE + noise / weeks)
    }

    /// Returns the growth to a slot as usual, as usual an hour later, as usual an hour before, and
    /// as it was a day ago.
    pub(super) fn to_slot(&self, slot: u64, noise: f32) -> [f32; 4] {
        let of = |back| self.expected(self.cell(slot, back), noise);
        let yesterday = value(self.week[self.cell(slot, DAY)]).unwrap_or(0.0);
        let drawn = yesterday * DAY_VARIANCE / (DAY_VARIANCE + noise);
        [of(0), of(WEEK - HOUR), of(HOUR), drawn]
    }

    /// Learns the growth to a slot.
    pub(super) fn learn(&mut self, slot: u64, growth: f32) {
        let cell = self.cell(slot, 0);
        let growth = growth.clamp(-GROWTH_MAX, GROWTH_MAX);
        let days = self.seen / DAY as u32;
        let day = match self.of_day(cell) {
            None => growth,
            Some(day) => {
                let step = if days < 3 { GROWTH_MAX } else { DAY_STEP };
                let share = DAY_SHARE.max(1.0 / (days + 1) as f32);
                day + (growth - day).clamp(-step, step) * share
            }
        };
        let week = match value(self.week[cell]) {
            None if days < 2 => growth,
            None => day + (growth - day).clamp(-DISAGREEMENT, DISAGREEMENT),
            Some(week) => {
                let to = median(growth, week, day);
                let is_refuted = (to - week).abs() > DISAGREEMENT;
                let weeks = self.seen / WEEK as u32;
                let share = WEEK_SHARE.max(1.0 / (weeks + 1) as f32);
                if is_refuted { to } else { week + (to - week) * share }
            }
        };
        self.day[cell % DAY] = kept(day);
        self.week[cell] = kept(week);
        self.seen = self.seen.saturating_add(1);
    }

    /// Compares the growth to a slot with what is usual; tells whether all comes as usual an hour
    /// later, or before, so that the clocks must have been changed, and turns the table then.
    pub(super) fn turn(&mut self, slot: u64, growth: f32, noise: f32) -> Option<bool> {
        if self.seen < WEEK as u32 {
            return None;
        }
        let [usual, later, before, _] = self.to_slot(slot, noise);
        let away = |expected: f32| (growth - expected).clamp(-GROWTH_MAX, GROWTH_MAX).powi(2);
        for (evidence, other) in self.turn.iter_mut().zip([later, before]) {
            let told = (away(usual) - away(other)) / (2.0 * self.spread);
            *evidence = (*evidence * TURN_KEEP + told.clamp(-TURN_STEP, TURN_STEP)).max(0.0);
        }
        self.spread += (away(usual) - self.spread).min(self.spread * 4.0) * SPREAD_SHARE;
        self.spread = self.spread.max(SPREAD_MIN);
        let [later, before] = self.turn;
        let is_later = (later.max(before) > TURN_MIN).then_some(later > before)?;
        self.turn_by_an_hour(is_later);
        Some(is_later)
    }

    fn turn_by_an_hour(&mut self, is_later: bool) {
        self.turn = [0.0; 2];
        let slots = if is_later { HOUR } else { WEEK - HOUR };
        self.turned = ((usize::from(self.turned) + slots) % WEEK) as u16;
    }
}

fn value(kept: i16) -> Option<f32> {
    (kept != UNKNOWN).then(|| f32::from(kept) / STEPS)
}

fn kept(value: f32) -> i16 {
    (value * STEPS).round() as i16
}

fn median(a: f32, b: f32, c: f32) -> f32 {
    a.max(b).min(a.min(b).max(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between() {
        assert_eq!(median(1.0, 3.0, 2.0), 2.0);
        assert_eq!(median(3.0, 1.0, 0.0), 1.0);
        assert_eq!(median(1.0, 2.0, 9.0), 2.0);
    }

    /// Three days of a morning that doubles in slot 12 and an evening that halves in slot 30.
    fn days(growth: &mut Growth, days: std::ops::Range<u64>) {
        for slot in days.start * 48..days.end * 48 {
            let seen = match slot % 48 {
                12 => 1.0,
                30 => -1.0,
                _ => 0.0,
            };
            growth.learn(slot, seen);
        }
    }

    #[test]
    fn a_turn_shifts_by_an_hour() {
        let mut growth = Growth::new();
        days(&mut growth, 0..14);
        let [usual, early, late, yesterday] = growth.to_slot(14 * 48 + 12, 0.0);
        assert_eq!([usual, early, late, yesterday], [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(growth.to_slot(14 * 48 + 10, 0.0)[1], 1.0);
        assert_eq!(growth.to_slot(14 * 48 + 14, 0.0)[2], 1.0);
        growth.turn_by_an_hour(true);
        assert_eq!(growth.to_slot(14 * 48 + 10, 0.0)[0], 1.0);
        growth.turn_by_an_hour(false);
        growth.turn_by_an_hour(false);
        assert_eq!(growth.to_slot(14 * 48 + 14, 0.0)[0], 1.0);
    }

    #[test]
    fn one_incident_leaves_no_mark() {
        for bad in [3, 9] {
            let mut growth = Growth::new();
            days(&mut growth, 0..bad);
            for slot in bad * 48..(bad + 1) * 48 {
                growth.learn(slot, if slot % 48 == 20 { -8.0 } else { 0.0 });
            }
            days(&mut growth, bad + 1..15);
            let slot = (bad + 14) * 48 + 20;
            let [usual, ..] = growth.to_slot(slot, 0.0);
            assert!(usual.abs() < 0.3, "{usual} two weeks after day {bad}");
        }
    }
}
