//! Content of several lines, as stack traces are: the first line and the exceptions named.
//!
//! Frames differ with every release and every path through the code, so they would make a template
//! each. What happened is in the first line, in the causes of a Java trace, and in the last line of
//! a Python one.

use super::skeleton::{self, Skeleton};

/// Lines after the first that take part.
const LINES_MAX: usize = 4;

/// Masks the lines that matter, with a blank between.
pub(super) fn mask(content: &[u8], out: &mut Skeleton) {
    let mut lines = Lines { content, at: 0 };
    let Some((start, end)) = lines.find(|&(start, end)| !is_blank(content, start, end)) else {
        return;
    };
    skeleton::line(content, start, end, out);
    let telling = lines.filter(|&(start, end)| tells(&content[start..end]));
    for (start, end) in telling.take(LINES_MAX) {
        out.blank();
        skeleton::line(content, start, end, out);
    }
}

struct Lines<'a> {
    content: &'a [u8],
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let rest = self.content.get(start..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest).map_or(self.content.len(), |len| start + len);
        self.at = end + 1;
        Some((start, end))
    }
}

fn is_blank(content: &[u8], start: usize, end: usize) -> bool {
    content[start..end].iter().all(u8::is_ascii_whitespace)
}

/// Reports whether a further line names a cause: `Caused by: …`, `ValueError: …`, `panic: …`.
fn tells(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    if text.starts_with(b"Caused by:") || text.starts_with(b"panic:") {
        return true;
    }
    let indented = line.first().is_some_and(u8::is_ascii_whitespace);
    !indented && names_exception(text)
}

/// `module.SomeError: why` or `SomeException` alone.
fn names_exception(text: &[u8]) -> bool {
    let name = text.split(|&byte| byte == b':').next().unwrap_or(text);
    let identifier = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._$".contains(byte));
    let ends = [&b"Error"[..], b"Exception", b"Throwable", b"Exit", b"Interrupt", b"Warning"];
    identifier && ends.iter().any(|end| name.ends_with(end))
}
