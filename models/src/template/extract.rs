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

/// A span of bytes of a content.
pub type Span = (usize, usize);

impl Extractor {
    /// Cuts a template at its wildcards.
    pub fn new(template: &str) -> Self {
        Self { constants: template.split(WILDCARD).map(|text| text.as_bytes().into()).collect() }
    }

    /// Finds where each value stands, in the order of the wildcards; reports whether the content
    /// reads like the template, else `spans` is of no use.
    pub fn find(&self, content: &[u8], spans: &mut Vec<Span>) -> bool {
        self.aligned(content, spans).is_some()
    }

    /// Walks the constants of the template through the content, each to its first place.
    fn aligned(&self, content: &[u8], spans: &mut Vec<Span>) -> Option<()> {
        spans.clear();
        let (first, others) = self.constants.split_first()?;
        let mut at = prefix_end(first, content, 0)?;
        for (idx, constant) in others.iter().enumerate() {
            let (start, end) = if idx + 1 == others.len() {
                last_place(constant, content, at)?
            } else {
                first_place(constant, content, at)?
            };
            spans.push(trimmed(content, (at, start)));
            at = end;
        }
        content[at..].trim_ascii().is_empty().then_some(())
    }
}

fn trimmed(content: &[u8], (start, end): Span) -> Span {
    let lead = content[start..end].len() - content[start..end].trim_ascii_start().len();
    (start + lead, start + lead + content[start + lead..end].trim_ascii_end().len())
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

/// Where a constant ends if it begins at `at`: blanks match any run of white space.
fn prefix_end(constant: &[u8], content: &[u8], mut at: usize) -> Option<usize> {
    for &byte in constant {
        if byte == b' ' {
            while content.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
        } else {
            while at > 0
                && content.get(at).is_some_and(u8::is_ascii_whitespace)
                && byte != content[at]
            {
                at += 1;
            }
            if content.get(at) != Some(&byte) {
                return None;
            }
            at += 1;
        }
    }
    Some(at)
}

/// The first place of a constant; the blanks before it are part of it.
fn first_place(constant: &[u8], content: &[u8], from: usize) -> Option<Span> {
    let Some(&mark) = constant.iter().find(|&&byte| byte != b' ') else {
        return (from..=content.len())
            .find_map(|at| Some((at, prefix_end(constant, content, at)?)));
    };
    memchr::memchr_iter(mark, &content[from..]).find_map(|found| {
        let blanks = content[from..from + found].iter().rev();
        let at = from + found - blanks.take_while(|byte| byte.is_ascii_whitespace()).count();
        Some((at, prefix_end(constant, content, at)?))
    })
}

/// The last constant stands at the very end.
fn last_place(constant: &[u8], content: &[u8], from: usize) -> Option<(usize, usize)> {
    if constant.is_empty() {
        return Some((content.len(), content.len()));
    }
    (from..=content.len()).rev().find_map(|at| {
        let end = prefix_end(constant, content, at)?;
        content[end..].trim_ascii().is_empty().then_some((at, end))
    })
}
