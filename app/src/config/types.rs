//! Values with a form of their own: closed lists of words, librdkafka properties, named patterns.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use logwake_detector::anomaly::Severity;

use super::node::{Node, Value, join};
use super::notify::Kind;
use super::secret::is_secret_property;
use super::setting::{Key, Reader, Setting, Writer};
use super::suggest::{nearest, refuse_unknown};
use crate::secrets::REDACTED;

/// What a Kafka run promises about each result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Results and positions in one transaction.
    #[default]
    ExactlyOnce,
    /// Results before positions; repeats carry the same id.
    AtLeastOnce,
}

/// Form of the program's own logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where HTTP is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere.
    Off,
    /// At an address; port 0 takes a free one.
    At(SocketAddr),
}

/// Properties of librdkafka by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(pub BTreeMap<String, String>);

/// Regular expressions with names, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns(pub Vec<Pattern>);

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Name.
    pub name: String,
    /// Regular expression.
    pub pattern: String,
}

/// Properties that Logwake sets itself, because its promises hang on them.
const OWN_PROPERTIES: [(&str, &str); 9] = [
    ("bootstrap.servers", "set kafka.brokers instead"),
    ("metadata.broker.list", "set kafka.brokers instead"),
    ("group.id", "set kafka.prefix instead"),
    ("group.instance.id", "set kafka.static_membership instead"),
    ("transactional.id", "set kafka.prefix and kafka.instance instead"),
    ("enable.auto.commit", "positions are committed with the results"),
    ("enable.auto.offset.store", "positions are committed with the results"),
    ("enable.idempotence", "set kafka.delivery instead"),
    ("isolation.level", "set kafka.delivery instead"),
];

impl Default for Listen {
    fn default() -> Self {
        Self::At(SocketAddr::from(([127, 0, 0, 1], 9464)))
    }
}

/// A value that is one of a closed list of words.
pub(super) trait Word: Sized + Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];

    fn read_word(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
        let words = Self::WORDS.iter().map(|(word, _)| *word);
        if let Value::Text(text) = &node.value {
            if let Some((_, value)) = Self::WORDS.iter().find(|(word, _)| word == text) {
                *self = *value;
                return;
            }
            if let Some(near) = nearest(text, words.clone()) {
                reader.refuse(node, path, format!("{text:?} is unknown, did you mean {near:?}?"));
                return;
            }
        }
        let words: Vec<_> = words.map(|word| format!("{word:?}")).collect();
        let given = node.value.describe();
        reader.refuse(node, path, format!("must be {}, not {given}", words.join(" or ")));
    }

    fn word(&self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| value == self).map_or("", |(word, _)| word)
    }
}

impl Word for Delivery {
    const WORDS: &'static [(&'static str, Self)] =
        &[("exactly_once", Self::ExactlyOnce), ("at_least_once", Self::AtLeastOnce)];
}

impl Word for LogFormat {
    const WORDS: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

macro_rules! word_setting {
    ($($type:ty),+) => { $(
        impl Setting for $type {
            fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
                self.read_word(node, path, reader);
            }

            fn write(&self, key: &Key, _: &str, writer: &mut Writer) {
                writer.value(key, Some(self.word().into()));
            }
        }
    )+ };
}
word_setting!(Delivery, LogFormat, Kind, Severity);

impl Setting for Listen {
    fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
        match &node.value {
            Value::Text(text) if text == "off" => *self = Self::Off,
            Value::Text(text) => match text.parse() {
                Ok(address) => *self = Self::At(address),
                Err(_) => reader.refuse(
                    node,
                    path,
                    format!("{text:?} is not an address with a port such as \"127.0.0.1:9464\", nor \"off\""),
                ),
            },
            other => {
                let message = format!("must be an address or \"off\", not {}", other.describe());
                reader.refuse(node, path, message);
            }
        }
    }

    fn write(&self, key: &Key, _: &str, writer: &mut Writer) {
        let text = match self {
            Self::Off => "off".to_owned(),
            Self::At(address) => address.to_string(),
        };
        writer.value(key, Some(text.into()));
    }
}

impl Properties {
    /// Takes the leaves of a table, names joined by dots: `sasl.password` is one name, quoted or not.
    fn take(&mut self, node: &Node, (path, name): (&str, &str), reader: &mut Reader<'_>) {
        let full = join(path, name);
        let value = match &node.value {
            Value::Table(table) => {
                for (key, node) in table {
                    self.take(node, (path, &join(name, key)), reader);
                }
                return;
            }
            Value::Text(text) => text.clone(),
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) => node.value.describe(),
            other => {
                let message =
                    format!("must be a string, number or boolean, not {}", other.describe());
                reader.refuse(node, &full, message);
                return;
            }
        };
        if let Some((_, instead)) = OWN_PROPERTIES.iter().find(|(own, _)| *own == name) {
            reader.refuse(node, &full, format!("Logwake sets this itself, {instead}"));
            return;
        }
        let (name, value) = match name.strip_suffix("_file") {
            None => (name, value),
            Some(name) => match reader.file(node, &full) {
                Some(Node { value: Value::Text(text), .. }) => (name, text),
                _ => return,
            },
        };
        reader.lines.insert(join(path, name), node.line);
        if self.0.insert(name.to_owned(), value).is_some() {
            reader.refuse(node, &full, format!("{name} is given twice, keep one"));
        }
    }
}

impl Setting for Properties {
    fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
        if matches!(node.value, Value::Table(_)) {
            self.take(node, (path, ""), reader);
        } else {
            reader.refuse(node, path, format!("must be a table, not {}", node.value.describe()));
        }
    }

    fn write(&self, key: &Key, path: &str, writer: &mut Writer) {
        if self.0.is_empty() && !writer.with_docs {
            return;
        }
        writer.header(key, path);
        for (name, value) in &self.0 {
            let value = if is_secret_property(name) { REDACTED } else { value };
            writer.entry(name, value.into());
        }
    }
}

impl Setting for Patterns {
    fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
        let Value::List(items) = &node.value else {
            let message =
                format!("must be a list of {{ name, pattern }}, not {}", node.value.describe());
            reader.refuse(node, path, message);
            return;
        };
        self.0.clear();
        for (idx, item) in items.iter().enumerate() {
            let path = format!("{path}[{idx}]");
            let Value::Table(table) = &item.value else {
                let message = format!("must be {{ name, pattern }}, not {}", item.value.describe());
                reader.refuse(item, &path, message);
                continue;
            };
            let mut pattern = Pattern::default();
            for (key, into) in [("name", &mut pattern.name), ("pattern", &mut pattern.pattern)] {
                reader.key(table, &path, key, into);
                if into.is_empty() {
                    reader.refuse(item, &path, format!("{key} is missing"));
                }
            }
            refuse_unknown(
                reader,
                table,
                &path,
                (&["name", "pattern"], &["name_file", "pattern_file"]),
            );
            self.0.push(pattern);
        }
    }

    fn write(&self, key: &Key, _: &str, writer: &mut Writer) {
        let item = |pattern: &Pattern| {
            let mut table = toml::Table::new();
            table.insert("name".into(), pattern.name.clone().into());
            table.insert("pattern".into(), pattern.pattern.clone().into());
            toml::Value::Table(table)
        };
        writer.value(key, Some(self.0.iter().map(item).collect::<Vec<_>>().into()));
    }
}
