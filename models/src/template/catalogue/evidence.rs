//! What a word says for a variable at its place.
//!
//! The harmful error is to melt what differs in its verb, so states never count, and verbs only
//! join where many names were seen. Names count, and fewer are needed where a name is to be
//! expected: PIPLUP found two distinct values the best threshold before a position opens, which
//! holds here only after `=`, in quotes and after words such as `user`.

use crate::template::pattern::{Pattern, TokenKind, Words};
use crate::template::steps;
use crate::template::vocabulary::{self, Context, Openness};

/// Names that must differ after `=`, in quotes or after a word such as `user`.
pub(super) const SLOT_VALUES_MIN: u8 = 2;
/// Names that must differ after a colon or a preposition, or in brackets.
const LIKELY_VALUES_MIN: u8 = 3;
/// Positions beyond which only all of them together are looked at, not every two.
const PAIRED_POSITIONS_MAX: usize = 5;
/// Names that must differ anywhere else.
pub(super) const PLAIN_VALUES_MIN: u8 = 5;
/// Names that must differ where one constant word is all that is left.
const BARE_VALUES_MIN: u8 = 12;

/// How many distinct values make a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needed {
    pub(super) names: u8,
    /// Of words that are nobody's prose.
    pub(super) identifiers: u8,
    /// Where masked values were seen at the same place.
    pub(super) beside_masked: u8,
}

/// A pattern that would fit a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) slot: u64,
    pub(super) pattern: u32,
    pub(super) value: u64,
    pub(super) openness: Openness,
    pub(super) needed: Needed,
    pub(super) context: Context,
    /// Where the word stands.
    pub(super) place: u32,
    /// The words at the places that change together, where several do.
    pub(super) parts: Box<[u64]>,
}

impl Witness {
    /// Returns the slots that a pattern fits: one for each word that may be a value, and one for
    /// each pair of names that may change together.
    pub(super) fn of(pattern: &Pattern, at: u32) -> Vec<Self> {
        let (words, places) = (pattern.words(), 0..pattern.tokens.len());
        let mut found: Vec<Self> =
            places.filter_map(|place| Self::at(pattern, at, place, words)).collect();
        found.extend(Self::together(pattern, &found));
        found
    }

    /// Reports whether the word at a place is a name where names are variables.
    pub(super) fn is_name(pattern: &Pattern, place: usize, words: Words) -> bool {
        Self::at(pattern, 0, place, words).is_some_and(|witness| witness.counts(true))
    }

    fn at(pattern: &Pattern, at: u32, place: usize, words: Words) -> Option<Self> {
        steps::count(1);
        let token = &pattern.tokens[place];
        let mut context = context(pattern, place);
        let mut openness = token.openness;
        if context == Context::Bracketed && token.name().len() == 1 {
            openness = Openness::Open;
        }
        if openness == Openness::Fixed {
            return None;
        }
        if vocabulary::is_account(token.name()) {
            openness = Openness::Open;
            context = if context == Context::Plain { Context::Likely } else { Context::Value };
        } else if context == Context::Value && vocabulary::is_http_method(token.name()) {
            openness = Openness::Open;
        }
        let needed = needed(context, words.beside(token))?;
        Some(Self {
            slot: pattern.hash_with_star(place),
            pattern: at,
            value: token.hash,
            openness,
            needed,
            context,
            place: place as u32,
            parts: Box::default(),
        })
    }

    /// Returns the slots where two names, or all of them, are open at once.
    fn together(pattern: &Pattern, single: &[Self]) -> Vec<Self> {
        let names: Vec<&Self> = single.iter().filter(|w| w.changes_with_others()).collect();
        let mut found = Vec::new();
        if names.len() <= PAIRED_POSITIONS_MAX {
            for (at, one) in names.iter().enumerate() {
                found.extend(
                    names[at + 1..].iter().map(|other| Self::joint(pattern, &[one, other])),
                );
            }
        }
        if names.len() > 2 {
            found.push(Self::joint(pattern, &names));
        }
        found
    }

    /// Stands where a name is all that can stand.
    fn is_named(&self) -> bool {
        matches!(self.context, Context::Value | Context::Quoted | Context::Bracketed)
    }

    /// Looks like a value, or stands where one is to be expected.
    pub(super) fn is_announced(&self) -> bool {
        self.context != Context::Plain
            || matches!(self.openness, Openness::Identifier | Openness::Device)
    }

    fn changes_with_others(&self) -> bool {
        self.counts(false) && self.context != Context::Plain
    }

    fn joint(pattern: &Pattern, names: &[&Self]) -> Self {
        let apart = |sum: u64, w: &&Self| sum.wrapping_add(w.slot.wrapping_sub(pattern.hash));
        let parts: Box<[u64]> = names.iter().map(|w| w.value).collect();
        Self {
            slot: names.iter().fold(pattern.hash, apart),
            value: parts.iter().fold(0, |sum: u64, part| sum.rotate_left(7) ^ part),
            parts,
            ..names[0].clone()
        }
    }

    /// Reports whether it speaks for a variable at its place.
    pub(super) fn counts(&self, native: bool) -> bool {
        match self.openness {
            Openness::Open | Openness::Identifier => true,
            Openness::Device => native || self.is_named(),
            Openness::Weak => self.is_named() || self.context == Context::Slot,
            Openness::Verb | Openness::Fixed => false,
        }
    }
}

/// How many values are needed beside so many words; none suffice where no word is left.
fn needed(context: Context, words: usize) -> Option<Needed> {
    let (names, identifiers, beside_masked) = match (context, words) {
        (_, 0) => return None,
        (Context::Value | Context::Slot | Context::Quoted, _) => (SLOT_VALUES_MIN, 2, 1),
        (Context::Likely | Context::Bracketed, 1) => (PLAIN_VALUES_MIN, 3, 1),
        (Context::Likely | Context::Bracketed, _) => (LIKELY_VALUES_MIN, 2, 1),
        (Context::Plain, 1) => (BARE_VALUES_MIN, 5, 2),
        (Context::Plain, _) => (PLAIN_VALUES_MIN, 3, 1),
    };
    Some(Needed { names, identifiers, beside_masked })
}

fn context(pattern: &Pattern, at: usize) -> Context {
    let Some(before) = at.checked_sub(1).map(|before| &pattern.tokens[before]) else {
        return if is_process(pattern) { Context::Likely } else { Context::Plain };
    };
    let closes =
        |close: &str| pattern.tokens.get(at + 1).is_some_and(|next| &*next.spelling == close);
    match before.kind {
        TokenKind::Mark => match &*before.spelling {
            "=" => Context::Value,
            "\"" if closes("\"") => quoted(pattern, at),
            "'" | "`" if closes("'") || closes("`") => quoted(pattern, at),
            "[" if closes("]") => Context::Bracketed,
            ":" | "(" | "[" | "{" => Context::Likely,
            _ => Context::Plain,
        },
        TokenKind::Word => vocabulary::context_after(before.name()),
        TokenKind::Wild => Context::Plain,
    }
}

/// `java[<*>]:` at the start of a line.
fn is_process(pattern: &Pattern) -> bool {
    let after = |at: usize, mark: &str| {
        pattern.tokens.get(at).is_some_and(|token| !token.spaced && &*token.spelling == mark)
    };
    after(1, "[")
        && pattern.tokens.get(2).is_some_and(|token| token.kind == TokenKind::Wild)
        && after(3, "]")
}

fn quoted(pattern: &Pattern, at: usize) -> Context {
    let said = at.checked_sub(2).map(|said| &pattern.tokens[said]);
    match said.filter(|said| said.kind == TokenKind::Word) {
        Some(said) if vocabulary::is_identity_key(said.name()) => Context::Value,
        _ => Context::Quoted,
    }
}
