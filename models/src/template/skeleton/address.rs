//! Addresses of networks: IPv4, IPv6, MAC, hosts and ports, e-mail, domains and packages.

use super::byte_class::{
    ALPHA, COLON, DIGIT, DOT, OTHER, SIGN, SLASH, UNDER, UPPER, class, classes_of, count,
};
use super::variable::ShapeClass;
use crate::template::{known_words, vocabulary};

/// Digits that a port has at most.
const PORT_LEN_MAX: usize = 5;
/// Length of a MAC address in pairs with colons.
const MAC_LEN: usize = 17;
/// Colons that an IPv6 address has at most.
const IPV6_COLONS_MAX: usize = 7;
/// Length of the longest IPv6 address with prefix length and some room for a zone.
const IPV6_LEN_MAX: usize = 64;

/// Reports whether a text is an IPv4 address, perhaps with the slash before it that Java writes,
/// with a port or with a prefix length.
pub(super) fn is_ipv4(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"/").unwrap_or(text);
    let (mut dots, mut digits) = (0, 0);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' if digits < 3 => digits += 1,
            b'.' if digits > 0 && dots < 3 => (dots, digits) = (dots + 1, 0),
            b':' | b'/' if digits > 0 && dots == 3 => return is_port(&text[at + 1..]),
            _ => return false,
        }
    }
    dots == 3 && digits > 0
}

fn is_port(text: &[u8]) -> bool {
    (1..=PORT_LEN_MAX).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// The class of a piece whose segments between colons are all numbers: IPv6, MAC, times.
pub(super) fn colon_class(text: &[u8], bits: u16) -> Option<ShapeClass> {
    if bits & !(DIGIT | COLON | DOT) == 0 {
        let dots = count(text, b'.');
        return Some(if dots >= 3 { ShapeClass::Ipv4 } else { ShapeClass::Time });
    }
    let zone = if bits & OTHER != 0 { memchr::memchr(b'%', text) } else { None };
    let mut plain = &text[..zone.unwrap_or(text.len())];
    if bits & SLASH != 0 {
        plain = without_prefix_length(plain);
    }
    let mut segments = plain.split(|&byte| byte == b':');
    if !segments.by_ref().take(3).all(is_hex_segment) || !segments.all(is_hex_segment) {
        return None;
    }
    match count(text, b':') {
        5 if text.len() == MAC_LEN => Some(ShapeClass::Mac),
        2.. if text.len() <= IPV6_LEN_MAX => Some(ShapeClass::Ipv6),
        _ => None,
    }
}

/// Reports whether a text is an IPv6 address that begins with colons: `::1`, `::ffff:10.0.0.1`.
#[inline]
pub(super) fn is_short_ipv6(text: &[u8]) -> bool {
    text.starts_with(b"::") && is_ipv6_with_colons_first(text)
}

fn is_ipv6_with_colons_first(text: &[u8]) -> bool {
    let address = &text[..memchr::memchr(b'%', text).unwrap_or(text.len())];
    let address = without_prefix_length(address);
    if count(address, b':') > IPV6_COLONS_MAX || !address.iter().any(u8::is_ascii_digit) {
        return false;
    }
    let mut segments = address.rsplit(|&byte| byte == b':');
    let last = segments.next().unwrap_or_default();
    let is_last = is_hex_segment(last) || !last.starts_with(b"/") && is_ipv4(last);
    is_last && segments.all(is_hex_segment) && text.len() <= IPV6_LEN_MAX
}

/// Length of an IPv6 address in brackets with its port, `[fe80::1]:8080`, if the text begins so.
pub(super) fn bracketed_len(text: &[u8]) -> Option<usize> {
    let close = text.iter().take(IPV6_LEN_MAX).position(|&byte| byte == b']')?;
    let inner = text.get(1..close)?;
    let digits = text[close + 1..].strip_prefix(b":")?;
    let port = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let bits = classes_of(inner);
    let is_ipv6 = is_short_ipv6(inner) || colon_class(inner, bits) == Some(ShapeClass::Ipv6);
    (is_port(&digits[..port]) && is_ipv6).then_some(close + 2 + port)
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

/// Reports whether what stands before a colon and digits is a host.
pub(super) fn is_host_like(text: &[u8]) -> bool {
    let bits = classes_of(text);
    text == b"localhost" || (bits & DOT != 0 && bits & (SLASH | UPPER) == 0)
}

/// `intranet:8080`, where the word is none of general English.
pub(super) fn is_port_of_host(text: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', text) else { return false };
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    let is_known = |host| vocabulary::openness(host) < vocabulary::Openness::Open;
    port.len() > 1
        && is_port(port)
        && host.first().is_some_and(u8::is_ascii_lowercase)
        && std::str::from_utf8(host).is_ok_and(|host| !is_known(host))
}

/// Reports whether a name stands at a domain.
pub(super) fn is_email(text: &[u8]) -> bool {
    let at = memchr::memchr(b'@', text).unwrap_or(0);
    at > 0 && text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
}

/// Host names and packages: three labels with a known end or root, or two with a known end.
pub(super) fn is_domain(text: &[u8]) -> bool {
    let dots = |byte: &u8| *byte == b'.';
    let (Some(first), Some(last)) = (text.iter().position(dots), text.iter().rposition(dots))
    else {
        return false;
    };
    let (root, end) = (&text[..first], &text[last + 1..]);
    let is_known = if first == last {
        matches!(end, b"com" | b"org" | b"net" | b"edu" | b"gov" | b"local")
    } else {
        known_words::is_package_root(root) || known_words::is_top_domain(end)
    };
    is_known && text.split(|&byte| byte == b'.').all(is_label) && !names_failure(text)
}

fn is_label(label: &[u8]) -> bool {
    !label.is_empty()
        && label.iter().all(|&byte| class(byte) & !(ALPHA | SIGN | UNDER | OTHER) == 0)
}

/// Names of error classes say what went wrong and stay.
fn names_failure(text: &[u8]) -> bool {
    text.ends_with(b"Exception") || text.ends_with(b"Error") || text.ends_with(b"Throwable")
}
