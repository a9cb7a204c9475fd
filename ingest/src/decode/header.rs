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
use super::steps;

/// Names of containers before a line; the rest is content. Compose writes one, a log of its logs two.
const CONTAINERS_MAX: usize = 4;

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

/// What one look at a line finds.
enum Read<'a> {
    Header(Header<'a>),
    /// The name of a container, and where its own line begins.
    Container(&'a [u8], usize),
}

/// Reads the header of a line; where nothing is found, the whole line is the content.
pub(crate) fn parse(line: &[u8]) -> Header<'_> {
    let (mut start, mut container) = (0, None);
    for left in (0..=CONTAINERS_MAX).rev() {
        match read(&line[start..]) {
            Read::Container(..) if left == 0 => break,
            Read::Container(name, len) => {
                container = container.or(Some(name));
                start += len;
            }
            Read::Header(header) => {
                let service = container.unwrap_or(header.service);
                return Header { service, content: header.content + start, ..header };
            }
        }
    }
    Header { service: container.unwrap_or_default(), content: start, ..Header::default() }
}

fn read(line: &[u8]) -> Read<'_> {
    steps::add(1);
    let mut header = Header::default();
    let Some(&first) = line.first() else { return Read::Header(header) };
    if first == b' ' || first == b'\t' {
        return Read::Header(header);
    }
    if first == b'<'
        && let Some(found) = syslog::with_priority(line)
    {
        return Read::Header(found);
    }
    if let Some(found) = prefix::find(line) {
        header.stamp = found.stamp;
        header.level = found.level;
        header.host = found.host;
        header.service = found.service;
        header.is_headed = true;
        after_stamp(line, found.end, found.kind, &mut header);
        return Read::Header(header);
    }
    access::parse(line).map_or_else(|| bare(line), Read::Header)
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
fn bare(line: &[u8]) -> Read<'_> {
    if let Some((level, end, is_marked)) = leading_level(line) {
        let content = if is_marked { fields::skip_separators(line, end) } else { 0 };
        return Read::Header(Header { level, content, ..Header::default() });
    }
    if let Some((name, end)) = prefix::compose(line) {
        return Read::Container(name, end);
    }
    let level = if line[0] == b'"' {
        access::status_level(line)
    } else if line.starts_with(b"panic: ") || line.starts_with(b"fatal error: ") {
        Level::Fatal
    } else if line.starts_with(b"thread '")
        && memchr::memmem::find(line, b"' panicked at").is_some()
        || line.starts_with(b"Traceback (most recent call last)")
        || line.starts_with(b"Exception in thread ")
        || line.starts_with(b"Unhandled exception")
    {
        Level::Error
    } else {
        named_level(line).unwrap_or_default()
    };
    Read::Header(Header { level, ..Header::default() })
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
