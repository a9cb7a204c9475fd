//! What an alert is about, whichever of the usual names says so: service, host, severity, name.
//!
//! Names are compared without regard to case, and `.`, `-`, `/` and blanks count as `_`, so
//! `service.name`, `Service Name` and `service_name` are one.

use logwake_detector::anomaly::Severity;
use logwake_models::template::{Skeleton, mask};

use super::limits::{NAME_BYTES_MAX, cut};
use super::severity;

/// Names of the service, the most telling first.
const SERVICE: &[&str] = &[
    "service",
    "service_name",
    "app",
    "application",
    "app_name",
    "application_name",
    "app_kubernetes_io_name",
    "label_app_kubernetes_io_name",
    "k8s_deployment_name",
    "component",
    "deployment",
    "job",
];
/// Names of the host.
const HOST: &[&str] = &[
    "host",
    "hostname",
    "host_name",
    "server",
    "node",
    "nodename",
    "node_name",
    "k8s_node_name",
    "kubernetes_node",
    "machine",
    "instance",
];
/// Names of the severity.
const SEVERITY: &[&str] = &["severity", "priority", "level", "urgency"];
/// Names of what the alert is called.
const NAME: &[&str] = &[
    "alertname",
    "alert_name",
    "rule",
    "rule_name",
    "rulename",
    "monitor",
    "monitor_name",
    "check",
    "check_name",
    "class",
];

/// What a label can tell of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// The service that it is about.
    Service,
    /// The host.
    Host,
    /// How grave it is.
    Severity,
    /// What it is called.
    Name,
}

/// Each aspect with the names of labels that tell it.
const ALIASES: [(Aspect, &[&str]); 4] = [
    (Aspect::Service, SERVICE),
    (Aspect::Host, HOST),
    (Aspect::Severity, SEVERITY),
    (Aspect::Name, NAME),
];

/// Says what a label tells by its name.
pub fn aspect_of(label: &str) -> Option<Aspect> {
    let tells = |(_, names): &&(Aspect, &[&str])| names.iter().any(|name| is_same(label, name));
    ALIASES.iter().find(tells).map(|(aspect, _)| *aspect)
}

/// What labels say, by aspect: the value under the most telling name.
#[derive(Debug, Default)]
pub(super) struct Said<'a>([Option<(usize, &'a str)>; ALIASES.len()]);

impl<'a> Said<'a> {
    /// Looks through labels once.
    pub(super) fn of(labels: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut said = Self::default();
        for (name, value) in labels.filter(|(_, value)| !value.is_empty()) {
            for ((_, names), best) in ALIASES.iter().zip(&mut said.0) {
                let rank = names.iter().position(|alias| is_same(name, alias));
                if let Some(rank) = rank
                    && best.is_none_or(|(best, _)| rank < best)
                {
                    *best = Some((rank, value));
                }
            }
        }
        said
    }

    fn text(&self, aspect: Aspect) -> Option<&'a str> {
        self.0[aspect as usize].map(|(_, text)| text.trim())
    }

    /// Returns the service, empty where none is named.
    pub(super) fn service(&self) -> String {
        cut(self.text(Aspect::Service).unwrap_or_default(), NAME_BYTES_MAX)
    }

    /// Returns the host, without its port.
    pub(super) fn host(&self) -> Option<String> {
        host(self.text(Aspect::Host)?)
    }

    /// Returns the severity, where a word for one is known.
    pub(super) fn severity(&self) -> Option<Severity> {
        severity::word(self.text(Aspect::Severity)?)
    }

    /// Returns what the alert is called: by its label, else by its summary without values.
    pub(super) fn name(&self, summary: &str) -> String {
        match self.text(Aspect::Name) {
            Some(name) => cut(name, NAME_BYTES_MAX),
            None => template_of(summary),
        }
    }
}

/// Returns a text without its values.
pub(super) fn template_of(text: &str) -> String {
    let mut skeleton = Skeleton::new();
    mask(text.as_bytes(), &mut skeleton);
    cut(skeleton.text(), NAME_BYTES_MAX)
}

/// Returns the host in what may be an address: without scheme, path and port.
pub(super) fn host(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = match rest.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None if rest.bytes().filter(|byte| *byte == b':').count() == 1 => {
            rest.split(':').next().unwrap_or_default()
        }
        None => rest,
    };
    let is_host = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    is_host.then(|| name.to_owned())
}

/// Compares a name as it is written with one of the lists.
fn is_same(written: &str, alias: &str) -> bool {
    let plain = |byte: u8| match byte {
        b'.' | b'-' | b'/' | b' ' => b'_',
        byte => byte.to_ascii_lowercase(),
    };
    written.len() == alias.len()
        && written.bytes().zip(alias.bytes()).all(|(byte, wanted)| plain(byte) == wanted)
}
