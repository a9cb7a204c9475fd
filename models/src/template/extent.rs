//! How far a variable or a word reaches in the text of a skeleton.

use super::WILDCARD;
use super::known_words::is_unit;
use super::steps;

/// Length of a value that holds a variable among other things: `Source{<*>}`, `[<*>][<*>]`.
pub(super) fn composite_len(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut len = text.len();
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        steps::count(1);
        let in_wildcard = text[at..].starts_with(WILDCARD);
        match c {
            '<' if in_wildcard => _ = rest.nth(WILDCARD.len() - 2),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ' ' if depth > 0 => return None,
            '"' | '\'' | '=' | '<' | '>' => return None,
            ' ' | ',' | ';' | '|' | ')' | ']' | '}' if depth == 0 => {
                len = at;
                break;
            }
            _ => {}
        }
    }
    let value = text[..len].trim_end_matches(['.', '!', '?', ':']);
    let plain = value.starts_with(WILDCARD) && value.len() == WILDCARD.len();
    (depth == 0 && !plain && value.contains(WILDCARD)).then_some(value.len())
}

/// Length of a variable with the list, unit and size in parentheses that belong to it.
pub(super) fn variable_len(text: &str) -> usize {
    let mut len = WILDCARD.len();
    let mut measured = false;
    loop {
        let rest = &text[len..];
        let more = if let Some(more) = unit_len(rest) {
            measured = true;
            Some(more)
        } else {
            list_len(rest).or_else(|| size_len(rest, measured)).or_else(|| full_stop_len(rest))
        };
        match more {
            Some(more) => len += more,
            None => return len,
        }
    }
}

fn list_len(rest: &str) -> Option<usize> {
    let gap = [" ", ", ", ",", "; "]
        .into_iter()
        .find(|gap| rest.strip_prefix(gap).is_some_and(|next| next.starts_with(WILDCARD)))?;
    Some(gap.len() + WILDCARD.len())
}

fn unit_len(rest: &str) -> Option<usize> {
    let next = rest.strip_prefix(' ')?;
    let len = next.find(|c: char| !c.is_alphabetic()).unwrap_or(next.len());
    is_unit(&next[..len]).then_some(len + 1)
}

/// Full stops, which end a sentence or a value.
fn full_stop_len(rest: &str) -> Option<usize> {
    let len = rest.len() - rest.trim_start_matches(['.', '!', '?']).len();
    (len > 0).then_some(len)
}

/// `(<*> kB)` after a number, or `(<*>)` after one with a unit: the same size once more.
fn size_len(rest: &str, measured: bool) -> Option<usize> {
    let inner = rest.strip_prefix(" (")?;
    let len = if inner.starts_with(WILDCARD) { variable_len(inner) } else { return None };
    let sized = measured || len > WILDCARD.len();
    (sized && inner[len..].starts_with(')')).then_some(len + " ()".len())
}

/// Length of a word that holds variables: `node-<*>`, `pool-<*>-thread-<*>`, `web7:<*>`.
pub(super) fn compound_len(text: &str) -> Option<usize> {
    let mut len = 0;
    let mut variables = 0;
    let mut numbered = false;
    while len < text.len() {
        steps::count(1);
        let rest = &text[len..];
        if rest.starts_with(WILDCARD) {
            variables += 1;
            len += WILDCARD.len();
            continue;
        }
        let stop = word_len(rest);
        numbered |= rest[..stop].bytes().any(|byte| byte.is_ascii_digit());
        len += stop;
        let follows = &text[len..];
        if follows.strip_prefix(':').is_some_and(|next| next.starts_with(WILDCARD)) && numbered {
            len += 1;
        } else if !follows.starts_with(WILDCARD) {
            break;
        }
    }
    let stem = text[..len].find(WILDCARD)?;
    let named = text[..stem].bytes().any(|byte| byte.is_ascii_alphanumeric());
    let leads = text[..stem].ends_with("..");
    (variables > 0 && named && !leads).then_some(len)
}

/// Length of a list in which names hold variables: `web-<*>, worker-<*>`.
pub(super) fn names_len(text: &str) -> Option<usize> {
    let element = |text: &str| {
        text.starts_with(WILDCARD).then_some(WILDCARD.len()).or_else(|| compound_len(text))
    };
    let mut len = element(text)?;
    let mut named = !text.starts_with(WILDCARD);
    let mut elements = 1;
    while let Some(next) = text[len..].strip_prefix(',') {
        let gap = next.len() - next.trim_start_matches(' ').len();
        let Some(more) = element(&next[gap..]) else { break };
        named |= !next[gap..].starts_with(WILDCARD);
        len += 1 + gap + more;
        elements += 1;
    }
    (named && elements > 1).then_some(len)
}

pub(super) fn is_mark(byte: u8) -> bool {
    matches!(
        byte,
        b':' | b';'
            | b','
            | b'='
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'<'
            | b'>'
            | b'"'
            | b'\''
            | b'|'
            | b'`'
    )
}

pub(super) fn word_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = bytes.iter().position(|&byte| byte == b' ' || is_mark(byte));
    steps::count(end.unwrap_or(bytes.len()));
    end.unwrap_or(bytes.len())
}
