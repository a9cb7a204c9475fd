//! A TOML document as a tree that knows its lines, with `${VAR}` replaced inside string values.
//!
//! **Variables are replaced after parsing, in strings alone**, so a value can never add a key,
//! close a string or become a number.
//! `${VAR}` must be set, `${VAR:-text}` falls back to the text, `$${` stands for a plain `${`.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// Tells the value of an environment variable.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A value and the line on which it stands, from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Line from 1.
    pub line: usize,
    /// The value.
    pub value: Value,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string, variables replaced.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A date or time, which no key takes.
    Time(String),
    /// An array.
    List(Vec<Node>),
    /// A table, inline or not.
    Table(BTreeMap<String, Node>),
}

impl Value {
    /// Names the type for an error.
    pub fn describe(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
            Self::Time(_) => "a date".into(),
            Self::List(_) => "a list".into(),
            Self::Table(_) => "a table".into(),
        }
    }
}

/// Parses a document; what is wrong with it is appended to `problems`.
pub fn parse(text: &str, env: Env<'_>, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut builder = Builder { text, env, problems };
    match DeTable::parse(text) {
        Ok(table) => Some(builder.table(1, table.get_ref(), "")),
        Err(error) => {
            let line = error.span().map(|span| builder.line_of(span.start));
            let message = format!("not TOML: {}", error.message());
            builder.problems.push(Problem { line, key: String::new(), message });
            None
        }
    }
}

struct Builder<'a> {
    text: &'a str,
    env: Env<'a>,
    problems: &'a mut Vec<Problem>,
}

impl Builder<'_> {
    fn line_of(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn table(&mut self, line: usize, table: &DeTable<'_>, path: &str) -> Node {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let path = join(path, key.get_ref());
            let line = self.line_of(key.span().start);
            entries.insert(key.get_ref().to_string(), self.node(line, value, &path));
        }
        Node { line, value: Value::Table(entries) }
    }

    fn node(&mut self, line: usize, value: &Spanned<DeValue<'_>>, path: &str) -> Node {
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(self.replace(text, line, path)),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => Value::Text(number.to_string()),
                }
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Datetime(time) => Value::Time(time.to_string()),
            DeValue::Table(table) => return self.table(line, table, path),
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .map(|item| self.node(self.line_of(item.span().start), item, path))
                    .collect(),
            ),
        };
        Node { line, value }
    }

    fn replace(&mut self, text: &str, line: usize, path: &str) -> String {
        interpolate(text, self.env).unwrap_or_else(|message| {
            self.problems.push(Problem { line: Some(line), key: path.into(), message });
            text.to_owned()
        })
    }
}

/// Joins a path of keys with dots.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn interpolate(text: &str, env: Env<'_>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end = inner.find('}').ok_or("\"${\" without \"}\", write \"$${\" for a plain one")?;
        out.push_str(&variable(&inner[..end], env)?);
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn variable(inner: &str, env: Env<'_>) -> Result<String, String> {
    let (name, fallback) = match inner.split_once(":-") {
        Some((name, fallback)) => (name, Some(fallback)),
        None => (inner, None),
    };
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(letter) {
        return Err(format!(
            "\"${{{inner}}}\" names no environment variable, write \"$${{\" for a plain \"${{\""
        ));
    }
    match (env(name), fallback) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(fallback)) => Ok(fallback.to_owned()),
        (None, None) => Err(format!(
            "environment variable {name} is not set, set it or write \"${{{name}:-default}}\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("kafka-1".into()),
            "QUOTE" => Some("\"\nkey = 1".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_replaced_in_strings() {
        let check = |text: &str| interpolate(text, &env);
        assert_eq!(check("${HOST}:9092").unwrap(), "kafka-1:9092");
        assert_eq!(check("${NONE:-a}${EMPTY:-b}${EMPTY}").unwrap(), "ab");
        assert_eq!(check("$${HOST} ^a$ $5").unwrap(), "${HOST} ^a$ $5");
        assert!(check("${NONE}").unwrap_err().contains("variable NONE is not set"));
        assert!(check("${HOST").is_err());
        assert!(check("a{2}${1,}").is_err());
    }

    #[test]
    fn a_value_from_the_environment_stays_a_value() {
        let mut problems = Vec::new();
        let node = parse("a = \"${QUOTE}\"", &env, &mut problems).unwrap();
        let Value::Table(entries) = node.value else { panic!("{node:?}") };
        assert_eq!(entries.len(), 1);
        assert_eq!(entries["a"].value, Value::Text("\"\nkey = 1".into()));
        assert!(problems.is_empty());
    }
}
