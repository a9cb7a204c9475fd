//! How much of an alert is kept.

use std::collections::BTreeMap;

/// Labels and details.
pub(super) const LABELS_MAX: usize = 64;
/// Bytes of the name of a label.
pub(super) const LABEL_NAME_BYTES_MAX: usize = 128;
/// Bytes of its value.
pub(super) const LABEL_BYTES_MAX: usize = 512;
/// Bytes of all labels together.
pub(super) const LABELS_BYTES_MAX: usize = 16 << 10;
/// Bytes of a summary; PagerDuty takes 1,024 characters.
pub(super) const SUMMARY_BYTES_MAX: usize = 4 << 10;
/// Bytes of the name of an alert, a service or a host.
pub(super) const NAME_BYTES_MAX: usize = 255;
/// Bytes of what is said about a fault, which may quote the sender.
pub(super) const FAULT_BYTES_MAX: usize = 256;
/// Objects and lists in one another; the shapes themselves have five, details of a PagerDuty event any number.
pub(super) const DEPTH_MAX: usize = 24;
/// Bytes of an address.
pub(super) const URL_BYTES_MAX: usize = 2_048;

/// Cuts a text at a character so that it has at most so many bytes, the mark of the cut included.
pub(super) fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mark = '…';
    let mut end = bytes_max.saturating_sub(mark.len_utf8());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut short = text[..end].to_owned();
    short.push(mark);
    short
}

/// Takes labels in their order until there are enough of them.
#[derive(Debug, Default)]
pub(super) struct Labels {
    kept: BTreeMap<String, String>,
    bytes: usize,
}

impl Labels {
    /// Adds a label unless it is empty, known, or one too many.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if name.is_empty() || value.is_empty() || self.kept.len() >= LABELS_MAX {
            return;
        }
        let (name, value) = (cut(name, LABEL_NAME_BYTES_MAX), cut(value, LABEL_BYTES_MAX));
        let bytes = name.len() + value.len();
        if self.bytes + bytes <= LABELS_BYTES_MAX && !self.kept.contains_key(&name) {
            self.bytes += bytes;
            self.kept.insert(name, value);
        }
    }

    /// Returns what was kept.
    pub(super) fn into_map(self) -> BTreeMap<String, String> {
        self.kept
    }
}

/// Returns an address that people can open.
pub(super) fn url(text: &str) -> Option<String> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    let is_plain = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    (is_web && is_plain && text.len() <= URL_BYTES_MAX).then(|| text.to_owned())
}
