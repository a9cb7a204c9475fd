//! How plain values are read and written: strings, numbers, lists, durations, sizes.

use super::node::{Node, Value};
use super::setting::{Key, Reader, Setting, Writer};
use super::units::{Size, Span};

macro_rules! leaf {
    ($type:ty, $expected:literal, $file:literal, $read:expr, $write:expr) => {
        impl Setting for $type {
            const FROM_FILE: bool = $file;

            fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
                let read: fn(&Value) -> Option<Result<Self, String>> = $read;
                match read(&node.value) {
                    Some(Ok(value)) => *self = value,
                    Some(Err(message)) => reader.refuse(node, path, message),
                    None => {
                        let message = format!(
                            concat!("must be ", $expected, ", not {}"),
                            node.value.describe()
                        );
                        reader.refuse(node, path, message);
                    }
                }
            }

            fn write(&self, key: &Key, path: &str, writer: &mut Writer) {
                let write: fn(&Self) -> Option<toml::Value> = $write;
                writer.value(key, path, write(self));
            }
        }
    };
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn whole(value: &Value) -> Option<Result<u64, String>> {
    match value {
        Value::Integer(number) => {
            Some(u64::try_from(*number).map_err(|_| format!("{number} is below 0")))
        }
        _ => None,
    }
}

leaf!(
    bool,
    "true or false",
    false,
    |value| match value {
        Value::Bool(truth) => Some(Ok(*truth)),
        _ => None,
    },
    |value| Some((*value).into())
);
leaf!(
    Option<bool>,
    "true or false",
    false,
    |value| match value {
        Value::Bool(truth) => Some(Ok(Some(*truth))),
        _ => None,
    },
    |value| value.map(Into::into)
);
leaf!(String, "a string", true, |value| Some(Ok(text(value)?.to_owned())), |value| {
    Some(value.clone().into())
});
leaf!(Option<String>, "a string", true, |value| Some(Ok(Some(text(value)?.to_owned()))), |value| {
    value.clone().map(Into::into)
});
leaf!(
    f64,
    "a number",
    false,
    |value| match value {
        Value::Float(number) => Some(Ok(*number)),
        Value::Integer(number) => Some(Ok(*number as Self)),
        _ => None,
    },
    |value| Some((*value).into())
);
leaf!(
    usize,
    "a whole number",
    false,
    |value| {
        Some(whole(value)?.and_then(|n| Self::try_from(n).map_err(|_| format!("{n} is too large"))))
    },
    |value| i64::try_from(*value).ok().map(Into::into)
);
leaf!(
    Option<usize>,
    "a whole number",
    false,
    |value| {
        let large = |n: u64| usize::try_from(n).map_err(|_| format!("{n} is too large"));
        Some(whole(value)?.and_then(large).map(Some))
    },
    |value| value.and_then(|value| i64::try_from(value).ok()).map(Into::into)
);
leaf!(
    u32,
    "a whole number",
    false,
    |value| {
        Some(whole(value)?.and_then(|n| Self::try_from(n).map_err(|_| format!("{n} is too large"))))
    },
    |value| Some(i64::from(*value).into())
);
leaf!(
    i32,
    "a whole number",
    false,
    |value| match value {
        Value::Integer(n) => Some(Self::try_from(*n).map_err(|_| format!("{n} is too large"))),
        _ => None,
    },
    |value| Some(i64::from(*value).into())
);
leaf!(
    Span,
    "a duration with its unit such as \"10s\"",
    false,
    |value| Some(text(value)?.parse()),
    |value| { Some(value.to_string().into()) }
);
leaf!(
    Option<Span>,
    "a duration with its unit such as \"10s\"",
    false,
    |value| Some(text(value)?.parse().map(Some)),
    |value| value.map(|value| value.to_string().into())
);
leaf!(
    Size,
    "a size such as \"64MiB\"",
    false,
    |value| match value {
        Value::Integer(_) => Some(whole(value)?.map(Self)),
        _ => Some(text(value)?.parse()),
    },
    |value| Some(value.to_string().into())
);
leaf!(
    Vec<String>,
    "a string or a list of strings",
    false,
    |value| match value {
        Value::Text(text) => Some(Ok(text.split(',').map(|part| part.trim().to_owned()).collect())),
        Value::List(items) => {
            items
                .iter()
                .map(|item| text(&item.value).map(str::to_owned))
                .collect::<Option<_>>()
                .map(Ok)
        }
        _ => None,
    },
    |value| Some(value.clone().into())
);
