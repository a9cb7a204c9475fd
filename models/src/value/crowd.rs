//! A variable of many values, such as users or addresses: when most of them were never seen.
//!
//! **Statistic.** Of the different values of a block those are counted that were not among the last
//! [`REMEMBERED`] different ones. Their number has a beta-binomial tail: the share is that of the
//! past, the correlation what the past says of newcomers coming together. Two blocks in a row must
//! say so.
//!
//! **Worth watching** is a variable most of whose values were there before; one whose values are new
//! more often is an identifier, and is given up for good. It takes [`BLOCKS_MIN`] blocks to know
//! who is there and as many to know how many are new.

use serde::{Deserialize, Serialize};

use super::beta_binomial;
use super::streak::{P_VALUE_MAX, Streak};
use super::together::Together;

/// Different values that are remembered, those seen last.
pub(super) const REMEMBERED: usize = 1024;
/// Blocks before newcomers are counted, and counted before anything is said.
const BLOCKS_MIN: u32 = 30;
/// Greatest usual share of newcomers of a variable that is watched.
const USUAL_MAX: f64 = 0.5;
/// Share and number of newcomers in a block that is held to be unusual, and how often the usual
/// share they must be.
const NEW_SHARE: f64 = 0.3;
const NEW_MIN: usize = 8;
const RATIO: f64 = 2.0;
/// Unusual blocks in a row that are not learned: one that is would say that newcomers come together.
const UNLEARNED_BLOCKS: u32 = 60;
/// One in so many newcomers of an unusual block is remembered.
const NEW_KEPT: u32 = 8;

/// Many newcomers in a block, and in the one before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Influx {
    /// Probability of as many in both blocks.
    pub p_value: f64,
    /// Values of this block that were never seen.
    pub new: usize,
    /// Different values in it.
    pub of: usize,
    /// Usual share of newcomers.
    pub usual: f64,
    /// Blocks in a row, this one included.
    pub blocks: u32,
}

/// The past of one variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Crowd {
    /// Hash of each value that is remembered and the block that it was last in, by hash.
    seen: Vec<(u32, u32)>,
    blocks: u32,
    newcomers: Together,
    streak: Option<Streak<()>>,
    is_given_up: bool,
}

impl Crowd {
    /// Tells whether its values have shown to be identifiers.
    pub fn is_given_up(&self) -> bool {
        self.is_given_up
    }

    /// Tells whether it has shown to be worth watching.
    pub fn is_watched(&self) -> bool {
        self.blocks >= 2 * BLOCKS_MIN && !self.is_given_up
    }

    /// Gives the variable up: it is judged in another way.
    pub fn give_up(&mut self) {
        *self = Self { is_given_up: true, ..Self::default() };
    }

    /// Forgets the last blocks as the ones right before the next, after a gap.
    pub fn interrupt(&mut self) {
        self.streak = None;
    }

    /// Judges a block of different values, by their hashes, by those before it, then learns it.
    pub fn observe(&mut self, block: &[u32]) -> Option<Influx> {
        if self.is_given_up || block.is_empty() {
            return None;
        }
        let is_new: Vec<bool> = block.iter().map(|hash| !self.has_seen(*hash)).collect();
        let new = is_new.iter().filter(|is_new| **is_new).count();
        let found = self.judge(new, block.len());
        let lasts = self.streak.is_some_and(|streak| streak.blocks() >= UNLEARNED_BLOCKS);
        if self.blocks >= BLOCKS_MIN && (found.is_none() || lasts) {
            self.newcomers.observe(is_new.iter().map(|new| f64::from(u8::from(*new))), 1.0);
        }
        self.blocks = self.blocks.saturating_add(1);
        if self.blocks >= 2 * BLOCKS_MIN && self.newcomers.mean() > USUAL_MAX {
            self.give_up();
            return None;
        }
        self.remember(block, found.is_some());
        self.streak = found.map(|p_value| Streak::next(self.streak, (), p_value));
        let (blocks, p_value) = self.streak?.told()?;
        Some(Influx { p_value, new, of: block.len(), usual: self.newcomers.mean(), blocks })
    }

    /// Returns how likely so many newcomers are, where that is unusual.
    fn judge(&self, new: usize, of: usize) -> Option<f64> {
        let (count, usual) = (of as f64, self.newcomers.mean());
        let least = (NEW_SHARE.max(RATIO * usual) * count).max(NEW_MIN as f64);
        if !self.is_watched() || (new as f64) < least {
            return None;
        }
        // One more than was seen, since what was never seen is not impossible.
        let seen = self.newcomers.blocks() * count;
        let share = (usual * seen + 1.0) / (seen + 1.0);
        let correlation = self.newcomers.cautious_correlation();
        let share = share.min(1.0 - 1e-9);
        let p_value = beta_binomial::upper(new as u32, of as u32, share, correlation);
        Some(p_value).filter(|p_value| *p_value <= P_VALUE_MAX)
    }

    fn has_seen(&self, hash: u32) -> bool {
        self.seen.binary_search_by_key(&hash, |(seen, _)| *seen).is_ok()
    }

    /// Keeps the values of a block; of one that is unusual an eighth of the newcomers, so that a
    /// flood does not wash away who was there before it.
    fn remember(&mut self, block: &[u32], is_unusual: bool) {
        for hash in block {
            match self.seen.binary_search_by_key(hash, |(seen, _)| *seen) {
                Ok(at) => self.seen[at].1 = self.blocks,
                Err(_) if is_unusual && !hash.is_multiple_of(NEW_KEPT) => {}
                Err(at) => self.seen.insert(at, (*hash, self.blocks)),
            }
        }
        if self.seen.len() > REMEMBERED {
            let mut blocks: Vec<u32> = self.seen.iter().map(|(_, block)| *block).collect();
            let first_kept = blocks.len() - REMEMBERED;
            let (_, oldest, _) = blocks.select_nth_unstable(first_kept);
            let oldest = *oldest;
            self.seen.retain(|(_, block)| *block > oldest || *block == self.blocks);
        }
    }
}
