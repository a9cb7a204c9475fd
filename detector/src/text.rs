//! How long the texts are that stages keep and put out.
//!
//! Whoever makes records and arrivals cuts their texts too, and counts it; what is here holds for
//! every text, wherever it comes from, so that no batch, state or event grows with a name.
//! An event of every kind stays below what a broker takes by default, 1,048,588 bytes, even where
//! JSON writes each byte as six; a test builds the largest ones.

/// Longest name of a service or host, bytes: that of a host in DNS and in RFC 5424.
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// Longest text of a template that a collector found, bytes: as far as a line is masked.
pub(crate) const TEMPLATE_BYTES_MAX: usize = 4 << 10;
/// Longest text of a skeleton, bytes: a line that is masked to its end, every value of it one byte
/// long and written as `<*>`, fits.
pub(crate) const SKELETON_BYTES_MAX: usize = 16 << 10;
/// Longest session key, bytes.
pub(crate) const KEY_BYTES_MAX: usize = 128;
/// Longest sentence of an anomaly, bytes.
pub(crate) const REASON_BYTES_MAX: usize = 2 << 10;
/// Longest text of an exemplar, bytes: what was not UTF-8 takes three times its bytes.
pub(crate) const EXEMPLAR_BYTES_MAX: usize = 3 * 512 + '…'.len_utf8();
/// Longest name of a part of a score, bytes, and how many of them there are.
pub(crate) const PART_BYTES_MAX: usize = 512;
pub(crate) const PARTS_MAX: usize = 16;

/// Returns as much of a text as fits, cut between characters.
#[inline]
pub(crate) fn shortened(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Cuts a text that is too long, and marks where.
pub(crate) fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let end = shortened(text, bytes_max - '…'.len_utf8()).len();
        text.truncate(end);
        text.push('…');
    }
}

/// Returns the bytes that a text takes as a string of JSON, at the most.
pub(crate) fn json_bytes(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    });
    bytes.sum::<usize>() + "\"\",".len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(shortened("aäb", 2), "a");
        assert_eq!(shortened("aäb", 3), "aä");
        let mut text = "ä".repeat(10);
        cut(&mut text, 10);
        assert_eq!(text, "äää…");
        assert_eq!(json_bytes("a\"\u{1}"), 1 + 2 + 6 + 3);
    }
}
