//! What is taken off every text before it is read: byte order mark, line ends, trailing NUL bytes, and what a
//! terminal would swallow.

use std::borrow::Cow;

use super::steps;

const ESCAPE: u8 = 0x1b;
/// First byte of U+0080 to U+00BF; the C1 controls are U+0080 to U+009F.
const C1_LEAD: u8 = 0xc2;
const BELL: u8 = 0x07;

/// Takes off byte order mark, trailing line ends and NUL bytes.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    while let [rest @ .., b'\n' | b'\r' | 0] = text {
        text = rest;
    }
    text
}

/// Whether a payload is UTF-16 or UTF-32, by its byte order mark.
pub(crate) fn is_wide(text: &[u8]) -> bool {
    text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff")
}

/// Takes out the escape sequences of terminals (ECMA-48, ECMA-35), so that no escape character and no C1 control
/// is left.
///
/// Of a control string that nothing ends (OSC, DCS and their like) only the introducer goes: a terminal would
/// swallow the rest of the log. Cost: linear, since no look for an end goes beyond the next control character.
pub(crate) fn uncolour(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = next_control(text) else { return Cow::Borrowed(text) };
    let mut plain = Vec::with_capacity(text.len());
    plain.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while !rest.is_empty() {
        rest = &rest[sequence_len(rest)..];
        let next = next_control(rest).unwrap_or(rest.len());
        // Bytes that were apart would become a control.
        while matches!((plain.last(), rest.first()), (Some(&C1_LEAD), Some(0x80..=0x9f))) {
            plain.pop();
        }
        plain.extend_from_slice(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(plain)
}

/// Finds the next escape character or C1 control.
fn next_control(text: &[u8]) -> Option<usize> {
    let is_control = |at: &usize| text[*at] == ESCAPE || is_c1(&text[*at..]);
    let found = memchr::memchr2_iter(ESCAPE, C1_LEAD, text).find(is_control);
    steps::add(found.unwrap_or(text.len()));
    found
}

fn is_c1(text: &[u8]) -> bool {
    matches!(text, [C1_LEAD, 0x80..=0x9f, ..])
}

/// Length of the sequence that the control at the start begins, at least its own.
fn sequence_len(text: &[u8]) -> usize {
    let introducer = match text {
        [C1_LEAD, second, ..] => second - 0x40,
        [_, second, ..] => *second,
        _ => return 1,
    };
    let body = &text[2..];
    match introducer {
        b'[' => 2 + control_sequence_len(body),
        b']' | b'P' | b'X' | b'^' | b'_' => 2 + control_string_len(body),
        0x20..=0x2f => 1 + designation_len(&text[1..]),
        0x30..=0x7e => 2,
        _ => 1,
    }
}

/// Parameters and final byte of a CSI sequence, 0 where they are not complete.
fn control_sequence_len(body: &[u8]) -> usize {
    let parameters = body.iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
    steps::add(parameters + 1);
    match body.get(parameters) {
        Some(0x40..=0x7e) => parameters + 1,
        _ => 0,
    }
}

/// A control string with its end, BEL or ST, 0 where another control comes first or none.
fn control_string_len(body: &[u8]) -> usize {
    let is_end = |at: &usize| body[*at] < 0x20 || is_c1(&body[*at..]);
    let end = (0..body.len()).find(is_end).unwrap_or(body.len());
    steps::add(end + 1);
    match body[end..] {
        [BELL, ..] => end + 1,
        [ESCAPE, b'\\', ..] | [C1_LEAD, 0x9c, ..] => end + 2,
        _ => 0,
    }
}

/// Intermediate bytes and the final one, `(B` of `ESC ( B`, 0 where they are not complete.
fn designation_len(body: &[u8]) -> usize {
    let intermediates = body.iter().take_while(|byte| (0x20..0x30).contains(*byte)).count();
    steps::add(intermediates + 1);
    match body.get(intermediates) {
        Some(0x30..=0x7e) => intermediates + 1,
        _ => 0,
    }
}
