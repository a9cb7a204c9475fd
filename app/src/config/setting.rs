//! How one value of the configuration is read, checked and written, and what a section is.
//!
//! `section!` makes the struct, its defaults, its reader, its range checks and its part of the
//! manual from one declaration, so none of them can drift from the others.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::path::Path;

use super::node::{Env, Node, Value, join, parse};
use super::problem::Problem;
use crate::secrets::without_userinfo;

/// A value that a key can have.
pub trait Setting {
    /// Whether `<key>_file` may name a file that holds the value.
    const FROM_FILE: bool = false;

    /// Takes the value from a node; what is wrong with it is reported, and the value stays.
    fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>);

    /// Writes `key = value`, or a whole table.
    fn write(&self, key: &Key, path: &str, writer: &mut Writer);
}

/// A table with known keys.
pub trait Section: Setting {
    /// Its keys.
    const KEYS: &'static [Key];

    /// Writes every key with its value.
    fn write_keys(&self, path: &str, writer: &mut Writer);

    /// Reports values outside their range.
    fn check_ranges(&self, path: &str, problems: &mut Vec<Problem>);
}

/// One key of a section.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Name.
    pub name: &'static str,
    /// What it means, one sentence a line.
    pub doc: &'static [&'static str],
}

/// Reads a document and collects what is wrong with it.
#[derive(Debug)]
pub struct Reader<'a> {
    /// What is wrong so far.
    pub problems: Vec<Problem>,
    /// Line of each key that was read.
    pub lines: BTreeMap<String, usize>,
    /// Where files named by `*_file` are looked for.
    dir: &'a Path,
}

impl<'a> Reader<'a> {
    /// Starts with files looked for in `dir`.
    pub fn new(dir: &'a Path) -> Self {
        Self { problems: Vec::new(), lines: BTreeMap::new(), dir }
    }

    /// Reads a whole document into a section.
    pub fn document(&mut self, text: &str, env: Env<'_>, into: &mut impl Setting) {
        if let Some(root) = parse(text, env, &mut self.problems) {
            into.read(&root, "", self);
        }
    }

    /// Reports a value.
    pub fn refuse(&mut self, node: &Node, path: &str, message: impl Into<String>) {
        let message = message.into();
        self.problems.push(Problem { line: Some(node.line), key: path.into(), message });
    }

    /// Reads one key of a table, from the table itself or from the file that it names.
    pub fn key<T: Setting>(
        &mut self,
        table: &BTreeMap<String, Node>,
        path: &str,
        key: &str,
        into: &mut T,
    ) {
        let full = join(path, key);
        let given = table.get(key);
        if let Some(node) = given {
            self.lines.insert(full.clone(), node.line);
            into.read(node, &full, self);
        }
        let file_key = format!("{key}_file");
        let Some(file) = table.get(&file_key).filter(|_| T::FROM_FILE) else { return };
        if given.is_some() {
            self.refuse(file, &join(path, &file_key), format!("{full} is given too, keep one"));
        } else if let Some(node) = self.file(file, &join(path, &file_key)) {
            self.lines.insert(full.clone(), node.line);
            into.read(&node, &full, self);
        }
    }

    /// Reads the text of the file that a node names, without its last line end.
    pub fn file(&mut self, node: &Node, path: &str) -> Option<Node> {
        let Value::Text(name) = &node.value else {
            self.refuse(node, path, format!("must name a file, not {}", node.value.describe()));
            return None;
        };
        match std::fs::read_to_string(self.dir.join(name)) {
            Ok(text) => {
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                Some(Node { line: node.line, value: Value::Text(text) })
            }
            Err(error) => {
                self.refuse(node, path, format!("file {name:?} cannot be read: {error}"));
                None
            }
        }
    }
}

/// Prints a configuration as TOML.
#[derive(Debug, Default)]
pub struct Writer {
    /// The text so far.
    pub text: String,
    /// Whether the meaning of each key stands above it, and keys without a value are shown.
    pub with_docs: bool,
    /// Whether keys are shown as comments, since there is no such table.
    pub is_example: bool,
}

impl Writer {
    /// Writes a key whose value is TOML already; `None` where it is not set.
    pub fn value(&mut self, key: &Key, value: Option<toml::Value>) {
        self.docs(key);
        match value {
            Some(value) => self.entry(key.name, value),
            None if self.with_docs => _ = writeln!(self.text, "# {} =", key.name),
            None => {}
        }
    }

    /// Writes an entry of a table whose names are free; user information of an address is left out.
    pub fn entry(&mut self, name: &str, value: toml::Value) {
        let value = value.to_string();
        let mark = if self.is_example { "# " } else { "" };
        _ = writeln!(self.text, "{mark}{} = {}", toml_key(name), without_userinfo(&value));
    }

    /// Writes the header of a table.
    pub fn header(&mut self, key: &Key, path: &str) {
        if !path.is_empty() {
            self.text.push('\n');
            self.docs(key);
            _ = writeln!(self.text, "[{path}]");
        }
    }

    /// Writes the header of one table of a list; of an example for it, keys follow as comments.
    pub fn list_header(&mut self, key: &Key, path: &str, is_example: bool) {
        self.is_example = is_example;
        self.text.push('\n');
        self.docs(key);
        let mark = if is_example { "# " } else { "" };
        _ = writeln!(self.text, "{mark}[[{path}]]");
    }

    fn docs(&mut self, key: &Key) {
        if !self.with_docs {
            return;
        }
        for line in key.doc {
            _ = writeln!(self.text, "#{line}");
        }
    }
}

fn toml_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.chars().all(bare) { name.into() } else { format!("{name:?}") }
}

/// Reports a value outside `min..=max`.
pub fn check_range<T: PartialOrd + Display>(
    path: &str,
    value: &T,
    (min, max): (&T, &T),
    problems: &mut Vec<Problem>,
) {
    if !(value >= min && value <= max) {
        let message = format!("{value} is outside the range from {min} to {max}");
        problems.push(Problem::new(path, message));
    }
}

macro_rules! section {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr $(=> $min:expr, $max:expr)?; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $( $(#[doc = $doc])+ pub $field: $type, )+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::config::setting::Section for $name {
            const KEYS: &'static [$crate::config::setting::Key] = &[
                $( $crate::config::setting::Key { name: stringify!($field), doc: &[$($doc),+] }, )+
            ];

            fn write_keys(&self, path: &str, writer: &mut $crate::config::setting::Writer) {
                let mut keys = Self::KEYS.iter();
                $( if let Some(key) = keys.next() {
                    let path = $crate::config::node::join(path, key.name);
                    $crate::config::setting::Setting::write(&self.$field, key, &path, writer);
                } )+
            }

            fn check_ranges(&self, path: &str, problems: &mut Vec<$crate::config::problem::Problem>) {
                $( $(
                    let path_of_key = $crate::config::node::join(path, stringify!($field));
                    let range = (&$min, &$max);
                    $crate::config::setting::check_range(&path_of_key, &self.$field, range, problems);
                )? )+
                let _ = (path, problems);
            }
        }

        impl $crate::config::setting::Setting for $name {
            fn read(
                &mut self,
                node: &$crate::config::node::Node,
                path: &str,
                reader: &mut $crate::config::setting::Reader<'_>,
            ) {
                let $crate::config::node::Value::Table(table) = &node.value else {
                    reader.refuse(node, path, format!("must be a table, not {}", node.value.describe()));
                    return;
                };
                let mut known: Vec<&str> = Vec::new();
                let mut from_file: Vec<&str> = Vec::new();
                $(
                    reader.key(table, path, stringify!($field), &mut self.$field);
                    known.push(stringify!($field));
                    if <$type as $crate::config::setting::Setting>::FROM_FILE {
                        from_file.push(concat!(stringify!($field), "_file"));
                    }
                )+
                $crate::config::suggest::refuse_unknown(reader, table, path, (&known, &from_file));
            }

            fn write(
                &self,
                key: &$crate::config::setting::Key,
                path: &str,
                writer: &mut $crate::config::setting::Writer,
            ) {
                writer.header(key, path);
                $crate::config::setting::Section::write_keys(self, path, writer);
            }
        }
    };
}
pub(crate) use section;
