//! Paths and URLs, and the parts of HTTP request lines.

use super::byte_class::{ALPHA, DOT, HIGH, OTHER, UNDER, class, count};

/// Reports whether a text is a URL: a scheme and two slashes.
pub(super) fn is_url(text: &[u8]) -> bool {
    let colon = memchr::memchr(b':', text).unwrap_or(0);
    colon > 1 && text[colon + 1..].starts_with(b"//")
}

/// `/items?page`: the path of a request and the first name of its query.
#[inline]
pub(super) fn is_query(text: &[u8]) -> bool {
    text[0] == b'/' && memchr::memchr(b'?', text).is_some_and(|at| at + 1 < text.len())
}

/// Reports whether a text is a path with a drive before it.
pub(super) fn is_drive(text: &[u8]) -> bool {
    text.len() > 2 && text[0].is_ascii_alphabetic() && text[1] == b':' && text[2] == b'\\'
}

/// Reports whether a text without digits is a path or a URL.
pub(super) fn is_path(text: &[u8]) -> bool {
    let is_named = |byte: &u8| class(*byte) & (ALPHA | UNDER | DOT | HIGH | OTHER) != 0;
    let has_letter = || text.iter().any(u8::is_ascii_alphabetic);
    match text[0] {
        b'/' | b'~' => text.len() > 1 && has_letter(),
        b'.' => text.len() > 2 && has_letter(),
        b'\\' => text.len() > 2 && text[1] == b'\\' && is_named(&text[2]),
        _ if is_url(text) || is_drive(text) => true,
        _ => {
            let slashes = count(text, b'/');
            let dots = count(text, b'.');
            (slashes >= 2 && dots >= 1) || (slashes >= 1 && dots >= 2) || slashes >= 4
        }
    }
}

/// Where the version begins in a product and its version, `curl/8.5.0`.
pub(super) fn version_start(text: &[u8]) -> Option<usize> {
    let slash = memchr::memchr(b'/', text)?;
    let is_product = slash > 0 && text[..slash].iter().all(u8::is_ascii_alphabetic);
    let version = &text[slash + 1..];
    let is_version = version.first().is_some_and(u8::is_ascii_digit) && !version.contains(&b'/');
    (is_product && is_version).then_some(slash + 1)
}

/// Length of `HTTP/1.1` at the start of a text.
pub(super) fn protocol_len(text: &[u8]) -> Option<usize> {
    let version = text.strip_prefix(b"HTTP/")?;
    let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    let len = version.iter().take_while(is_part).count();
    version.first().is_some_and(u8::is_ascii_digit).then_some(b"HTTP/".len() + len)
}

/// Where quoted text that begins like a product and its version ends: `"curl/8.5.0"`.
pub(super) fn user_agent_end(content: &[u8], open: usize) -> Option<usize> {
    let inner = &content[open + 1..];
    let product = inner.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let is_versioned =
        inner.get(product) == Some(&b'/') && inner.get(product + 1).is_some_and(u8::is_ascii_digit);
    if product < 2 || !is_versioned || inner.starts_with(b"HTTP/") {
        return None;
    }
    Some(open + 1 + memchr::memchr(b'"', inner)?)
}
