//! A chunk with hard delimiters: quotes, brackets, keys and calls around its pieces.

use super::byte_class::{
    ALPHA, COLON, DIGIT, DOT, HARD, HIGH, LOWER, UNDER, UPPER, class, classes_of,
};
use super::line::Walk;
use super::piece::trimmed_len;
use super::variable::ShapeClass;
use super::{address, base64, json, number, path};
use crate::template::known_words;

/// Digits that a key before `=` may have.
const KEY_DIGITS_MAX: usize = 3;
/// Digits that the name of a function may have.
const CALL_DIGITS_MAX: usize = 1;
/// Longest quoted value after `=` that is one variable.
const QUOTED_LEN_MAX: usize = 256;

impl Walk<'_, '_> {
    /// Masks a chunk piece by piece; returns where it ends.
    pub(super) fn pieces(&mut self, start: usize, end: usize) -> usize {
        let mut at = start;
        while at < end {
            if class(self.content[at]) & HARD != 0 {
                at = self.delimiter(start, at, end);
                continue;
            }
            let (stop, bits) = self.piece_end(at, end);
            let text = &self.content[at..stop];
            if is_key(text, &self.content[stop..], bits)
                || is_call(text, &self.content[stop..], bits)
            {
                self.out.literal(text);
                at = stop;
            } else {
                at = self.value(at, stop, end, bits);
            }
        }
        at
    }

    /// Where the piece that begins at `at` ends, and the union of its classes.
    #[inline]
    fn piece_end(&self, at: usize, end: usize) -> (usize, u16) {
        let (mut stop, mut bits) = (at, 0);
        while stop < end {
            let here = class(self.content[stop]);
            if here & HARD != 0 {
                break;
            }
            bits |= here;
            stop += 1;
        }
        (stop, bits)
    }

    /// Masks a piece, or what is one although hard delimiters stand in it; returns where it ends.
    fn value(&mut self, at: usize, stop: usize, end: usize, bits: u16) -> usize {
        let text = &self.content[at..stop];
        if bits & COLON != 0 && path::is_url(text) || path::is_query(text) {
            let closes = |byte: &u8| b"\"'<>)]}`".contains(byte);
            let len = self.content[stop..end].iter().position(closes);
            let stop = len.map_or(end, |len| stop + len);
            self.piece(at, stop, classes_of(&self.content[at..stop]));
            return stop;
        }
        if bits & (LOWER | UPPER | DIGIT) == LOWER | UPPER | DIGIT
            && let Some(padding) = base64::padding_len(&self.content[stop..])
            && base64::is_base64(text)
        {
            self.out.variable(at, stop + padding, ShapeClass::Base64);
            return stop + padding;
        }
        self.piece(at, stop, bits);
        stop
    }

    /// Writes a delimiter, and masks what it opens where that is one value; returns where to go on.
    fn delimiter(&mut self, start: usize, at: usize, end: usize) -> usize {
        let content = self.content;
        let taken = match content[at] {
            b'{' => self.braced_uuid(at).or_else(|| self.document(at)),
            b'[' => self.bracketed(at, end).or_else(|| self.document(at)),
            b'=' => quoted_value(content, start, at).map(|close| self.quoted(at, at + 2, close)),
            b'"' => path::user_agent_end(content, at).map(|close| self.quoted(at, at + 1, close)),
            b'<' | b'>' => self.compared(start, at, end),
            _ => None,
        };
        taken.unwrap_or_else(|| {
            self.out.ascii(&content[at..=at]);
            at + 1
        })
    }

    fn braced_uuid(&mut self, at: usize) -> Option<usize> {
        let inside = self.content.get(at + 1..at + 37)?;
        let closes = self.content.get(at + 37) == Some(&b'}') && number::is_uuid(inside);
        closes.then(|| {
            self.out.variable(at, at + 38, ShapeClass::Uuid);
            at + 38
        })
    }

    /// Masks a JSON object, or an array of them, inside running text.
    fn document(&mut self, at: usize) -> Option<usize> {
        let opens = matches!(self.content.get(at + 1), Some(b'"' | b'{' | b' '));
        if !opens || self.is_without_document {
            return None;
        }
        let end = json::document_end(self.content, at);
        self.is_without_document = end.is_none();
        self.out.variable(at, end?, ShapeClass::Document);
        end
    }

    /// `[fe80::1]:8080`.
    fn bracketed(&mut self, at: usize, end: usize) -> Option<usize> {
        let len = address::bracketed_len(&self.content[at..end])?;
        self.out.variable(at, at + len, ShapeClass::Ipv6);
        Some(at + len)
    }

    /// Masks what stands in quotes, which stay.
    fn quoted(&mut self, at: usize, open: usize, close: usize) -> usize {
        self.out.ascii(&self.content[at..open]);
        self.out.variable(open, close, ShapeClass::Quoted);
        self.out.ascii(&self.content[close..=close]);
        close + 1
    }

    /// Masks a number together with the comparison sign before it: `<1`.
    fn compared(&mut self, start: usize, at: usize, end: usize) -> Option<usize> {
        if !self.content.get(at + 1).is_some_and(u8::is_ascii_digit) {
            return None;
        }
        let after_word = self.out.last_byte().is_some_and(|last| class(last) & (ALPHA | HIGH) != 0);
        if after_word && at != start {
            return None;
        }
        let (stop, _) = self.piece_end(at + 1, end);
        if self.content.get(stop) == Some(&b'>') {
            return None;
        }
        let body_end = at + 1 + trimmed_len(&self.content[at + 1..stop]);
        self.out.variable(at, body_end, ShapeClass::Integer);
        self.out.literal(&self.content[body_end..stop]);
        Some(stop)
    }
}

/// A name right before `=` is a key and stays, `reg7=` like `size=`.
fn is_key(name: &[u8], after: &[u8], bits: u16) -> bool {
    bits & !(ALPHA | DIGIT | UNDER) == 0
        && after.first() == Some(&b'=')
        && after.get(1) != Some(&b'=')
        && name[0].is_ascii_alphabetic()
        && digits(name) <= KEY_DIGITS_MAX
        && !(bits & (ALPHA | DIGIT) == ALPHA | DIGIT && is_padded(name, after))
}

/// Base64 before its padding is no key.
fn is_padded(name: &[u8], after: &[u8]) -> bool {
    base64::padding_len(after).is_some() && base64::is_base64(name)
}

/// A name right before `(` is a function and stays: `queue.push2(`.
fn is_call(name: &[u8], after: &[u8], bits: u16) -> bool {
    bits & !(ALPHA | DIGIT | UNDER | DOT) == 0
        && after.first() == Some(&b'(')
        && name[0].is_ascii_alphabetic()
        && name[name.len() - 1].is_ascii_alphanumeric()
        && digits(name) <= CALL_DIGITS_MAX
        && after.get(1).is_none_or(|next| !next.is_ascii_digit())
        && !address::is_domain(name)
}

fn digits(name: &[u8]) -> usize {
    name.iter().filter(|byte| byte.is_ascii_digit()).count()
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
    (len < QUOTED_LEN_MAX && memchr::memchr(b' ', inner).is_some()).then_some(open + len)
}
