//! Access logs of HTTP servers, common and combined: the stamp stands behind client and user.

use logwake_detector::record::Level;

use super::{Header, level, stamp};

/// `203.0.113.9 - alice [10/Oct/2000:13:55:36 +0000] "GET /x HTTP/1.1" 502 157 …`: the request and what follows it
/// is the content, the level is told by the status.
pub(super) fn parse(line: &[u8]) -> Option<Header<'_>> {
    if !line[0].is_ascii_alphanumeric() && !matches!(line[0], b':' | b'-' | b'[') {
        return None;
    }
    let head = &line[..line.len().min(256)];
    let open = memchr::memchr_iter(b'[', head).find(|&open| is_date(&line[open + 1..]))?;
    let fields = head[..open].split(|&byte| byte == b' ').filter(|field| !field.is_empty()).count();
    if !(1..=6).contains(&fields) {
        return None;
    }
    let (stamp, len) = stamp::at(&line[open + 1..])?;
    let close = open + 1 + len;
    if line.get(close) != Some(&b']') {
        return None;
    }
    let mut content = close + 1;
    while line.get(content) == Some(&b' ') {
        content += 1;
    }
    let level = status_level(&line[content..]);
    Some(Header { stamp: Some(stamp), level, content, is_headed: true, ..Header::default() })
}

fn is_date(text: &[u8]) -> bool {
    text.len() > 20 && text[2] == b'/' && text[6] == b'/' && text[11] == b':'
}

/// The level that the status behind a quoted request gives; none where there is no such thing.
pub(super) fn status_level(text: &[u8]) -> Level {
    let Some(rest) = text.strip_prefix(b"\"") else { return Level::Unknown };
    let Some(close) = rest.iter().position(|&byte| byte == b'"') else { return Level::Unknown };
    match rest[close + 1..] {
        [b' ', hundreds @ b'1'..=b'5', tens, ones, ref end @ ..]
            if tens.is_ascii_digit()
                && ones.is_ascii_digit()
                && end.first().is_none_or(|byte| !byte.is_ascii_digit()) =>
        {
            let digit = |byte: u8| u16::from(byte - b'0');
            level::http(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones))
        }
        _ => Level::Unknown,
    }
}
