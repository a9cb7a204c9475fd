//! Content of several lines, as stack traces are: the first line and the causes named.
//!
//! Frames differ with every release and every path through the code, so they would make a template
//! each. What happened is in the first line; in Java and .NET also in the causes, in Python in the
//! line after the frames, in Rust in the line after the place of the panic, in Go in `panic:`.

use std::ops::Range;

use super::buffer::Skeleton;
use super::line::line;

/// Lines after the first that take part.
const LINES_MAX: usize = 4;
/// What lines that name a cause begin with, in Java, Go, .NET and Node.
const CAUSES: [&[u8]; 5] = [b"Caused by:", b"panic:", b"fatal error:", b"---> ", b"[cause]:"];
/// How names of what is thrown end.
const THROWN: [&[u8]; 7] =
    [b"Error", b"Exception", b"Throwable", b"Exit", b"Interrupt", b"Warning", b"Fault"];

/// Masks the lines that matter, with a blank between.
pub(super) fn mask(content: &[u8], out: &mut Skeleton) {
    let mut lines = lines(content).filter(|span| !content[span.clone()].trim_ascii().is_empty());
    let Some(first) = lines.next() else { return };
    let mut awaited = Awaited::after(&content[first.clone()]);
    line(content, first.start, first.end, out);
    let telling = lines.filter(|span| {
        let text = &content[span.clone()];
        let tells = awaited.is_answered_by(text) || names_cause(text);
        if tells || awaited == Awaited::Nothing {
            awaited = Awaited::after(text);
        }
        tells
    });
    for span in telling.take(LINES_MAX) {
        out.blank();
        line(content, span.start, span.end, out);
    }
}

fn lines(content: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', content).chain([content.len()]).map(move |end| {
        let span = start..end;
        start = end + 1;
        span
    })
}

/// What a line promises of those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// The message, in the very next line.
    Message,
    /// What was thrown, in the next line that is not indented.
    Thrown,
}

impl Awaited {
    fn after(line: &[u8]) -> Self {
        let text = line.trim_ascii();
        if text.starts_with(b"Traceback (most recent call last):") {
            Self::Thrown
        } else if text == b"Caused by:"
            || text.ends_with(b":") && memchr::memmem::find(text, b" panicked at ").is_some()
        {
            Self::Message
        } else {
            Self::Nothing
        }
    }

    fn is_answered_by(self, line: &[u8]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Message => true,
            Self::Thrown => !line[0].is_ascii_whitespace(),
        }
    }
}

/// Reports whether a further line names a cause: `Caused by: …`, `ValueError: …`, `panic: …`.
fn names_cause(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    let is_indented = line.first().is_some_and(u8::is_ascii_whitespace);
    CAUSES.iter().any(|start| text.starts_with(start)) || !is_indented && names_exception(text)
}

/// `module.SomeError: why` or `SomeException` alone.
fn names_exception(text: &[u8]) -> bool {
    let name = text.split(|&byte| byte == b':').next().unwrap_or(text);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._$".contains(byte);
    name.iter().all(is_part) && THROWN.iter().any(|end| name.ends_with(end))
}
