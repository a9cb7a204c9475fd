//! logfmt: `level=error ts=… msg="x y" key=value`, bare keys and escaped quotes included.

use std::borrow::Cow;

use super::steps;

/// Calls `take` with each key and value of a line; returns whether every token was a pair or a bare key.
pub(crate) fn pairs<'a>(line: &'a [u8], mut take: impl FnMut(&'a str, Cow<'a, str>)) -> bool {
    let mut pos = 0;
    let mut is_clean = true;
    while pos < line.len() {
        steps::add(1);
        if matches!(line[pos], b' ' | b'\t') {
            pos += 1;
            continue;
        }
        let len = line[pos..]
            .iter()
            .take_while(|byte| !matches!(byte, b' ' | b'=' | b'"' | b'\t'))
            .count();
        steps::add(len);
        let key = std::str::from_utf8(&line[pos..pos + len]).unwrap_or_default();
        pos += len;
        if line.get(pos) != Some(&b'=') {
            is_clean &= len > 0 && line.get(pos) != Some(&b'"');
            pos += usize::from(len == 0);
            continue;
        }
        let (value, next) = value(line, pos + 1);
        take(key, value);
        steps::add(next - pos);
        pos = next;
    }
    is_clean
}

/// Whether a line looks like logfmt: it begins with a pair, and has one of the keys that loggers write.
pub(crate) fn is_likely(line: &[u8]) -> bool {
    let len = line
        .iter()
        .take(32)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@'))
        .count();
    if len == 0 || line.get(len) != Some(&b'=') || !line[0].is_ascii_alphabetic() && line[0] != b'@'
    {
        return false;
    }
    memchr::memchr_iter(b'=', line).any(|equals| {
        let head = &line[..equals];
        let is_key = |key: &[u8]| {
            head.strip_suffix(key)
                .is_some_and(|before| before.last().is_none_or(|byte| *byte == b' '))
        };
        is_key(b"msg") || is_key(b"level") || is_key(b"message") || is_key(b"lvl")
    })
}

fn value(line: &[u8], start: usize) -> (Cow<'_, str>, usize) {
    if line.get(start) != Some(&b'"') {
        let len = line[start..].iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
        return (String::from_utf8_lossy(&line[start..start + len]), start + len);
    }
    let body = start + 1;
    let mut end = body;
    let mut is_escaped = false;
    while end < line.len() && line[end] != b'"' {
        let step = if line[end] == b'\\' { 2 } else { 1 };
        is_escaped |= step == 2;
        end += step;
    }
    let end = end.min(line.len());
    let text = String::from_utf8_lossy(&line[body..end]);
    let text = if is_escaped { Cow::Owned(unescape(&text)) } else { text };
    (text, (end + 1).min(line.len()))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (char, if char == '\\' { chars.next() } else { None }) {
            (_, Some('n')) => plain.push('\n'),
            (_, Some('t')) => plain.push('\t'),
            (_, Some('r')) => plain.push('\r'),
            (_, Some(other)) => plain.push(other),
            (char, None) => plain.push(char),
        }
    }
    plain
}
