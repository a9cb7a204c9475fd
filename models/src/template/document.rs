//! JSON documents as content: keys sorted, values masked, prose kept.
//!
//! One service writes one document many ways: keys shuffled, values of any type. The skeleton of a
//! document is its keys in order and the words of its prose members (`msg`, `error` …), masked as
//! running text. Other strings are values, the level too, which a record carries beside. Arrays are one value, and nesting ends at a depth.

use std::collections::BTreeMap;

use super::known_words::is_prose_key;
use super::skeleton::{self, ShapeClass, Skeleton};

/// Objects in objects beyond this depth are one value.
const DEPTH_MAX: usize = 4;
/// Members of one object that take part.
const MEMBERS_MAX: usize = 64;

/// Masks content that is one JSON object; reports whether it was.
///
/// A document that [`skeleton::CONTENT_BYTES_MAX`] cut short counts with the members it has left.
pub(super) fn mask(content: &[u8], out: &mut Skeleton) -> bool {
    let start = content.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    if content.get(start) != Some(&b'{') {
        return false;
    }
    let Some((members, end)) = members(content, start, 0) else { return false };
    if !content[end..].trim_ascii().is_empty() || members.is_empty() {
        return false;
    }
    write(content, &members, out);
    true
}

type Members = BTreeMap<(usize, usize, Vec<u8>), Value>;

#[derive(Debug)]
enum Value {
    Text(usize, usize),
    Scalar(usize, usize),
    Object(Members),
}

fn write(content: &[u8], members: &Members, out: &mut Skeleton) {
    out.literal(b"{");
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|a, b| a.0.2.cmp(&b.0.2));
    for (at, ((_, _, key), value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            out.literal(b", ");
        }
        out.literal(key);
        out.literal(b": ");
        match value {
            Value::Object(inner) => write(content, inner, out),
            Value::Text(start, end) if is_prose_key(key) => prose(content, *start, *end, out),
            Value::Text(start, end) => out.alone(*start, *end, ShapeClass::Quoted),
            Value::Scalar(start, end) => out.alone(*start, *end, ShapeClass::Decimal),
        }
    }
    out.literal(b"}");
}

fn prose(content: &[u8], start: usize, end: usize, out: &mut Skeleton) {
    let end = memchr::memmem::find(&content[start..end], b"\\n").map_or(end, |len| start + len);
    skeleton::line(content, start, end, out);
}

/// Reads the members of the object at `at`; returns them and where it ends.
fn members(content: &[u8], at: usize, depth: usize) -> Option<(Members, usize)> {
    let mut members = Members::new();
    let mut at = blanks(content, at + 1);
    while content.get(at) != Some(&b'}') {
        let Some(member) = member(content, at, depth) else {
            return cut_short(content, members);
        };
        if members.len() < MEMBERS_MAX {
            let (start, end) = member.key;
            members.insert((start, end, content[start..end].to_vec()), member.value);
        }
        at = blanks(content, member.end);
        match content.get(at) {
            Some(b',') => at = blanks(content, at + 1),
            Some(b'}') => {}
            _ => return cut_short(content, members),
        }
    }
    Some((members, at + 1))
}

/// Content cut at the limit is a document as far as it goes; other broken content is none.
fn cut_short(content: &[u8], members: Members) -> Option<(Members, usize)> {
    (content.len() >= skeleton::CONTENT_BYTES_MAX).then_some((members, content.len()))
}

struct Member {
    key: (usize, usize),
    value: Value,
    end: usize,
}

fn member(content: &[u8], at: usize, depth: usize) -> Option<Member> {
    let close = string_end(content, at)?;
    let colon = blanks(content, close);
    if content.get(colon) != Some(&b':') {
        return None;
    }
    let start = blanks(content, colon + 1);
    let (value, end) = value(content, start, depth)?;
    Some(Member { key: (at + 1, close - 1), value, end })
}

fn value(content: &[u8], start: usize, depth: usize) -> Option<(Value, usize)> {
    match content.get(start)? {
        b'"' => {
            let end = string_end(content, start)?;
            Some((Value::Text(start + 1, end - 1), end))
        }
        b'{' if depth < DEPTH_MAX => {
            let (inner, end) = members(content, start, depth + 1)?;
            Some((Value::Object(inner), end))
        }
        b'{' | b'[' => {
            let end = nested_end(content, start)?;
            Some((Value::Scalar(start, end), end))
        }
        b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
            let len = content[start..].iter().position(|byte| b",}] \t\r\n".contains(byte))?;
            Some((Value::Scalar(start, start + len), start + len))
        }
        _ => None,
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

fn blanks(content: &[u8], at: usize) -> usize {
    let rest = content.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}
