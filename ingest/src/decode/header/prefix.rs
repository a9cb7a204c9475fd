//! Finds the stamp at or near the start of a line, and what may stand before it.

use logwake_detector::record::Level;

use super::super::steps;
use super::{level, stamp};
use stamp::Stamp;

/// Brackets that are read one behind the other to find the stamp; loggers write at most a handful.
const BRACKETS_MAX: usize = 8;

/// How the stamp stands in the line, which decides what may follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// At the start, nothing around it.
    Open,
    /// In brackets of its own, or behind other fields.
    Inner,
    /// A syslog line behind other fields.
    Syslog,
    /// Blue Gene: node, facility, component and level follow.
    BlueGene,
}

/// A stamp and what was read with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) stamp: Option<Stamp>,
    pub(super) end: usize,
    pub(super) kind: Kind,
    pub(super) level: Level,
    pub(super) service: &'a [u8],
    pub(super) host: &'a [u8],
}

impl Found<'_> {
    fn new((stamp, end): (Stamp, usize), kind: Kind) -> Self {
        Self { stamp: Some(stamp), kind, ..Self::bare(end) }
    }

    /// A header without stamp.
    fn bare(end: usize) -> Self {
        let (kind, level) = (Kind::Inner, Level::Unknown);
        Self { stamp: None, end, kind, level, service: b"", host: b"" }
    }
}

/// Finds the stamp of a line that is not empty.
pub(super) fn find(line: &[u8]) -> Option<Found<'_>> {
    if let Some(found) = stamp::at(line) {
        let is_epoch = matches!(found.0, Stamp::Instant(_));
        return Some(Found::new(found, if is_epoch { Kind::Inner } else { Kind::Open }));
    }
    match line[0] {
        b'[' => bracketed(line, 0),
        b'-' => blue_gene(line),
        b'0'..=b'9' => redis(line).or_else(|| cluster(line)).or_else(|| behind_tokens(line)),
        b'A'..=b'Z' => klog(line)
            .or_else(|| ruby(line))
            .or_else(|| behind_level(line))
            .or_else(|| blue_gene(line))
            .or_else(|| behind_tokens(line)),
        b'a'..=b'z' => behind_level(line).or_else(|| behind_tokens(line)),
        b'(' | b'*' | b'%' => None,
        _ => None,
    }
}

/// Brackets from `open` on, the level of the first before those that follow: `[INFO][stamp] …`.
fn bracketed(line: &[u8], mut open: usize) -> Option<Found<'_>> {
    let mut outermost = None;
    for _ in 0..BRACKETS_MAX {
        match bracket(line, open)? {
            Bracket::Found(found) => {
                return Some(Found { level: outermost.unwrap_or(found.level), ..found });
            }
            Bracket::Level(level, next) => {
                outermost = outermost.or(Some(level));
                open = next;
            }
        }
    }
    None
}

/// What one pair of brackets is.
enum Bracket<'a> {
    Found(Found<'a>),
    /// A level, and where the next brackets open.
    Level(Level, usize),
}

/// `[stamp] …`, `[stamp INFO module] …`, `[1234] 04 Mar 10:00:00 * …`, `[   12.345678] …`, `[I 10:00:00 app] …`.
fn bracket(line: &[u8], open: usize) -> Option<Bracket<'_>> {
    steps::add(1);
    let inner = line.get(open + 1..)?;
    if let Some((stamp, len)) = stamp::at(inner) {
        let end = open + 1 + len;
        return match line.get(end)? {
            b']' => Some(Bracket::Found(Found::new((stamp, end + 1), Kind::Inner))),
            b' ' | b':' | b',' | b'|' | b'#' => Some(Bracket::Found(shared(line, (stamp, end)))),
            _ => None,
        };
    }
    if let [letter, b' ', rest @ ..] = inner
        && let (Some(level), Some((stamp, len))) = (level::letter(*letter), stamp::at(rest))
    {
        let found = shared(line, (stamp, open + 3 + len));
        return Some(Bracket::Found(Found { level, ..found }));
    }
    let close = open + 1 + inner.iter().take(48).position(|&byte| byte == b']')?;
    let text = line[open + 1..close].trim_ascii();
    if text.is_empty() {
        return None;
    }
    let after = close + 1 + spaces(&line[close + 1..]);
    let level = level::word(text).unwrap_or_default();
    let next = line.get(after..)?;
    if let Some((stamp, len)) = stamp::at(next) {
        let found = Found { level, ..Found::new((stamp, after + len), Kind::Inner) };
        let is_process = text.iter().all(u8::is_ascii_digit);
        return Some(Bracket::Found(if is_process { marked(line, found) } else { found }));
    }
    if level != Level::Unknown && next.first() == Some(&b'[') {
        return Some(Bracket::Level(level, after));
    }
    let found = Found { level, ..Found::bare(close + 1) };
    is_uptime(text).then_some(Bracket::Found(found))
}

/// The kernel's and the JVM's clock since start: `12.345678`, `0.012s`.
fn is_uptime(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"s").unwrap_or(text);
    text.contains(&b'.') && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// `- 1772618400 2026.03.04 R01-… 2026-03-04-10.00.00.675872 R01-… RAS KERNEL INFO …`, the first field an alert tag,
/// and the clusters that write syslog behind it.
fn blue_gene(line: &[u8]) -> Option<Found<'_>> {
    let tag = line.iter().take(16).position(|&byte| byte == b' ')?;
    let epoch = line.get(tag + 1..)?;
    let digits = epoch.iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let date = epoch.get(11..22)?;
    if digits != 10 || epoch[10] != b' ' || date[4] != b'.' || date[7] != b'.' || date[10] != b' ' {
        return None;
    }
    let (first, _) = stamp::at(epoch)?;
    let node = tag + 23;
    let next = node + token(line, node) + 1;
    let Some((second, len)) = line.get(next..).and_then(stamp::at) else {
        return Some(Found {
            host: &line[node..next - 1],
            ..Found::new((first, next.min(line.len())), Kind::Inner)
        });
    };
    let host = &line[node..next - 1];
    let (stamp, kind) =
        if second.is_yearless() { (first, Kind::Syslog) } else { (second, Kind::BlueGene) };
    Some(Found { host, ..Found::new((stamp, next + len), kind) })
}

/// `1234:M 04 Mar 2026 10:00:00.123 * …`.
fn redis(line: &[u8]) -> Option<Found<'_>> {
    let colon = line.iter().take(8).position(|&byte| byte == b':')?;
    if !line.get(colon + 1)?.is_ascii_uppercase() || line.get(colon + 2) != Some(&b' ') {
        return None;
    }
    let start = colon + 3;
    let (stamp, len) = stamp::at(&line[start..])?;
    Some(marked(line, Found::new((stamp, start + len), Kind::Inner)))
}

/// Redis marks the level with one character: `.` debug, `-` verbose, `*` notice, `#` warning.
fn marked<'a>(line: &'a [u8], found: Found<'a>) -> Found<'a> {
    let level = match line.get(found.end..) {
        Some([b' ', b'.' | b'-', b' ', ..]) => Level::Debug,
        Some([b' ', b'*', b' ', ..]) => Level::Info,
        Some([b' ', b'#', b' ', ..]) => Level::Warn,
        _ => return found,
    };
    Found { level, end: found.end + 3, ..found }
}

/// Reads the brackets to their end: `[2026-03-04T10:00:00Z INFO  shop::cart]`, `[… : WARNING/MainProcess]`.
fn shared(line: &[u8], (stamp, end): (Stamp, usize)) -> Found<'_> {
    let close = line[end..].iter().take(96).position(|&byte| byte == b']').map(|len| end + len);
    let is_name = |byte: u8| !matches!(byte, b' ' | b':' | b'/' | b',' | b'|');
    let words = |inside: &'_ [u8]| {
        inside.split(|&byte| !is_name(byte)).filter(|word| !word.is_empty()).count()
    };
    match close.filter(|&close| words(&line[end..close]) <= 6) {
        None => Found::new((stamp, end), Kind::Open),
        Some(close) => {
            let mut words = line[end..close].split(|&byte| !is_name(byte));
            let level = words.find_map(level::word).unwrap_or_default();
            Found { level, ..Found::new((stamp, close + 1), Kind::Inner) }
        }
    }
}

/// `4711 node-17 disk.hw state_change.failed 1772618400 1 …`: a number, a node, and seconds since the epoch.
fn cluster(line: &[u8]) -> Option<Found<'_>> {
    let mut pos = token(line, 0);
    if !line[..pos].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let node = line.get(pos + 1..pos + 1 + token(line, pos + 1))?;
    let is_node = node.iter().any(|byte| byte.is_ascii_digit() || *byte == b'-');
    for index in 1..5 {
        pos += 1;
        let len = token(line, pos);
        let field = line.get(pos..pos + len).filter(|field| !field.is_empty())?;
        if len == 10 && field.iter().all(u8::is_ascii_digit) && (is_node || index == 4) {
            let (stamp, len) = stamp::at(&line[pos..])?;
            let host = if is_node { node } else { b"" };
            return Some(Found { host, ..Found::new((stamp, flag(line, pos + len)), Kind::Inner) });
        }
        pos += len;
    }
    None
}

/// Skips the flag of one digit that stands behind the stamp.
fn flag(line: &[u8], end: usize) -> usize {
    match line.get(end..) {
        Some([b' ', b'0'..=b'9', b' ', ..]) => end + 2,
        Some([b' ', b'-', b'0'..=b'9', b' ', ..]) => end + 3,
        _ => end,
    }
}

/// `I0304 10:00:00.123456       1 file.go:12] …`: the letter and the missing year of glog.
fn klog(line: &[u8]) -> Option<Found<'_>> {
    if line.len() < 21 || line[5] != b' ' || !line[1..5].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let level =
        level::letter(line[0]).filter(|_| matches!(line[0], b'I' | b'W' | b'E' | b'F' | b'D'))?;
    let mut text = [0; 24];
    text[..2].copy_from_slice(&line[1..3]);
    text[2] = b'-';
    text[3..5].copy_from_slice(&line[3..5]);
    let len = line.len().min(24) - 5;
    text[5..5 + len].copy_from_slice(&line[5..5 + len]);
    let (stamp, len) = stamp::at(&text[..5 + len])?;
    let close = line.iter().take(120).position(|&byte| byte == b']');
    Some(Found { level, ..Found::new((stamp, close.map_or(len, |close| close + 1)), Kind::Inner) })
}

/// `E, [2026-03-04T10:00:00.123456 #1234] ERROR -- : …`.
fn ruby(line: &[u8]) -> Option<Found<'_>> {
    if line.len() < 24 || !line[1..].starts_with(b", [") {
        return None;
    }
    let level = level::letter(line[0])?;
    let found = bracketed(line, 3)?;
    let word = found.end + spaces(&line[found.end..]);
    let end = memchr::memmem::find(line.get(word..word + 16)?, b" -- ")
        .map_or(found.end, |len| word + len);
    Some(Found { level, end, ..found })
}

/// `ERROR 2026-03-04 10:00:00 …`, `INFO  [main] 2026-03-04 …`, `INFO: 2026/03/04 …`.
fn behind_level(line: &[u8]) -> Option<Found<'_>> {
    let len = line.iter().take(14).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let level = level::word(&line[..len])?;
    let mut pos = len + usize::from(line.get(len) == Some(&b':'));
    pos += spaces(line.get(pos..)?);
    if line.get(pos) == Some(&b'[') {
        if let Some(found) = bracketed(line, pos).filter(|found| found.stamp.is_some()) {
            return Some(Found { level, ..found });
        }
        pos += 1 + line[pos..].iter().take(64).position(|&byte| byte == b']')?;
        pos += spaces(&line[pos..]);
    }
    let (stamp, len) = stamp::at(line.get(pos..)?)?;
    Some(Found { level, ..Found::new((stamp, pos + len), Kind::Inner) })
}

/// One or two words that are no prose (`nova-api.log 2026-03-04 …`) before a dated stamp; the first names the program.
fn behind_tokens(line: &[u8]) -> Option<Found<'_>> {
    let mut pos = 0;
    for _ in 0..2 {
        let len = token(line, pos);
        let field = &line[pos..pos + len];
        if len == 0
            || len > 64
            || !field
                .iter()
                .any(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'_' | b'-' | b':' | b'/'))
        {
            return None;
        }
        pos += len;
        pos += spaces(&line[pos..]);
        pos += if line[pos..].starts_with(b"| ") { 2 } else { 0 };
        if !line.get(pos)?.is_ascii_digit() {
            continue;
        }
        if let Some((stamp, len)) = stamp::at(&line[pos..]).filter(|(stamp, _)| is_full(stamp)) {
            return Some(Found::new((stamp, pos + len), Kind::Inner));
        }
    }
    None
}

/// `web-1  | text`: the lines of several containers, as compose prints them.
pub(super) fn compose(line: &[u8]) -> Option<(&[u8], usize)> {
    let len = line
        .iter()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        .count();
    let gap = spaces(line.get(len..)?);
    let is_compose =
        len > 2 && gap > 0 && line[len + gap..].starts_with(b"| ") && line[..len].contains(&b'-');
    is_compose.then(|| (&line[..len], len + gap + 2))
}

fn is_full(stamp: &Stamp) -> bool {
    stamp.is_dated() && !stamp.is_yearless() && !matches!(stamp, Stamp::Instant(_))
}

/// Length of the run without blanks at `pos`.
pub(super) fn token(line: &[u8], pos: usize) -> usize {
    let rest = line.get(pos..).unwrap_or_default();
    let len = rest.iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
    steps::add(len + 1);
    len
}

pub(super) fn spaces(text: &[u8]) -> usize {
    let len = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    steps::add(len + 1);
    len
}
