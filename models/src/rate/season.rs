//! How the expected count of a series moves with the time of day and week, and with a trend.
//!
//! The level of a baseline is what was counted in the last hour; a season says how it goes on from
//! there. It learns the growth from each half hour to the next (see `growth`) and asks several
//! experts, weighted by how well they did (see `experts`), so that a change of the clocks, a
//! holiday or a season that is not one any more are doubts beforehand and no surprise. Nothing is
//! claimed before it was seen: until then the trend alone speaks.
//!
//! It knows no calendar and no time zone: a day is 86,400 seconds.

mod experts;
mod growth;

use experts::{EXPERTS, Experts};
use growth::{Growth, SLOT_SECS};
use serde::{Deserialize, Serialize};

/// Experts are asked once in a block.
pub(super) const BLOCK_SECS: u64 = 60;
/// After a longer gap nothing is known of how the level went on.
const GAP_SECS_MAX: u64 = 86_400;
/// Empty slots after which a season is given up: a week and a day.
const IDLE_MAX: u16 = 8 * 48;
/// Blocks that the fast and the slow mean look back, for the trend.
const FAST_BLOCKS: f64 = 14.4;
const SLOW_BLOCKS: f64 = 57.7;
/// Greatest trend: a doubling in half an hour.
const TREND_MAX: f64 = std::f64::consts::LN_2 / 30.0;
/// A trend as many standard deviations from none is believed by half.
const TREND_Z: f64 = 3.0;

/// The season of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    growth: Growth,
    experts: Experts,
    /// Start of the block, seconds since the epoch.
    since: u64,
    block: Sum,
    /// Mean and weight of the level when the block began.
    level: [f64; 2],
    slot: Sum,
    before: Sum,
    /// Windows of the fullest slot.
    full: u32,
    /// Empty slots, the last ones.
    idle: u16,
    dispersion: f32,
    /// Mean counts of a window, of the last minutes and of the last hour.
    fast: f64,
    slow: f64,
    /// Growth of the usual slot and its kin, in logarithms a second, and the slot it leads to.
    pace: [f32; 4],
    pace_to: u64,
}

/// Counts of some windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    windows: u32,
    count: f64,
}

/// What a baseline says of itself when a block ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    /// Mean count of a window.
    pub(super) mean: f64,
    /// Windows that it was learned from, forgetting.
    pub(super) weight: f64,
    /// What a window keeps of earlier ones.
    pub(super) keep: f64,
}

impl Season {
    pub(super) fn new(secs: u64, level: &Level) -> Self {
        Self {
            growth: Growth::new(),
            experts: Experts::new(),
            since: secs,
            block: Sum::default(),
            level: [level.mean, level.weight],
            slot: Sum::default(),
            before: Sum::default(),
            full: 0,
            idle: 0,
            dispersion: 0.1,
            fast: level.mean,
            slow: level.mean,
            pace: [0.0; 4],
            pace_to: 0,
        }
    }

    /// Returns the expected mean over the level of the baseline.
    pub(super) fn ratio(&self) -> f64 {
        self.experts.ratio()
    }

    /// Returns weight of each expert, and its expected mean over the level of the baseline.
    pub(super) fn views(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.experts.views()
    }

    /// Tells whether nothing has come for so long that it may be given up.
    pub(super) fn is_idle(&self) -> bool {
        self.idle > IDLE_MAX
    }

    /// Takes in the counts of windows that the baseline learns.
    pub(super) fn add(&mut self, windows: u32, count: f64) {
        self.block.windows += windows;
        self.block.count += count;
    }

    /// Starts again from a level that has replaced the old one.
    pub(super) fn restart(&mut self, mean: f64) {
        self.slot.add(self.block);
        self.block = Sum::default();
        self.experts.agree();
        (self.fast, self.slow) = (mean, mean);
    }

    /// Ends the block at `secs` and returns the factor by which the level of the baseline grows.
    pub(super) fn advance(
        &mut self,
        secs: u64,
        level: &Level,
        dispersion: impl FnOnce() -> f64,
    ) -> f64 {
        self.close_block(secs, level);
        if secs / SLOT_SECS != self.since / SLOT_SECS {
            self.close_slot(self.since / SLOT_SECS, secs / SLOT_SECS, dispersion);
        }
        let growth = self.grow(secs).exp();
        self.since = secs;
        self.level = [level.mean * growth, level.weight / growth.max(1.0)];
        growth
    }

    fn close_block(&mut self, secs: u64, level: &Level) {
        let block = std::mem::take(&mut self.block);
        if block.windows == 0 {
            return;
        }
        let [mean, weight] = self.level;
        let windows = f64::from(block.windows);
        let inflation = 1.0 + f64::from(self.dispersion) * mean;
        self.experts.weigh(block.count, mean * windows, inflation);
        let kept = weight * level.keep.powi(block.windows as i32);
        self.experts.settle((kept / level.weight).min(1.0));
        self.slot.add(block);
        let (seen, blocks) =
            (block.count / windows, (secs - self.since) as f64 / BLOCK_SECS as f64);
        self.fast += (seen - self.fast) * (blocks / FAST_BLOCKS).min(1.0);
        self.slow += (seen - self.slow) * (blocks / SLOW_BLOCKS).min(1.0);
    }

    /// Learns the growth to the slot that ends, if it and the one before it were whole.
    fn close_slot(&mut self, slot: u64, next: u64, dispersion: impl FnOnce() -> f64) {
        let (ended, before) = (std::mem::take(&mut self.slot), self.before);
        self.full = self.full.max(ended.windows);
        let is_whole = |sum: &Sum| sum.windows * 4 >= self.full * 3;
        let has_any = ended.count + before.count > 0.0;
        if is_whole(&ended) && is_whole(&before) && has_any {
            let growth = (ended.mean() / before.mean()).log2() as f32;
            if let Some(is_later) = self.growth.turn(slot, growth, self.noise()) {
                self.experts.turn(is_later);
                self.pace_to = 0;
            }
            self.growth.learn(slot, growth);
        }
        self.idle = if ended.count > 0.0 { 0 } else { self.idle.saturating_add(1) };
        self.before = if next == slot + 1 { ended } else { Sum::default() };
        self.dispersion = dispersion() as f32;
    }

    /// Moves the experts on to `secs`; returns the logarithm of the growth that they agree on.
    fn grow(&mut self, secs: u64) -> f64 {
        if secs <= self.since || secs - self.since > GAP_SECS_MAX {
            self.experts.agree();
            return 0.0;
        }
        let (mut from, mut agreed) = (self.since, 0.0);
        let trend = self.trend() / BLOCK_SECS as f64;
        while from < secs {
            // The mean of a slot is that of its middle, so growth goes from middle to middle.
            let to_slot = (from + SLOT_SECS / 2) / SLOT_SECS;
            let end = (to_slot * SLOT_SECS + SLOT_SECS / 2).min(secs);
            if self.pace_to != to_slot {
                let noise = self.noise();
                let per_sec = std::f32::consts::LN_2 / SLOT_SECS as f32;
                self.pace = self.growth.to_slot(to_slot, noise).map(|growth| growth * per_sec);
                self.pace_to = to_slot;
            }
            let [usual, later, before, yesterday] = self.pace.map(f64::from);
            let pace: [f64; EXPERTS] = [0.0, trend, usual, later, before, yesterday];
            agreed += self.experts.grow(pace.map(|pace| pace * (end - from) as f64));
            from = end;
        }
        agreed
    }

    /// Returns the variance of the growth from slot to slot that comes of counting alone, in
    /// doublings.
    fn noise(&self) -> f32 {
        let windows = f64::from(self.full.max(1));
        let relative = 1.0 / (self.level[0] * windows + 0.5) + f64::from(self.dispersion) / windows;
        (2.0 * relative / std::f64::consts::LN_2.powi(2)) as f32
    }

    /// Returns the growth of a block if the last hour goes on, as a logarithm.
    fn trend(&self) -> f64 {
        if self.fast <= 0.0 || self.slow <= 0.0 {
            return 0.0;
        }
        let change = (self.fast / self.slow).ln();
        let windows = f64::from(self.full.max(30)) * BLOCK_SECS as f64 / SLOT_SECS as f64;
        let variance =
            (1.0 / self.slow + f64::from(self.dispersion)) / (2.0 * FAST_BLOCKS * windows);
        let square = change * change / variance;
        let trend = change / (SLOW_BLOCKS - FAST_BLOCKS) * square / (square + TREND_Z * TREND_Z);
        trend.clamp(-TREND_MAX, TREND_MAX)
    }
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.windows += other.windows;
        self.count += other.count;
    }

    /// Returns the mean count of a window, kept from zero.
    fn mean(self) -> f64 {
        (self.count + 0.5) / f64::from(self.windows.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::Season;

    #[test]
    fn a_season_takes_a_kilobyte() {
        let table = 8 * 48 * size_of::<i16>();
        assert!(size_of::<Season>() + table <= 1100, "{} bytes", size_of::<Season>() + table);
    }
}
