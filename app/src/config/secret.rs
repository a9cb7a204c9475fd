//! Values that are secrets, and addresses with secrets in them.
//!
//! **A secret is never shown**: not in `logwake config`, not in an error, not in a log. Addresses
//! of chats are secrets but for their hosts.
//! A key is secret by its type; among the properties of librdkafka, which are free, by its name.

use super::node::{Node, Value};
use super::notify::Kind;
use super::sections::Config;
use super::setting::{Key, Reader, Setting, Writer};
use super::types::Properties;
use crate::secrets::{REDACTED, without_userinfo};

/// Parts of the names of properties that hold a secret.
const SECRET_PARTS: [&str; 7] =
    ["password", "secret", "passphrase", "token", "key.pem", "jaas", "credential"];
/// Beginnings of the names of properties that are not shown: what they hold may be a secret or a
/// command with one in it.
const SECRET_BEGINNINGS: [&str; 2] = ["sasl.oauthbearer.", "sasl.kerberos."];
/// Those of them that can hold one and are not named after it.
const SECRET_NAMES: [&str; 3] =
    ["sasl.oauthbearer.config", "sasl.oauthbearer.extensions", "sasl.kerberos.kinit.cmd"];

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

    fn write(&self, key: &Key, _: &str, writer: &mut Writer) {
        writer.value(key, self.0.as_ref().map(|_| REDACTED.into()));
    }
}

impl Setting for Address {
    const FROM_FILE: bool = true;

    fn read(&mut self, node: &Node, path: &str, reader: &mut Reader<'_>) {
        let mut secret = Secret::default();
        secret.read(node, path, reader);
        self.0 = secret.0;
    }

    fn write(&self, key: &Key, _: &str, writer: &mut Writer) {
        writer.value(key, self.0.as_deref().map(|url| shown(url).into()));
    }
}

/// Tells whether the value of a property of librdkafka is not to be shown.
pub fn is_secret_property(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| name.contains(part))
        || SECRET_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Lists every secret of a configuration, to be taken out of what libraries say.
pub fn secrets_of(config: &Config) -> Vec<String> {
    let kafka = &config.kafka;
    let properties = [&kafka.properties, &kafka.consumer_properties, &kafka.producer_properties];
    let mut secrets: Vec<String> = properties.into_iter().flat_map(in_properties).collect();
    for sink in &config.notify.0 {
        secrets.extend([&sink.routing_key.0, &sink.token.0].into_iter().flatten().cloned());
        // The path of Alertmanager's address is its API, which everybody knows.
        if sink.kind != Kind::Alertmanager {
            secrets.extend(sink.secrets());
        }
        secrets.extend(sink.url.0.as_deref().and_then(userinfo));
    }
    secrets.extend(config.intake.sources.0.iter().filter_map(|source| source.token.0.clone()));
    let urls = [&config.telemetry.otlp_endpoint, &config.http.public_url];
    secrets.extend(urls.into_iter().flatten().filter_map(|url| userinfo(url)));
    secrets
}

/// Values of secret properties, and what is assigned within them: `scope=x secret=y`.
fn in_properties(properties: &Properties) -> Vec<String> {
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRET_PARTS.iter().any(|part| name.contains(part)) || SECRET_NAMES.contains(&&*name)
    };
    let mut secrets = Vec::new();
    for (_, value) in properties.0.iter().filter(|(name, _)| is_secret(name)) {
        secrets.push(value.clone());
        let pieces = value.split([' ', ',']).filter_map(|piece| piece.split_once('='));
        secrets.extend(pieces.map(|(_, value)| value.trim_matches('"').to_owned()));
    }
    secrets
}

/// Returns the user information of an address.
pub fn userinfo(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map(|(user, _)| user.to_owned())
}

/// Shows an address in an error: without user information, and not at all if it is no address.
pub fn shown_in_error(url: &str) -> String {
    match url.contains("://") || !url.contains('@') {
        true => format!("{:?}", without_userinfo(url)),
        false => REDACTED.to_owned(),
    }
}

/// Shows an address without what may be secret in it.
fn shown(url: &str) -> String {
    let uri = url.parse::<ureq::http::Uri>().ok();
    let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.host()?, uri.port_u16())));
    let Some((scheme, host, port)) = parts else { return REDACTED.to_owned() };
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    let has_path = uri.as_ref().is_some_and(|uri| !matches!(uri.path(), "" | "/"));
    format!("{scheme}://{host}{port}{}", if has_path { "/(redacted)" } else { "" })
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { REDACTED } else { "(none)" })
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.as_deref().map_or("(none)".to_owned(), shown))
    }
}
