//! The values that content has at the wildcards of a template.

use std::borrow::Cow;

use super::WILDCARD;
use super::skeleton::{Skeleton, mask};

/// Returns one value for each `<*>` of the template text, in its order. Content that does not
/// read like the template, such as a document, gives what the mask found instead.
pub(super) fn values<'a>(template: &str, content: &'a [u8]) -> Vec<Cow<'a, str>> {
    aligned(template, content, Blanks::There)
        .or_else(|| aligned(template, content, Blanks::Optional))
        .unwrap_or_else(|| masked(content))
}

/// How a blank of the template is met by content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blanks {
    /// By white space, and only white space.
    There,
    /// By none, too, and content may have more: templates join lines that differ in blanks.
    Optional,
}

fn masked(content: &[u8]) -> Vec<Cow<'_, str>> {
    let mut skeleton = Skeleton::new();
    mask(content, &mut skeleton);
    let spans = skeleton.variables().iter();
    spans.map(|span| String::from_utf8_lossy(&content[span.start..span.end])).collect()
}

/// Walks the constants of the template through the content, each to its first place.
fn aligned<'a>(template: &str, content: &'a [u8], blanks: Blanks) -> Option<Vec<Cow<'a, str>>> {
    let mut constants = template.split(WILDCARD);
    let mut at = prefix_end(constants.next()?.as_bytes(), content, 0, blanks)?;
    let mut values = Vec::new();
    let mut constants = constants.peekable();
    while let Some(constant) = constants.next() {
        let (start, end) = if constants.peek().is_none() {
            last_place(constant.as_bytes(), content, at, blanks)?
        } else {
            first_place(constant.as_bytes(), content, at, blanks)?
        };
        values.push(String::from_utf8_lossy(content[at..start].trim_ascii()));
        at = end;
    }
    ends(content, at).then_some(values)
}

/// Where a constant ends if it begins at `at`: blanks match any run of white space, and the full
/// stops before it that other lines of the template lack.
fn prefix_end(constant: &[u8], content: &[u8], mut at: usize, blanks: Blanks) -> Option<usize> {
    for &byte in constant {
        if byte == b' ' {
            at = past_stops(content, at);
            let next = past_blanks(content, at);
            if next == at && blanks == Blanks::There && at > 0 && at < content.len() {
                return None;
            }
            at = next;
        } else {
            if blanks == Blanks::Optional && at > 0 && content.get(at) != Some(&byte) {
                at = past_blanks(content, at);
            }
            if content.get(at) != Some(&byte) {
                return None;
            }
            at += 1;
        }
    }
    Some(at)
}

fn past_blanks(content: &[u8], mut at: usize) -> usize {
    while content.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Past full stops that end a word.
fn past_stops(content: &[u8], at: usize) -> usize {
    let rest = content.get(at..).unwrap_or_default();
    let stops = rest.iter().take_while(|byte| matches!(byte, b'.' | b'!' | b'?')).count();
    match rest.get(stops) {
        Some(next) if !next.is_ascii_whitespace() => at,
        _ => at + stops,
    }
}

/// Whether nothing that counts stands from `at` on.
fn ends(content: &[u8], at: usize) -> bool {
    content[past_stops(content, at)..].trim_ascii().is_empty()
}

fn first_place(
    constant: &[u8],
    content: &[u8],
    from: usize,
    blanks: Blanks,
) -> Option<(usize, usize)> {
    (from..=content.len()).find_map(|at| Some((at, prefix_end(constant, content, at, blanks)?)))
}

/// The last constant stands at the very end.
fn last_place(
    constant: &[u8],
    content: &[u8],
    from: usize,
    blanks: Blanks,
) -> Option<(usize, usize)> {
    if constant.is_empty() {
        return Some((content.len(), content.len()));
    }
    (from..=content.len()).rev().find_map(|at| {
        let end = prefix_end(constant, content, at, blanks)?;
        ends(content, end).then_some((at, end))
    })
}
