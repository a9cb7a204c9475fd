//! A user's own masks: regular expressions for values that no shape gives away.

use regex::bytes::Regex;

use super::WILDCARD;
use super::skeleton::{CONTENT_BYTES_MAX, Skeleton, mask};

/// Why a user's mask cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("mask {name:?} is no regular expression that can be used")]
pub struct MaskError {
    /// Name of the mask.
    pub name: String,
    /// What the compiler of expressions said.
    pub source: regex::Error,
}

/// Masks to apply before the shapes; without any, [`Masks::mask`] costs what [`mask`] does.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    named: Vec<(String, Regex)>,
}

impl Masks {
    /// Compiles masks of a name and an expression; they apply in this order.
    ///
    /// # Errors
    /// Returns the first expression that does not compile.
    pub fn new<'a>(masks: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, MaskError> {
        let compile = |(name, expression): (&str, &str)| match Regex::new(expression) {
            Ok(regex) => Ok((name.to_owned(), regex)),
            Err(source) => Err(MaskError { name: name.to_owned(), source }),
        };
        Ok(Self { named: masks.into_iter().map(compile).collect::<Result<_, _>>()? })
    }

    /// Reports whether there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Masks content by the user's masks, then by shape. Of a mask with a group only that is
    /// masked, so that what stands around it can be asked for and stays.
    ///
    /// Where a mask matched, the spans of variables refer to the content after it was applied; tells
    /// whether they refer to the content itself.
    pub fn mask(&self, content: &[u8], out: &mut Skeleton) -> bool {
        let content = &content[..content.len().min(CONTENT_BYTES_MAX)];
        let matched = self.named.iter().any(|(_, regex)| regex.is_match(content));
        if !matched {
            mask(content, out);
            return true;
        }
        let mut masked = content.to_vec();
        for (_, regex) in &self.named {
            masked = replace(regex, &masked);
        }
        mask(&masked, out);
        false
    }
}

/// Writes a wildcard over the first group of each match, or over the whole match.
fn replace(regex: &Regex, content: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(content.len()), 0);
    for found in regex.captures_iter(content) {
        let Some(value) = found.get(1).or_else(|| found.get(0)) else { continue };
        out.extend_from_slice(&content[at..value.start()]);
        out.extend_from_slice(WILDCARD.as_bytes());
        at = value.end();
    }
    out.extend_from_slice(&content[at..]);
    out
}
