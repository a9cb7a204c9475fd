//! Content to skeleton: one pass over the bytes that masks every value by its shape.
//!
//! A chunk is what stands between white space, a piece what stands between hard delimiters inside
//! a chunk. [`super::shape`] judges pieces, this module walks, writes and joins. The skeleton is
//! a pure function of the content: it knows no record, service or configuration.

use xxhash_rust::xxh3::xxh3_64;

use super::byte_class::{
    ALPHA, AT, BACKSLASH, COLON, DIGIT, DOT, GAP, HARD, HIGH, LOWER, SIGN, SLASH, UNDER, class,
    classes_of,
};
use super::{WILDCARD, document, known_words, shape, trace};

/// Content beyond this many bytes does not take part in the skeleton.
pub const CONTENT_BYTES_MAX: usize = 4096;

/// Wildcards in a row, apart by blanks or commas alone, beyond which a list becomes one wildcard.
const LIST_LEN_MAX: usize = 6;
/// Punctuation bytes that may join two variables to one.
const JOINT_BYTES_MAX: usize = 3;
/// Parts that a written-out date may have: weekday, month, day, time, zone, year.
const DATE_PARTS_MAX: u8 = 6;

/// What the shape of a variable says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShapeClass {
    /// Digits, perhaps signed.
    Integer,
    /// A number with a decimal point or a thousands separator.
    Decimal,
    /// Hexadecimal digits.
    Hex,
    /// A universally unique identifier.
    Uuid,
    /// An IPv4 address, perhaps with port or prefix length.
    Ipv4,
    /// An IPv6 address, perhaps with zone or prefix length.
    Ipv6,
    /// A hardware address.
    Mac,
    /// A name at a domain.
    Email,
    /// A URL.
    Url,
    /// A path of a file system, or a name with a slash and a digit.
    Path,
    /// A host or package name, perhaps with port.
    Host,
    /// A time of day or a date.
    Time,
    /// A number with its unit of time or size, or a percentage.
    Quantity,
    /// Text in quotes after `=`.
    Quoted,
    /// A version number.
    Version,
    /// True or false.
    Boolean,
    /// A word for no value, such as `null`.
    Absent,
    /// Letters and digits that are none of the above.
    Identifier,
    /// Several values in a row.
    List,
    /// What a user's mask matched.
    Custom,
}

/// A span of content that was masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// First byte in the content.
    pub start: usize,
    /// One past the last byte in the content.
    pub end: usize,
    /// What its shape says.
    pub class: ShapeClass,
}

/// Content after masking, in a buffer that serves many records.
#[derive(Clone, Debug, Default)]
pub struct Skeleton {
    text: Vec<u8>,
    hash: u64,
    variables: Vec<Variable>,
    /// Length of the text right after the newest variable.
    tail: usize,
    /// Length of the text right before the first variable of the current list.
    list_start: usize,
    list_len: usize,
    /// Parts so far if the newest variable is a written-out date, else 0.
    date_parts: u8,
}

impl Skeleton {
    /// Makes an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the masked text, with `<*>` for each variable.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// Returns the XXH3 hash of the text.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Returns the variables, one for each `<*>` of the text, in its order. The variables of a
    /// document with sorted keys follow the keys.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.variables.clear();
        self.tail = usize::MAX;
        self.list_len = 0;
        self.date_parts = 0;
        self.hash = 0;
    }

    pub(super) fn finish(&mut self) {
        if self.text.last() == Some(&b' ') {
            self.text.pop();
        }
        self.hash = xxh3_64(&self.text);
    }

    /// Writes constant bytes, replacing what is no UTF-8.
    #[inline]
    pub(super) fn literal(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            self.text.extend_from_slice(bytes);
        } else {
            self.text.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes());
        }
    }

    /// Writes the blank between two chunks; several are one, and none leads.
    #[inline]
    pub(super) fn blank(&mut self) {
        if self.text.last().is_some_and(|&last| last != b' ') {
            self.text.push(b' ');
        }
    }

    /// Writes a variable, joining it to the one before where only punctuation stands between.
    pub(super) fn variable(&mut self, start: usize, end: usize, class: ShapeClass) {
        let gap = self.text.get(self.tail..);
        let joins = gap.is_some_and(is_joint);
        let lists = gap.is_some_and(|gap| matches!(gap, b" " | b", " | b"," | b"; "));
        if joins && let Some(last) = self.variables.last_mut() {
            last.end = end;
            last.class = shape::joined(last.class, class);
            self.text.truncate(self.tail);
            return;
        }
        self.date_parts = 0;
        self.list_len = if lists { self.list_len + 1 } else { 1 };
        if self.list_len == 1 {
            self.list_start = self.text.len();
        }
        self.text.extend_from_slice(WILDCARD.as_bytes());
        self.variables.push(Variable { start, end, class });
        if self.list_len > LIST_LEN_MAX {
            self.close_list(end);
        }
        self.tail = self.text.len();
    }

    /// Writes a variable that joins nothing before it.
    pub(super) fn alone(&mut self, start: usize, end: usize, class: ShapeClass) {
        self.tail = usize::MAX;
        self.variable(start, end, class);
        self.tail = usize::MAX;
    }

    /// Writes a part of a date in words, which takes the parts that follow into itself.
    pub(super) fn date(&mut self, start: usize, end: usize) {
        if !self.extend_date(end) {
            self.variable(start, end, ShapeClass::Time);
            self.date_parts = 1;
        }
    }

    /// Takes the protocol of an HTTP request line into the target right before it.
    fn extend_target(&mut self, end: usize) -> bool {
        let target = self.variables.last_mut().filter(|last| {
            matches!(last.class, ShapeClass::Path | ShapeClass::Url) && last.end + 1 < end
        });
        let Some(target) = target.filter(|_| self.text.get(self.tail..) == Some(b" ")) else {
            return false;
        };
        target.end = end;
        self.text.truncate(self.tail);
        true
    }

    /// Adds a part to the date right before, if there is one.
    pub(super) fn extend_date(&mut self, end: usize) -> bool {
        let follows = self.date_parts > 0 && self.text.get(self.tail..) == Some(b" ");
        if !follows || self.date_parts >= DATE_PARTS_MAX {
            return false;
        }
        self.text.truncate(self.tail);
        self.date_parts += 1;
        if let Some(last) = self.variables.last_mut() {
            last.end = end;
        }
        true
    }

    /// Reports whether the newest thing written is a variable, perhaps with a blank after it.
    pub(super) fn ends_in_variable(&self) -> bool {
        self.text.get(self.tail..).is_some_and(|gap| gap.is_empty() || gap == b" ")
    }

    /// The last byte written that is not blank.
    pub(super) fn last_byte(&self) -> Option<u8> {
        self.text.iter().rev().copied().find(|&byte| byte != b' ')
    }

    fn close_list(&mut self, end: usize) {
        self.text.truncate(self.list_start + WILDCARD.len());
        let first = self.variables.len().saturating_sub(if self.list_len == LIST_LEN_MAX + 1 {
            self.list_len
        } else {
            2
        });
        self.variables.truncate(first + 1);
        if let Some(list) = self.variables.last_mut() {
            list.end = end;
            list.class = ShapeClass::List;
        }
    }
}

fn is_joint(gap: &[u8]) -> bool {
    gap.len() <= JOINT_BYTES_MAX
        && gap.iter().all(|byte| {
            matches!(
                byte,
                b':' | b'.'
                    | b'/'
                    | b'-'
                    | b'_'
                    | b'+'
                    | b','
                    | b'@'
                    | b'#'
                    | b'~'
                    | b'|'
                    | b'\\'
                    | b'*'
                    | b'&'
                    | b'%'
                    | b';'
                    | b'^'
                    | b'!'
                    | b'?'
                    | b'='
            )
        })
}

/// Masks content into `out`, whatever bytes it holds.
///
/// Cost: one pass over at most [`CONTENT_BYTES_MAX`] bytes, and no allocation once the buffer has
/// grown, but for documents, joined traces and text that is no UTF-8.
pub fn mask(content: &[u8], out: &mut Skeleton) {
    out.clear();
    let content = &content[..content.len().min(CONTENT_BYTES_MAX)];
    if !document::mask(content, out) {
        if memchr::memchr(b'\n', content).is_some() {
            trace::mask(content, out);
        } else {
            line(content, 0, content.len(), out);
        }
    }
    out.finish();
}

/// Masks `content[start..end]` as running text.
pub(super) fn line(content: &[u8], start: usize, end: usize, out: &mut Skeleton) {
    let content = &content[..end];
    let mut at = start;
    while at < end {
        let begin = at;
        let mut bits = 0;
        while at < end {
            let here = class(content[at]);
            if here & GAP != 0 {
                break;
            }
            bits |= here;
            at += 1;
        }
        if at > begin {
            at = chunk(content, begin, at, bits, out);
        }
        while at < end && class(content[at]) & GAP != 0 {
            if content[at] == 0x1b {
                at += escape_len(&content[at..]);
            } else {
                at += 1;
                out.blank();
            }
        }
    }
}

/// Masks one chunk and returns where the next one begins, which is further on where a quoted text
/// was taken whole.
#[inline]
fn chunk(content: &[u8], start: usize, end: usize, bits: u16, out: &mut Skeleton) -> usize {
    const JUDGED: u16 = DIGIT | SLASH | AT | BACKSLASH | HARD | COLON | DOT;
    if bits & JUDGED == 0 {
        word(content, start, end, bits, out);
        return end;
    }
    if bits & (DIGIT | SLASH | AT | BACKSLASH | HARD) == 0 {
        let body = start + shape::trimmed_len(&content[start..end]);
        if body > start && content[start..body].iter().all(|&b| class(b) & (COLON | DOT) == 0) {
            word(content, start, body, bits & !(COLON | DOT), out);
            out.literal(&content[body..end]);
            return end;
        }
    }
    if bits == DIGIT {
        if !out.extend_date(end) {
            out.variable(start, end, ShapeClass::Integer);
        }
        return end;
    }
    if out.text.is_empty()
        && bits & !(LOWER | SIGN | COLON | DIGIT) == 0
        && shape::is_port_of_host(&content[start..end])
    {
        out.variable(start, end, ShapeClass::Host);
        return end;
    }
    let text = &content[start..end];
    if text == b"/" && following(content, end).starts_with(b"HTTP/") {
        out.variable(start, end, ShapeClass::Path);
        return end;
    }
    if bits & SLASH != 0
        && shape::is_protocol(text)
        && out.extend_target(start + shape::protocol_len(text))
    {
        let quote = start + shape::protocol_len(text);
        out.literal(&content[quote..end]);
        return end;
    }
    if bits & HARD == 0 {
        shape::piece(content, start, end, bits, out);
        return end;
    }
    pieces(content, start, end, out)
}

/// Writes a chunk of letters, unless it is a word that stands for a value.
#[inline]
fn word(content: &[u8], start: usize, end: usize, bits: u16, out: &mut Skeleton) {
    let text = &content[start..end];
    if bits & !ALPHA == 0
        && (2..=9).contains(&text.len())
        && matches!(text[0], b't' | b'f' | b'n' | b'u' | b'A'..=b'Z')
        && value_word(content, start, end, out)
    {
        return;
    }
    if bits & !(ALPHA | UNDER) == 0 && shape::is_hex_word(text) {
        out.variable(start, end, ShapeClass::Hex);
        return;
    }
    out.literal(text);
}

/// Masks booleans, nulls and the words of dates; reports whether the word was one.
pub(super) fn value_word(content: &[u8], start: usize, end: usize, out: &mut Skeleton) -> bool {
    let text = &content[start..end];
    let next = following(content, end);
    if known_words::is_boolean(text) {
        out.variable(start, end, ShapeClass::Boolean);
    } else if known_words::is_null(text) {
        let opened = out.last_byte().is_some_and(|byte| class(byte) & (HARD | COLON) != 0);
        if !opened && next.first().is_some_and(u8::is_ascii_alphabetic) {
            return false;
        }
        out.variable(start, end, ShapeClass::Absent);
    } else if known_words::is_month(text) || known_words::is_weekday(text) {
        let dated = next.first().is_some_and(u8::is_ascii_digit)
            || known_words::is_month(next.get(..3).unwrap_or_default())
            || (out.ends_in_variable() && out.date_parts > 0);
        if !dated {
            return false;
        }
        out.date(start, end);
    } else if known_words::is_zone(text) {
        let timed = out.ends_in_variable()
            && out.variables.last().is_some_and(|last| last.class == ShapeClass::Time);
        if !timed {
            return false;
        }
        out.date_parts = out.date_parts.max(1);
        return out.extend_date(end);
    } else {
        return false;
    }
    true
}

/// What stands after a chunk, past blanks and a comma.
fn following(content: &[u8], mut at: usize) -> &[u8] {
    while at < content.len() && matches!(content[at], b' ' | b',') {
        at += 1;
    }
    &content[at..]
}

/// Masks a chunk piece by piece.
fn pieces(content: &[u8], start: usize, end: usize, out: &mut Skeleton) -> usize {
    let mut at = start;
    while at < end {
        if class(content[at]) & HARD != 0 {
            if content[at] == b'{'
                && shape::is_uuid(content.get(at + 1..at + 37).unwrap_or(b""))
                && content.get(at + 37) == Some(&b'}')
            {
                out.variable(at, at + 38, ShapeClass::Uuid);
                at += 38;
                continue;
            }
            if content[at] == b'='
                && let Some(close) = quoted_value(content, start, at)
            {
                out.literal(&content[at..at + 2]);
                out.variable(at + 2, close, ShapeClass::Quoted);
                out.literal(&content[close..=close]);
                return close + 1;
            }
            if content[at] == b'"'
                && let Some(close) = shape::user_agent_end(content, at)
            {
                out.literal(b"\"");
                out.variable(at + 1, close, ShapeClass::Quoted);
                out.literal(b"\"");
                return close + 1;
            }
            if matches!(content[at], b'<' | b'>')
                && out
                    .last_byte()
                    .is_none_or(|last| class(last) & (ALPHA | HIGH) == 0 || at == start)
                && content.get(at + 1).is_some_and(u8::is_ascii_digit)
                && content.get(piece_end(content, at + 1, end)) != Some(&b'>')
            {
                let stop = piece_end(content, at + 1, end);
                shape::number_after(content, at, stop, out);
                at = stop;
                continue;
            }
            out.literal(&content[at..=at]);
            at += 1;
            continue;
        }
        let stop = piece_end(content, at, end);
        if is_key(content, at, stop) || is_call(content, at, stop) {
            out.literal(&content[at..stop]);
            at = stop;
            continue;
        }
        let stop = shape::whole_end(content, at, stop, end);
        let bits = classes_of(&content[at..stop]);
        shape::piece(content, at, stop, bits, out);
        at = stop;
    }
    end
}

/// Digits that a key before `=` may have.
const KEY_DIGITS_MAX: usize = 3;

/// A name right before `=` is a key and stays, `reg7=` like `size=`.
fn is_key(content: &[u8], start: usize, end: usize) -> bool {
    let key = &content[start..end];
    content.get(end) == Some(&b'=')
        && content.get(end + 1) != Some(&b'=')
        && key[0].is_ascii_alphabetic()
        && key.iter().all(|&byte| class(byte) & (ALPHA | DIGIT | UNDER) != 0)
        && key.iter().filter(|byte| byte.is_ascii_digit()).count() <= KEY_DIGITS_MAX
}

/// A name right before `(` is a function and stays: `queue.push2(`.
fn is_call(content: &[u8], start: usize, end: usize) -> bool {
    let name = &content[start..end];
    content.get(end) == Some(&b'(')
        && name[0].is_ascii_alphabetic()
        && name[name.len() - 1].is_ascii_alphanumeric()
        && name.iter().all(|&byte| class(byte) & (ALPHA | DIGIT | UNDER | DOT) != 0)
        && name.iter().filter(|byte| byte.is_ascii_digit()).count() <= 1
        && content.get(end + 1).is_none_or(|next| !next.is_ascii_digit())
        && !shape::is_domain(name)
}

fn piece_end(content: &[u8], start: usize, end: usize) -> usize {
    let hard = content[start..end].iter().position(|&byte| class(byte) & HARD != 0);
    hard.map_or(end, |len| start + len)
}

/// Finds the end of a quoted value that holds blanks, after the `=` at `equals`: a value of
/// prose is left to be masked word by word.
fn quoted_value(content: &[u8], chunk: usize, equals: usize) -> Option<usize> {
    let quote = *content.get(equals + 1)?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let key = content[chunk..equals].rsplit(|&byte| class(byte) & HARD != 0).next()?;
    if known_words::is_prose_key(key) {
        return None;
    }
    let open = equals + 2;
    let len = memchr::memchr(quote, &content[open..])?;
    let inner = &content[open..open + len];
    (len < 256 && memchr::memchr(b' ', inner).is_some()).then_some(open + len)
}

/// Length of the terminal escape sequence that starts here: at least its first byte.
fn escape_len(bytes: &[u8]) -> usize {
    if bytes.get(1) != Some(&b'[') {
        return 1;
    }
    let last = bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte));
    last.map_or(bytes.len(), |len| len + 3)
}

#[cfg(test)]
mod tests;
