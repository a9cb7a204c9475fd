//! Cuts the text of a skeleton to tokens.
//!
//! What may vary inside one variable becomes one token here: a list and its length, a unit, the
//! size in parentheses after a size, a value that holds variables among other things, a tuple
//! that repeats. A pure function of the text.

use super::WILDCARD;
use super::known_words::is_unit;
use super::pattern::{Token, TokenKind};
use super::vocabulary;

/// Tokens that one element of a repeated tuple may have.
const TUPLE_TOKENS_MAX: usize = 8;

/// Cuts the text of a skeleton.
pub(super) fn cut(text: &str) -> Vec<Token> {
    fold_tuples(Cutter { text, at: 0, tokens: Vec::new() }.cut())
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

/// Length of a variable with the list, unit and size in parentheses that belong to it.
fn variable_len(text: &str) -> usize {
    let mut len = WILDCARD.len();
    let mut measured = false;
    loop {
        let rest = &text[len..];
        let more = if let Some(more) = unit_len(rest) {
            measured = true;
            Some(more)
        } else {
            list_len(rest).or_else(|| size_len(rest, measured)).or_else(|| full_stop_len(rest))
        };
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

/// `(<*> kB)` after a number, or `(<*>)` after one with a unit: the same size once more.
fn size_len(rest: &str, measured: bool) -> Option<usize> {
    let inner = rest.strip_prefix(" (")?;
    let len = if inner.starts_with(WILDCARD) { variable_len(inner) } else { return None };
    let sized = measured || len > WILDCARD.len();
    (sized && inner[len..].starts_with(')')).then_some(len + " ()".len())
}

/// Length of a word that holds variables: `node-<*>`, `pool-<*>-thread-<*>`, `web7:<*>`.
fn compound_len(text: &str) -> Option<usize> {
    let mut len = 0;
    let mut variables = 0;
    while len < text.len() {
        let rest = &text[len..];
        if rest.starts_with(WILDCARD) {
            variables += 1;
            len += WILDCARD.len();
            continue;
        }
        let part = rest.find([' ', '<']).unwrap_or(rest.len());
        let mark = rest.bytes().position(is_mark).unwrap_or(rest.len());
        let stop = part.min(mark);
        len += stop;
        let follows = &text[len..];
        let numbered = text[..len].bytes().any(|byte| byte.is_ascii_digit());
        if follows.strip_prefix(':').is_some_and(|next| next.starts_with(WILDCARD)) && numbered {
            len += 1;
        } else if !follows.starts_with(WILDCARD) {
            break;
        }
    }
    let stem = text[..len].find(WILDCARD)?;
    let named = text[..stem].bytes().any(|byte| byte.is_ascii_alphanumeric());
    let leads = text[..stem].ends_with("..");
    (variables > 0 && named && !leads).then_some(len)
}

/// Length of a list in which names hold variables: `web-<*>, worker-<*>`.
fn names_len(text: &str) -> Option<usize> {
    let element = |text: &str| {
        text.starts_with(WILDCARD).then_some(WILDCARD.len()).or_else(|| compound_len(text))
    };
    let mut len = element(text)?;
    let mut named = !text.starts_with(WILDCARD);
    let mut elements = 1;
    while let Some(next) = text[len..].strip_prefix(',') {
        let gap = next.len() - next.trim_start_matches(' ').len();
        let Some(more) = element(&next[gap..]) else { break };
        named |= !next[gap..].starts_with(WILDCARD);
        len += 1 + gap + more;
        elements += 1;
    }
    (named && elements > 1).then_some(len)
}

/// Makes one token of a tuple that repeats, `<name> is <*>, <name> is <*>`: a list of any length.
fn fold_tuples(mut tokens: Vec<Token>) -> Vec<Token> {
    let mut at = 0;
    while at < tokens.len() {
        if let Some(end) = (1..=TUPLE_TOKENS_MAX).find_map(|len| tuples_end(&tokens, at, len)) {
            let spaced = tokens[at].spaced;
            let list = Token::wild(&spell(&tokens[at..end]), spaced);
            tokens.splice(at..end, [list]);
        }
        at += 1;
    }
    tokens
}

/// Where a run of equal tuples of so many tokens ends, the mark after the last one left out.
fn tuples_end(tokens: &[Token], at: usize, len: usize) -> Option<usize> {
    let unit = tokens.get(at..at + len)?;
    let same =
        |a: &Token, b: &Token| a.hash == b.hash && a.kind == b.kind && a.spelling == b.spelling;
    let pairs = tokens[at..].iter().zip(&tokens[at + len..]);
    let equal = pairs.take_while(|(a, b)| same(a, b)).count();
    let separated = unit[len - 1].kind == TokenKind::Mark;
    let run = equal + len;
    let end = if separated && run % len == len - 1 { run } else { run - run % len };
    let whole = end >= 2 * len || (separated && end == 2 * len - 1);
    let varies = unit.iter().any(|t| t.kind == TokenKind::Wild || t.spelling.contains(WILDCARD));
    let named = unit.iter().any(|t| t.kind == TokenKind::Word);
    (whole && varies && named).then_some(at + end)
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
    bytes.iter().position(|&byte| byte == b' ' || is_mark(byte)).unwrap_or(bytes.len())
}
