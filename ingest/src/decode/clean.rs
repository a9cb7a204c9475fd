//! What is taken off every text before it is read: byte order mark, line ends, trailing NUL bytes, terminal colours.

use std::borrow::Cow;

/// Takes off byte order mark, trailing line ends and NUL bytes.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    while let [rest @ .., b'\n' | b'\r' | 0] = text {
        text = rest;
    }
    text
}

/// Whether a payload is UTF-16 or UTF-32, by its byte order mark.
pub(crate) fn is_wide(text: &[u8]) -> bool {
    text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff")
}

/// Takes out the escape sequences of terminals (ECMA-48: CSI and OSC); anything else stays as it is.
pub(crate) fn uncolour(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(0x1b, text) else { return Cow::Borrowed(text) };
    let mut plain = text[..first].to_vec();
    let mut rest = &text[first..];
    while let Some(&byte) = rest.first() {
        let len = if byte == 0x1b { escape_len(rest) } else { 0 };
        if len == 0 {
            plain.push(byte);
            rest = &rest[1..];
        } else {
            rest = &rest[len..];
        }
    }
    Cow::Owned(plain)
}

/// Length of the escape sequence at the start, 0 where there is none.
fn escape_len(text: &[u8]) -> usize {
    match text.get(1) {
        Some(b'[') => {
            let body = text[2..].iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
            if text.get(2 + body).is_some_and(|byte| (0x40..0x7f).contains(byte)) {
                body + 3
            } else {
                0
            }
        }
        Some(b']') => text.iter().position(|&byte| byte == 0x07).map_or(0, |end| end + 1),
        Some(b'(' | b')') => 3.min(text.len()),
        _ => 0,
    }
}
