//! Syslog: priority, RFC 5424 and RFC 3164 headers, and the `host program[pid]:` that follows a stamp.

use super::prefix::{spaces, token};
use super::{Header, fields, leading_level, level, stamp, stated_level};

/// `<34>Oct 11 22:14:15 host su[123]: …`, `<165>1 2003-10-11T22:14:15.003Z host app procid msgid [sd] …`.
pub(super) fn with_priority(line: &[u8]) -> Option<Header<'_>> {
    let close = line.iter().take(5).position(|&byte| byte == b'>')?;
    let digits = std::str::from_utf8(&line[1..close]).ok()?;
    let priority: u16 = digits.parse().ok().filter(|&priority| priority <= 191)?;
    let level = level::syslog((priority % 8) as u8)?;
    let start = close + 1;
    let mut header = Header { level, content: start, is_headed: true, ..Header::default() };
    if line[start..].starts_with(b"1 ")
        && let Some(found) = rfc5424(line, start + 2, header)
    {
        return Some(found);
    }
    let text = &line[start..];
    let number = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let skipped = match text.get(number..) {
        Some([b':', b' ', ..]) if number > 0 => number + 2,
        _ => 0,
    };
    let text = &text[skipped + usize::from(matches!(text.get(skipped), Some(b'*' | b'.')))..];
    let start = line.len() - text.len();
    if let Some((found, len)) = stamp::at(text) {
        header.stamp = Some(found);
        header.content = fields::skip_separators(line, start + len);
    }
    tag(line, &mut header, false);
    prefer_stated_level(line, &mut header);
    Some(header)
}

/// What the text states is worth more than a priority, which many senders leave at its default.
fn prefer_stated_level(line: &[u8], header: &mut Header<'_>) {
    if let Some(level) = line.get(header.content..).and_then(stated_level) {
        header.level = level;
    }
}

/// Version, stamp, host, app, process, message id, structured data, message; `-` for what is absent.
fn rfc5424<'a>(line: &'a [u8], start: usize, mut header: Header<'a>) -> Option<Header<'a>> {
    let mut pos = start;
    if line.get(pos..)?.starts_with(b"- ") {
        pos += 2;
    } else {
        let (found, len) = stamp::at(&line[pos..])?;
        header.stamp = Some(found);
        pos += len + 1;
    }
    let mut next = || {
        let len = token(line, pos);
        let field = line.get(pos..pos + len).unwrap_or_default();
        pos += len + 1;
        if field == b"-" { b"" } else { field }
    };
    header.host = next();
    header.service = next();
    let (_process, _message_id) = (next(), next());
    pos = structured_data(line, pos);
    pos += usize::from(line.get(pos) == Some(&b' '));
    let bom = line.get(pos..).is_some_and(|rest| rest.starts_with(b"\xef\xbb\xbf"));
    header.content = (pos + if bom { 3 } else { 0 }).min(line.len());
    prefer_stated_level(line, &mut header);
    Some(header)
}

/// Skips `-` or `[id name="value" …]…`; a `]` in a value is escaped by a backslash.
fn structured_data(line: &[u8], mut pos: usize) -> usize {
    if line.get(pos) == Some(&b'-') {
        return pos + 1;
    }
    while line.get(pos) == Some(&b'[') {
        let mut is_quoted = false;
        loop {
            match line.get(pos) {
                None => return pos,
                Some(b'\\') => pos += 1,
                Some(b'"') => is_quoted = !is_quoted,
                Some(b']') if !is_quoted => break,
                _ => {}
            }
            pos += 1;
        }
        pos += 1;
    }
    pos
}

/// Reads `host program[pid]: ` at the content. With `strict`, where the stamp alone does not prove syslog,
/// only a process number, or a program that never has one, counts.
pub(super) fn tag<'a>(line: &'a [u8], header: &mut Header<'a>, strict: bool) -> bool {
    let first_at = header.content;
    if let Some((program, end)) = program(line, first_at, true) {
        header.service = program;
        header.content = end;
        return true;
    }
    let first_len = token(line, first_at);
    let host = &line[first_at..first_at + first_len];
    let second_at = first_at + first_len + spaces(&line[first_at + first_len..]);
    if !is_host(host) || leading_level(&line[first_at..]).is_some_and(|found| found.2) {
        return false;
    }
    if let Some((program, end)) = program(line, second_at, strict) {
        header.host = host;
        header.service = program;
        header.content = end;
        return true;
    }
    let rest = line.get(second_at..).unwrap_or_default();
    if !strict
        && (rest.starts_with(b"last message ")
            || rest.starts_with(b"--- last message ")
            || rest.starts_with(b"message repeated "))
    {
        header.host = host;
        header.content = second_at;
        return true;
    }
    false
}

/// `sshd[4242]: `, `sshd(pam_unix)[777]: `, `kernel: `; returns the name and where the content begins.
fn program(line: &[u8], at: usize, strict: bool) -> Option<(&[u8], usize)> {
    let rest = line.get(at..)?;
    let len = rest
        .iter()
        .take(64)
        .take_while(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'(' | b')' | b'@' | b'+' | b'%')
        })
        .count();
    if len == 0 {
        return None;
    }
    let mut end = len;
    let mut is_numbered = false;
    if rest.get(end) == Some(&b'[') {
        end += 1 + rest[end..].iter().take(24).position(|&byte| byte == b']')?;
        is_numbered = true;
    }
    let name = &rest[..len];
    let is_known =
        matches!(name, b"kernel" | b"CRON" | b"cron" | b"systemd" | b"rsyslogd" | b"sudo" | b"su");
    // Some senders put the severity behind the process: `app[12] <Notice>: …`.
    if is_numbered && rest[end..].starts_with(b" (") || rest[end..].starts_with(b" <") {
        let close = rest[end..].iter().take(160).position(|&byte| byte == b':')?;
        end += close;
    }
    if rest.get(end) != Some(&b':') || strict && !is_numbered && !is_known {
        return None;
    }
    if !matches!(rest.get(end + 1), None | Some(b' ' | b'\t')) {
        return None;
    }
    let name =
        name.split(|&byte| byte == b'(').next().filter(|name| !name.is_empty()).unwrap_or(name);
    let name =
        name.rsplit(|&byte| byte == b'/').next().filter(|name| !name.is_empty()).unwrap_or(name);
    let content = at + end + 1;
    Some((name, content + usize::from(line.get(content) == Some(&b' '))))
}

fn is_host(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name[0] != b'-'
        && name.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'-' | b'.' | b'_' | b':' | b'@' | b'/' | b'#')
        })
}
