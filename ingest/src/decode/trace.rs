//! Lines of stack traces: which line goes on with the entry before it, by the shapes that runtimes print.

use serde::{Deserialize, Serialize};

/// What the pending entry is in the middle of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// No trace, or one whose every line shows by itself that it belongs to it (Java, .NET, indented text).
    #[default]
    Open,
    /// Between `Traceback` and the line that names the error.
    PythonFrames,
    /// Behind the line that names the error; a chained traceback may follow.
    PythonEnd,
    /// Behind `panic:` or `goroutine`.
    Go,
    /// Behind `thread '…' panicked at …:`; the message is on the next line.
    RustMessage,
    /// Behind the message of a panic.
    Rust,
}

/// Tells the mode that a line opens when it begins an entry or goes on with one.
pub(crate) fn opened(line: &[u8]) -> Option<Mode> {
    match line.first()? {
        b'T' if line.starts_with(b"Traceback (most recent call last)") => Some(Mode::PythonFrames),
        b'p' if line.starts_with(b"panic: ") => Some(Mode::Go),
        b'f' if line.starts_with(b"fatal error: ") => Some(Mode::Go),
        b'g' if line.starts_with(b"goroutine ") && line.ends_with(b"]:") => Some(Mode::Go),
        b't' if line.starts_with(b"thread '")
            && memchr::memmem::find(line, b"panicked at").is_some() =>
        {
            Some(if line.ends_with(b":") { Mode::RustMessage } else { Mode::Rust })
        }
        _ => None,
    }
}

/// Whether a line is the first of a crash report that is an entry of its own,
/// even among lines where one without header would go on with the entry before it.
pub(crate) fn is_crash(line: &[u8]) -> bool {
    matches!(opened(line), Some(Mode::Go | Mode::Rust | Mode::RustMessage))
        && !line.starts_with(b"goroutine ")
        || line.starts_with(b"Exception in thread ")
        || line.starts_with(b"Unhandled exception")
}

/// Whether a line without header goes on with the entry, by its shape; moves the mode on when it does.
pub(crate) fn continues(mode: &mut Mode, line: &[u8]) -> bool {
    if is_indented(line) || is_java(line) {
        return true;
    }
    let next = match *mode {
        Mode::Open => return false,
        Mode::PythonFrames if is_chained(line) => Mode::PythonFrames,
        Mode::PythonFrames => Mode::PythonEnd,
        Mode::PythonEnd if is_chained(line) => Mode::PythonFrames,
        Mode::RustMessage => Mode::Rust,
        Mode::Rust if line.starts_with(b"note: ") || line == b"stack backtrace:" => Mode::Rust,
        Mode::Go if is_go(line) => Mode::Go,
        Mode::Go if line.starts_with(b"exit status ") => Mode::Open,
        _ => return false,
    };
    *mode = next;
    true
}

/// Whether an empty line may stand inside the trace.
pub(crate) fn may_be_blank(mode: Mode) -> bool {
    matches!(mode, Mode::PythonFrames | Mode::PythonEnd | Mode::Go)
}

/// Whether a line names an exception by its class, as Java prints it under the log line: `java.io.IOException: …`.
pub(crate) fn is_exception(line: &[u8]) -> bool {
    let len = line
        .iter()
        .take(200)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'$' | b'_'))
        .count();
    let name = &line[..len];
    (name.ends_with(b"Exception") || name.ends_with(b"Error") || name.ends_with(b"Throwable"))
        && name.contains(&b'.')
        && matches!(line.get(len), None | Some(b':' | b' '))
}

fn is_indented(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

fn is_java(line: &[u8]) -> bool {
    match line.first() {
        Some(b'a') => line.starts_with(b"at ") && line.contains(&b'('),
        Some(b'C') => line.starts_with(b"Caused by: "),
        Some(b'S') => line.starts_with(b"Suppressed: "),
        Some(b'.') => line.starts_with(b"... ") && line.get(4).is_some_and(u8::is_ascii_digit),
        Some(b'-') => line.starts_with(b"--- End of ") || line.starts_with(b"---> "),
        _ => false,
    }
}

fn is_chained(line: &[u8]) -> bool {
    line.starts_with(b"During handling of the above exception")
        || line.starts_with(b"The above exception was the direct cause")
        || line.starts_with(b"Traceback (most recent call last)")
}

fn is_go(line: &[u8]) -> bool {
    line.starts_with(b"goroutine ")
        || line.starts_with(b"created by ")
        || line.starts_with(b"[signal ")
        || line.starts_with(b"panic: ")
        || line.starts_with(b"runtime stack:")
        || line.ends_with(b")") && !line.contains(&b' ')
        || line.ends_with(b")") && line.starts_with(b"main.")
        || line.starts_with(b"runtime.")
}
