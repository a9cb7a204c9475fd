//! What a catalogue may hold, and what becomes of the rest.
//!
//! Policy: within `templates_max`, and as long as their tokens fit in memory, every shape is its own
//! template. Beyond, a skeleton gets a
//! coarse shape, its words of general English alone, for one tenth more templates; beyond that,
//! all go to one bucket. Each such skeleton is counted.

use serde::{Deserialize, Serialize};

use crate::template::WILDCARD;
use crate::template::pattern::{Pattern, TokenKind};
use crate::template::vocabulary::Openness;

/// The text of the bucket for everything beyond the limits.
pub(super) const OVERFLOW_TEXT: &str = "<*> (more templates than the limit)";

/// Tokens of all patterns of a service, before coarser shapes begin. A token takes about 340 bytes
/// with its slot, so this is 140 MB; twenty thousand patterns of twenty tokens fit.
pub(super) const TOKENS_MAX: usize = 400_000;

/// Words kept in a coarse shape.
const COARSE_WORDS_MAX: usize = 6;

/// Upper bounds of what one service may make a catalogue hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueLimits {
    /// Templates before coarser shapes begin.
    pub templates_max: usize,
    /// Values looked at where one word differs.
    pub values_per_position_max: usize,
    /// Skeletons remembered for the O(1) look-up; further ones are cut to tokens each time.
    pub skeletons_max: usize,
}

impl Default for CatalogueLimits {
    fn default() -> Self {
        Self { templates_max: 10_000, values_per_position_max: 32, skeletons_max: 200_000 }
    }
}

impl CatalogueLimits {
    /// Patterns kept, templates and aliases together.
    pub(super) fn patterns_max(&self) -> usize {
        self.templates_max.saturating_mul(2)
    }

    /// Templates and coarse templates together.
    pub(super) fn roots_max(&self) -> usize {
        self.templates_max + self.templates_max / 10
    }
}

/// Returns the words of general English in a pattern, with a wildcard for what stands between.
pub(super) fn coarse_text(pattern: &Pattern) -> String {
    let mut text = String::from(WILDCARD);
    let general = |at: &usize| {
        pattern.tokens[*at].kind == TokenKind::Word && pattern.tokens[*at].openness < Openness::Open
    };
    for at in (0..pattern.tokens.len()).filter(general).take(COARSE_WORDS_MAX) {
        text.push(' ');
        text.push_str(&pattern.tokens[at].spelling);
    }
    text.push_str(" <*>");
    text
}
