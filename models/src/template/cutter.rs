//! Cuts the text of a skeleton to tokens.
//!
//! What may vary inside one variable becomes one token here: a list and its length, a unit, the
//! size in parentheses after a size, a value that holds variables among other things, a tuple
//! that repeats. A pure function of the text.

use super::WILDCARD;
use super::extent::{composite_len, compound_len, is_mark, names_len, variable_len, word_len};
use super::pattern::{Token, TokenKind};
use super::steps;
use super::vocabulary;

/// Tokens that one element of a repeated tuple may have.
const TUPLE_TOKENS_MAX: usize = 8;

/// Tokens of a pattern; what lies beyond is one variable. The longest that programs are known to
/// write have 350: what a Raft node of Kafka knows of its voters.
pub(super) const TOKENS_MAX: usize = 512;

/// Cuts the text of a skeleton.
pub(super) fn cut(text: &str) -> Vec<Token> {
    let mut tokens = fold_tuples(Cutter { text, at: 0, tokens: Vec::new() }.cut());
    shorten(&mut tokens);
    tokens
}

struct Cutter<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Cutter<'a> {
    fn cut(mut self) -> Vec<Token> {
        while self.at < self.text.len() {
            steps::count(1);
            let spaced = self.skip_blanks();
            let rest = self.rest();
            if rest.is_empty() {
                break;
            }
            if let Some(len) = names_len(rest) {
                self.push(Token::wild, len, spaced);
            } else if rest.starts_with(WILDCARD) {
                let len = variable_len(rest);
                self.push(Token::wild, len, spaced);
            } else if is_mark(rest.as_bytes()[0]) {
                self.push(Token::mark, 1, spaced);
                if rest.starts_with('=') {
                    self.value();
                } else if rest.starts_with("()") && spaced && self.follows_variable() {
                    self.tokens.push(Token::wild("", false));
                }
            } else {
                let len = compound_len(rest).unwrap_or_else(|| word_len(rest));
                if self.is_root_of_paths(&rest[..len]) {
                    self.push(Token::wild, len, spaced);
                } else if self.is_somebody(&rest[..len]) {
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
                TokenKind::Word => vocabulary::is_identity_key(before.name()),
                TokenKind::Mark => &*before.spelling == "(",
                TokenKind::Wild => false,
            })
    }

    /// `path=/` and `'/'`: the root of a file system, where values stand.
    fn is_root_of_paths(&self, word: &str) -> bool {
        word == "/"
            && self.tokens.last().is_some_and(|before| {
                before.kind == TokenKind::Mark
                    && matches!(&*before.spelling, "=" | "'" | "\"" | "[" | "(")
            })
    }

    /// The token before the newest one is a variable.
    fn follows_variable(&self) -> bool {
        self.tokens.iter().rev().nth(1).is_some_and(|token| token.kind == TokenKind::Wild)
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
        let key = self.tokens.iter().rev().nth(1).map_or("", |token| token.name());
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

/// Makes one token of a tuple that repeats, `<name> is <*>, <name> is <*>`: a list of any length.
fn fold_tuples(tokens: Vec<Token>) -> Vec<Token> {
    let mut folded = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let end = (1..=TUPLE_TOKENS_MAX).find_map(|len| tuples_end(&tokens, at, len));
        match end {
            Some(end) => folded.push(Token::wild(&spell(&tokens[at..end]), tokens[at].spaced)),
            None => folded.push(tokens[at].clone()),
        }
        at = end.unwrap_or(at + 1);
    }
    folded
}

/// Where a run of equal tuples of so many tokens ends, the mark after the last one left out.
fn tuples_end(tokens: &[Token], at: usize, len: usize) -> Option<usize> {
    let unit = tokens.get(at..at + len)?;
    let varies = unit.iter().any(|t| t.kind == TokenKind::Wild || t.spelling.contains(WILDCARD));
    let named = unit.iter().any(|t| t.kind == TokenKind::Word);
    if !(varies && named) {
        return None;
    }
    let same =
        |a: &Token, b: &Token| a.hash == b.hash && a.kind == b.kind && a.spelling == b.spelling;
    let pairs = tokens[at..].iter().zip(&tokens[at + len..]);
    let equal = pairs.take_while(|(a, b)| same(a, b)).count();
    steps::count(equal + 1);
    let separated = unit[len - 1].kind == TokenKind::Mark;
    let run = equal + len;
    let end = if separated && run % len == len - 1 { run } else { run - run % len };
    let whole = end >= 2 * len || (separated && end == 2 * len - 1);
    whole.then_some(at + end)
}

/// Makes one variable of what lies beyond the greatest length.
fn shorten(tokens: &mut Vec<Token>) {
    if tokens.len() > TOKENS_MAX {
        tokens.truncate(TOKENS_MAX - 1);
        tokens.push(Token::wild(WILDCARD, true));
    }
}

/// Writes tokens as people write templates.
pub(super) fn spell(tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        if token.spaced && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&token.spelling);
    }
    text.truncate(text.trim_end().len());
    text
}
