//! One piece of a chunk: which of the rules applies, and the pieces within it.
//!
//! A piece holds no hard delimiter unless it is a URL. Punctuation around it is put aside; then what
//! bytes it is made of says whose rules are asked: [`super::number`], [`super::address`],
//! [`super::path`], [`super::name`] or [`super::base64`].

use std::ops::Range;

use super::byte_class::{
    ALPHA, AT, BACKSLASH, COLON, DIGIT, DOT, LOWER, OTHER, SIGN, SLASH, UPPER, classes_of,
};
use super::line::Walk;
use super::variable::ShapeClass;
use super::{address, base64, name, number, path};

/// Colons after which a piece is no longer taken apart.
const DEPTH_MAX: usize = 8;

impl Walk<'_, '_> {
    /// Masks the piece `content[start..end]`; `bits` is the union of its classes.
    #[inline]
    pub(super) fn piece(&mut self, start: usize, end: usize, bits: u16) {
        let text = &self.content[start..end];
        if text[0] == b'/' && bits & COLON == 0 && text.len() > 1 {
            let body = trimmed_len(text);
            if text[body - 1].is_ascii_alphanumeric() {
                let is_ipv4 = bits & ALPHA == 0 && address::is_ipv4(&text[..body]);
                let class = if is_ipv4 { ShapeClass::Ipv4 } else { ShapeClass::Path };
                self.out.variable(start, start + body, class);
                self.out.literal(&text[body..]);
                return;
            }
        }
        self.part(start, end, bits, DEPTH_MAX);
    }

    /// Masks a part of a piece; `depth` is how often it may still be split.
    fn part(&mut self, start: usize, end: usize, bits: u16, depth: usize) {
        let text = &self.content[start..end];
        let body_end = trimmed_len(text);
        if bits & DIGIT != 0 && address::is_short_ipv6(&text[..body_end]) {
            self.out.variable(start, start + body_end, ShapeClass::Ipv6);
            self.out.literal(&text[body_end..]);
            return;
        }
        let body_start = leading_len(&text[..body_end]);
        self.out.literal(&text[..body_start]);
        let body = &text[body_start..body_end];
        if !body.is_empty() {
            let bits = if body.len() == text.len() { bits } else { classes_of(body) };
            let (start, end) = (start + body_start, start + body_end);
            if bits & DIGIT != 0 {
                self.with_digits(start, end, bits, depth);
            } else {
                self.without_digits(start, end, bits, depth);
            }
        }
        self.out.literal(&text[body_end..]);
    }

    fn with_digits(&mut self, start: usize, end: usize, bits: u16, depth: usize) {
        let text = &self.content[start..end];
        if bits & !(DIGIT | SIGN | DOT | OTHER) == 0 {
            let class = number::plain_class(text, bits);
            if !(class == ShapeClass::Integer && self.out.extend_date(end)) {
                self.out.variable(start, end, class);
            }
        } else if bits & !(DIGIT | DOT | COLON | SLASH) == 0 && address::is_ipv4(text) {
            self.out.variable(start, end, ShapeClass::Ipv4);
        } else if bits & DOT != 0
            && depth > 0
            && let Some((stop, next)) = leader(text)
        {
            self.split(start..start + stop, start + next..end, depth);
        } else if bits & (LOWER | UPPER) == ALPHA && base64::is_base64(text) {
            self.out.variable(start, end, ShapeClass::Base64);
        } else if bits & COLON != 0 && !path::is_url(text) && !path::is_drive(text) {
            self.colons(start, end, bits, depth);
        } else if bits & (SLASH | BACKSLASH) != 0 {
            self.slashes(start, end, bits);
        } else if bits & AT != 0 {
            self.at_sign(start, end, depth);
        } else {
            self.named(start, end, bits);
        }
    }

    fn without_digits(&mut self, start: usize, end: usize, bits: u16, depth: usize) {
        let text = &self.content[start..end];
        if bits & !ALPHA == 0 {
            self.word(start, end, bits);
        } else if bits & (SLASH | BACKSLASH) != 0 && path::is_path(text) {
            let class = if path::is_url(text) { ShapeClass::Url } else { ShapeClass::Path };
            self.out.variable(start, end, class);
        } else if bits & COLON != 0 && depth > 0 {
            self.colons(start, end, bits, depth);
        } else if bits & AT != 0 && address::is_email(text) {
            self.out.variable(start, end, ShapeClass::Email);
        } else if bits & DOT != 0 && bits & (SLASH | AT) == 0 && address::is_domain(text) {
            self.out.variable(start, end, ShapeClass::Host);
        } else {
            self.out.literal(text);
        }
    }

    /// Pieces with colons: times, addresses, host and port, key and value, C++ scopes.
    fn colons(&mut self, start: usize, end: usize, bits: u16, depth: usize) {
        let text = &self.content[start..end];
        if let Some(class) = address::colon_class(text, bits) {
            if !(class == ShapeClass::Time && self.out.extend_date(end)) {
                self.out.variable(start, end, class);
            }
            return;
        }
        let split = match memchr::memchr(b':', text) {
            Some(split) if depth > 0 => split,
            _ => return self.out.variable(start, end, ShapeClass::Identifier),
        };
        let (host, port) = (&text[..split], &text[split + 1..]);
        if port.iter().all(u8::is_ascii_digit) && address::is_host_like(host) {
            return self.out.variable(start, end, ShapeClass::Host);
        }
        let after = split + text[split..].iter().take_while(|&&byte| byte == b':').count();
        self.split(start..start + split, start + after..end, depth);
    }

    /// Masks what stands on both sides of a delimiter, which stays.
    fn split(&mut self, left: Range<usize>, right: Range<usize>, depth: usize) {
        let content = self.content;
        let bits = |part: &Range<usize>| classes_of(&content[part.clone()]);
        self.part(left.start, left.end, bits(&left), depth - 1);
        self.out.literal(&content[left.end..right.start]);
        self.part(right.start, right.end, bits(&right), depth - 1);
    }

    /// Pieces with slashes and digits.
    fn slashes(&mut self, start: usize, end: usize, bits: u16) {
        let text = &self.content[start..end];
        if path::is_url(text) {
            return self.out.variable(start, end, ShapeClass::Url);
        }
        if bits & ALPHA == 0 && bits & BACKSLASH == 0 {
            return self.out.variable(start, end, ShapeClass::Time);
        }
        match path::version_start(text) {
            Some(version) if bits & BACKSLASH == 0 => {
                self.out.literal(&text[..version]);
                self.out.variable(start + version, end, ShapeClass::Version);
            }
            _ => self.out.variable(start, end, ShapeClass::Path),
        }
    }

    /// Pieces with an at sign and digits: `ann7@example.com`, `Order@1f2e`.
    fn at_sign(&mut self, start: usize, end: usize, depth: usize) {
        let text = &self.content[start..end];
        let split = memchr::memchr(b'@', text).unwrap_or(0);
        if depth == 0 || text[..split].iter().any(u8::is_ascii_alphanumeric) {
            return self.out.variable(start, end, ShapeClass::Email);
        }
        self.split(start..start + split, start + split + 1..end, depth);
    }

    /// Letters and digits, dots, dashes and underscores.
    fn named(&mut self, start: usize, end: usize, bits: u16) {
        let text = &self.content[start..end];
        match name::read(text, bits) {
            name::Reading::Constant => self.out.literal(text),
            name::Reading::Value(class) => self.out.variable(start, end, class),
            name::Reading::Numbered(number) => {
                self.out.literal(&text[..number]);
                self.out.variable(start + number, end, ShapeClass::Integer);
            }
            name::Reading::Dashed => self.dashed(start, end),
        }
    }

    /// `pool-1-thread-2` keeps its words.
    fn dashed(&mut self, start: usize, end: usize) {
        let content = self.content;
        let mut at = start;
        for segment in content[start..end].split(|&byte| byte == b'-') {
            if at > start {
                self.out.ascii(b"-");
            }
            if segment.iter().all(u8::is_ascii_alphabetic) {
                self.out.ascii(segment);
            } else {
                self.out.variable(at, at + segment.len(), ShapeClass::Identifier);
            }
            at += segment.len() + 1;
        }
    }
}

/// Length of the piece without the sentence punctuation at its end.
#[inline]
pub(super) fn trimmed_len(piece: &[u8]) -> usize {
    let ends = |byte: &&u8| matches!(**byte, b'.' | b':' | b'!' | b'?' | b'*' | b'#');
    piece.len() - piece.iter().rev().take_while(ends).count()
}

/// Length of the punctuation before a piece; a sign before a digit belongs to the number.
#[inline]
fn leading_len(piece: &[u8]) -> usize {
    let mut len = 0;
    while len < piece.len() && !piece[len].is_ascii_alphanumeric() {
        let next = piece.get(len + 1).copied().unwrap_or(0);
        let leads = match piece[len] {
            b'-' | b'+' => !(next.is_ascii_digit() || next == b'.' && len == 0),
            b'.' => !next.is_ascii_digit() && !matches!(next, b'/' | b'.'),
            b':' | b'*' | b'#' | b'@' | b'!' | b'?' | b'&' | b'^' => true,
            b'~' => next != b'/' && !next.is_ascii_digit(),
            b'$' => !next.is_ascii_digit(),
            _ => false,
        };
        if !leads {
            break;
        }
        len += 1;
    }
    len
}

/// A run of dots that leads from a word to its value: `enabled.....1`.
fn leader(text: &[u8]) -> Option<(usize, usize)> {
    let stop = text.windows(2).position(|two| two == b"..")?;
    let next = stop + text[stop..].iter().take_while(|&&byte| byte == b'.').count();
    (stop > 0 && next < text.len() && text[stop - 1].is_ascii_alphabetic()).then_some((stop, next))
}
