//! A skeleton cut to tokens: the form in which skeletons are compared and merged.
//!
//! A key leaves out what may vary inside one variable: the length of a list, a unit, a value in
//! parentheses after a value, the digit of a word such as `eth0`. What was left out is kept as the
//! spelling of the token, a flat lattice: one spelling as long as all agree, then `<*>`.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::cutter;
use super::known_words::is_technical;
use super::steps;
use super::vocabulary::{self, Openness};
use super::{TemplateId, WILDCARD};

/// Hash of a wildcard token.
const STAR: u64 = 0x5157_4152_4421_7e3d;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TokenKind {
    /// A constant word.
    Word,
    /// One delimiter.
    Mark,
    /// A variable.
    Wild,
}

/// One token of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// Whether a blank stands before it.
    pub(crate) spaced: bool,
    pub(crate) spelling: Box<str>,
    /// Hash of what is compared: not of the spelling.
    pub(crate) hash: u64,
    /// How ready it is to be the value of a variable; a function of what is compared.
    pub(crate) openness: Openness,
}

impl Token {
    /// The spelling without the full stops at its end.
    pub(crate) fn name(&self) -> &str {
        without_stops(&self.spelling)
    }

    /// Makes a word; full stops at its end are not part of what is compared.
    pub(crate) fn word(text: &str, spaced: bool) -> Self {
        let name = without_stops(text);
        let blind = digit_blind(name);
        let key = blind.as_deref().unwrap_or(name);
        Self {
            kind: TokenKind::Word,
            spaced,
            spelling: text.into(),
            hash: xxh3_64(key.as_bytes()),
            openness: vocabulary::openness(key),
        }
    }

    /// Reports whether it is a constant word that carries a meaning of its own.
    fn has_meaning(&self) -> bool {
        self.kind == TokenKind::Word && !vocabulary::is_function_word(self.name())
    }

    /// Reports whether it does not look like a value itself.
    fn is_prose(&self) -> bool {
        !matches!(self.openness, Openness::Device | Openness::Identifier)
    }

    pub(crate) fn mark(text: &str, spaced: bool) -> Self {
        Self {
            kind: TokenKind::Mark,
            spaced,
            spelling: text.into(),
            hash: xxh3_64(text.as_bytes()),
            openness: Openness::Fixed,
        }
    }

    pub(crate) fn wild(text: &str, spaced: bool) -> Self {
        Self {
            kind: TokenKind::Wild,
            spaced,
            spelling: text.into(),
            hash: STAR,
            openness: Openness::Fixed,
        }
    }
}

/// A word or a variable without the full stops that end its sentence.
fn without_stops(text: &str) -> &str {
    let name = text.trim_end_matches(['.', '!', '?']);
    if name.is_empty() { text } else { name }
}

/// `eth0` and `eth1` have one key, `ipv4` and `ipv6` two.
fn digit_blind(word: &str) -> Option<String> {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    (has_digit && !is_technical(word.as_bytes()))
        .then(|| word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect())
}

/// Bytes that an allocation of so many takes, near enough.
pub(super) fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16).max(32) }
}

/// How many constant words of a pattern have a meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    all: usize,
    /// Those that do not look like values themselves.
    prose: usize,
}

impl Words {
    /// Returns how many there are beside one token of the pattern: none if all of them look like
    /// values themselves.
    pub(crate) fn beside(self, token: &Token) -> usize {
        let own = token.has_meaning();
        let prose = self.prose - usize::from(own && token.is_prose());
        if prose > 0 { self.all - usize::from(own) } else { 0 }
    }
}

/// A sequence of tokens, and the pattern that it was merged into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pattern {
    pub(crate) tokens: Vec<Token>,
    pub(crate) id: TemplateId,
    pub(crate) hash: u64,
    /// Index of the pattern that took this one in.
    pub(crate) parent: Option<u32>,
    /// Whether no rule may change it or take it in.
    pub(crate) pinned: bool,
}

impl Pattern {
    /// Cuts the text of a skeleton.
    pub(crate) fn parse(text: &str, seed: u64) -> Self {
        Self::of(cutter::cut(text), seed)
    }

    /// Makes a pattern of one token that holds a whole text.
    pub(crate) fn whole(token: Token, seed: u64) -> Self {
        let id = TemplateId::derive(seed, token.spelling.as_bytes());
        let hash = token.hash;
        Self { tokens: vec![token], id, hash, parent: None, pinned: true }
    }

    fn of(tokens: Vec<Token>, seed: u64) -> Self {
        let hash = shape_hash(&tokens);
        let id = TemplateId::derive(seed, &hash.to_le_bytes());
        Self { tokens, id, hash, parent: None, pinned: false }
    }

    /// Returns the hash that the pattern would have with a wildcard at `at`.
    pub(crate) fn hash_with_star(&self, at: usize) -> u64 {
        self.hash.wrapping_sub(placed(self.tokens[at].hash, at)).wrapping_add(placed(STAR, at))
    }

    /// Returns the least pattern above both, of equal length: a wildcard wherever they differ.
    pub(crate) fn join(&self, other: &Self, seed: u64) -> Self {
        steps::count(self.tokens.len());
        let joined = self.tokens.iter().zip(&other.tokens).map(|(a, b)| join_tokens(a, b));
        Self::of(joined.collect(), seed)
    }

    /// Takes in the spellings of a pattern that is equal or below; reports a change.
    pub(crate) fn absorb(&mut self, other: &Self) -> bool {
        steps::count(self.tokens.len());
        let mut changed = false;
        for (mine, theirs) in self.tokens.iter_mut().zip(&other.tokens) {
            let joined = join_tokens(mine, theirs);
            if joined != *mine {
                *mine = joined;
                changed = true;
            }
        }
        changed
    }

    /// Counts the constant words with a meaning.
    pub(crate) fn words(&self) -> Words {
        steps::count(self.tokens.len());
        let mut words = Words { all: 0, prose: 0 };
        for token in self.tokens.iter().filter(|token| token.has_meaning()) {
            words.all += 1;
            words.prose += usize::from(token.is_prose());
        }
        words
    }

    /// Writes the pattern as people write templates.
    pub(crate) fn text(&self) -> String {
        cutter::spell(&self.tokens)
    }

    /// Bytes that the pattern takes, near enough.
    pub(crate) fn bytes_used(&self) -> usize {
        let spelled: usize = self.tokens.iter().map(|token| allocated(token.spelling.len())).sum();
        size_of::<Self>() + allocated(self.tokens.capacity() * size_of::<Token>()) + spelled
    }
}

/// The least token above both; full stops stay where both have them.
fn join_tokens(a: &Token, b: &Token) -> Token {
    let spaced = a.spaced || b.spaced;
    if a.hash == b.hash && a.spelling == b.spelling {
        return Token { spaced, ..a.clone() };
    }
    let stops = |token: &Token| token.spelling.len() - token.name().len();
    let name = if a.hash == b.hash && a.name() == b.name() { a.name() } else { WILDCARD };
    let mut spelling = name.to_owned();
    if a.spelling[a.name().len()..] == b.spelling[b.name().len()..] && stops(a) > 0 {
        spelling.push_str(&a.spelling[a.name().len()..]);
    }
    if a.hash == b.hash && a.kind == TokenKind::Word {
        return Token { spaced, spelling: spelling.into(), ..a.clone() };
    }
    Token::wild(&spelling, spaced)
}

fn shape_hash(tokens: &[Token]) -> u64 {
    let start = placed(tokens.len() as u64, usize::MAX >> 1);
    tokens.iter().enumerate().fold(start, |sum, (at, t)| sum.wrapping_add(placed(t.hash, at)))
}

fn placed(hash: u64, at: usize) -> u64 {
    xxh3_64_with_seed(&hash.to_le_bytes(), at as u64)
}
