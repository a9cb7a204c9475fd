//! The skeleton as it is written: text, variables, and what joins what.
//!
//! It knows no shape: whoever reads the content says what is constant and what is a variable. Here
//! variables that only punctuation parts become one, long lists become one, and dates in words.

use xxhash_rust::xxh3::xxh3_64;

use super::variable::{ShapeClass, Variable};
use crate::template::WILDCARD;

/// Wildcards in a row, apart by blanks or commas alone, beyond which a list becomes one wildcard.
const LIST_LEN_MAX: usize = 6;
/// Punctuation bytes that may join two variables to one.
const JOINT_BYTES_MAX: usize = 3;
/// Parts that a written-out date may have: weekday, month, day, time, zone, year.
const DATE_PARTS_MAX: u8 = 6;
/// Where the newest variable ends while there is none to join.
const NOWHERE: usize = usize::MAX;

/// Content after masking, in a buffer that serves many records.
#[derive(Clone, Debug, Default)]
pub struct Skeleton {
    text: Vec<u8>,
    hash: u64,
    variables: Vec<Variable>,
    /// Length of the text right after the newest variable.
    tail: usize,
    /// Length of the text right before the first variable of the current list.
    list_start: usize,
    /// Number of variables before the first of the current list.
    list_first: usize,
    list_len: usize,
    /// Parts so far if the newest variable is a written-out date, else 0.
    date_parts: u8,
}

impl Skeleton {
    /// Makes an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the masked text, with `<*>` for each variable.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Returns the XXH3 hash of the text.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Returns the variables, one for each `<*>` that masking wrote, in the order of the text. The
    /// variables of a document with sorted keys follow the keys.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.variables.clear();
        self.tail = NOWHERE;
        self.list_len = 0;
        self.date_parts = 0;
        self.hash = 0;
    }

    pub(super) fn finish(&mut self) {
        if self.text.last() == Some(&b' ') {
            self.text.pop();
        }
        self.hash = xxh3_64(&self.text);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Writes constant ASCII bytes.
    #[inline]
    pub(super) fn ascii(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.is_ascii());
        self.text.extend_from_slice(bytes);
    }

    /// Writes constant bytes, replacing what is no UTF-8.
    #[inline]
    pub(super) fn literal(&mut self, bytes: &[u8]) {
        match bytes {
            [] => {}
            [byte] if byte.is_ascii() => self.text.push(*byte),
            _ if bytes.is_ascii() => self.text.extend_from_slice(bytes),
            _ => self.unicode(bytes),
        }
    }

    #[cold]
    fn unicode(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.text.extend_from_slice(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                self.text.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }

    /// Writes the blank between two chunks; several are one, and none leads.
    #[inline]
    pub(super) fn blank(&mut self) {
        if self.text.last().is_some_and(|&last| last != b' ') {
            self.text.push(b' ');
        }
    }

    /// Writes a variable, joining it to the one before where only punctuation stands between.
    #[inline]
    pub(super) fn variable(&mut self, start: usize, end: usize, class: ShapeClass) {
        let mut lists = false;
        if let Some(gap) = self.text.get(self.tail..) {
            if is_joint(gap) {
                return self.join(end, class);
            }
            lists = matches!(gap, b" " | b", " | b"; ");
        }
        self.date_parts = 0;
        self.list_len = if lists { self.list_len + 1 } else { 1 };
        if self.list_len == 1 {
            self.list_start = self.text.len();
            self.list_first = self.variables.len();
        }
        self.text.extend_from_slice(WILDCARD.as_bytes());
        self.variables.push(Variable { start, end, class });
        if self.list_len > LIST_LEN_MAX {
            self.close_list(end);
        }
        self.tail = self.text.len();
    }

    /// Writes a variable that joins nothing before it.
    pub(super) fn alone(&mut self, start: usize, end: usize, class: ShapeClass) {
        self.tail = NOWHERE;
        self.variable(start, end, class);
        self.tail = NOWHERE;
    }

    /// Writes a part of a date in words, which takes the parts that follow into itself.
    pub(super) fn date(&mut self, start: usize, end: usize) {
        if !self.extend_date(end) {
            self.variable(start, end, ShapeClass::Time);
            self.date_parts = 1;
        }
    }

    /// Adds a part to the date right before, if there is one.
    #[inline]
    pub(super) fn extend_date(&mut self, end: usize) -> bool {
        if self.date_parts == 0 || self.date_parts >= DATE_PARTS_MAX || !self.is_apart_by_blank() {
            return false;
        }
        self.date_parts += 1;
        self.extend(end);
        true
    }

    /// Adds a zone to the time right before, if there is one.
    pub(super) fn extend_time(&mut self, end: usize) -> bool {
        if !self.ends_in_variable() || self.last_class() != Some(ShapeClass::Time) {
            return false;
        }
        self.date_parts = self.date_parts.max(1);
        self.extend_date(end)
    }

    /// Takes the protocol of an HTTP request line into the target right before it.
    pub(super) fn extend_target(&mut self, end: usize) -> bool {
        let is_target = matches!(self.last_class(), Some(ShapeClass::Path | ShapeClass::Url));
        let extends = is_target && self.is_apart_by_blank();
        if extends {
            self.extend(end);
        }
        extends
    }

    /// Reports whether the newest thing written is a part of a date, perhaps with a blank after it.
    pub(super) fn ends_in_date(&self) -> bool {
        self.date_parts > 0 && self.ends_in_variable()
    }

    /// Reports whether the newest thing written is a variable, perhaps with a blank after it.
    pub(super) fn ends_in_variable(&self) -> bool {
        self.text.get(self.tail..).is_some_and(|gap| gap.is_empty() || gap == b" ")
    }

    /// The last byte written that is not blank.
    pub(super) fn last_byte(&self) -> Option<u8> {
        self.text.iter().rev().copied().find(|&byte| byte != b' ')
    }

    fn last_class(&self) -> Option<ShapeClass> {
        self.variables.last().map(|last| last.class)
    }

    fn is_apart_by_blank(&self) -> bool {
        self.text.get(self.tail..) == Some(b" ")
    }

    /// Lets the newest variable end later, and takes back what was written after it.
    fn extend(&mut self, end: usize) {
        self.text.truncate(self.tail);
        if let Some(last) = self.variables.last_mut() {
            last.end = end;
        }
    }

    fn join(&mut self, end: usize, class: ShapeClass) {
        self.extend(end);
        if let Some(last) = self.variables.last_mut() {
            last.class = last.class.joined(class);
        }
    }

    fn close_list(&mut self, end: usize) {
        self.text.truncate(self.list_start + WILDCARD.len());
        self.variables.truncate(self.list_first + 1);
        if let Some(list) = self.variables.last_mut() {
            list.end = end;
            list.class = ShapeClass::List;
        }
    }
}

/// The punctuation that may join two variables, a bit for each.
const JOINTS: u128 = bits_of(b":./-_+,@#~|\\*&%;^!?=");

const fn bits_of(bytes: &[u8]) -> u128 {
    let (mut bits, mut at) = (0, 0);
    while at < bytes.len() {
        bits |= 1 << bytes[at];
        at += 1;
    }
    bits
}

#[inline]
fn is_joint(gap: &[u8]) -> bool {
    gap.len() <= JOINT_BYTES_MAX && gap.iter().all(|&byte| byte < 0x80 && JOINTS >> byte & 1 != 0)
}
