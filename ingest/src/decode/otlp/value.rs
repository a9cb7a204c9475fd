//! Values of OpenTelemetry: attributes, and bodies with their type wrappers taken off.

use std::borrow::Cow;

use super::scan;

/// Wrappers and lists around a value; deeper ones are written as they stand.
const DEPTH_MAX: usize = 16;

/// Returns the text of the attribute that comes first in a list of keys and is not empty.
pub(super) fn attribute<'a>(attributes: &'a str, keys: &[&str]) -> Option<Cow<'a, str>> {
    let mut best: Option<(usize, Cow<'a, str>)> = None;
    for (key, value) in scan::elements(attributes).filter_map(pair) {
        let Some(key) = scan::text_of(key) else { continue };
        let Some(rank) = keys.iter().position(|known| *known == key) else { continue };
        if best.as_ref().is_none_or(|(known, _)| rank < *known)
            && let Some(text) = text(value).filter(|text| !text.is_empty())
        {
            best = Some((rank, text));
        }
    }
    best.map(|(_, text)| text)
}

/// Returns the text of a body: its own, that of its message, or its value as JSON; `None` for none.
pub(super) fn body(body: &str) -> Option<Cow<'_, str>> {
    if !body.starts_with('{') {
        return scan::text_of(body).or_else(|| (body != "null").then_some(Cow::Borrowed(body)));
    }
    let (_, first) = scan::members(body).next()?;
    if let Some(text) = text(body) {
        return Some(text);
    }
    let values = member(first, "values").unwrap_or_default();
    let message = attribute(values, &["message", "msg", "log"]);
    message.or_else(|| {
        let mut plain = String::new();
        write(body, 0, &mut plain);
        Some(Cow::Owned(plain))
    })
}

/// Returns the value of a member of an object.
pub(super) fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    scan::members(object).find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Returns the text of a value that is one.
fn text(value: &str) -> Option<Cow<'_, str>> {
    let is_text = |key: &str| matches!(key, "stringValue" | "string_value");
    scan::members(value).find(|(key, _)| is_text(key)).and_then(|(_, text)| scan::text_of(text))
}

/// Returns key and value of a `KeyValue`, as tokens.
fn pair(object: &str) -> Option<(&str, &str)> {
    let (mut key, mut value) = (None, "null");
    for (name, token) in scan::members(object) {
        match &*name {
            "key" => key = Some(token).filter(|token| token.starts_with('"')),
            "value" => value = token,
            _ => {}
        }
    }
    key.map(|key| (key, value))
}

/// Writes a value as JSON without type wrappers; never more than the value has itself.
fn write(value: &str, depth: usize, out: &mut String) {
    if depth < DEPTH_MAX && value.starts_with('{') {
        if let Some(values) = member(value, "values").filter(|values| values.starts_with('[')) {
            return write_list(values, depth + 1, out);
        }
        let mut members = scan::members(value);
        if let (Some((key, inner)), None) = (members.next(), members.next())
            && (key.ends_with("Value") || key.ends_with("_value"))
        {
            return write(inner, depth + 1, out);
        }
    }
    out.push_str(value);
}

/// Writes pairs as an object, other values as an array.
fn write_list(values: &str, depth: usize, out: &mut String) {
    let is_map = scan::elements(values).next().is_some()
        && scan::elements(values).all(|element| pair(element).is_some());
    out.push(if is_map { '{' } else { '[' });
    for (at, element) in scan::elements(values).enumerate() {
        if at > 0 {
            out.push(',');
        }
        match pair(element).filter(|_| is_map) {
            Some((key, value)) => {
                out.push_str(key);
                out.push(':');
                write(value, depth, out);
            }
            None => write(element, depth, out),
        }
    }
    out.push(if is_map { '}' } else { ']' });
}
