//! A measured quantity: when many of its values lie far beyond what they usually reach.
//!
//! **Statistic.** *Far* is what exceeds twice the 95th percentile of the past (or undercuts half of
//! the 5th), and by no less than eight steps of the last digit that is written. The number of far
//! values in a block is judged by a beta-binomial tail: its share is what the past says, its
//! correlation what the past says of high values coming together. Two blocks in a row must say so.
//!
//! **Worth watching** is a variable of enough blocks and values, with several magnitudes, whose
//! values do not hang together within a block: the intraclass correlation of their ranks (Fisher
//! 1925, by ranks as in Kruskal and Wallis 1952) is near 1 for sequence numbers, timestamps,
//! counters, process ids and slow gauges, whatever their scale, and near 0 for a latency.
//!
//! Far blocks are learned at an eighth of their weight, so that a fault does not become the rule
//! while it lasts, and a level that has changed for good does within half an hour.

use serde::{Deserialize, Serialize};

use super::beta_binomial;
use super::spread::{Bucket, Spread};
use super::streak::{P_VALUE_MAX, Streak};
use super::together::{MEMORY, Together};

/// Blocks and values before anything is said.
const BLOCKS_MIN: f64 = 30.0;
const VALUES_MIN: f64 = 200.0;
/// Magnitudes that hold a hundredth of the values each: fewer are a constant, or a switch.
const VARIETY_MIN: usize = 3;
/// Intraclass correlation from which values follow each other too closely to be judged apart.
const CORRELATION_MAX: f64 = 0.5;
/// How often the edge of the past counts as far.
const RATIO: f64 = 2.0;
/// Steps of the last digit that far is away from that edge.
const STEPS: f64 = 8.0;
/// The edge of the past: a twentieth lies beyond.
const EDGE: f64 = 0.05;
/// Share and number of values of a block that must be far.
const FAR_SHARE: f64 = 0.1;
const FAR_MIN: usize = 3;
/// Median of the far values over the 95th percentile from which on they are a jump, and share of
/// the values that must be far for the jump to be an upheaval.
const JUMP_RATIO: f64 = 5.0;
const UPHEAVAL_SHARE: f64 = 0.5;
/// Weight of a far block in what is learned.
const FAR_WEIGHT: f64 = 1.0 / 8.0;

/// Which end of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    /// Higher than usual.
    High,
    /// Lower than usual.
    Low,
}

/// Many far values in a block, and in the one before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Excess {
    /// Which end.
    pub side: Side,
    /// Probability of as many in two blocks in a row.
    pub p_value: f64,
    /// Far values in this block.
    pub far: usize,
    /// Values in it.
    pub of: usize,
    /// What a far value lies beyond.
    pub bound: f64,
    /// Median of the far values.
    pub middle: f64,
    /// 5th, 50th and 95th percentile of the past.
    pub usual: [f64; 3],
    /// Blocks in a row, this one included.
    pub blocks: u32,
}

impl Excess {
    /// Tells whether values are higher than usual.
    pub fn is_high(&self) -> bool {
        self.side == Side::High
    }

    /// Tells whether values have jumped up by far.
    pub fn is_jump(&self) -> bool {
        self.is_high() && self.middle >= JUMP_RATIO * self.usual[2]
    }

    /// Tells whether most values have.
    pub fn is_upheaval(&self) -> bool {
        self.is_jump() && self.far as f64 >= UPHEAVAL_SHARE * self.of as f64
    }
}

/// The past of one variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Numeric {
    spread: Spread,
    /// Sum of the weights of blocks.
    blocks: f64,
    ranks: Together,
    highs: Together,
    lows: Together,
    /// The finest step between two values.
    step: f64,
    /// The last blocks, where they were far.
    streak: Option<Streak<Side>>,
}

impl Default for Numeric {
    fn default() -> Self {
        Self {
            spread: Spread::default(),
            blocks: 0.0,
            ranks: Together::default(),
            highs: Together::default(),
            lows: Together::default(),
            step: f64::INFINITY,
            streak: None,
        }
    }
}

impl Numeric {
    /// Judges a block of values by those before it, then learns it. Values are at least 0, `step`
    /// is the finest step between two as they are written.
    pub fn observe(&mut self, block: &[f64], step: f64) -> Option<Excess> {
        if block.is_empty() {
            return None;
        }
        self.step = self.step.min(step);
        let found = if self.is_watched() { self.judge(block) } else { None };
        let streak = |excess: &Excess| Streak::next(self.streak, excess.side, excess.p_value);
        self.streak = found.as_ref().map(streak);
        self.learn(block, if found.is_some() { FAR_WEIGHT } else { 1.0 });
        let (blocks, p_value) = self.streak?.told()?;
        found.map(|excess| Excess { blocks, p_value, ..excess })
    }

    /// Forgets the last blocks as the ones right before the next, after a gap.
    pub fn interrupt(&mut self) {
        self.streak = None;
    }

    /// Tells whether the variable has shown to be worth watching.
    pub fn is_watched(&self) -> bool {
        self.blocks >= BLOCKS_MIN
            && self.spread.total() >= VALUES_MIN
            && self.ranks.correlation() < CORRELATION_MAX
            && self.spread.variety(0.01) >= VARIETY_MIN
    }

    /// Tells whether it had its chance and is not worth watching.
    pub fn is_dull(&self) -> bool {
        self.blocks >= 2.0 * BLOCKS_MIN && !self.is_watched()
    }

    fn judge(&self, block: &[f64]) -> Option<Excess> {
        [Side::High, Side::Low].into_iter().find_map(|side| self.judge_side(block, side))
    }

    fn judge_side(&self, block: &[f64], side: Side) -> Option<Excess> {
        let usual = [EDGE, 0.5, 1.0 - EDGE].map(|share| self.spread.quantile(share).value());
        let bound = match side {
            Side::High => (usual[2] * RATIO).max(usual[2] + STEPS * self.step),
            Side::Low => (usual[0] / RATIO).min(usual[0] - STEPS * self.step),
        };
        let is_far = |value: &f64| match side {
            Side::High => *value > bound,
            Side::Low => *value < bound,
        };
        let mut far: Vec<f64> = block.iter().copied().filter(is_far).collect();
        let least = (FAR_SHARE * block.len() as f64).max(FAR_MIN as f64);
        if (far.len() as f64) < least {
            return None;
        }
        far.sort_by(f64::total_cmp);
        let (beyond, together) = match side {
            Side::High => (self.spread.above(Bucket::of(bound)), &self.highs),
            Side::Low => (self.spread.below(Bucket::of(bound)), &self.lows),
        };
        let correlation = together.cautious_correlation();
        // One more than was seen, since what was never seen is not impossible.
        let share = (beyond + 1.0) / (self.spread.total() + 1.0);
        let p_value =
            beta_binomial::upper(far.len() as u32, block.len() as u32, share, correlation);
        (p_value <= P_VALUE_MAX).then(|| Excess {
            side,
            p_value,
            far: far.len(),
            of: block.len(),
            bound,
            middle: far[far.len() / 2],
            usual,
            blocks: 1,
        })
    }

    fn learn(&mut self, block: &[f64], weight: f64) {
        let block: Vec<Bucket> = block.iter().map(|value| Bucket::of(*value)).collect();
        if self.spread.total() > 0.0 {
            let (high, low) = (self.spread.quantile(0.9), self.spread.quantile(0.1));
            let hit = |holds: bool| if holds { 1.0 } else { 0.0 };
            self.ranks.observe(self.spread.ranks(&block).iter().copied(), weight);
            self.highs.observe(block.iter().map(|value| hit(*value > high)), weight);
            self.lows.observe(block.iter().map(|value| hit(*value < low)), weight);
        }
        let kept = 1.0 - weight / MEMORY;
        self.spread.fade(kept);
        for value in block {
            self.spread.add(value, weight);
        }
        self.blocks = self.blocks * kept + weight;
    }
}
