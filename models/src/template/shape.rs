//! Which pieces of content look like values: the rules of the mask.
//!
//! Every rule is about the shape of a piece, never about a word of one system. The rules lean
//! towards masking what holds digits, and towards keeping what is a word with one digit at its
//! end (`eth0`, `ssh2`), which the catalogue may still merge.

#![allow(
    clippy::too_many_arguments,
    reason = "a piece of content is passed in registers on the hot path"
)]

use super::byte_class::{
    ALPHA, AT, BACKSLASH, COLON, DIGIT, DOT, HARD, HIGH, OTHER, SIGN, SLASH, UNDER, UPPER, class,
    classes_of,
};
use super::known_words;
use super::skeleton::{ShapeClass, Skeleton, value_word};
use super::vocabulary;

/// Shortest run of the letters a to f that is a number and no word.
const HEX_WORD_LEN_MIN: usize = 8;
/// Colons after which a piece is no longer taken apart.
const DEPTH_MAX: usize = 8;

/// Masks one piece `content[start..end]`, which holds no hard delimiter unless it is a URL;
/// `bits` is the union of its classes.
pub(super) fn piece(content: &[u8], start: usize, end: usize, bits: u16, out: &mut Skeleton) {
    if content[start] == b'/' && bits & COLON == 0 && end > start + 1 {
        let body_end = start + trimmed_len(&content[start..end]);
        if content[body_end - 1].is_ascii_alphanumeric() {
            out.variable(start, body_end, ShapeClass::Path);
            out.literal(&content[body_end..end]);
            return;
        }
    }
    part(content, start, end, DEPTH_MAX, out);
}

fn part(content: &[u8], start: usize, end: usize, depth: usize, out: &mut Skeleton) {
    let body_end = start + trimmed_len(&content[start..end]);
    let body_start = start + leading_len(&content[start..body_end]);
    if body_start > start {
        out.literal(&content[start..body_start]);
    }
    if body_start < body_end {
        let bits = classes_of(&content[body_start..body_end]);
        if bits & DIGIT != 0 {
            with_digits(content, body_start, body_end, bits, depth, out);
        } else {
            without_digits(content, body_start, body_end, bits, depth, out);
        }
    }
    if end > body_end {
        out.literal(&content[body_end..end]);
    }
}

/// Where a value that may hold hard delimiters ends: a URL, else `stop` itself.
pub(super) fn whole_end(content: &[u8], start: usize, stop: usize, end: usize) -> usize {
    let piece = &content[start..stop];
    if !is_url(piece) && !is_query(piece) {
        return stop;
    }
    let closing =
        |byte: &u8| matches!(byte, b'"' | b'\'' | b'<' | b'>' | b')' | b']' | b'}' | b'`');
    content[stop..end].iter().position(closing).map_or(end, |len| stop + len)
}

/// Masks a number with the comparison sign before it: `<1`.
pub(super) fn number_after(content: &[u8], start: usize, end: usize, out: &mut Skeleton) {
    let body_end = start + 1 + trimmed_len(&content[start + 1..end]);
    out.variable(start, body_end, ShapeClass::Integer);
    out.literal(&content[body_end..end]);
}

/// The class of two variables that became one.
pub(super) fn joined(first: ShapeClass, second: ShapeClass) -> ShapeClass {
    use ShapeClass::{Decimal, Host, Integer, Ipv4, Path, Time, Url};
    match (first, second) {
        (a, b) if a == b && a != Integer => a,
        (Integer | Decimal, Integer | Decimal) => Decimal,
        (Time, _) => Time,
        (Host | Ipv4 | Url | Path, Integer) => first,
        _ => ShapeClass::Identifier,
    }
}

/// Length of the piece without the sentence punctuation at its end.
#[inline]
pub(super) fn trimmed_len(piece: &[u8]) -> usize {
    let ending = |byte: &&u8| matches!(**byte, b'.' | b':' | b'!' | b'?' | b'*' | b'#');
    piece.len() - piece.iter().rev().take_while(ending).count()
}

/// Length of the punctuation before a piece; a sign before a digit belongs to the number.
fn leading_len(piece: &[u8]) -> usize {
    let mut len = 0;
    while len < piece.len() {
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

fn with_digits(
    content: &[u8],
    start: usize,
    end: usize,
    bits: u16,
    depth: usize,
    out: &mut Skeleton,
) {
    let text = &content[start..end];
    if bits & DOT != 0
        && let Some((stop, next)) = leader(text)
    {
        part(content, start, start + stop, depth, out);
        out.literal(&text[stop..next]);
        part(content, start + next, end, depth.saturating_sub(1), out);
    } else if bits & !(DIGIT | SIGN | DOT | OTHER) == 0 {
        number(text, start, end, bits, out);
    } else if bits & COLON != 0 && !is_url(text) && !is_drive(text) {
        colons(content, start, end, bits, depth, out);
    } else if bits & (SLASH | AT | BACKSLASH) != 0 {
        slashes(content, start, end, bits, depth, out);
    } else {
        mixed(text, start, end, bits, out);
    }
}

/// A run of dots that leads from a word to its value: `enabled.....1`.
fn leader(text: &[u8]) -> Option<(usize, usize)> {
    let stop = text.windows(2).position(|two| two == b"..")?;
    let next = stop + text[stop..].iter().take_while(|&&byte| byte == b'.').count();
    (stop > 0 && next < text.len() && text[stop - 1].is_ascii_alphabetic()).then_some((stop, next))
}

/// Digits and punctuation alone.
fn number(text: &[u8], start: usize, end: usize, bits: u16, out: &mut Skeleton) {
    let class = if bits & OTHER != 0 {
        ShapeClass::Quantity
    } else if bits & DOT == 0 && text[1..].iter().all(u8::is_ascii_digit) {
        ShapeClass::Integer
    } else {
        dotted_number(text)
    };
    if !(class == ShapeClass::Integer && out.extend_date(end)) {
        out.variable(start, end, class);
    }
}

fn dotted_number(text: &[u8]) -> ShapeClass {
    match memchr::memchr_iter(b'.', text).count() {
        0 => ShapeClass::Time,
        1 => ShapeClass::Decimal,
        3 if text.len() <= 15 => ShapeClass::Ipv4,
        _ => ShapeClass::Version,
    }
}

/// Pieces with colons: times, addresses, host and port, key and value, C++ scopes.
fn colons(content: &[u8], start: usize, end: usize, bits: u16, depth: usize, out: &mut Skeleton) {
    let text = &content[start..end];
    if let Some(class) = colon_value(text, bits) {
        if !(class == ShapeClass::Time && out.extend_date(end)) {
            out.variable(start, end, class);
        }
        return;
    }
    let split = memchr::memchr(b':', text).map_or(end, |len| start + len);
    if split >= end || depth == 0 {
        out.variable(start, end, ShapeClass::Identifier);
        return;
    }
    let port = content[split + 1..end].iter().all(u8::is_ascii_digit);
    if port && is_host_like(&content[start..split]) {
        out.variable(start, end, ShapeClass::Host);
        return;
    }
    part(content, start, split, depth - 1, out);
    let after = split + 1 + content[split + 1..end].iter().take_while(|&&b| b == b':').count();
    out.literal(&content[split..after]);
    part(content, after, end, depth - 1, out);
}

/// The class of a piece whose segments between colons are all numbers.
fn colon_value(text: &[u8], bits: u16) -> Option<ShapeClass> {
    let colons = memchr::memchr_iter(b':', text).count();
    if bits & !(DIGIT | COLON | DOT) == 0 {
        let dots = memchr::memchr_iter(b'.', text).count();
        return Some(if dots >= 3 { ShapeClass::Ipv4 } else { ShapeClass::Time });
    }
    let end = text.iter().position(|&byte| byte == b'%').unwrap_or(text.len());
    let plain = without_prefix_length(&text[..end]);
    let hex = plain.split(|&byte| byte == b':').all(is_hex_segment);
    match (hex, colons) {
        (true, 5) if text.len() == 17 => Some(ShapeClass::Mac),
        (true, 2..) if text.len() <= 64 => Some(ShapeClass::Ipv6),
        _ => None,
    }
}

/// `fe80::/10` without its prefix length.
fn without_prefix_length(address: &[u8]) -> &[u8] {
    match address.iter().rposition(|&byte| byte == b'/') {
        Some(slash) if address[slash + 1..].iter().all(u8::is_ascii_digit) => &address[..slash],
        _ => address,
    }
}

fn is_hex_segment(segment: &[u8]) -> bool {
    segment.len() <= 4 && segment.iter().all(u8::is_ascii_hexdigit)
}

fn is_host_like(text: &[u8]) -> bool {
    let bits = classes_of(text);
    text == b"localhost" || (bits & DOT != 0 && bits & (SLASH | UPPER) == 0)
}

/// `intranet:8080` at the start of a line, where the word is none of general English.
pub(super) fn is_port_of_host(text: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', text) else { return false };
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    let known = |host| vocabulary::openness(host) < vocabulary::Openness::Open;
    (2..=5).contains(&port.len())
        && port.iter().all(u8::is_ascii_digit)
        && host.first().is_some_and(u8::is_ascii_lowercase)
        && std::str::from_utf8(host).is_ok_and(|host| !known(host))
}

/// Pieces with slashes or an at sign, and digits.
fn slashes(content: &[u8], start: usize, end: usize, bits: u16, depth: usize, out: &mut Skeleton) {
    let text = &content[start..end];
    if is_url(text) {
        out.variable(start, end, ShapeClass::Url);
        return;
    }
    if bits & (SLASH | BACKSLASH) == 0 {
        let split = memchr::memchr(b'@', text).map_or(start, |len| start + len);
        let named = content[start..split].iter().any(u8::is_ascii_alphanumeric);
        if named || depth == 0 {
            out.variable(start, end, ShapeClass::Email);
        } else {
            part(content, start, split, depth - 1, out);
            out.literal(b"@");
            part(content, split + 1, end, depth - 1, out);
        }
        return;
    }
    let numeric = bits & ALPHA == 0;
    if !numeric && memchr::memchr_iter(b'/', text).count() == 1 && bits & BACKSLASH == 0 {
        let split = start + memchr::memchr(b'/', text).unwrap_or(0);
        let product = content[start..split].iter().all(u8::is_ascii_alphabetic);
        if split > start && product && content.get(split + 1).is_some_and(u8::is_ascii_digit) {
            out.literal(&content[start..=split]);
            out.variable(split + 1, end, ShapeClass::Version);
            return;
        }
    }
    out.variable(start, end, if numeric { ShapeClass::Time } else { ShapeClass::Path });
}

/// Letters, digits, dots, dashes and underscores.
fn mixed(text: &[u8], start: usize, end: usize, bits: u16, out: &mut Skeleton) {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    if known_words::is_technical(text) {
        out.literal(text);
    } else if text[0].is_ascii_digit() || matches!(text[0], b'-' | b'+' | b'.') {
        out.variable(start, end, leading_digit_class(text, bits));
    } else if let Some(hash) = numbered(text) {
        out.literal(&text[..=hash]);
        out.variable(start + hash + 1, end, ShapeClass::Integer);
    } else if bits & DOT != 0 {
        dotted(text, start, end, out);
    } else if bits & SIGN != 0 {
        dashed(text, start, end, out);
    } else if bits & (HIGH | OTHER) == 0 && is_constant_name(text, bits, digits) {
        out.literal(text);
    } else {
        let class = if is_hex(text) { ShapeClass::Hex } else { ShapeClass::Identifier };
        out.variable(start, end, class);
    }
}

/// Where the `#` of `fetcher#5` is.
fn numbered(text: &[u8]) -> Option<usize> {
    let hash = memchr::memchr(b'#', text)?;
    let word = text[..hash].iter().all(|byte| class(*byte) & (ALPHA | UNDER) != 0);
    (word && text[hash + 1..].iter().all(u8::is_ascii_digit)).then_some(hash)
}

/// A name with so few digits that it is a word: `eth0`, `app2_init`, `Log4jLogger`.
fn is_constant_name(text: &[u8], bits: u16, digits: usize) -> bool {
    let last_digit = text[text.len() - 1].is_ascii_digit();
    if digits > 1 {
        return false;
    }
    if bits & UNDER != 0 {
        return !last_digit;
    }
    last_digit || (text.len() > 4 && !is_hex(text))
}

fn leading_digit_class(text: &[u8], bits: u16) -> ShapeClass {
    if text.len() == 36 && is_uuid(text) {
        ShapeClass::Uuid
    } else if text.starts_with(b"0x") || text.starts_with(b"0X") || is_hex(text) {
        ShapeClass::Hex
    } else if is_quantity(text) {
        ShapeClass::Quantity
    } else if bits & SIGN != 0 && text.contains(&b'T') {
        ShapeClass::Time
    } else if bits & DOT != 0 {
        ShapeClass::Version
    } else {
        ShapeClass::Identifier
    }
}

fn is_quantity(text: &[u8]) -> bool {
    let number = text.iter().take_while(|byte| class(**byte) & (DIGIT | DOT | SIGN) != 0).count();
    let unit = &text[number..];
    unit == b"%" || std::str::from_utf8(unit).is_ok_and(known_words::is_unit)
}

/// `dump.417` keeps its word, `app.v2.jar` and `node7.example.com` do not.
fn dotted(text: &[u8], start: usize, end: usize, out: &mut Skeleton) {
    let dot = memchr::memchr(b'.', text).unwrap_or(0);
    let (left, right) = (&text[..dot], &text[dot + 1..]);
    let numbered = right.iter().all(u8::is_ascii_digit) && !right.is_empty();
    if numbered && left.iter().all(|byte| class(*byte) & (ALPHA | UNDER) != 0) && left.len() > 1 {
        out.literal(&text[..=dot]);
        out.variable(start + dot + 1, end, ShapeClass::Integer);
        return;
    }
    let class = if text[0].eq_ignore_ascii_case(&b'v') && text[1].is_ascii_digit() {
        ShapeClass::Version
    } else {
        ShapeClass::Host
    };
    out.variable(start, end, class);
}

/// `pool-1-thread-2` keeps its words, `f81d4fae-7dec` and `A7-B1-C2` do not.
fn dashed(text: &[u8], start: usize, end: usize, out: &mut Skeleton) {
    let mut segments = text.split(|&byte| byte == b'-');
    let word = |segment: &[u8]| segment.iter().all(u8::is_ascii_alphabetic);
    if is_model_name(text) {
        out.literal(text);
        return;
    }
    let named = segments.next().is_some_and(|first| first.len() > 2 && word(first));
    if is_uuid(text) || !named || is_numbered_host(text) {
        let class = if is_uuid(text) { ShapeClass::Uuid } else { ShapeClass::Identifier };
        out.variable(start, end, class);
        return;
    }
    let mut at = start;
    for segment in text.split(|&byte| byte == b'-') {
        if at > start {
            out.literal(b"-");
        }
        if word(segment) {
            out.literal(segment);
        } else {
            out.variable(at, at + segment.len(), ShapeClass::Identifier);
        }
        at += segment.len() + 1;
    }
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
    let number = segments.next().is_some_and(|last| last.iter().all(u8::is_ascii_digit));
    let words = segments.clone().count();
    number && words >= 2 && segments.all(|word| word.iter().all(u8::is_ascii_lowercase))
}

fn without_digits(
    content: &[u8],
    start: usize,
    end: usize,
    bits: u16,
    depth: usize,
    out: &mut Skeleton,
) {
    let text = &content[start..end];
    if bits & !ALPHA == 0 {
        if value_word(content, start, end, out) {
        } else if is_hex_word(text) {
            out.variable(start, end, ShapeClass::Hex);
        } else {
            out.literal(text);
        }
    } else if bits & (SLASH | BACKSLASH) != 0 && is_path(text) {
        let class = if is_url(text) { ShapeClass::Url } else { ShapeClass::Path };
        out.variable(start, end, class);
    } else if bits & COLON != 0 && depth > 0 {
        colons(content, start, end, bits, depth, out);
    } else if bits & AT != 0 && is_address(text) {
        out.variable(start, end, ShapeClass::Email);
    } else if bits & DOT != 0 && bits & (SLASH | AT) == 0 && is_domain(text) {
        out.variable(start, end, ShapeClass::Host);
    } else {
        out.literal(text);
    }
}

/// `HTTP/1.1`, perhaps with what closes the request line.
pub(super) fn is_protocol(text: &[u8]) -> bool {
    text.starts_with(b"HTTP/") && text.get(5).is_some_and(u8::is_ascii_digit)
}

/// Length of a protocol and its version.
pub(super) fn protocol_len(text: &[u8]) -> usize {
    let version = text[5..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
    5 + version.count()
}

/// Where quoted text that begins like a product and its version ends: `"curl/8.5.0"`.
pub(super) fn user_agent_end(content: &[u8], open: usize) -> Option<usize> {
    let inner = &content[open + 1..];
    let product = inner.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let versioned =
        inner.get(product) == Some(&b'/') && inner.get(product + 1).is_some_and(u8::is_ascii_digit);
    let close = memchr::memchr(b'"', inner)?;
    (product > 1 && versioned && !inner.starts_with(b"HTTP/")).then_some(open + 1 + close)
}

fn is_url(text: &[u8]) -> bool {
    let colon = memchr::memchr(b':', text).unwrap_or(0);
    colon > 1 && text[colon + 1..].starts_with(b"//")
}

/// `/items?page`: the path of a request and the first name of its query.
fn is_query(text: &[u8]) -> bool {
    text[0] == b'/' && memchr::memchr(b'?', text).is_some_and(|at| at + 1 < text.len())
}

fn is_drive(text: &[u8]) -> bool {
    text.len() > 2 && text[0].is_ascii_alphabetic() && text[1] == b':' && text[2] == b'\\'
}

fn is_path(text: &[u8]) -> bool {
    let named = |byte: &u8| class(*byte) & (ALPHA | UNDER | DOT | HIGH | OTHER) != 0;
    match text[0] {
        b'/' | b'~' => text.len() > 1 && text.iter().any(u8::is_ascii_alphabetic),
        b'.' => text.len() > 2 && text.iter().any(u8::is_ascii_alphabetic),
        b'\\' => text.len() > 2 && text[1] == b'\\' && named(&text[2]),
        _ if is_url(text) || is_drive(text) => true,
        _ => {
            let slashes = memchr::memchr_iter(b'/', text).count();
            let dots = memchr::memchr_iter(b'.', text).count();
            (slashes >= 2 && dots >= 1) || (slashes >= 1 && dots >= 2) || slashes >= 4
        }
    }
}

fn is_address(text: &[u8]) -> bool {
    let at = memchr::memchr(b'@', text).unwrap_or(0);
    at > 0 && text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
}

/// Host names and packages: three labels with a known end or root, or two with a known end.
pub(super) fn is_domain(text: &[u8]) -> bool {
    let labels = memchr::memchr_iter(b'.', text).count() + 1;
    let valid = |label: &[u8]| {
        !label.is_empty() && label.iter().all(|b| class(*b) & !(ALPHA | SIGN | UNDER | OTHER) == 0)
    };
    if !text.split(|&byte| byte == b'.').all(valid) || names_failure(text) {
        return false;
    }
    let first = text.split(|&byte| byte == b'.').next().unwrap_or_default();
    let last = text.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    match labels {
        2 => matches!(last, b"com" | b"org" | b"net" | b"edu" | b"gov" | b"local"),
        _ => known_words::is_package_root(first) || known_words::is_top_domain(last),
    }
}

/// Names of error classes say what went wrong and stay.
fn names_failure(text: &[u8]) -> bool {
    text.ends_with(b"Exception") || text.ends_with(b"Error") || text.ends_with(b"Throwable")
}

/// Reports whether letters alone are a hexadecimal number: no English word has eight of a to f.
#[inline]
pub(super) fn is_hex_word(text: &[u8]) -> bool {
    text.len() >= HEX_WORD_LEN_MIN && is_hex(text)
}

fn is_hex(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_hexdigit)
}

pub(super) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

const _: () = assert!(HARD & (DIGIT | ALPHA) == 0);
