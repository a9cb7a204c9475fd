//! The values that content has at the wildcards of a template.

use std::borrow::Cow;

use super::WILDCARD;
use super::skeleton::{Skeleton, mask};

/// Reads the values of one template out of contents.
#[derive(Clone, Debug, Default)]
pub struct Extractor {
    /// What stands before, between and after the wildcards.
    constants: Vec<Box<[u8]>>,
}

/// First byte of a value in its content, and the first one after it.
pub type Span = (usize, usize);

/// How a blank of the template is met by content.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blanks {
    /// By white space, and only white space.
    There,
    /// By none, too, and content may have more: templates join lines that differ in blanks.
    Optional,
}

impl Extractor {
    /// Cuts a template at its wildcards.
    pub fn new(template: &str) -> Self {
        Self { constants: template.split(WILDCARD).map(|text| text.as_bytes().into()).collect() }
    }

    /// Finds where each value stands, in the order of the wildcards; reports whether the content
    /// reads like the template, else `spans` is of no use.
    pub fn find(&self, content: &[u8], spans: &mut Vec<Span>) -> bool {
        self.align(content, Blanks::There, spans).is_some()
            || self.align(content, Blanks::Optional, spans).is_some()
    }

    /// Walks the constants of the template through the content, each to its first place.
    fn align(&self, content: &[u8], blanks: Blanks, spans: &mut Vec<Span>) -> Option<()> {
        spans.clear();
        let (first, others) = self.constants.split_first()?;
        let mut at = prefix_end(first, content, 0, blanks)?;
        for (idx, constant) in others.iter().enumerate() {
            let (start, end) = if idx + 1 == others.len() {
                last_place(constant, content, at, blanks)?
            } else {
                first_place(constant, content, at, blanks)?
            };
            spans.push(trimmed(content, (at, start)));
            at = end;
        }
        ends(content, at).then_some(())
    }
}

fn trimmed(content: &[u8], (start, end): Span) -> Span {
    let start = end - content[start..end].trim_ascii_start().len();
    (start, start + content[start..end].trim_ascii_end().len())
}

/// Returns one value for each `<*>` of the template text, in its order. Content that does not
/// read like the template, such as a document, gives what the mask found instead.
pub(super) fn values<'a>(template: &str, content: &'a [u8]) -> Vec<Cow<'a, str>> {
    let mut spans = Vec::new();
    if !Extractor::new(template).find(content, &mut spans) {
        let mut skeleton = Skeleton::new();
        mask(content, &mut skeleton);
        spans = skeleton.variables().iter().map(|span| (span.start, span.end)).collect();
    }
    spans.into_iter().map(|(start, end)| String::from_utf8_lossy(&content[start..end])).collect()
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

/// The first place of a constant, by the byte of it that is neither blank nor full stop: a place
/// begins there or among the blanks and full stops before it.
fn first_place(constant: &[u8], content: &[u8], from: usize, blanks: Blanks) -> Option<Span> {
    let place = |at: usize| Some((at, prefix_end(constant, content, at, blanks)?));
    let loose = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'.' | b'!' | b'?');
    let Some(&mark) = constant.iter().find(|byte| **byte != b' ') else {
        return (from..=content.len()).find_map(place);
    };
    memchr::memchr_iter(mark, content.get(from..)?).find_map(|found| {
        let before = content[from..from + found].iter().rev();
        let first = from + found - before.take_while(|&&byte| loose(byte)).count();
        (first..=from + found).find_map(place)
    })
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
