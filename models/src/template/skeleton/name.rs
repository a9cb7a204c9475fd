//! Names with digits: identifiers, hosts and versions, or words that a digit belongs to.
//!
//! The rules lean towards masking what holds digits, and towards keeping what is a word with one
//! digit at its end (`eth0`, `ssh2`), which the catalogue may still merge.

use super::byte_class::{ALPHA, DOT, HARD, HIGH, OTHER, SIGN, UNDER, class};
use super::number;
use super::variable::ShapeClass;
use crate::template::known_words;

/// What a name says.
pub(super) enum Reading {
    /// A word that stays.
    Constant,
    /// A value as a whole.
    Value(ShapeClass),
    /// A word that stays, and a number from this byte on.
    Numbered(usize),
    /// Words and numbers with dashes between.
    Dashed,
}

/// Reads letters and digits with dots, dashes, underscores and symbols among them.
pub(super) fn read(text: &[u8], bits: u16) -> Reading {
    if text[0].is_ascii_digit() || matches!(text[0], b'-' | b'+' | b'.') {
        let is_constant = known_words::is_technical(text);
        return if is_constant {
            Reading::Constant
        } else {
            Reading::Value(number::lettered_class(text, bits))
        };
    }
    if bits & OTHER != 0
        && let Some(number) = number_start(text)
    {
        Reading::Numbered(number)
    } else if bits & DOT != 0 {
        dotted(text)
    } else if bits & SIGN != 0 {
        dashed(text)
    } else if bits & (HIGH | OTHER | HARD) == 0
        && (is_constant_name(text, bits) || known_words::is_technical(text))
    {
        Reading::Constant
    } else {
        let is_hex = number::is_hex(text);
        Reading::Value(if is_hex { ShapeClass::Hex } else { ShapeClass::Identifier })
    }
}

/// Where the number of `fetcher#5` begins.
fn number_start(text: &[u8]) -> Option<usize> {
    let hash = memchr::memchr(b'#', text)?;
    let is_word = text[..hash].iter().all(|&byte| class(byte) & (ALPHA | UNDER) != 0);
    (is_word && text[hash + 1..].iter().all(u8::is_ascii_digit)).then_some(hash + 1)
}

/// A name with so few digits that it is a word: `eth0`, `app2_init`, `Log4jLogger`.
fn is_constant_name(text: &[u8], bits: u16) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).take(2).count();
    if digits > 1 {
        return false;
    }
    let last_digit = text[text.len() - 1].is_ascii_digit();
    if bits & UNDER != 0 {
        return !last_digit;
    }
    last_digit || (text.len() > 4 && !number::is_hex(text))
}

/// `dump.417` keeps its word, `app.v2.jar` and `node7.example.com` do not.
fn dotted(text: &[u8]) -> Reading {
    let dot = memchr::memchr(b'.', text).unwrap_or(0);
    let (left, right) = (&text[..dot], &text[dot + 1..]);
    let is_number = !right.is_empty() && right.iter().all(u8::is_ascii_digit);
    let is_word = || left.iter().all(|&byte| class(byte) & (ALPHA | UNDER) != 0);
    if is_number && left.len() > 1 && is_word() {
        return Reading::Numbered(dot + 1);
    }
    let is_version = text[0].eq_ignore_ascii_case(&b'v') && text[1].is_ascii_digit();
    Reading::Value(if is_version { ShapeClass::Version } else { ShapeClass::Host })
}

/// `pool-1-thread-2` keeps its words, `f81d4fae-7dec` and `A7-B1-C2` do not.
fn dashed(text: &[u8]) -> Reading {
    if is_model_name(text) {
        return Reading::Constant;
    }
    if number::is_uuid(text) {
        return Reading::Value(ShapeClass::Uuid);
    }
    let first = text.split(|&byte| byte == b'-').next().unwrap_or_default();
    let is_named = first.len() > 2 && first.iter().all(u8::is_ascii_alphabetic);
    if !is_named || is_numbered_host(text) {
        return Reading::Value(ShapeClass::Identifier);
    }
    Reading::Dashed
}

/// `EXT3-fs`: a word with one digit at its end, and words after it.
fn is_model_name(text: &[u8]) -> bool {
    let mut segments = text.split(|&byte| byte == b'-');
    let first = segments.next().unwrap_or_default();
    let [letters @ .., digit] = first else { return false };
    digit.is_ascii_digit()
        && letters.len() > 2
        && letters.iter().all(u8::is_ascii_alphabetic)
        && segments.all(|word| word.len() > 1 && word.iter().all(u8::is_ascii_alphabetic))
}

/// `web-eu-07`: lower-case words and a number at the end, as hosts are named.
fn is_numbered_host(text: &[u8]) -> bool {
    let mut segments = text.rsplit(|&byte| byte == b'-');
    let is_number = segments.next().is_some_and(|last| last.iter().all(u8::is_ascii_digit));
    let words = segments.clone().count();
    is_number && words >= 2 && segments.all(|word| word.iter().all(u8::is_ascii_lowercase))
}
