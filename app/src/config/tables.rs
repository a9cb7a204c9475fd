//! Lists of tables: `[[notify]]`, `[[intake.sources]]`, `[[alerts.maintenance]]`.

use super::node::{Node, Value};
use super::setting::{Key, Reader, Section, Setting, Writer};

/// A table that may stand any number of times.
pub trait Row: Section + Default {
    /// Keys that each must have.
    const REQUIRED: &'static [&'static str];
}

/// The tables of one name, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables<T>(pub Vec<T>);

impl<T> Default for Tables<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Row> Setting for Tables<T> {
    fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
        let Value::List(items) = &node.value else {
            let message = format!("must be [[{path}]], not {}", node.value.describe());
            reader.refuse(node, path, message);
            return;
        };
        self.0.clear();
        for (idx, item) in items.iter().enumerate() {
            let path = format!("{path}[{idx}]");
            reader.lines.insert(path.clone(), item.line);
            let mut row = T::default();
            row.read(item, &path, reader);
            if let Value::Table(table) = &item.value {
                for key in T::REQUIRED.iter().filter(|key| !table.contains_key(**key)) {
                    reader.refuse(item, &path, format!("{key} is missing"));
                }
            }
            self.0.push(row);
        }
    }

    fn write(&self, key: &Key, path: &str, writer: &mut Writer) {
        if self.0.is_empty() && writer.with_docs {
            writer.list_header(key, path, true);
            T::default().write_keys(path, writer);
            writer.is_example = false;
        }
        for (idx, row) in self.0.iter().enumerate() {
            writer.list_header(key, path, false);
            row.write_keys(&format!("{path}[{idx}]"), writer);
        }
    }
}

/// Says what is wrong with the name of a table among those before it.
pub fn check_name<'a>(name: &str, mut before: impl Iterator<Item = &'a str>) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if name.is_empty() {
        Some("is missing".to_owned())
    } else if name.len() > 64 || !name.chars().all(legal) {
        Some(format!("{name:?} is not 1 to 64 of the characters a-z A-Z 0-9 . _ -"))
    } else {
        before.any(|earlier| earlier == name).then(|| format!("{name:?} is given twice"))
    }
}
