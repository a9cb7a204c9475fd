//! The values that content has at the wildcards of a template.

use std::borrow::Cow;

use super::WILDCARD;
use super::skeleton::{Skeleton, mask};

/// Returns one value for each `<*>` of the template text, in its order. Content that does not
/// read like the template, such as a document, gives what the mask found instead.
pub(super) fn values<'a>(template: &str, content: &'a [u8]) -> Vec<Cow<'a, str>> {
    aligned(template, content).unwrap_or_else(|| masked(content))
}

fn masked(content: &[u8]) -> Vec<Cow<'_, str>> {
    let mut skeleton = Skeleton::new();
    mask(content, &mut skeleton);
    let spans = skeleton.variables().iter();
    spans.map(|span| String::from_utf8_lossy(&content[span.start..span.end])).collect()
}

/// Walks the constants of the template through the content, each to its first place.
fn aligned<'a>(template: &str, content: &'a [u8]) -> Option<Vec<Cow<'a, str>>> {
    let mut constants = template.split(WILDCARD);
    let mut at = prefix_end(constants.next()?.as_bytes(), content, 0)?;
    let mut values = Vec::new();
    let mut constants = constants.peekable();
    while let Some(constant) = constants.next() {
        let (start, end) = if constants.peek().is_none() {
            last_place(constant.as_bytes(), content, at)?
        } else {
            first_place(constant.as_bytes(), content, at)?
        };
        values.push(String::from_utf8_lossy(content[at..start].trim_ascii()));
        at = end;
    }
    content[at..].trim_ascii().is_empty().then_some(values)
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

fn first_place(constant: &[u8], content: &[u8], from: usize) -> Option<(usize, usize)> {
    (from..=content.len()).find_map(|at| Some((at, prefix_end(constant, content, at)?)))
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
