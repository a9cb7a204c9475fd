//! Walks JSON by position, for documents that a parser has found valid: no recursion, no tree, nothing copied.
//!
//! A token is a value as it is written. On text that is not valid the walk ends early, and nothing panics.

use std::borrow::Cow;

use super::super::steps;

/// A place in a document, which moves on alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    pub(crate) fn new(document: &'a str) -> Self {
        Self(document)
    }

    /// Goes into an object or array; `None` where another value stands here.
    pub(crate) fn enter(&mut self, open: char) -> Option<()> {
        self.skip_marks();
        self.0 = self.0.strip_prefix(open)?;
        Some(())
    }

    /// Goes on to the next value of the object that was entered, and returns its key; `None` at the end, which is
    /// left behind.
    pub(crate) fn key(&mut self) -> Option<Cow<'a, str>> {
        if self.leaves('}') {
            return None;
        }
        self.token().map(|key| text_of(key).unwrap_or_default())
    }

    /// Goes on to the next element of the array that was entered; `false` at the end, which is left behind.
    pub(crate) fn has_element(&mut self) -> bool {
        !self.leaves(']') && !self.0.is_empty()
    }

    /// Takes the value that stands here.
    pub(crate) fn token(&mut self) -> Option<&'a str> {
        self.skip_marks();
        let (token, rest) = self.0.split_at_checked(token_len(self.0.as_bytes()))?;
        self.0 = rest;
        Some(token).filter(|token| !token.is_empty())
    }

    fn leaves(&mut self, close: char) -> bool {
        self.skip_marks();
        let rest = self.0.strip_prefix(close);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Skips white space, commas and colons.
    fn skip_marks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t', '\n', '\r', ',', ':']);
    }
}

/// Returns the members of an object: each key, unescaped, with the token of its value.
pub(crate) fn members(object: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    let mut cursor = Cursor::new(object);
    let entered = cursor.enter('{');
    std::iter::from_fn(move || {
        entered?;
        Some((cursor.key()?, cursor.token()?))
    })
}

/// Returns the elements of an array as tokens.
pub(crate) fn elements(array: &str) -> impl Iterator<Item = &str> {
    let mut cursor = Cursor::new(array);
    let entered = cursor.enter('[');
    std::iter::from_fn(move || {
        entered?;
        if cursor.has_element() { cursor.token() } else { None }
    })
}

/// Reads a token as text, unescaped; `None` where it is none, or names no characters.
pub(crate) fn text_of(token: &str) -> Option<Cow<'_, str>> {
    let text = token.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Some(Cow::Borrowed(text));
    }
    serde_json::from_str(token).ok().map(Cow::Owned)
}

/// Returns how deep objects and arrays are nested, strings not looked into.
pub(crate) fn depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut pos) = (0_usize, 0, 0);
    while let Some(byte) = text.get(pos) {
        match byte {
            b'"' => pos += string_len(&text[pos..]) - 1,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        pos += 1;
    }
    steps::add(pos);
    deepest
}

/// Returns a token without the white space between its parts, at most so many bytes of it.
pub(crate) fn compact(token: &str, bytes_max: usize) -> String {
    let mut plain = String::new();
    let mut pos = 0;
    while plain.len() < bytes_max && pos < token.len() {
        let rest = &token[pos..];
        let len = match rest.as_bytes()[0] {
            b'"' => string_len(rest.as_bytes()),
            b' ' | b'\t' | b'\n' | b'\r' => {
                pos += 1;
                continue;
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        plain.push_str(super::super::bounded::head(&rest[..len], bytes_max - plain.len()));
        pos += len;
    }
    steps::add(pos);
    plain
}

/// Length of the token at the start, 0 at a closing bracket and at the end.
fn token_len(text: &[u8]) -> usize {
    let len = match text.first() {
        Some(b'"') => string_len(text),
        Some(b'{' | b'[') => container_len(text),
        _ => {
            let is_end =
                |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            text.iter().position(is_end).unwrap_or(text.len())
        }
    };
    steps::add(len);
    len
}

fn container_len(text: &[u8]) -> usize {
    let (mut depth, mut pos) = (0_usize, 0);
    while let Some(byte) = text.get(pos) {
        match byte {
            b'"' => pos += string_len(&text[pos..]) - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        pos += 1;
        if depth == 0 {
            return pos;
        }
    }
    text.len()
}

/// Length of the string at the start, quotes included.
fn string_len(text: &[u8]) -> usize {
    let mut pos = 1;
    while let Some(len) = text.get(pos..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        pos += len;
        if text[pos] == b'"' {
            return pos + 1;
        }
        pos += 2;
    }
    text.len()
}
