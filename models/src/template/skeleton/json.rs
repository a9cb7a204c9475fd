//! Where the members of a JSON document stand: spans, no copies.
//!
//! It checks as much of the grammar as is needed to find members, and reads on where a document was
//! cut at its end.

use std::ops::Range;

/// Objects in objects beyond this depth are scalars.
const DEPTH_MAX: usize = 4;

/// A key and its value.
#[derive(Debug)]
pub(super) struct Member {
    /// The key between its quotes.
    pub(super) key: Range<usize>,
    /// All of the value, a string without its quotes.
    pub(super) span: Range<usize>,
    pub(super) value: Value,
}

/// What a member holds.
#[derive(Debug)]
pub(super) enum Value {
    Text,
    /// A number, a truth value, an array, or an object that is nested too deep.
    Scalar,
    Null,
    Object(Vec<Member>),
}

/// Members of an object, and where it ends.
pub(super) struct Object {
    pub(super) members: Vec<Member>,
    pub(super) end: usize,
}

/// Reads the object that begins at `at`. What is left of one that content ends in counts if
/// `is_cut` says that content was cut.
pub(super) fn object(content: &[u8], at: usize, is_cut: bool) -> Option<Object> {
    Reader { content, is_cut }.object(at, 0)
}

/// Where the object or array of objects that begins at `at` ends, if it holds more than numbers and
/// truth values: those are masked where they stand.
pub(crate) fn document_end(content: &[u8], at: usize) -> Option<usize> {
    if content[at] == b'{' {
        let object = object(content, at, false)?;
        let is_open = |member: &Member| match member.value {
            Value::Text | Value::Object(_) => true,
            Value::Scalar | Value::Null => content[member.span.start] == b'[',
        };
        return object.members.iter().any(is_open).then_some(object.end);
    }
    let inner = blanks_end(content, at + 1);
    if content.get(inner) != Some(&b'{') {
        return None;
    }
    document_end(content, inner)?;
    nested_end(content, at)
}

struct Reader<'a> {
    content: &'a [u8],
    is_cut: bool,
}

impl Reader<'_> {
    fn object(&self, start: usize, depth: usize) -> Option<Object> {
        let mut members = Vec::new();
        let mut at = blanks_end(self.content, start + 1);
        while self.content.get(at) != Some(&b'}') {
            let Some((member, end)) = self.member(at, depth) else {
                return self.cut_short(members);
            };
            members.push(member);
            at = blanks_end(self.content, end);
            match self.content.get(at) {
                Some(b',') => at = blanks_end(self.content, at + 1),
                Some(b'}') => {}
                _ => return self.cut_short(members),
            }
        }
        Some(Object { members, end: at + 1 })
    }

    fn cut_short(&self, members: Vec<Member>) -> Option<Object> {
        self.is_cut.then_some(Object { members, end: self.content.len() })
    }

    fn member(&self, at: usize, depth: usize) -> Option<(Member, usize)> {
        let close = string_end(self.content, at)?;
        let colon = blanks_end(self.content, close);
        if self.content.get(colon) != Some(&b':') {
            return None;
        }
        let start = blanks_end(self.content, colon + 1);
        let (value, end) = self.value(start, depth)?;
        let quote = usize::from(matches!(value, Value::Text));
        let span = start + quote..end - quote;
        Some((Member { key: at + 1..close - 1, span, value }, end))
    }

    fn value(&self, start: usize, depth: usize) -> Option<(Value, usize)> {
        match self.content.get(start)? {
            b'"' => Some((Value::Text, string_end(self.content, start)?)),
            b'{' if depth < DEPTH_MAX => {
                let object = self.object(start, depth + 1)?;
                Some((Value::Object(object.members), object.end))
            }
            b'{' | b'[' => Some((Value::Scalar, nested_end(self.content, start)?)),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                let rest = &self.content[start..];
                let len = rest.iter().position(|byte| b",}] \t\r\n".contains(byte))?;
                let value = if &rest[..len] == b"null" { Value::Null } else { Value::Scalar };
                Some((value, start + len))
            }
            _ => None,
        }
    }
}

/// One past the quote that closes the string at `at`.
fn string_end(content: &[u8], at: usize) -> Option<usize> {
    if content.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', content.get(at..)?)?;
        if content[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// One past the bracket that closes what opens at `at`, strings skipped.
fn nested_end(content: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match content.get(at)? {
            b'"' => {
                at = string_end(content, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Where the white space that begins at `at` ends.
pub(super) fn blanks_end(content: &[u8], at: usize) -> usize {
    let rest = content.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}
