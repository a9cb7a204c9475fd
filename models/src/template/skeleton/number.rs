//! Numbers: plain, hexadecimal, dotted, with a unit; times and dates in digits.

use super::byte_class::{DIGIT, DOT, OTHER, SIGN, class, count};
use super::variable::ShapeClass;
use crate::template::known_words::is_unit;

/// Shortest run of the letters a to f that is a number and no word.
const HEX_WORD_LEN_MIN: usize = 8;
/// Longest IPv4 address.
const IPV4_LEN_MAX: usize = 15;

/// The class of digits, signs, dots and symbols alone.
pub(super) fn plain_class(text: &[u8], bits: u16) -> ShapeClass {
    if bits & OTHER != 0 {
        return ShapeClass::Quantity;
    }
    if bits & DOT == 0 {
        let signed = bits & SIGN == 0 || text[1..].iter().all(u8::is_ascii_digit);
        return if signed { ShapeClass::Integer } else { ShapeClass::Time };
    }
    match count(text, b'.') {
        1 => ShapeClass::Decimal,
        3 if text.len() <= IPV4_LEN_MAX => ShapeClass::Ipv4,
        _ => ShapeClass::Version,
    }
}

/// The class of what begins with a digit, a sign or a dot and has letters: `12ms`, `0x1f`, `1e-9`.
pub(super) fn lettered_class(text: &[u8], bits: u16) -> ShapeClass {
    if is_uuid(text) {
        ShapeClass::Uuid
    } else if text.starts_with(b"0x") || text.starts_with(b"0X") || is_hex(text) {
        ShapeClass::Hex
    } else if is_quantity(text) {
        ShapeClass::Quantity
    } else if is_scientific(text) {
        ShapeClass::Decimal
    } else if bits & SIGN != 0 && text.contains(&b'T') {
        ShapeClass::Time
    } else if bits & DOT != 0 {
        ShapeClass::Version
    } else {
        ShapeClass::Identifier
    }
}

/// `12ms`, `99%`, `1.5GiB`, and `1h30m`.
fn is_quantity(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let numeric = |byte: &&u8| class(**byte) & (DIGIT | DOT | SIGN) != 0;
        let digits = text.iter().take_while(numeric).count();
        let (number, rest) = text.split_at(digits);
        let unit = rest.len() - rest.iter().skip_while(|byte| !byte.is_ascii_digit()).count();
        let is_known = rest == b"%" || std::str::from_utf8(&rest[..unit]).is_ok_and(is_unit);
        if number.is_empty() || !is_known {
            return false;
        }
        text = &rest[unit..];
    }
    true
}

/// `1.5e-9`.
fn is_scientific(text: &[u8]) -> bool {
    let Some(exponent) = text.iter().position(|byte| matches!(byte, b'e' | b'E')) else {
        return false;
    };
    let power = &text[exponent + 1..];
    let unsigned = power.strip_prefix(b"-").or(power.strip_prefix(b"+")).unwrap_or(power);
    let numeric = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    !unsigned.is_empty()
        && unsigned.iter().all(u8::is_ascii_digit)
        && text[..exponent].iter().skip_while(|byte| matches!(byte, b'-' | b'+')).all(numeric)
}

/// Reports whether letters alone are a hexadecimal number: no English word has eight of a to f.
#[inline]
pub(super) fn is_hex_word(text: &[u8]) -> bool {
    // All eight are looked at without a branch, which would be a guess at each word.
    let starts = text
        .first_chunk::<HEX_WORD_LEN_MIN>()
        .is_some_and(|first| first.iter().fold(true, |all, byte| all & byte.is_ascii_hexdigit()));
    starts && is_hex(text)
}

/// Reports whether all bytes are hexadecimal digits.
pub(super) fn is_hex(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_hexdigit)
}

/// Reports whether a text is a universally unique identifier.
pub(super) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
