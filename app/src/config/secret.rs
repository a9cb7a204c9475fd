//! Values that are secrets, and addresses with secrets in them.
//!
//! **A secret is never shown**: not in `logwake config`, not in an error, not in a log. Addresses
//! of chats are secrets but for their hosts.

use super::node::{Node, Value};
use super::setting::{Key, Reader, Setting, Writer};

/// A value that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub Option<String>);

/// An address whose host may be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address(pub Option<String>);

impl Setting for Secret {
    const FROM_FILE: bool = true;

    fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
        match &node.value {
            Value::Text(text) if text.is_empty() => reader.refuse(node, path, "is empty"),
            Value::Text(text) if text.chars().any(char::is_control) => {
                reader.refuse(node, path, "has a control character or line end in it");
            }
            Value::Text(text) => self.0 = Some(text.clone()),
            _ => reader.refuse(node, path, "must be a string"),
        }
    }

    fn write(&self, key: &Key, path: &str, writer: &mut Writer) {
        writer.value(key, path, self.0.as_ref().map(|_| "(redacted)".into()));
    }
}

impl Setting for Address {
    const FROM_FILE: bool = true;

    fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
        let mut secret = Secret::default();
        secret.read(node, path, reader);
        self.0 = secret.0;
    }

    fn write(&self, key: &Key, path: &str, writer: &mut Writer) {
        writer.value(key, path, self.0.as_deref().map(|url| shown(url).into()));
    }
}

/// Shows an address without what may be secret in it.
fn shown(url: &str) -> String {
    let uri = url.parse::<ureq::http::Uri>().ok();
    let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.host()?, uri.port_u16())));
    let Some((scheme, host, port)) = parts else { return "(redacted)".to_owned() };
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    let has_path = uri.as_ref().is_some_and(|uri| !matches!(uri.path(), "" | "/"));
    format!("{scheme}://{host}{port}{}", if has_path { "/(redacted)" } else { "" })
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "(redacted)" } else { "(none)" })
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.as_deref().map_or("(none)".to_owned(), shown))
    }
}
