//! The header of a plain line: stamp, level, host and program in front of the free text, found by shape.
//!
//! A pure function of the line without regular expressions. It prefers to leave a field in the content over
//! cutting content off: a field is skipped only where its shape, or what follows it, proves it to be one.
//! Shapes are those of common servers, loggers and language runtimes, as their manuals give them.

mod access;
mod fields;
mod prefix;
mod syslog;

use logwake_detector::record::Level;

use super::level;
use super::stamp::{self, Stamp};

/// What the header of a line says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Header<'a> {
    pub(crate) stamp: Option<Stamp>,
    pub(crate) level: Level,
    /// Program or container name, empty where not stated.
    pub(crate) service: &'a [u8],
    pub(crate) host: &'a [u8],
    /// Where the content begins.
    pub(crate) content: usize,
    /// Whether the line is known to be the start of an entry: a stamp, a priority or a kernel's clock.
    pub(crate) is_headed: bool,
}

/// Reads the header of a line; where nothing is found, the whole line is the content.
pub(crate) fn parse(line: &[u8]) -> Header<'_> {
    let mut header = Header::default();
    let Some(&first) = line.first() else { return header };
    if first == b' ' || first == b'\t' {
        return header;
    }
    if first == b'<'
        && let Some(found) = syslog::with_priority(line)
    {
        return found;
    }
    if let Some(found) = prefix::find(line) {
        header.stamp = found.stamp;
        header.level = found.level;
        header.host = found.host;
        header.service = found.service;
        header.is_headed = true;
        after_stamp(line, found.end, found.kind, &mut header);
    } else if let Some(found) = access::parse(line) {
        return found;
    } else {
        bare(line, &mut header);
    }
    header
}

/// Reads what follows the stamp.
fn after_stamp<'a>(line: &'a [u8], end: usize, kind: prefix::Kind, header: &mut Header<'a>) {
    header.content = fields::skip_separators(line, end);
    let is_syslog = match (kind, header.stamp) {
        (prefix::Kind::Syslog, _) => syslog::tag(line, header, false),
        (prefix::Kind::Open, Some(stamp)) if stamp.is_yearless() => {
            syslog::tag(line, header, false)
        }
        (prefix::Kind::Open, Some(stamp)) if !stamp.is_zoneless() => {
            syslog::tag(line, header, true)
        }
        _ => false,
    };
    if is_syslog {
        if header.level == Level::Unknown {
            header.level = stated_level(&line[header.content..]).unwrap_or_default();
        }
        return;
    }
    fields::skip(line, kind, header);
    if header.level == Level::Unknown && line.get(header.content) == Some(&b'"') {
        header.level = access::status_level(&line[header.content..]);
    }
}

/// A line without stamp: only a level word at its very start is looked for.
fn bare<'a>(line: &'a [u8], header: &mut Header<'a>) {
    if let Some((level, end, is_marked)) = leading_level(line) {
        header.level = level;
        if is_marked {
            header.content = fields::skip_separators(line, end);
        }
    } else if let Some((service, end)) = prefix::compose(line) {
        header.service = service;
        *header = Header { service, ..shifted(parse(&line[end..]), end) };
    } else if line[0] == b'"' {
        header.level = access::status_level(line);
    } else if line.starts_with(b"panic: ") || line.starts_with(b"fatal error: ") {
        header.level = Level::Fatal;
    } else if line.starts_with(b"thread '")
        && memchr::memmem::find(line, b"' panicked at").is_some()
        || line.starts_with(b"Traceback (most recent call last)")
        || line.starts_with(b"Exception in thread ")
        || line.starts_with(b"Unhandled exception")
    {
        header.level = Level::Error;
    } else {
        header.level = named_level(line).unwrap_or_default();
    }
}

fn shifted(header: Header<'_>, by: usize) -> Header<'_> {
    Header { content: header.content + by, ..header }
}

/// Finds the level that the text of a program states.
pub(crate) fn stated_level(text: &[u8]) -> Option<Level> {
    leading_level(text).map(|found| found.0).or_else(|| named_level(text))
}

/// Finds a level behind one name, which stays content: `auth: Debug: foo`, `imap(ann)<7><x>: Error: foo`.
fn named_level(text: &[u8]) -> Option<Level> {
    let name_len = text.iter().take(96).position(|byte| matches!(byte, b':' | b' '))?;
    let rest = text[name_len..].strip_prefix(b": ")?;
    let word_len = rest.iter().take(14).take_while(|byte| byte.is_ascii_alphabetic()).count();
    level::word(&rest[..word_len]).filter(|_| rest.get(word_len) == Some(&b':'))
}

/// Finds a level word at the start: `ERROR foo`, `[error] foo`, `warning: foo`, `INFO:root:foo`.
///
/// Returns the level, where it ends, and whether it is marked so clearly (brackets, upper case) that it is header.
pub(crate) fn leading_level(text: &[u8]) -> Option<(Level, usize, bool)> {
    if *text.first()? == b'[' {
        let close = text.iter().take(16).position(|&byte| byte == b']')?;
        let level = level::word(text[1..close].trim_ascii())?;
        return Some((level, close + 1, true));
    }
    let len = text.iter().take(14).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let level = level::word(&text[..len])?;
    let is_upper = text[1].is_ascii_uppercase();
    match text.get(len)? {
        b':' => Some((level, len + 1, is_upper)),
        b' ' | b'\t' if is_upper => Some((level, len, true)),
        _ => None,
    }
}
