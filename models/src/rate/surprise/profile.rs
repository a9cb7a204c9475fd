//! What is usual at a time of day.
//!
//! The day is cut into quarters of an hour, each with a running mean and the range of its values.
//! The range is that of both neighbours too, because what comes every day does not come by the
//! second. It knows no week.

use serde::{Deserialize, Serialize};

/// Quarters of an hour: fine enough for a morning, coarse enough to be visited often.
const SLOTS: usize = 96;
const DAY_SECS: usize = 86_400;
/// A slot speaks once it was visited as often.
const VISITS_MIN: u32 = 3;
/// Weight of a new value in the mean of its slot: some days.
const MEAN_SHARE: f64 = 0.1;
/// By how much of its width the range gives way at each end, at each visit: a season.
const RANGE_SHARE: f64 = 0.003;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Slot {
    visits: u32,
    mean: f64,
    low: f64,
    high: f64,
}

/// Usual values of each part of the day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Profile {
    slots: Vec<Slot>,
}

impl Profile {
    pub(super) fn new() -> Self {
        Self { slots: vec![Slot::default(); SLOTS] }
    }

    /// Returns the mean of the time of day, if it is known.
    pub(super) fn expected(&self, day_secs: u32) -> Option<f64> {
        let slot = &self.slots[slot_of(day_secs)];
        (slot.visits >= VISITS_MIN).then_some(slot.mean)
    }

    /// Returns how far a value is from the mean of its time, and how far outside of the range.
    pub(super) fn distances(&self, day_secs: u32, value: f64) -> [Option<f64>; 2] {
        let at = slot_of(day_secs);
        let own = &self.slots[at];
        if own.visits < VISITS_MIN {
            return [None; 2];
        }
        let (mut low, mut high) = (own.low, own.high);
        for near in [&self.slots[(at + 1) % SLOTS], &self.slots[(at + SLOTS - 1) % SLOTS]] {
            if near.visits > 0 {
                (low, high) = (low.min(near.low), high.max(near.high));
            }
        }
        [Some((value - own.mean).abs()), Some((value - high).max(low - value).max(0.0))]
    }

    pub(super) fn learn(&mut self, day_secs: u32, value: f64) {
        let slot = &mut self.slots[slot_of(day_secs)];
        slot.visits = slot.visits.saturating_add(1);
        if slot.visits == 1 {
            (slot.mean, slot.low, slot.high) = (value, value, value);
            return;
        }
        slot.mean += MEAN_SHARE.max(1.0 / f64::from(slot.visits)) * (value - slot.mean);
        let give = RANGE_SHARE * (slot.high - slot.low);
        slot.low = (slot.low + give).min(value);
        slot.high = (slot.high - give).max(value);
    }
}

fn slot_of(day_secs: u32) -> usize {
    (day_secs as usize * SLOTS / DAY_SECS).min(SLOTS - 1)
}
