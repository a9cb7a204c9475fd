//! A skeleton cut to tokens: the form in which skeletons are compared and merged.
//!
//! A key leaves out what may vary inside one variable: the length of a list, a unit, a value in
//! parentheses after a value, the digit of a word such as `eth0`. What was left out is kept as the
//! spelling of the token, a flat lattice: one spelling as long as all agree, then `<*>`.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::known_words::{is_technical, is_unit};
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
}

impl Token {
    fn word(text: &str, spaced: bool) -> Self {
        let hash = match digit_blind(text) {
            Some(blind) => xxh3_64(blind.as_bytes()),
            None => xxh3_64(text.as_bytes()),
        };
        Self { kind: TokenKind::Word, spaced, spelling: text.into(), hash }
    }

    fn mark(text: &str, spaced: bool) -> Self {
        Self {
            kind: TokenKind::Mark,
            spaced,
            spelling: text.into(),
            hash: xxh3_64(text.as_bytes()),
        }
    }

    fn wild(text: &str, spaced: bool) -> Self {
        Self { kind: TokenKind::Wild, spaced, spelling: text.into(), hash: STAR }
    }
}

/// `eth0` and `eth1` have one key, `ipv4` and `ipv6` two.
fn digit_blind(word: &str) -> Option<String> {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    (has_digit && !is_technical(word.as_bytes()))
        .then(|| word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect())
}

/// A sequence of tokens, and the pattern that it was merged into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pattern {
    pub(crate) tokens: Vec<Token>,
    pub(crate) id: TemplateId,
    pub(crate) hash: u64,
    /// Index of the pattern that took this one in.
    pub(crate) parent: Option<u32>,
}

impl Pattern {
    /// Cuts the text of a skeleton.
    pub(crate) fn parse(text: &str, seed: u64) -> Self {
        Self::of(Cutter { text, at: 0, tokens: Vec::new() }.cut(), seed)
    }

    fn of(tokens: Vec<Token>, seed: u64) -> Self {
        let hash = shape_hash(&tokens);
        let id = TemplateId::derive(seed, &hash.to_le_bytes());
        Self { tokens, id, hash, parent: None }
    }

    /// Returns the hash that the pattern would have with a wildcard at `at`.
    pub(crate) fn hash_with_star(&self, at: usize) -> u64 {
        self.hash.wrapping_sub(placed(self.tokens[at].hash, at)).wrapping_add(placed(STAR, at))
    }

    /// Returns the least pattern above both, of equal length: a wildcard wherever they differ.
    pub(crate) fn join(&self, other: &Self, seed: u64) -> Self {
        let joined = self.tokens.iter().zip(&other.tokens).map(|(a, b)| join_tokens(a, b));
        Self::of(joined.collect(), seed)
    }

    /// Takes in the spellings of a pattern that is equal or below; reports a change.
    pub(crate) fn absorb(&mut self, other: &Self) -> bool {
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

    /// Returns the number of constant words with a meaning that are not at `but`.
    pub(crate) fn words_apart_from(&self, but: usize) -> usize {
        let word = |(at, token): &(usize, &Token)| {
            *at != but
                && token.kind == TokenKind::Word
                && !vocabulary::is_function_word(&token.spelling)
        };
        self.tokens.iter().enumerate().filter(word).count()
    }

    /// Reports how ready the word at `at` is to be a variable.
    pub(crate) fn openness(&self, at: usize) -> Openness {
        match self.tokens[at].kind {
            TokenKind::Word => vocabulary::openness(&self.tokens[at].spelling),
            TokenKind::Mark | TokenKind::Wild => Openness::Fixed,
        }
    }

    /// Writes the pattern as people write templates.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for token in &self.tokens {
            if token.spaced && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&token.spelling);
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// Bytes that the pattern takes, near enough.
    pub(crate) fn bytes_used(&self) -> usize {
        let spelled: usize = self.tokens.iter().map(|token| token.spelling.len()).sum();
        size_of::<Self>() + self.tokens.len() * size_of::<Token>() + spelled
    }
}

fn join_tokens(a: &Token, b: &Token) -> Token {
    let spaced = a.spaced || b.spaced;
    if a.hash == b.hash && a.spelling == b.spelling {
        return Token { spaced, ..a.clone() };
    }
    if a.hash == b.hash && a.kind == TokenKind::Word {
        return Token { spaced, spelling: WILDCARD.into(), ..a.clone() };
    }
    Token::wild(WILDCARD, spaced)
}

fn shape_hash(tokens: &[Token]) -> u64 {
    let start = placed(tokens.len() as u64, usize::MAX >> 1);
    tokens.iter().enumerate().fold(start, |sum, (at, t)| sum.wrapping_add(placed(t.hash, at)))
}

fn placed(hash: u64, at: usize) -> u64 {
    xxh3_64_with_seed(&hash.to_le_bytes(), at as u64)
}

struct Cutter<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Cutter<'a> {
    fn cut(mut self) -> Vec<Token> {
        while self.at < self.text.len() {
            let spaced = self.skip_blanks();
            let rest = self.rest();
            if rest.is_empty() {
                break;
            }
            if rest.starts_with(WILDCARD) {
                let len = variable_len(rest);
                self.push(Token::wild, len, spaced);
            } else if is_mark(rest.as_bytes()[0]) {
                self.push(Token::mark, 1, spaced);
                if rest.starts_with('=') {
                    self.value();
                }
            } else {
                let len = word_len(rest);
                if self.is_somebody(&rest[..len]) {
                    self.tokens.push(Token::wild(WILDCARD, spaced));
                    self.at += len;
                } else {
                    self.push(Token::word, len, spaced);
                }
            }
        }
        self.tokens
    }

    /// `user root` and `(root)`: an account that most systems have, where accounts stand.
    fn is_somebody(&self, word: &str) -> bool {
        vocabulary::is_account(word)
            && self.tokens.last().is_some_and(|before| match before.kind {
                TokenKind::Word => vocabulary::is_identity_key(&before.spelling),
                TokenKind::Mark => &*before.spelling == "(",
                TokenKind::Wild => false,
            })
    }

    fn push(&mut self, make: fn(&str, bool) -> Token, len: usize, spaced: bool) {
        let token = make(&self.text[self.at..self.at + len], spaced);
        self.tokens.push(token);
        self.at += len;
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) -> bool {
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        self.at += blanks;
        blanks > 0
    }

    /// After `=`: a value that is empty or holds a variable is one token.
    fn value(&mut self) {
        if self.value_is_empty() {
            self.tokens.push(Token::wild("", false));
        } else if let Some(len) = composite_len(self.rest()) {
            self.push(Token::wild, len, false);
        } else if self.names_identity() {
            let len = word_len(self.rest());
            self.tokens.push(Token::wild(WILDCARD, false));
            self.at += len;
        }
    }

    /// The key before `=` says that its value is somebody's name.
    fn names_identity(&self) -> bool {
        let key = self.tokens.iter().rev().nth(1).map_or("", |token| &token.spelling);
        let starts = self.rest().chars().next().is_some_and(char::is_alphabetic);
        starts && vocabulary::is_identity_key(key)
    }

    /// After `key=`: nothing follows, or the next key does.
    fn value_is_empty(&self) -> bool {
        let rest = self.rest();
        if rest.is_empty() || rest.starts_with([',', ';', '&', ')', ']', '}']) {
            return true;
        }
        let Some(next) = rest.strip_prefix(' ') else { return false };
        let key = next.len()
            - next.trim_start_matches(|c: char| c.is_alphanumeric() || "_.-".contains(c)).len();
        next.is_empty() || (key > 0 && next[key..].starts_with('='))
    }
}

/// Length of a value that holds a variable among other things: `Source{<*>}`, `[<*>][<*>]`.
fn composite_len(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut len = text.len();
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        let in_wildcard = text[at..].starts_with(WILDCARD);
        match c {
            '<' if in_wildcard => _ = rest.nth(WILDCARD.len() - 2),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ' ' if depth > 0 => return None,
            '"' | '\'' | '=' | '<' | '>' => return None,
            ' ' | ',' | ';' | '|' | ')' | ']' | '}' if depth == 0 => {
                len = at;
                break;
            }
            _ => {}
        }
    }
    let value = text[..len].trim_end_matches(['.', '!', '?', ':']);
    let plain = value.starts_with(WILDCARD) && value.len() == WILDCARD.len();
    (depth == 0 && !plain && value.contains(WILDCARD)).then_some(value.len())
}

/// Length of a variable with the list, unit and parentheses that belong to it.
fn variable_len(text: &str) -> usize {
    let mut len = WILDCARD.len();
    loop {
        let rest = &text[len..];
        let more = list_len(rest)
            .or_else(|| unit_len(rest))
            .or_else(|| group_len(rest))
            .or_else(|| full_stop_len(rest));
        match more {
            Some(more) => len += more,
            None => return len,
        }
    }
}

fn list_len(rest: &str) -> Option<usize> {
    let gap = [" ", ", ", ",", "; "]
        .into_iter()
        .find(|gap| rest.strip_prefix(gap).is_some_and(|next| next.starts_with(WILDCARD)))?;
    Some(gap.len() + WILDCARD.len())
}

fn unit_len(rest: &str) -> Option<usize> {
    let next = rest.strip_prefix(' ')?;
    let len = next.find(|c: char| !c.is_alphabetic()).unwrap_or(next.len());
    is_unit(&next[..len]).then_some(len + 1)
}

/// Full stops, which end a sentence or a value.
fn full_stop_len(rest: &str) -> Option<usize> {
    let len = rest.len() - rest.trim_start_matches(['.', '!', '?']).len();
    (len > 0).then_some(len)
}

/// `(<*>)`, `(<*> kB)` and `()` after a variable.
fn group_len(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix(" (").or_else(|| rest.strip_prefix('('))?;
    let open = rest.len() - inner.len();
    if inner.starts_with(')') {
        return Some(open + 1);
    }
    let len = if inner.starts_with(WILDCARD) { variable_len(inner) } else { return None };
    inner[len..].starts_with(')').then_some(open + len + 1)
}

fn is_mark(byte: u8) -> bool {
    matches!(
        byte,
        b':' | b';'
            | b','
            | b'='
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'<'
            | b'>'
            | b'"'
            | b'\''
            | b'|'
            | b'`'
    )
}

fn word_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let stop = bytes.iter().position(|&byte| byte == b' ' || is_mark(byte)).unwrap_or(bytes.len());
    let body = text[..stop].trim_end_matches(['.', '!', '?']).len();
    if body == 0 { stop } else { body }
}
