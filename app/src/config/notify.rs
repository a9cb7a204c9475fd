//! `[[notify]]`: the sinks of alerts, their secrets, and what must hold of them.
//!
//! **A secret is never shown**: not in `logwake config`, not in an error, not in a log. Addresses
//! of chats are secrets but for their hosts.

use std::collections::BTreeMap;
use std::time::Duration;

use logwake_detector::anomaly::Severity;
use logwake_detector::notify::SinkSettings;
use logwake_emit::notify::{SinkKind, Template};

use super::node::{Node, Value};
use super::problem::Problem;
use super::sections::Notify;
use super::setting::{Key, Reader, Section as _, Setting, Writer};
use super::types::Word;

/// Where PagerDuty takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Where Alertmanager takes alerts.
const ALERTMANAGER_PATH: &str = "/api/v2/alerts";
/// How often Alertmanager is sent what is open: Prometheus's own interval.
const RESEND_EVERY: Duration = Duration::from_secs(60);
/// What PagerDuty takes a minute from one key.
const PAGERDUTY_MAX: usize = 120;

/// The sinks, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sinks(pub Vec<Notify>);

/// A value that is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub Option<String>);

/// An address whose host may be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address(pub Option<String>);

/// A kind of sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PagerDuty Events API v2.
    PagerDuty,
    /// Alertmanager API v2.
    Alertmanager,
    /// Slack incoming webhook.
    Slack,
    /// Microsoft Teams workflow webhook.
    Teams,
    /// Any other.
    Webhook,
}

impl Word for Kind {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("pagerduty", Self::PagerDuty),
        ("alertmanager", Self::Alertmanager),
        ("slack", Self::Slack),
        ("teams", Self::Teams),
        ("webhook", Self::Webhook),
    ];
}

impl Notify {
    /// Returns what the notify machine is told of the sink.
    pub fn settings(&self) -> SinkSettings {
        let per_minute = self.requests_a_minute();
        SinkSettings {
            name: self.name.clone(),
            severity_min: self.severity_min,
            services: self.services.clone(),
            sends_resolved: self.send_resolved,
            per_minute,
            reserve: (per_minute as f64 * self.reserve).ceil() as usize,
            resend_every: (self.kind == Kind::Alertmanager).then_some(RESEND_EVERY),
            give_up_after: self.give_up_after.0,
        }
    }

    /// Returns how the sink is spoken to.
    pub fn sink_kind(&self) -> SinkKind {
        match self.kind {
            Kind::PagerDuty => {
                SinkKind::PagerDuty { routing_key: self.routing_key.0.clone().unwrap_or_default() }
            }
            Kind::Alertmanager => SinkKind::Alertmanager,
            Kind::Slack => SinkKind::Slack,
            Kind::Teams => SinkKind::Teams,
            Kind::Webhook => {
                let template = self.template.as_deref().and_then(|text| Template::new(text).ok());
                SinkKind::Webhook(template)
            }
        }
    }

    /// Returns the address that requests go to.
    pub fn endpoint(&self) -> String {
        match (&self.url.0, self.kind) {
            (None, _) => PAGERDUTY.to_owned(),
            (Some(url), Kind::Alertmanager) if !url.ends_with(ALERTMANAGER_PATH) => {
                format!("{}{ALERTMANAGER_PATH}", url.trim_end_matches('/'))
            }
            (Some(url), _) => url.clone(),
        }
    }

    fn requests_a_minute(&self) -> usize {
        self.per_minute.unwrap_or(match self.kind {
            Kind::PagerDuty | Kind::Webhook => 100,
            Kind::Slack | Kind::Teams => 50,
            Kind::Alertmanager => 6_000,
        })
    }
}

/// Reports what is wrong with the sinks.
pub(super) fn check(sinks: &Sinks, problems: &mut Vec<Problem>) {
    for (idx, sink) in sinks.0.iter().enumerate() {
        let path = format!("notify[{idx}]");
        sink.check_ranges(&path, problems);
        let mut refuse = |key: &str, message: String| {
            problems.push(Problem::new(format!("{path}.{key}"), message));
        };
        check_name(sink, &sinks.0[..idx], &mut refuse);
        check_address(sink, &mut refuse);
        check_secrets(sink, &mut refuse);
        if let Some(per_minute) = sink.per_minute
            && !(1..=100_000).contains(&per_minute)
        {
            refuse("per_minute", format!("{per_minute} is outside the range from 1 to 100000"));
        }
        if let Some(template) = &sink.template
            && let Err(error) = Template::new(template)
        {
            refuse("template", format!("is not a template: {error}"));
        }
    }
}

fn check_name(sink: &Notify, before: &[Notify], refuse: &mut impl FnMut(&str, String)) {
    let legal = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if sink.name.is_empty() {
        refuse("name", "is missing".to_owned());
    } else if sink.name.len() > 64 || !sink.name.chars().all(legal) {
        let message = format!("{:?} is not 1 to 64 of the characters a-z A-Z 0-9 . _ -", sink.name);
        refuse("name", message);
    } else if before.iter().any(|earlier| earlier.name == sink.name) {
        refuse("name", format!("{:?} is given twice", sink.name));
    }
}

fn check_address(sink: &Notify, refuse: &mut impl FnMut(&str, String)) {
    match &sink.url.0 {
        None if sink.kind == Kind::PagerDuty => {}
        None => refuse("url", format!("is needed for kind {:?}", sink.kind.word())),
        Some(url) => {
            let parsed = url.parse::<ureq::http::Uri>().ok();
            let scheme = parsed.as_ref().and_then(|uri| uri.scheme_str());
            let host = parsed.as_ref().and_then(|uri| uri.host());
            if !matches!(scheme, Some("http" | "https")) || host.is_none_or(str::is_empty) {
                let message = "is not an address that begins with https:// or http:// and a host";
                refuse("url", message.to_owned());
            }
        }
    }
}

fn check_secrets(sink: &Notify, refuse: &mut impl FnMut(&str, String)) {
    let kind = sink.kind.word();
    match &sink.routing_key.0 {
        None if sink.kind == Kind::PagerDuty => {
            refuse("routing_key", format!("is needed for kind {kind:?}"));
        }
        Some(_) if sink.kind != Kind::PagerDuty => {
            refuse("routing_key", format!("means nothing for kind {kind:?}, remove it"));
        }
        _ => {}
    }
    let takes_token = matches!(sink.kind, Kind::Alertmanager | Kind::Webhook);
    if sink.token.0.is_some() && !takes_token {
        refuse("token", format!("means nothing for kind {kind:?}, remove it"));
    }
    if sink.template.is_some() && sink.kind != Kind::Webhook {
        refuse("template", format!("means nothing for kind {kind:?}, remove it"));
    }
}

/// Reports what is allowed and seldom meant.
pub(super) fn warnings(sinks: &Sinks, warnings: &mut Vec<Problem>) {
    let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
    for (idx, sink) in sinks.0.iter().enumerate() {
        let Some(key) = &sink.routing_key.0 else { continue };
        let sum = by_key.entry(key).or_default();
        *sum += sink.requests_a_minute();
        if *sum > PAGERDUTY_MAX {
            let message = format!(
                "its routing key may be sent {sum} requests a minute by all that share it, PagerDuty takes {PAGERDUTY_MAX}; lower per_minute"
            );
            warnings.push(Problem::new(format!("notify[{idx}].routing_key"), message));
        }
        if sink.url.0.is_none() && (key.len() != 32 || !key.chars().all(char::is_alphanumeric)) {
            let message = "is not 32 letters and digits as PagerDuty's integration keys are";
            warnings.push(Problem::new(format!("notify[{idx}].routing_key"), message));
        }
    }
}

impl Setting for Sinks {
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
            let mut sink = Notify::default();
            sink.read(item, &path, reader);
            if let Value::Table(table) = &item.value
                && !table.contains_key("kind")
            {
                reader.refuse(item, &path, "kind is missing");
            }
            self.0.push(sink);
        }
    }

    fn write(&self, key: &Key, path: &str, writer: &mut Writer) {
        if self.0.is_empty() && writer.with_docs {
            writer.list_header(key, path, true);
            Notify::default().write_keys(path, writer);
            writer.is_example = false;
        }
        for (idx, sink) in self.0.iter().enumerate() {
            writer.list_header(key, path, false);
            sink.write_keys(&format!("{path}[{idx}]"), writer);
        }
    }
}

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

impl Word for Severity {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("info", Self::Info),
        ("warning", Self::Warning),
        ("error", Self::Error),
        ("critical", Self::Critical),
    ];
}
