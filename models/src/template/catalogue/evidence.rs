//! When words that differ at one place are values of a variable.
//!
//! The harmful error is to melt what differs in its verb, so verbs and states never count. Names
//! count, and fewer are needed where a name is to be expected: PIPLUP found two distinct values
//! the best threshold before a position opens, which holds here only after `=`, in quotes and
//! after words such as `user`.

use crate::template::pattern::{Pattern, TokenKind};
use crate::template::vocabulary::{self, Context, Openness};

/// Names that must differ after `=` or after a word such as `user`.
const SLOT_VALUES_MIN: u8 = 2;
/// Names that must differ after a colon or a preposition, or in quotes.
const LIKELY_VALUES_MIN: u8 = 3;
/// Combinations that must differ where several values change together.
const TOGETHER_VALUES_MIN: u8 = 3;
/// Names that must differ anywhere else.
const PLAIN_VALUES_MIN: u8 = 5;
/// Names that must differ where one constant word is all that is left.
const BARE_VALUES_MIN: u8 = 12;
/// Never enough.
const NEVER: u8 = u8::MAX;

/// A pattern that would fit a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) slot: u64,
    pattern: u32,
    value: u64,
    openness: Openness,
    /// Open values that the context asks for.
    needed: u8,
    /// Open values needed where masked values were seen at the same place.
    needed_beside_masked: u8,
    context: Context,
}

impl Witness {
    /// Returns the slots that a pattern fits: one for each word that may be a value.
    pub(super) fn of(pattern: &Pattern, at: u32) -> Vec<Self> {
        let mut found = Vec::new();
        for position in 0..pattern.tokens.len() {
            let mut openness = pattern.openness(position);
            if openness == Openness::Fixed {
                continue;
            }
            let mut context = context(pattern, position);
            let word = &pattern.tokens[position].spelling;
            if context == Context::Slot && vocabulary::is_http_method(word) {
                openness = Openness::Open;
            }
            if vocabulary::is_account(&pattern.tokens[position].spelling) {
                openness = Openness::Open;
                context = Context::Slot;
            }
            let words = pattern.words_apart_from(position);
            let (needed, needed_beside_masked) = needed(context, words);
            found.push(Self {
                slot: pattern.hash_with_star(position),
                pattern: at,
                value: pattern.tokens[position].hash,
                openness,
                needed,
                needed_beside_masked,
                context,
            });
        }
        found.extend(Self::of_several(pattern, at, &found));
        found
    }

    /// Returns the slot where every word after `=` and the like is open at once, if several are:
    /// values that only ever change together.
    fn of_several(pattern: &Pattern, at: u32, single: &[Self]) -> Option<Self> {
        let open = |w: &&Self| w.openness == Openness::Open && w.context == Context::Slot;
        let stars: Vec<u64> = single.iter().filter(open).map(|w| w.slot).collect();
        let (first, others) = single.iter().find(open).zip(stars.get(1..))?;
        if others.is_empty() || first.needed == NEVER {
            return None;
        }
        let apart = |sum: u64, star: &u64| sum.wrapping_add(star.wrapping_sub(pattern.hash));
        Some(Self {
            slot: stars.iter().fold(pattern.hash, apart),
            pattern: at,
            value: pattern.hash,
            needed: TOGETHER_VALUES_MIN,
            ..*first
        })
    }
}

/// How many open values make a variable: in general, and beside masked values.
fn needed(context: Context, words: usize) -> (u8, u8) {
    match (context, words) {
        (_, 0) => (NEVER, NEVER),
        (Context::Slot, _) => (SLOT_VALUES_MIN, 1),
        (Context::Likely, 1) => (PLAIN_VALUES_MIN, 2),
        (Context::Likely, _) => (LIKELY_VALUES_MIN, 1),
        (Context::Plain, 1) => (BARE_VALUES_MIN, 3),
        (Context::Plain, _) => (PLAIN_VALUES_MIN, 2),
    }
}

fn context(pattern: &Pattern, at: usize) -> Context {
    let Some(before) = at.checked_sub(1).map(|before| &pattern.tokens[before]) else {
        return Context::Plain;
    };
    let after = pattern.tokens.get(at + 1);
    match before.kind {
        TokenKind::Mark => match &*before.spelling {
            "=" => Context::Slot,
            quote @ ("\"" | "'") if after.is_some_and(|next| &*next.spelling == quote) => {
                let said = at.checked_sub(2).map(|said| &pattern.tokens[said]);
                match said.filter(|said| said.kind == TokenKind::Word) {
                    Some(said) if vocabulary::is_identity_key(&said.spelling) => Context::Slot,
                    _ => Context::Likely,
                }
            }
            ":" | "(" | "[" | "{" => Context::Likely,
            _ => Context::Plain,
        },
        TokenKind::Word => vocabulary::context_after(&before.spelling),
        TokenKind::Wild => Context::Plain,
    }
}

/// A pattern with one word left open, and what was seen to fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    witnesses: Vec<Witness>,
    pub(super) promoted: Option<u32>,
}

impl Slot {
    pub(super) fn add(&mut self, witness: Witness, values_max: usize) {
        if !self.is_full(values_max) {
            self.witnesses.push(witness);
        }
    }

    /// Reports whether further witnesses would be forgotten.
    pub(super) fn is_full(&self, values_max: usize) -> bool {
        self.witnesses.len() >= values_max.max(1)
    }

    /// Returns the patterns to put below the slot: none as long as the evidence is short.
    pub(super) fn members(&self, native: bool) -> Vec<u32> {
        let open = self.open_values();
        let needed = |w: &Witness| if native { w.needed_beside_masked } else { w.needed };
        let enough = self.promoted.is_some()
            || self.witnesses.iter().any(|w| w.openness == Openness::Open && open >= needed(w));
        if !enough {
            return Vec::new();
        }
        let fits = |w: &&Witness| Self::fits(w, open, native);
        self.witnesses.iter().filter(fits).map(|w| w.pattern).collect()
    }

    /// Reports whether a witness belongs below a slot that was promoted.
    pub(super) fn takes(&self, witness: &Witness, native: bool) -> bool {
        Self::fits(witness, self.open_values(), native)
    }

    /// Names always fit, nouns where one is to be expected, verbs only beside many names.
    fn fits(witness: &Witness, open: u8, native: bool) -> bool {
        let settled = open >= PLAIN_VALUES_MIN;
        match (witness.openness, witness.context) {
            (Openness::Open, _) | (Openness::Weak, Context::Slot) => true,
            (Openness::Weak, Context::Likely) => settled || native,
            (Openness::Weak, Context::Plain) => settled,
            (Openness::Verb, context) => settled && context != Context::Plain,
            (Openness::Fixed, _) => false,
        }
    }

    fn open_values(&self) -> u8 {
        let open = self.witnesses.iter().filter(|w| w.openness == Openness::Open);
        let mut values: Vec<u64> = open.map(|w| w.value).collect();
        values.sort_unstable();
        values.dedup();
        values.len().min(usize::from(NEVER - 1)) as u8
    }
}
