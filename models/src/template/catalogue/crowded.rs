//! What a full catalogue does with skeletons that it has not seen: a look instead of the rules.
//!
//! Once there is no room, nearly every new skeleton is one of a flood, and following the rules for
//! each would cost ten times a usual line. So a skeleton is reduced to its outline, the words that
//! templates shared when the room ran out, with one mark for any run of others. The first of an outline
//! goes the full way, the others go where it went. Up to the limit nothing of this happens.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::template::pattern::{Pattern, TokenKind};
use crate::template::vocabulary::Openness;

/// Outlines remembered; further ones go the full way each time.
const OUTLINES_MAX: usize = 50_000;
/// Stands for words that no template knew, and for variables.
const OTHER: u64 = 0x6f74_6865_7221_0001;
/// Bytes of a word that is not of general English.
const WORD_BYTES_MIN: usize = 4;
/// Words of a skeleton that take part in its outline.
const WORDS_MAX: usize = 64;

/// What a full catalogue remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowded {
    /// Patterns when the room ran out: what their words are is derived from them.
    pub(super) patterns: usize,
    words: FxHashSet<u64>,
    outlines: FxHashMap<u64, u32>,
}

/// A [`Crowded`] at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedCrowded {
    patterns: usize,
    /// Outline and pattern, sorted.
    outlines: Vec<(u64, u32)>,
}

impl Crowded {
    /// Begins with the words of all patterns there are: those of general English, and those that
    /// stand in more than one and are too long to do so by chance.
    pub(super) fn new(patterns: &[Pattern]) -> Self {
        let tokens = patterns.iter().flat_map(|pattern| &pattern.tokens);
        let words = tokens.filter(|token| token.kind == TokenKind::Word);
        let (mut once, mut shared) = (FxHashSet::default(), FxHashSet::default());
        for token in words {
            let name = token.name().as_bytes();
            let hash = word_hash(name);
            let is_english = token.openness < Openness::Open;
            if is_english || name.len() >= WORD_BYTES_MIN && !once.insert(hash) {
                shared.insert(hash);
            }
        }
        Self { patterns: patterns.len(), words: shared, outlines: FxHashMap::default() }
    }

    /// Goes on from a state at rest.
    pub(super) fn restore(saved: SavedCrowded, patterns: &[Pattern]) -> Self {
        let known = &patterns[..saved.patterns.min(patterns.len())];
        Self { outlines: saved.outlines.into_iter().collect(), ..Self::new(known) }
    }

    /// Returns the state at rest.
    pub(super) fn save(&self) -> SavedCrowded {
        let mut outlines: Vec<_> = self.outlines.iter().map(|(&key, &at)| (key, at)).collect();
        outlines.sort_unstable();
        SavedCrowded { patterns: self.patterns, outlines }
    }

    /// Finds where the first skeleton of an outline went.
    pub(super) fn find(&self, outline: u64) -> Option<u32> {
        self.outlines.get(&outline).copied()
    }

    /// Remembers where the first skeleton of an outline went.
    pub(super) fn remember(&mut self, outline: u64, at: u32) {
        if self.outlines.len() < OUTLINES_MAX {
            self.outlines.insert(outline, at);
        }
    }

    /// Returns the hash of the words that templates knew, in their order.
    pub(super) fn outline(&self, skeleton: &str) -> u64 {
        let (mut outline, mut last) = (0, 0);
        for word in skeleton.as_bytes().split(|byte| !is_word(*byte)).take(WORDS_MAX) {
            if word.is_empty() {
                continue;
            }
            let hash = word_hash(word);
            let here = if self.words.contains(&hash) { hash } else { OTHER };
            if here != OTHER || last != OTHER {
                outline = xxh3_64_with_seed(&here.to_le_bytes(), outline);
            }
            last = here;
        }
        outline
    }
}

impl PartialEq for Crowded {
    fn eq(&self, other: &Self) -> bool {
        self.patterns == other.patterns && self.outlines == other.outlines
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || byte >= 0x80
}

fn word_hash(word: &[u8]) -> u64 {
    xxh3_64_with_seed(word, 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use crate::template::{Catalogue, CatalogueLimits, Skeleton, TemplateId, mask};

    fn learn(catalogue: &mut Catalogue, line: &str) -> TemplateId {
        let mut skeleton = Skeleton::new();
        mask(line.as_bytes(), &mut skeleton);
        catalogue.assign(skeleton.hash(), skeleton.text()).id
    }

    /// A word that no list holds.
    fn word(number: usize) -> String {
        (0..7)
            .map(|at| char::from(b'a' + (number / 5usize.pow(at) % 5 + at as usize * 2) as u8))
            .collect()
    }

    fn full() -> Catalogue {
        let limits = CatalogueLimits { templates_max: 40, ..CatalogueLimits::default() };
        let mut catalogue = Catalogue::new("shop", limits);
        for name in ["alice", "bob", "carol"] {
            learn(&mut catalogue, &format!("user {name} logged in"));
        }
        for number in 0..200 {
            let line = (0..3 + number % 5).map(|at| word(number * 11 + at * 3));
            learn(&mut catalogue, &line.collect::<Vec<_>>().join(" "));
        }
        assert!(catalogue.overflowed() > 0);
        catalogue
    }

    #[test]
    fn what_was_a_template_stays_one_for_values_never_seen() {
        let mut catalogue = full();
        let dave = learn(&mut catalogue, "user dave logged in");
        assert_eq!(catalogue.text(dave), "user <*> logged in");
        assert_eq!(learn(&mut catalogue, "user erin logged in"), dave);
        assert_ne!(learn(&mut catalogue, "user erin logged out"), dave);
    }

    #[test]
    fn a_full_catalogue_is_the_same_after_a_restart() {
        let mut catalogue = full();
        let bytes = postcard::to_stdvec(&catalogue).unwrap();
        let mut again: Catalogue = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(again, catalogue);
        for number in 0..300 {
            let line = format!("{} of {} was {}", word(number * 7), word(number), word(number * 3));
            assert_eq!(learn(&mut again, &line), learn(&mut catalogue, &line), "{line}");
        }
        assert_eq!(again, catalogue);
    }
}
