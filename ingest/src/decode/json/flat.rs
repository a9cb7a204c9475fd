//! Documents without message, written as `key=value` pairs sorted by key.
//!
//! **No more is written than is looked at**: the path of a leaf is repeated for each leaf below it, so a long key
//! over many short leaves would otherwise grow without bound. Pairs are taken in the order of the document until
//! the limit of content is reached.

use std::borrow::Cow;
use std::ops::Range;

use logwake_models::template::CONTENT_BYTES_MAX;
use serde_json::{Number, Value};

use super::super::bounded::head;
use super::super::steps;
use super::{meaning, scan};

/// Arrays nested deeper are written as they stand; shallower ones with the keys of their objects sorted.
const ARRAY_DEPTH_MAX: usize = 8;

/// Writes a valid JSON object, what has a meaning of its own left out; empty where no pair is left.
pub(crate) fn flatten(object: &str) -> String {
    let mut pairs = Pairs::default();
    let mut cursor = scan::Cursor::new(object);
    // Lengths of the paths of the objects around the cursor.
    let (mut path, mut outer) = (String::new(), Vec::new());
    if cursor.enter('{').is_some() {
        outer.push(0);
    }
    while let Some(&len) = outer.last() {
        path.truncate(len);
        let Some(key) = cursor.key() else {
            outer.pop();
            continue;
        };
        descend(&mut path, &key);
        if cursor.enter('{').is_some() {
            outer.push(path.len());
        } else if cursor.token().is_none_or(|value| !pairs.add(&path, value)) {
            break;
        }
    }
    pairs.sorted()
}

/// Adds a key to a path; returns the length before.
pub(super) fn descend(path: &mut String, key: &str) -> usize {
    let len = path.len();
    if len > 0 {
        path.push('.');
    }
    path.push_str(key);
    len
}

/// What has been written so far.
#[derive(Debug, Default)]
struct Pairs {
    text: String,
    /// Where each pair stands in the text.
    pairs: Vec<Range<usize>>,
}

impl Pairs {
    /// Adds a leaf; returns whether there is room for more.
    fn add(&mut self, path: &str, value: &str) -> bool {
        if path.starts_with('@') || meaning(path).is_some() {
            return true;
        }
        let start = self.text.len();
        let is_whole = self.write(path)
            && self.write("=")
            && self.write(&rendered(value, CONTENT_BYTES_MAX - self.text.len()));
        self.pairs.push(start..self.text.len());
        is_whole && self.text.len() + self.pairs.len() < CONTENT_BYTES_MAX
    }

    /// Writes as much as there is room for; returns whether that was all.
    fn write(&mut self, text: &str) -> bool {
        let kept = head(text, CONTENT_BYTES_MAX.saturating_sub(self.text.len()));
        self.text.push_str(kept);
        steps::add(kept.len() + 1);
        kept.len() == text.len()
    }

    fn sorted(self) -> String {
        let mut pairs: Vec<_> = self.pairs.into_iter().map(|pair| &self.text[pair]).collect();
        pairs.sort_unstable();
        pairs.join(" ")
    }
}

/// Renders the token of a leaf, at most about so many bytes of it.
fn rendered(token: &str, bytes_max: usize) -> Cow<'_, str> {
    let value = match token.as_bytes().first() {
        Some(b'"') => match scan::text_of(token) {
            Some(text) if text.contains([' ', '"']) => {
                serde_json::to_string(head(&text, bytes_max)).ok()
            }
            Some(text) => return text,
            None => None,
        },
        Some(b'[')
            if token.len() <= bytes_max && scan::depth(token.as_bytes()) <= ARRAY_DEPTH_MAX =>
        {
            serde_json::from_str(token).ok().map(|array: Value| array.to_string())
        }
        Some(b'[') => Some(scan::compact(token, bytes_max)),
        Some(b't' | b'f' | b'n') => None,
        _ => serde_json::from_str(token).ok().map(|number: Number| number.to_string()),
    };
    value.map_or(Cow::Borrowed(token), Cow::Owned)
}
