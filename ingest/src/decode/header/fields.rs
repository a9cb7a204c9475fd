//! The fields between stamp and content: process, thread, level and logger, skipped by shape.
//!
//! A *strong* field proves itself: a level, a class name with dots and a colon, a source file with its line.
//! A *weak* one (a number, brackets) is skipped only where a strong one follows.

use logwake_detector::record::Level;

use super::prefix::{Kind, spaces, token};
use super::{Header, level};

const FIELDS_MAX: usize = 9;

/// The bytes that names of loggers, programs, threads and users are made of.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"_.$@/#:~-=,";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

/// What one field is, with its length.
#[derive(Debug)]
enum Field {
    /// A level that is part of the header.
    Level(Level, usize),
    /// A level word that is part of the sentence: it is noted and stays.
    Word(Level),
    Strong(usize),
    /// A strong field that is the last of its header: a logger before its colon.
    Last(usize),
    Weak(usize),
    Content,
}

/// What has been seen so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    level: bool,
    numbers: u8,
    /// The field touches the brackets before it.
    is_attached: bool,
}

/// Skips the fields at `header.content`, and sets the level.
pub(super) fn skip(line: &[u8], kind: Kind, header: &mut Header<'_>) {
    if kind == Kind::BlueGene {
        return blue_gene(line, header);
    }
    let mut cursor = header.content;
    let mut seen = Seen { level: header.level != Level::Unknown, ..Seen::default() };
    if line[..cursor].ends_with(b"|") {
        cursor = columns(line, header, &mut seen);
    }
    for _ in 0..FIELDS_MAX {
        let Some(rest) = line.get(cursor..).filter(|rest| !rest.is_empty()) else { break };
        let (len, is_strong) = match field(rest, &mut seen) {
            Field::Level(level, len) => {
                header.level = level;
                seen.level = true;
                (len, true)
            }
            Field::Word(level) => {
                header.level = level;
                header.content = cursor;
                break;
            }
            Field::Strong(len) => (len, true),
            Field::Last(len) => {
                header.content = skip_separators(line, cursor + len);
                break;
            }
            Field::Weak(len) => (len, false),
            Field::Content => break,
        };
        seen.is_attached = line.get(cursor + len) == Some(&b'[');
        let end = cursor + len;
        cursor = skip_separators(line, end);
        let is_dashed = line[end..cursor].contains(&b'-') && seen.level;
        if is_strong || is_dashed {
            header.content = cursor;
        }
    }
}

/// Skips blanks and the lone marks that separate fields: `-`, `--`, `---`, `:`, `|`, and what closes a stamp.
pub(super) fn skip_separators(line: &[u8], mut pos: usize) -> usize {
    pos += line.get(pos..).map_or(0, |rest| {
        rest.iter().take_while(|byte| matches!(byte, b']' | b',' | b':' | b';' | b'|')).count()
    });
    loop {
        pos += line.get(pos..).map_or(0, spaces);
        let Some(rest) = line.get(pos..) else { return line.len() };
        let marks =
            rest.iter().take(4).take_while(|byte| matches!(byte, b'-' | b'|' | b':')).count();
        if !(1..=3).contains(&marks) || !matches!(rest.get(marks), Some(b' ' | b'\t')) {
            return pos;
        }
        pos += marks;
    }
}

fn field(rest: &[u8], seen: &mut Seen) -> Field {
    match rest[0] {
        b'[' => brackets(rest, seen),
        b'<' => enclosed(rest, b'>', 24).map_or(Field::Content, |len| {
            if seen.level { Field::Strong(len) } else { Field::Weak(len) }
        }),
        b'(' if !seen.level => enclosed(rest, b')', 48).map_or(Field::Content, Field::Weak),
        b'*' if seen.level && seen.numbers > 0 => connection(rest),
        b'#' if !seen.level && rest.get(1).is_some_and(u8::is_ascii_digit) => {
            Field::Weak(token(rest, 0))
        }
        b'0'..=b'9' => number(rest, seen),
        byte if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$') => word(rest, seen),
        _ => Field::Content,
    }
}

/// Fields between bars without blanks: `|Pulse_Meter|4711|`; returns where the cursor goes on.
fn columns(line: &[u8], header: &mut Header<'_>, seen: &mut Seen) -> usize {
    let mut pos = header.content;
    for _ in 0..4 {
        let rest = &line[pos..];
        let len = rest
            .iter()
            .take(64)
            .take_while(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'-')
            })
            .count();
        if len == 0 || rest.get(len) != Some(&b'|') {
            break;
        }
        if let Some(level) = level::word(&rest[..len]).filter(|_| !seen.level) {
            header.level = level;
            seen.level = true;
        }
        pos += len + 1;
    }
    header.content = pos;
    pos
}

/// nginx numbers its connections: `*17 `.
fn connection(rest: &[u8]) -> Field {
    let len = token(rest, 0);
    if len > 1 && rest[1..len].iter().all(u8::is_ascii_digit) {
        Field::Strong(len)
    } else {
        Field::Content
    }
}

/// `[INFO ]`, `[core:error]`, `[main]`, `[pid 123:tid 456]`, `[o.e.n.Node   ]`.
fn brackets(rest: &[u8], seen: &mut Seen) -> Field {
    let Some(len) = bracketed(rest) else { return Field::Content };
    let text = rest[1..len - 1].trim_ascii();
    if !seen.level {
        let last = text.rsplit(|&byte| byte == b':').next().unwrap_or(text);
        let single = (text.len() == 1)
            .then(|| level::letter(text[0]))
            .flatten()
            .filter(|_| text[0].is_ascii_uppercase());
        if let Some(level) = level::word(text).or_else(|| level::word(last)).or(single) {
            return Field::Level(level, len);
        }
        return Field::Weak(len);
    }
    let is_number =
        !text.is_empty() && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
    let is_process =
        text.starts_with(b"pid ") || text.starts_with(b"tid ") || text.starts_with(b"MY-");
    let is_class = text.contains(&b'.')
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'$' | b'_'));
    let is_followed = rest.get(len) == Some(&b'[');
    let is_request = text.starts_with(b"req-");
    if is_number || is_process || is_class || is_followed || is_request || seen.is_attached {
        Field::Strong(len)
    } else {
        Field::Weak(len)
    }
}

/// `1234`, `29#29:`, `148`.
fn number(rest: &[u8], seen: &mut Seen) -> Field {
    let digits = rest.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    match &rest[digits..] {
        [] => Field::Content,
        [b' ' | b'\t', ..] if digits <= 10 => {
            seen.numbers += 1;
            Field::Weak(digits)
        }
        [b'#', after @ ..] => {
            let more = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if more == 0 || after.get(more) != Some(&b':') {
                return Field::Content;
            }
            seen.numbers += 1;
            Field::Strong(digits + more + 2)
        }
        _ => Field::Content,
    }
}

/// A run of letters, digits and the marks of names.
fn word(rest: &[u8], seen: &mut Seen) -> Field {
    let len = rest.iter().take(160).take_while(|byte| NAME[usize::from(**byte)]).count();
    let name = &rest[..len];
    let gap = spaces(&rest[len..]);
    let next = rest.get(len + gap).copied().unwrap_or(b' ');
    if !seen.level {
        return before_level(rest, name, gap, next, seen);
    }
    let bare = name.strip_suffix(b":").unwrap_or(name);
    if is_source_place(bare) {
        return Field::Strong(len + usize::from(next == b']' && gap == 0));
    }
    let is_colon = bare.len() < len
        || next == b':' && rest.get(len + gap + 1).is_none_or(|byte| *byte == b' ');
    let shape = Shape::of(bare);
    let is_android = seen.numbers >= 2 && is_colon;
    let is_column = gap >= 2 && shape.is_identifier && rest.len() > len + gap;
    let is_dashed = next == b'-' && rest.get(len + gap + 1) == Some(&b' ');
    let is_logger = shape.is_qualified && (is_colon || is_dashed);
    let is_placed = shape.is_placed && is_dashed;
    let is_path = shape.dots >= 2 && (shape.is_numbered || next == b'[');
    if is_android || is_logger || is_placed {
        return Field::Last(len);
    }
    if is_column || is_path {
        return Field::Strong(len);
    }
    Field::Content
}

fn before_level(rest: &[u8], name: &[u8], gap: usize, next: u8, seen: &mut Seen) -> Field {
    let len = name.len();
    let head_len = name.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let head = &name[..head_len];
    if let Some(found) = level::word(head) {
        return spelled(rest, name, head_len, found);
    }
    if let ([letter @ (b'V' | b'D' | b'I' | b'W' | b'E' | b'F')], true, true) =
        (name, seen.numbers >= 2, gap > 0)
    {
        return level::letter(*letter).map_or(Field::Content, |level| Field::Level(level, 1));
    }
    if postgres_detail(name) {
        return Field::Word(Level::Info);
    }
    let is_name = name.iter().any(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'@' | b'/' | b'$' | b'=')
    }) || name.contains(&b'-') && len > 2;
    let is_set_apart =
        gap > 0 && matches!(next, b'-' | b'|') && matches!(rest.get(len + gap + 1), Some(b' '));
    let is_before_marked_level = gap > 0 && {
        let after = &rest[len + gap..];
        let word_len = after.iter().take(14).take_while(|byte| byte.is_ascii_uppercase()).count();
        level::word(&after[..word_len]).is_some()
            && matches!(after.get(word_len), Some(b':' | b'|'))
            && !name.ends_with(b":")
    };
    if is_name || is_set_apart || is_before_marked_level {
        return Field::Weak(len.max(1));
    }
    stated_behind(&rest[len..]).map_or(Field::Content, Field::Word)
}

/// A level in capitals behind one word may be the logger's, or the sentence's: it is noted, and nothing is cut off.
fn stated_behind(rest: &[u8]) -> Option<Level> {
    let rest = rest.strip_prefix(b" ")?;
    let len = rest.iter().take(14).take_while(|byte| byte.is_ascii_uppercase()).count();
    level::word(&rest[..len]).filter(|_| rest.get(len) == Some(&b' '))
}

/// Decides whether a level word is a field (`ERROR`, `error:`, `Info   CBS`) or the first word of the sentence.
fn spelled(rest: &[u8], name: &[u8], head_len: usize, level: Level) -> Field {
    let is_upper = name[1].is_ascii_uppercase();
    match rest.get(head_len) {
        Some(b':' | b'|' | b',' | b']' | b'\t') => Field::Level(level, head_len),
        Some(b'/') if is_upper => Field::Level(level, name.len()),
        Some(b' ') if is_upper || rest.get(head_len + 1) == Some(&b' ') => {
            Field::Level(level, head_len)
        }
        Some(b' ') => match &rest[head_len + 1..] {
            [b'-' | b'|' | b':', b' ', ..] | [b'[', ..] => Field::Level(level, head_len),
            _ => Field::Word(level),
        },
        None => Field::Word(level),
        _ => Field::Content,
    }
}

/// The lines that PostgreSQL adds to an error keep their keyword in the content.
fn postgres_detail(name: &[u8]) -> bool {
    matches!(name, b"STATEMENT:" | b"DETAIL:" | b"HINT:" | b"CONTEXT:" | b"QUERY:" | b"LOCATION:")
}

/// What a name looks like.
#[derive(Clone, Copy, Debug)]
struct Shape {
    dots: usize,
    /// Has a package or module path, or is a class in a class.
    is_qualified: bool,
    /// Ends in `#115`.
    is_numbered: bool,
    /// Ends in `:115`.
    is_placed: bool,
    is_identifier: bool,
}

impl Shape {
    fn of(name: &[u8]) -> Self {
        let mut shape = Self {
            dots: 0,
            is_qualified: false,
            is_numbered: false,
            is_placed: false,
            is_identifier: true,
        };
        let mut previous = b' ';
        for &byte in name {
            match byte {
                b'.' => shape.dots += 1,
                b'$' => shape.is_qualified = true,
                b':' => shape.is_qualified |= previous == b':',
                b'#' => shape.is_numbered = true,
                b'/' | b'=' | b',' | b'@' | b'~' => shape.is_identifier = false,
                _ => {}
            }
            previous = byte;
        }
        let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        shape.is_placed = digits > 0 && name[..name.len() - digits].ends_with(b":");
        let is_address =
            name.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
        shape.is_qualified |= shape.dots > 0;
        shape.is_qualified &= !is_address && shape.is_identifier;
        shape
    }
}

/// A source file and line: `main.go:12`, `caller/file.go:12`, `Loader.java:89`.
fn is_source_place(name: &[u8]) -> bool {
    let Some(colon) = name.iter().rposition(|&byte| byte == b':') else { return false };
    let (file, line) = (&name[..colon], &name[colon + 1..]);
    let Some(dot) = file.iter().rposition(|&byte| byte == b'.') else { return false };
    !line.is_empty()
        && line.iter().all(u8::is_ascii_digit)
        && matches!(
            &file[dot + 1..],
            b"go"
                | b"rs"
                | b"py"
                | b"java"
                | b"kt"
                | b"scala"
                | b"c"
                | b"cc"
                | b"cpp"
                | b"h"
                | b"js"
                | b"ts"
                | b"rb"
                | b"cs"
                | b"php"
        )
}

/// Length of a run in square brackets that may hold others, within 128 bytes.
fn bracketed(rest: &[u8]) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in rest.iter().take(128).enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Length of an enclosed run, both marks included, where it ends within `max` bytes.
fn enclosed(rest: &[u8], close: u8, max: usize) -> Option<usize> {
    rest.iter().take(max).position(|&byte| byte == close).map(|at| at + 1)
}

/// `R01-N3 RAS KERNEL INFO …`, or host, program and process as syslog writes them.
fn blue_gene(line: &[u8], header: &mut Header<'_>) {
    let mut pos = header.content;
    for _ in 0..4 {
        let len = token(line, pos);
        let field = &line[pos..pos + len];
        pos = skip_separators(line, pos + len);
        if let Some(level) = level::word(field) {
            header.level = level;
            header.content = pos;
            return;
        }
        if field.ends_with(b":") {
            header.content = pos;
            return;
        }
    }
}
