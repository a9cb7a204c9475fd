//! The rules of the reference, a function each.

use super::{ShapeClass, is_prose_key};
use crate::template::known_words::{
    ABSENT, BOOLEANS, DATE_WORDS, SHORT_MONTHS, ZONES, is_package_root, is_top_domain, is_unit,
};
use crate::template::vocabulary::{Openness, openness};

/// Tells whether a text is wholly what an expression says.
macro_rules! is {
    ($text:expr, $pattern:literal) => {{
        static PATTERN: std::sync::LazyLock<regex::bytes::Regex> = std::sync::LazyLock::new(|| {
            regex::bytes::Regex::new(concat!("(?s-u)^(?:", $pattern, ")$")).expect("it compiles")
        });
        PATTERN.is_match($text)
    }};
}
pub(super) use is;

pub(super) use crate::template::known_words::is_technical;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    None,
    NextLine,
    NextAtMargin,
}

pub(super) fn promise(line: &[u8]) -> Promise {
    let text = line.trim_ascii();
    if is!(text, r"Traceback \(most recent call last\):.*") {
        Promise::NextAtMargin
    } else if is!(text, r"Caused by:|.* panicked at .*:") {
        Promise::NextLine
    } else {
        Promise::None
    }
}

pub(super) fn names_cause(line: &[u8]) -> bool {
    is!(line.trim_ascii(), r"(?:Caused by:|panic:|fatal error:|---> |\[cause\]:).*")
        || !line[0].is_ascii_whitespace()
            && is!(
                line.trim_ascii(),
                r"[0-9A-Za-z._$]*(?:Error|Exception|Throwable|Exit|Interrupt|Warning|Fault)(?::.*)?"
            )
}

pub(super) fn is_hard(byte: u8) -> bool {
    b"=,;|()[]{}<>\"'`".contains(&byte)
}

pub(super) fn is_joint(gap: &[u8]) -> bool {
    is!(gap, r"[:./_+,@#~|\\*&%;^!?=-]{0,3}")
}

fn is_among(words: &[&str], text: &[u8]) -> bool {
    words.iter().any(|word| word.as_bytes() == text)
}

pub(super) fn is_boolean(text: &[u8]) -> bool {
    is_among(&BOOLEANS, text)
}

pub(super) fn is_null(text: &[u8]) -> bool {
    is_among(&ABSENT, text)
}

pub(super) fn is_date_word(text: &[u8]) -> bool {
    is_among(&DATE_WORDS, text)
}

pub(super) fn is_zone(text: &[u8]) -> bool {
    is_among(&ZONES, text)
}

pub(super) fn begins_date(next: &[u8]) -> bool {
    is!(next, r"\d.*") || DATE_WORDS[..SHORT_MONTHS].iter().any(|m| next.starts_with(m.as_bytes()))
}

/// Length without the punctuation of a sentence at the end.
pub(super) fn trimmed(text: &[u8]) -> usize {
    text.iter().rposition(|byte| !b".:!?*#".contains(byte)).map_or(0, |last| last + 1)
}

/// Length of the punctuation at the start that belongs to nothing.
pub(super) fn leading(text: &[u8]) -> usize {
    let belongs = |at: usize| {
        let rest = &text[at..];
        is!(rest, r"[+-]\d.*|\.[0-9./].*|~[/0-9].*|\$\d.*|[^-+.:*#@!?&^~$].*")
            || at == 0 && is!(rest, r"[+-]\..*")
    };
    (0..text.len()).find(|&at| belongs(at)).unwrap_or(text.len())
}

/// Length of the word in a chunk that is a word and the end of a sentence at most.
pub(super) fn bare_word(text: &[u8]) -> Option<usize> {
    if is!(text, r#".*[0-9/@\\=,;|()\[\]{}<>"'`].*"#) {
        return None;
    }
    if !is!(text, r".*[.:].*") {
        return Some(text.len());
    }
    let body = trimmed(text);
    (body > 0 && !is!(&text[..body], r".*[.:].*")).then_some(body)
}

pub(super) fn is_port_of_host(text: &[u8]) -> bool {
    let host = text.split(|&byte| byte == b':').next().unwrap_or_default();
    is!(text, r"[a-z][a-z0-9+-]*:\d{2,5}")
        && openness(std::str::from_utf8(host).unwrap_or_default()) >= Openness::Open
}

pub(super) fn protocol(text: &[u8]) -> Option<usize> {
    let version = text.strip_prefix(b"HTTP/")?;
    let len = version.iter().take_while(|byte| b"0123456789.".contains(byte)).count();
    is!(version, r"\d.*").then_some(5 + len)
}

fn digits(text: &[u8]) -> usize {
    text.iter().filter(|byte| byte.is_ascii_digit()).count()
}

pub(super) fn is_key(text: &[u8], after: &[u8]) -> bool {
    is!(text, r"[A-Za-z]\w*") && is!(after, r"=(?:[^=].*)?") && digits(text) <= 3
}

pub(super) fn is_call(text: &[u8], after: &[u8]) -> bool {
    is!(text, r"[A-Za-z](?:[\w.]*[0-9A-Za-z])?")
        && is!(after, r"\((?:\D.*)?")
        && digits(text) <= 1
        && !is_domain(text)
}

/// Length of `=` or `==` with no word after them.
pub(super) fn padding(after: &[u8]) -> Option<usize> {
    let len = after.iter().take_while(|&&byte| byte == b'=').count();
    is!(after, r"={1,2}(?:[^=0-9A-Za-z].*)?").then_some(len)
}

/// Capitals and small letters.
pub(super) fn letters_and_more(text: &[u8]) -> bool {
    is!(text, r".*[a-z].*") && is!(text, r".*[A-Z].*") && is!(text, r".*[0-9].*")
}

pub(super) fn is_base64(text: &[u8]) -> bool {
    if !letters_and_more(text) {
        return false;
    }
    let kinds: Vec<u8> = text
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' => b'a',
            b'A'..=b'Z' => b'A',
            b'0'..=b'9' => b'0',
            _ => b'-',
        })
        .collect();
    let changes = (1..kinds.len()).filter(|&at| kinds[at] != kinds[at - 1]).count();
    is!(text, r"eyJ[0-9A-Za-z+/_.-]{17,}")
        || is!(text, r"[0-9A-Za-z+/_-]{20,}") && 2 * changes >= text.len()
}

pub(super) fn is_url(text: &[u8]) -> bool {
    is!(text, r"[^:]{2,}://.*")
}

/// Where a quoted value begins and ends, after `=` or as a quoted user agent.
pub(super) fn quoted(content: &[u8], chunk: usize, at: usize) -> Option<(usize, usize)> {
    let here = &content[at..];
    let close = |quote: u8, from: usize| {
        content[from..].iter().position(|&byte| byte == quote).map(|len| from + len)
    };
    if is!(here, r#"=["'].*"#) {
        let key = content[chunk..at].rsplit(|&byte| is_hard(byte)).next()?;
        let end = close(here[1], at + 2)?;
        let text = &content[at + 2..end];
        let is_taken = !is_prose_key(key) && text.len() < 256 && text.contains(&b' ');
        return is_taken.then_some((at + 2, end));
    }
    if is!(here, r#""[A-Za-z]{2,}/\d.*"#) && !here.starts_with(b"\"HTTP/") {
        return Some((at + 1, close(b'"', at + 1)?));
    }
    None
}

pub(super) fn is_ipv4(text: &[u8]) -> bool {
    is!(text, r"/?\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d{1,5})?")
}

pub(super) fn is_short_ipv6(text: &[u8]) -> bool {
    let address = text.split(|byte| b"/%".contains(byte)).next().unwrap_or_default();
    text.len() <= 64
        && digits(address) > 0
        && is!(address, r"(?:[^:]*:){0,7}[^:]*")
        && is!(
            text,
            r"::(?:[[:xdigit:]]{0,4}:)*(?:[[:xdigit:]]{0,4}|\d{1,3}(?:\.\d{1,3}){3})(?:/\d*)?(?:%.*)?"
        )
}

/// Length of `[fe80::1]:80` at the start of a text.
pub(super) fn bracketed_ipv6(text: &[u8]) -> Option<usize> {
    let close = text.iter().position(|&byte| byte == b']')?;
    let inner = text[..close].strip_prefix(b"[")?;
    let port = text[close + 1..].strip_prefix(b":")?;
    let len = port.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_ipv6 = is_short_ipv6(inner) || colon_class(inner) == Some(ShapeClass::Ipv6);
    (close < 64 && (1..=5).contains(&len) && is_ipv6).then_some(close + 2 + len)
}

pub(super) fn colon_class(text: &[u8]) -> Option<ShapeClass> {
    let count = |wanted: u8| text.iter().filter(|&&byte| byte == wanted).count();
    if is!(text, r"[0-9:.]*") {
        return Some(if count(b'.') >= 3 { ShapeClass::Ipv4 } else { ShapeClass::Time });
    }
    if !is!(text, r"[[:xdigit:]]{0,4}(?::[[:xdigit:]]{0,4})*(?:/\d*)?(?:%.*)?") {
        None
    } else if text.len() == 17 && count(b':') == 5 {
        Some(ShapeClass::Mac)
    } else {
        (text.len() <= 64 && count(b':') >= 2).then_some(ShapeClass::Ipv6)
    }
}

/// `enabled....1`: where the dots begin and end.
pub(super) fn dots_leading(text: &[u8]) -> Option<(usize, usize)> {
    let stop = (1..text.len()).find(|&at| &text[at - 1..=at] == b"..")? - 1;
    let len = text[stop..].iter().take_while(|&&byte| byte == b'.').count();
    let is_led = stop > 0 && text[stop - 1].is_ascii_alphabetic() && stop + len < text.len();
    is_led.then_some((stop, stop + len))
}

pub(super) fn number_class(text: &[u8]) -> ShapeClass {
    let dots = text.iter().filter(|&&byte| byte == b'.').count();
    if is!(text, r".*[!#$%&*?^~].*") {
        ShapeClass::Quantity
    } else if is!(text, r"[+-]?\d*") {
        ShapeClass::Integer
    } else {
        match dots {
            0 => ShapeClass::Time,
            1 => ShapeClass::Decimal,
            3 if text.len() <= 15 => ShapeClass::Ipv4,
            _ => ShapeClass::Version,
        }
    }
}

pub(super) fn lettered_class(text: &[u8]) -> ShapeClass {
    if is_uuid(text) {
        ShapeClass::Uuid
    } else if is!(text, r"0[xX].*|[[:xdigit:]]+") {
        ShapeClass::Hex
    } else if is_quantity(text) {
        ShapeClass::Quantity
    } else if is!(text, r"[+-]*[0-9.]*[eE][+-]?\d+") {
        ShapeClass::Decimal
    } else if is!(text, r".*[+-].*") && text.contains(&b'T') {
        ShapeClass::Time
    } else if text.contains(&b'.') {
        ShapeClass::Version
    } else {
        ShapeClass::Identifier
    }
}

/// Numbers and units in turn.
fn is_quantity(text: &[u8]) -> bool {
    if !is!(text, r"(?:[0-9.+-]+[^0-9]+)+") {
        return false;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.iter().take_while(|byte| b"0123456789.+-".contains(byte)).count();
        let after = &rest[number..];
        let unit = after.iter().take_while(|byte| !byte.is_ascii_digit()).count();
        let is_known = after == b"%" || std::str::from_utf8(&after[..unit]).is_ok_and(is_unit);
        if number == 0 || !is_known {
            return false;
        }
        rest = &after[unit..];
    }
    true
}

pub(super) fn is_uuid(text: &[u8]) -> bool {
    is!(text, r"[[:xdigit:]]{8}(?:-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12}")
}

pub(super) fn is_constant_name(text: &[u8]) -> bool {
    if digits(text) > 1 || !is!(text, r"\w*") {
        return false;
    }
    if text.contains(&b'_') {
        return is!(text, r".*\D");
    }
    is!(text, r".*\d") || text.len() > 4 && !is!(text, r"[[:xdigit:]]*")
}

pub(super) fn is_path(text: &[u8]) -> bool {
    let count = |wanted: u8| text.iter().filter(|&&byte| byte == wanted).count();
    match text[0] {
        b'/' | b'~' => is!(text, r".+[A-Za-z].*"),
        b'.' => is!(text, r"..*[A-Za-z].*") && text.len() > 2,
        b'\\' => is!(text, r"\\\\[A-Za-z_.\x80-\xff!#$%&*?^~].*"),
        _ if is_url(text) || is!(text, r"[A-Za-z]:\\.*") => true,
        _ => {
            let (slashes, dots) = (count(b'/'), count(b'.'));
            slashes >= 2 && dots >= 1 || slashes >= 1 && dots >= 2 || slashes >= 4
        }
    }
}

pub(super) fn is_domain(text: &[u8]) -> bool {
    if !is!(text, r"[A-Za-z+_!#$%&*?^~-]+(?:\.[A-Za-z+_!#$%&*?^~-]+)+")
        || is!(text, r".*(?:Exception|Error|Throwable)")
    {
        return false;
    }
    let labels: Vec<&[u8]> = text.split(|&byte| byte == b'.').collect();
    let last = labels[labels.len() - 1];
    if labels.len() == 2 {
        return is!(last, r"com|org|net|edu|gov|local");
    }
    is_package_root(labels[0]) || is_top_domain(last)
}
