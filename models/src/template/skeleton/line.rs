//! The walk over running text, chunk by chunk: the hot path.
//!
//! A chunk is what stands between white space. Most chunks are words and stay, so the walk only
//! remembers where a run of them began, and writes it when something else comes.

use super::buffer::Skeleton;
use super::byte_class::{
    ALPHA, AT, BACKSLASH, COLON, DIGIT, DOT, GAP, HARD, HIGH, LOWER, OTHER, SIGN, SLASH, class,
    classes_of,
};
use super::chunk_scan::chunk_end;
use super::variable::ShapeClass;
use super::{address, number, path, word};

/// What has to be in a chunk for it to be more than a word with punctuation around it.
const TELLING: u16 = DIGIT | SLASH | AT | BACKSLASH | HARD;
/// Longest running text that is masked to its end.
const TEXT_BYTES_MAX: usize = 4096;
/// Words of a longer one that take part.
const LONG_TEXT_WORDS: usize = 32;
/// The byte that begins the escape sequences of terminals.
const ESCAPE: u8 = 0x1b;

/// Running text, and the skeleton that it is written to.
pub(super) struct Walk<'c, 'o> {
    pub(super) content: &'c [u8],
    pub(super) out: &'o mut Skeleton,
    /// Whether a document inside the text was looked for in vain, which is done once.
    pub(super) is_without_document: bool,
}

/// Masks `content[start..end]` as running text. Of a text that is longer than [`TEXT_BYTES_MAX`]
/// the first words count, and what follows is one variable.
pub(super) fn line(content: &[u8], start: usize, end: usize, out: &mut Skeleton) {
    if end - start <= TEXT_BYTES_MAX {
        return Walk { content: &content[..end], out, is_without_document: false }.run(start);
    }
    let stop = first_words_end(&content[..end], start);
    Walk { content: &content[..stop], out, is_without_document: false }.run(start);
    out.blank();
    out.variable(stop, end, ShapeClass::List);
}

/// Where the first words of a long text end: whole words, however long the values among them.
fn first_words_end(content: &[u8], start: usize) -> usize {
    let (mut stop, mut at) = (start, start);
    for _ in 0..LONG_TEXT_WORDS {
        let skipped = content[at..].iter().take_while(|&&byte| class(byte) & GAP != 0).count();
        (at, _) = chunk_end(content, at + skipped);
        if at - start > TEXT_BYTES_MAX {
            break;
        }
        stop = at;
    }
    stop
}

/// Words that were passed and not yet written.
#[derive(Default)]
struct Passed {
    start: usize,
    bits: u16,
}

impl Walk<'_, '_> {
    fn run(&mut self, start: usize) {
        let end = self.content.len();
        let mut at = start;
        let mut passed = Passed { start, bits: 0 };
        while at < end {
            let (stop, bits) = chunk_end(self.content, at);
            if stop > at {
                if self.is_plain(at, stop, bits) {
                    passed.bits |= bits;
                    at = stop;
                    if self.is_one_blank(at) {
                        at += 1;
                        continue;
                    }
                } else {
                    self.write(&passed, at);
                    at = self.chunk(at, stop, bits);
                    passed = Passed { start: at, bits: 0 };
                }
            }
            self.write(&passed, at);
            at = self.gap(at);
            passed = Passed { start: at, bits: 0 };
        }
        self.write(&passed, end);
    }

    #[inline]
    fn write(&mut self, passed: &Passed, end: usize) {
        let text = &self.content[passed.start..end];
        if passed.bits & HIGH == 0 {
            self.out.ascii(text);
        } else {
            self.out.literal(text);
        }
    }

    /// Reports whether a gap is a single blank with a chunk after it, which is written as it is.
    #[inline]
    fn is_one_blank(&self, at: usize) -> bool {
        let here = |at: usize| self.content.get(at).copied().unwrap_or(0);
        here(at) == b' ' && class(here(at + 1)) & GAP == 0
    }

    /// Passes white space, control bytes and escape sequences.
    #[inline]
    fn gap(&mut self, mut at: usize) -> usize {
        while let Some(&byte) = self.content.get(at)
            && class(byte) & GAP != 0
        {
            if byte == ESCAPE {
                at += escape_len(&self.content[at..]);
            } else {
                at += 1;
                self.out.blank();
            }
        }
        at
    }

    /// Reports whether a chunk is a word that certainly stays.
    #[inline]
    fn is_plain(&self, start: usize, end: usize, bits: u16) -> bool {
        if bits & TELLING != 0 {
            return false;
        }
        let text = &self.content[start..end];
        let Some(len) = bare_word(text, bits) else { return false };
        let word = &text[..len];
        word_bits(word, text, bits) & !(ALPHA | COLON | DOT) != 0
            || word::value_kind(word).is_none() && !number::is_hex_word(word)
    }

    /// Masks one chunk and returns where the next one begins, which is further on where a quoted
    /// text was taken whole.
    #[inline(never)]
    fn chunk(&mut self, start: usize, end: usize, bits: u16) -> usize {
        let text = &self.content[start..end];
        if bits == DIGIT {
            if !self.out.extend_date(end) {
                self.out.variable(start, end, ShapeClass::Integer);
            }
            return end;
        }
        if bits & TELLING == 0
            && let Some(len) = bare_word(text, bits)
        {
            let word = &text[..len];
            self.word(start, start + len, word_bits(word, text, bits) & !(COLON | DOT));
            self.out.ascii(&text[len..]);
            return end;
        }
        if self.is_port_of_host(start, end, bits) {
            self.out.variable(start, end, ShapeClass::Host);
            return end;
        }
        if bits & SLASH != 0
            && let Some(len) = self.request_line(start, end)
        {
            self.out.literal(&text[len..]);
            return end;
        }
        if bits & HARD != 0 {
            return self.pieces(start, end);
        }
        self.piece(start, end, bits);
        end
    }

    /// `intranet:8080` at the start of a text.
    fn is_port_of_host(&self, start: usize, end: usize, bits: u16) -> bool {
        bits & !(LOWER | SIGN) == DIGIT | COLON
            && self.out.is_empty()
            && address::is_port_of_host(&self.content[start..end])
    }

    /// Masks `/` or `HTTP/1.1` of a request line; returns the bytes taken.
    fn request_line(&mut self, start: usize, end: usize) -> Option<usize> {
        let text = &self.content[start..end];
        if text == b"/" && self.following(end).starts_with(b"HTTP/") {
            self.out.variable(start, end, ShapeClass::Path);
            return Some(1);
        }
        let len = path::protocol_len(text)?;
        self.out.extend_target(start + len).then_some(len)
    }

    /// Writes letters, unless they are a word that stands for a value or a number in letters.
    pub(super) fn word(&mut self, start: usize, end: usize, bits: u16) {
        let text = &self.content[start..end];
        if bits & !ALPHA == 0 {
            if self.value_word(start, end) {
                return;
            }
            if number::is_hex_word(text) {
                self.out.variable(start, end, ShapeClass::Hex);
                return;
            }
        }
        self.out.literal(text);
    }

    /// Masks booleans, nulls and the words of dates; reports whether the word was one.
    fn value_word(&mut self, start: usize, end: usize) -> bool {
        let text = &self.content[start..end];
        let Some(kind) = word::value_kind(text) else { return false };
        match kind {
            word::Kind::Boolean => self.out.variable(start, end, ShapeClass::Boolean),
            word::Kind::Absent => {
                let opened =
                    self.out.last_byte().is_some_and(|byte| class(byte) & (HARD | COLON) != 0);
                if !opened && self.following(end).first().is_some_and(u8::is_ascii_alphabetic) {
                    return false;
                }
                self.out.variable(start, end, ShapeClass::Absent);
            }
            word::Kind::Date => {
                if !word::begins_date(self.following(end)) && !self.out.ends_in_date() {
                    return false;
                }
                self.out.date(start, end);
            }
            word::Kind::Zone => return self.out.extend_time(end),
        }
        true
    }

    /// What stands after a chunk, past blanks and a comma.
    fn following(&self, end: usize) -> &[u8] {
        let rest = &self.content[end..];
        let skipped = rest.iter().take_while(|byte| matches!(byte, b' ' | b',')).count();
        &rest[skipped..]
    }
}

/// Length of a text without the punctuation at its end, if what is left has no dot or colon.
#[inline]
fn bare_word(text: &[u8], bits: u16) -> Option<usize> {
    if bits & (COLON | DOT) == 0 {
        return Some(text.len());
    }
    let len = super::piece::trimmed_len(text);
    let inner = text[..len].iter().any(|&byte| class(byte) & (COLON | DOT) != 0);
    (len > 0 && !inner).then_some(len)
}

/// The classes of a word that a chunk of classes `bits` begins with: the punctuation that was put
/// aside may be of a class of its own.
#[inline]
fn word_bits(word: &[u8], chunk: &[u8], bits: u16) -> u16 {
    if bits & OTHER != 0 && word.len() < chunk.len() { classes_of(word) } else { bits }
}

/// Length of the terminal escape sequence that starts here: at least its first byte.
fn escape_len(bytes: &[u8]) -> usize {
    if bytes.get(1) != Some(&b'[') {
        return 1;
    }
    let last = bytes[2..].iter().position(|byte| (0x40..=0x7e).contains(byte));
    last.map_or(bytes.len(), |len| len + 3)
}
