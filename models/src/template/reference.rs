//! The skeleton once more, slowly and plainly: the oracle of tests and fuzzing.
//!
//! Written from the rules and not from the fast pass: shapes are regular expressions, what was
//! written is looked at again and again, and nothing is remembered. It shares the closed lists of
//! words, and where a JSON document inside a line ends. It does not judge content that is one
//! document as a whole, nor more than [`CONTENT_BYTES_MAX`] bytes.
#![allow(clippy::expect_used, reason = "expressions that are constants; never in the program")]

mod rules;
mod written;

use std::ops::Range;

use rules::{is, letters_and_more};
pub use written::Written;

use super::CONTENT_BYTES_MAX;
use super::known_words::is_prose_key;
use super::skeleton::{ShapeClass, Variable, document_end};

/// Masks content; [`None`] if it begins like a document.
pub fn mask(content: &[u8]) -> Option<Written> {
    let content = &content[..content.len().min(CONTENT_BYTES_MAX)];
    if content.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let mut written = Written::default();
    if content.contains(&b'\n') {
        trace(content, &mut written);
    } else {
        line(content, 0, content.len(), &mut written);
    }
    written.trim_end();
    Some(written)
}

/// The first line that says something, and up to four lines that name a cause.
fn trace(content: &[u8], out: &mut Written) {
    let mut start = 0;
    let mut lines = Vec::new();
    for text in content.split(|&byte| byte == b'\n') {
        if !text.trim_ascii().is_empty() {
            lines.push((start, start + text.len()));
        }
        start += text.len() + 1;
    }
    let Some(&(start, end)) = lines.first() else { return };
    line(content, start, end, out);
    let mut left = 4;
    let mut before = rules::promise(&content[start..end]);
    for &(start, end) in &lines[1..] {
        let text = &content[start..end];
        let answers = match before {
            rules::Promise::None => false,
            rules::Promise::NextLine => true,
            rules::Promise::NextAtMargin => !text[0].is_ascii_whitespace(),
        };
        let tells = answers || rules::names_cause(text);
        if tells && left > 0 {
            left -= 1;
            out.blank();
            line(content, start, end, out);
        }
        if tells || before == rules::Promise::None {
            before = rules::promise(text);
        }
    }
}

fn is_gap(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f
}

fn line(content: &[u8], start: usize, end: usize, out: &mut Written) {
    let mut text = Text { content: &content[..end], out, gave_up: false };
    if end - start <= 4096 {
        return text.run(start);
    }
    let stop = thirty_two_words(&content[..end], start);
    text.content = &content[..stop];
    text.run(start);
    out.blank();
    out.variable(stop, end, ShapeClass::List);
}

/// Where the first 32 words end, or as many as fit into 4 KiB.
fn thirty_two_words(content: &[u8], start: usize) -> usize {
    let (mut stop, mut at, mut words) = (start, start, 0);
    while words < 32 && at < content.len() {
        while at < content.len() && is_gap(content[at]) {
            at += 1;
        }
        while at < content.len() && !is_gap(content[at]) {
            at += 1;
        }
        if at - start > 4096 {
            break;
        }
        stop = at;
        words += 1;
    }
    stop
}

struct Text<'a> {
    content: &'a [u8],
    out: &'a mut Written,
    gave_up: bool,
}

impl Text<'_> {
    fn run(&mut self, start: usize) {
        let content = self.content;
        let mut at = start;
        while at < content.len() {
            if content[at..].starts_with(b"\x1b[") {
                let letter = content[at + 2..].iter().position(|b| (0x40..=0x7e).contains(b));
                at = letter.map_or(content.len(), |len| at + 2 + len + 1);
            } else if content[at] == 0x1b {
                at += 1;
            } else if is_gap(content[at]) {
                self.out.blank();
                at += 1;
            } else {
                let len = content[at..].iter().take_while(|&&byte| !is_gap(byte)).count();
                at = self.chunk(at, at + len);
            }
        }
    }

    fn chunk(&mut self, start: usize, end: usize) -> usize {
        let text = &self.content[start..end];
        if is!(text, r"\d+") {
            self.number(start, end, ShapeClass::Integer);
        } else if let Some(body) = rules::bare_word(text) {
            self.word(start, start + body);
            self.out.literal(&text[body..]);
        } else if self.out.is_empty() && rules::is_port_of_host(text) {
            self.out.variable(start, end, ShapeClass::Host);
        } else if text == b"/" && self.after(end).starts_with(b"HTTP/") {
            self.out.variable(start, end, ShapeClass::Path);
        } else if let Some(len) = rules::protocol(text)
            && self.out.extend_target(start + len)
        {
            self.out.literal(&text[len..]);
        } else if text.iter().any(|&byte| rules::is_hard(byte)) {
            return self.pieces(start, end);
        } else {
            self.piece(start, end);
        }
        end
    }

    /// What follows, past blanks and commas.
    fn after(&self, end: usize) -> &[u8] {
        let rest = &self.content[end..];
        let skipped = rest.iter().take_while(|byte| b" ,".contains(byte)).count();
        &rest[skipped..]
    }

    fn number(&mut self, start: usize, end: usize, class: ShapeClass) {
        let continues = matches!(class, ShapeClass::Integer | ShapeClass::Time);
        if !(continues && self.out.extend_date(end)) {
            self.out.variable(start, end, class);
        }
    }

    fn word(&mut self, start: usize, end: usize) {
        let text = &self.content[start..end];
        let next = self.after(end);
        if rules::is_boolean(text) {
            self.out.variable(start, end, ShapeClass::Boolean);
        } else if rules::is_null(text) && !(self.out.is_in_prose() && is!(next, r"[A-Za-z].*")) {
            self.out.variable(start, end, ShapeClass::Absent);
        } else if rules::is_date_word(text) && (rules::begins_date(next) || self.out.ends_in_date())
        {
            self.out.date(start, end);
        } else if rules::is_zone(text) && self.out.extend_time(end) {
        } else if is!(text, r"[0-9A-Fa-f]{8,}") {
            self.out.variable(start, end, ShapeClass::Hex);
        } else {
            self.out.literal(text);
        }
    }

    fn pieces(&mut self, start: usize, end: usize) -> usize {
        let mut at = start;
        while at < end {
            at = if rules::is_hard(self.content[at]) {
                self.delimiter(start, at, end)
            } else {
                let text = &self.content[at..end];
                let len = text.iter().take_while(|&&byte| !rules::is_hard(byte)).count();
                self.between(at, at + len, end)
            };
        }
        at
    }

    /// A piece, with what follows it.
    fn between(&mut self, start: usize, stop: usize, end: usize) -> usize {
        let (text, after) = (&self.content[start..stop], &self.content[stop..]);
        let padding = rules::padding(after).filter(|_| rules::is_base64(text));
        if rules::is_key(text, after) && padding.is_none() || rules::is_call(text, after) {
            self.out.literal(text);
        } else if rules::is_url(text) || is!(text, r"/[^?]*\?.+") {
            let rest = &self.content[stop..end];
            let len = rest.iter().position(|byte| b"\"'<>)]}`".contains(byte));
            let stop = stop + len.unwrap_or(rest.len());
            self.piece(start, stop);
            return stop;
        } else if let Some(padding) = padding {
            self.out.variable(start, stop + padding, ShapeClass::Base64);
            return stop + padding;
        } else {
            self.piece(start, stop);
        }
        stop
    }

    fn delimiter(&mut self, chunk: usize, at: usize, end: usize) -> usize {
        let content = self.content;
        let here = &content[at..];
        if here.len() >= 38
            && is!(&here[..38], r"\{[[:xdigit:]]{8}(-[[:xdigit:]]{4}){3}-[[:xdigit:]]{12}\}")
        {
            self.out.variable(at, at + 38, ShapeClass::Uuid);
            return at + 38;
        }
        if let Some(len) = rules::bracketed_ipv6(&content[at..end]) {
            self.out.variable(at, at + len, ShapeClass::Ipv6);
            return at + len;
        }
        if is!(here, r#"[\[{]["{ ].*"#) && !self.gave_up {
            match document_end(content, at) {
                Some(stop) => {
                    self.out.variable(at, stop, ShapeClass::Document);
                    return stop;
                }
                None => self.gave_up = true,
            }
        }
        if let Some((open, close)) = rules::quoted(content, chunk, at) {
            self.out.literal(&content[at..open]);
            self.out.variable(open, close, ShapeClass::Quoted);
            self.out.literal(&content[close..=close]);
            return close + 1;
        }
        if is!(here, r"[<>]\d.*") && (at == chunk || !self.out.ends_in_letter()) {
            let rest = &content[at + 1..end];
            let len = rest.iter().take_while(|&&byte| !rules::is_hard(byte)).count();
            if content.get(at + 1 + len) != Some(&b'>') {
                let body = rules::trimmed(&rest[..len]);
                self.out.variable(at, at + 1 + body, ShapeClass::Integer);
                self.out.literal(&rest[body..len]);
                return at + 1 + len;
            }
        }
        self.out.literal(&content[at..=at]);
        at + 1
    }

    fn piece(&mut self, start: usize, end: usize) {
        let text = &self.content[start..end];
        let body = rules::trimmed(text);
        if is!(text, r"/[^:]+") && text[body - 1].is_ascii_alphanumeric() {
            let class =
                if rules::is_ipv4(&text[..body]) { ShapeClass::Ipv4 } else { ShapeClass::Path };
            self.out.variable(start, start + body, class);
            self.out.literal(&text[body..]);
        } else {
            self.part(start, end, 8);
        }
    }

    fn part(&mut self, start: usize, end: usize, depth: usize) {
        let text = &self.content[start..end];
        let stop = rules::trimmed(text);
        if rules::is_short_ipv6(&text[..stop]) {
            self.out.variable(start, start + stop, ShapeClass::Ipv6);
        } else {
            let lead = rules::leading(&text[..stop]);
            self.out.literal(&text[..lead]);
            if lead < stop {
                self.body(start + lead, start + stop, depth);
            }
        }
        self.out.literal(&text[stop..]);
    }

    fn body(&mut self, start: usize, end: usize, depth: usize) {
        let text = &self.content[start..end];
        if is!(text, r"[A-Za-z]+") {
            self.word(start, end);
        } else if text.iter().any(u8::is_ascii_digit) {
            self.digits(start, end, depth);
        } else if is!(text, r".*[/\\].*") && rules::is_path(text) {
            let class = if rules::is_url(text) { ShapeClass::Url } else { ShapeClass::Path };
            self.out.variable(start, end, class);
        } else if text.contains(&b':') && depth > 0 {
            self.colons(start, end, depth);
        } else if is!(text, r"[^@]+@[A-Za-z].*") {
            self.out.variable(start, end, ShapeClass::Email);
        } else if rules::is_domain(text) {
            self.out.variable(start, end, ShapeClass::Host);
        } else {
            self.out.literal(text);
        }
    }

    fn digits(&mut self, start: usize, end: usize, depth: usize) {
        let text = &self.content[start..end];
        if is!(text, r"[0-9+.!#$%&*?^~-]+") {
            let class = rules::number_class(text);
            if !(class == ShapeClass::Integer && self.out.extend_date(end)) {
                self.out.variable(start, end, class);
            }
        } else if rules::is_ipv4(text) {
            self.out.variable(start, end, ShapeClass::Ipv4);
        } else if depth > 0
            && let Some((stop, next)) = rules::dots_leading(text)
        {
            self.split(start..start + stop, start + next..end, depth);
        } else if letters_and_more(text) && rules::is_base64(text) {
            self.out.variable(start, end, ShapeClass::Base64);
        } else if text.contains(&b':') && !rules::is_url(text) && !is!(text, r"[A-Za-z]:\\.*") {
            self.colons(start, end, depth);
        } else if rules::is_url(text) {
            self.out.variable(start, end, ShapeClass::Url);
        } else if text.contains(&b'/') || text.contains(&b'\\') {
            self.slashes(start, end);
        } else if is!(text, r"[^@0-9A-Za-z]*@.*") && depth > 0 {
            let at = start + text.iter().position(|&byte| byte == b'@').unwrap_or(0);
            self.split(start..at, at + 1..end, depth);
        } else if text.contains(&b'@') {
            self.out.variable(start, end, ShapeClass::Email);
        } else {
            self.name(start, end);
        }
    }

    fn split(&mut self, left: Range<usize>, right: Range<usize>, depth: usize) {
        self.part(left.start, left.end, depth - 1);
        self.out.literal(&self.content[left.end..right.start]);
        self.part(right.start, right.end, depth - 1);
    }

    fn colons(&mut self, start: usize, end: usize, depth: usize) {
        let text = &self.content[start..end];
        let colon = text.iter().position(|&byte| byte == b':').unwrap_or(0);
        let after = colon + text[colon..].iter().take_while(|&&byte| byte == b':').count();
        match rules::colon_class(text) {
            Some(ShapeClass::Time) => self.number(start, end, ShapeClass::Time),
            Some(class) => self.out.variable(start, end, class),
            None if depth == 0 => self.out.variable(start, end, ShapeClass::Identifier),
            None if is!(text, r"(localhost|[^:/A-Z]*\.[^:/A-Z]*):\d*") => {
                self.out.variable(start, end, ShapeClass::Host);
            }
            None => self.split(start..start + colon, start + after..end, depth),
        }
    }

    fn slashes(&mut self, start: usize, end: usize) {
        let text = &self.content[start..end];
        if is!(text, r"[^A-Za-z\\]*") {
            self.out.variable(start, end, ShapeClass::Time);
        } else if is!(text, r"[A-Za-z]+/\d[^/\\]*") {
            let slash = text.iter().position(|&byte| byte == b'/').unwrap_or(0);
            self.out.literal(&text[..=slash]);
            self.out.variable(start + slash + 1, end, ShapeClass::Version);
        } else {
            self.out.variable(start, end, ShapeClass::Path);
        }
    }

    fn name(&mut self, start: usize, end: usize) {
        let text = &self.content[start..end];
        let starts_as_number = is!(text, r"[0-9+.-].*");
        if starts_as_number && !rules::is_technical(text) {
            self.out.variable(start, end, rules::lettered_class(text));
        } else if starts_as_number {
            self.out.literal(text);
        } else if is!(text, r"[A-Za-z_]*#\d*|[A-Za-z_]{2,}\.\d+") {
            let mark = text.iter().position(|byte| b"#.".contains(byte)).unwrap_or(0);
            self.out.literal(&text[..=mark]);
            self.out.variable(start + mark + 1, end, ShapeClass::Integer);
        } else if text.contains(&b'.') {
            let is_version = is!(text, r"[vV]\d.*");
            let class = if is_version { ShapeClass::Version } else { ShapeClass::Host };
            self.out.variable(start, end, class);
        } else if is!(text, r"[A-Za-z]{3,}\d(?:-[A-Za-z]{2,})+") {
            self.out.literal(text);
        } else if rules::is_uuid(text) {
            self.out.variable(start, end, ShapeClass::Uuid);
        } else if is!(text, r"[A-Za-z]{3,}-.*") && !is!(text, r"[a-z]*(-[a-z]*)+-\d*") {
            self.dashed(start, text);
        } else if is!(text, r".*[+-].*") {
            self.out.variable(start, end, ShapeClass::Identifier);
        } else if rules::is_constant_name(text) || rules::is_technical(text) {
            self.out.literal(text);
        } else {
            let is_hex = is!(text, r"[[:xdigit:]]+");
            let class = if is_hex { ShapeClass::Hex } else { ShapeClass::Identifier };
            self.out.variable(start, end, class);
        }
    }

    fn dashed(&mut self, start: usize, text: &[u8]) {
        let mut at = start;
        for (nth, segment) in text.split(|&byte| byte == b'-').enumerate() {
            if nth > 0 {
                self.out.literal(b"-");
            }
            if is!(segment, r"[A-Za-z]*") {
                self.out.literal(segment);
            } else {
                self.out.variable(at, at + segment.len(), ShapeClass::Identifier);
            }
            at += segment.len() + 1;
        }
    }
}
