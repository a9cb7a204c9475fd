//! Unusual blocks in a row: one may be chance, two speak.

use serde::{Deserialize, Serialize};

/// Greatest probability of a block that is held to be unusual.
pub(super) const P_VALUE_MAX: f64 = 1e-5;
/// Blocks that a condition must last before it is told, and that count as independent of each other.
const BLOCKS_MIN: u32 = 2;

/// Blocks in a row that were unusual in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Streak<W> {
    way: W,
    blocks: u32,
    /// The greatest probability of one of them.
    p_value: f64,
}

impl<W: Copy + PartialEq> Streak<W> {
    /// Goes on with a block that is unusual in this way, or begins anew.
    pub(super) fn next(before: Option<Self>, way: W, p_value: f64) -> Self {
        match before.filter(|before| before.way == way) {
            Some(before) => Self {
                way,
                blocks: before.blocks.saturating_add(1),
                p_value: before.p_value.max(p_value),
            },
            None => Self { way, blocks: 1, p_value },
        }
    }

    /// Returns how many blocks there are.
    pub(super) fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Returns how many blocks and how likely they are, once there are enough.
    ///
    /// The share of a block varies as the correlation says, so given that two blocks are
    /// independent, and the likelier one stands for both.
    pub(super) fn told(&self) -> Option<(u32, f64)> {
        let p_value = self.p_value.powi(BLOCKS_MIN as i32).max(f64::MIN_POSITIVE);
        (self.blocks >= BLOCKS_MIN).then_some((self.blocks, p_value))
    }
}
