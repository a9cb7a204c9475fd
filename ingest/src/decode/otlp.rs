//! OpenTelemetry `ExportLogsServiceRequest` in its JSON encoding: one payload, many records.
//!
//! Numbers come as numbers or as text, severities as numbers or as the names of the enumeration; unknown fields
//! are skipped, as the encoding demands, and a field of another type than its own counts as absent.
//! A payload is walked in place: nothing is built for what has no meaning here, and a resource is read once,
//! however many records it has.

mod value;

use std::borrow::Cow;

use logwake_detector::record::Level;
use logwake_detector::time::Timestamp;

use super::json::scan::{self, Cursor};
use super::level;

/// Attributes of a resource that name the service, the most telling first.
const SERVICE: [&str; 4] =
    ["service.name", "k8s.deployment.name", "k8s.container.name", "container.name"];
/// Attributes of a resource that name the host.
const HOST: [&str; 3] = ["host.name", "k8s.pod.name", "k8s.node.name"];
/// Attributes of a record that hold its template.
const TEMPLATE: [&str; 2] = ["log.record.template", "{OriginalFormat}"];

/// The resources of a request.
#[derive(Debug)]
pub(crate) struct Request<'a>(Vec<ResourceLogs<'a>>);

/// What one resource logged.
#[derive(Debug, Default)]
struct ResourceLogs<'a> {
    service: Option<Cow<'a, str>>,
    host: Option<Cow<'a, str>>,
    records: Vec<&'a str>,
}

/// One log record of a request.
#[derive(Debug)]
pub(crate) struct Item<'r> {
    pub(crate) time: Option<Timestamp>,
    pub(crate) level: Level,
    pub(crate) service: &'r str,
    pub(crate) host: &'r str,
    pub(crate) template: Option<Cow<'r, str>>,
    pub(crate) trace: Option<Cow<'r, str>>,
    pub(crate) body: Cow<'r, str>,
}

impl<'a> Request<'a> {
    /// Reads a valid JSON document; `None` where it is no request, or holds something else than records.
    pub(crate) fn read(document: &'a str) -> Option<Self> {
        let mut cursor = Cursor::new(document);
        let mut resources = None;
        cursor.enter('{')?;
        while let Some(key) = cursor.key() {
            if !matches!(&*key, "resourceLogs" | "resource_logs") {
                cursor.token()?;
                continue;
            }
            let resources = resources.get_or_insert_with(Vec::new);
            cursor.enter('[')?;
            while cursor.has_element() {
                let logs = ResourceLogs::read(&mut cursor)?;
                if !logs.records.is_empty() {
                    resources.push(logs);
                }
            }
        }
        resources.map(Self)
    }

    /// Returns the log records in order.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.0.iter().flat_map(|logs| logs.records.iter().map(move |record| item(record, logs)))
    }
}

impl<'a> ResourceLogs<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut read = Self::default();
        cursor.enter('{')?;
        while let Some(key) = cursor.key() {
            match &*key {
                "resource" => read.add_resource(cursor.token()?),
                "scopeLogs" | "scope_logs" => {
                    cursor.enter('[')?;
                    while cursor.has_element() {
                        read.add_scope(cursor)?;
                    }
                }
                _ => cursor.token().map(|_| ())?,
            }
        }
        Some(read)
    }

    fn add_resource(&mut self, resource: &'a str) {
        if let Some(attributes) = value::member(resource, "attributes") {
            self.service = value::attribute(attributes, &SERVICE)
                .filter(|name| !name.starts_with("unknown_service"));
            self.host = value::attribute(attributes, &HOST);
        }
    }

    fn add_scope(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        cursor.enter('{')?;
        while let Some(key) = cursor.key() {
            if !matches!(&*key, "logRecords" | "log_records") {
                cursor.token()?;
                continue;
            }
            cursor.enter('[')?;
            while cursor.has_element() {
                self.records.push(cursor.token().filter(|record| record.starts_with('{'))?);
            }
        }
        Some(())
    }
}

fn item<'r>(record: &'r str, logs: &'r ResourceLogs<'_>) -> Item<'r> {
    let (mut time, mut observed) = (None, None);
    let (mut by_number, mut by_text) = (None, None);
    let (mut body, mut event_name, mut template, mut trace) = (None, None, None, None);
    for (key, value) in scan::members(record) {
        match &*key {
            "timeUnixNano" | "time_unix_nano" => time = nanos(value),
            "observedTimeUnixNano" | "observed_time_unix_nano" => observed = nanos(value),
            "severityNumber" | "severity_number" => by_number = severity(value),
            "severityText" | "severity_text" => {
                by_text = scan::text_of(value).and_then(|text| level::field(&text));
            }
            "body" => body = value::body(value),
            "attributes" => template = value::attribute(value, &TEMPLATE),
            "eventName" | "event_name" => event_name = scan::text_of(value),
            "traceId" | "trace_id" => trace = scan::text_of(value),
            _ => {}
        }
    }
    Item {
        time: time.or(observed),
        level: by_number.or(by_text).unwrap_or_default(),
        service: logs.service.as_deref().unwrap_or_default(),
        host: logs.host.as_deref().unwrap_or_default(),
        template,
        trace: trace.filter(|id| !id.is_empty()),
        body: body.or(event_name).unwrap_or_default(),
    }
}

fn severity(token: &str) -> Option<Level> {
    let Some(name) = scan::text_of(token) else { return token.parse().ok().and_then(level::otlp) };
    name.parse().ok().and_then(level::otlp).or_else(|| {
        let name = name
            .trim_start_matches("SEVERITY_NUMBER_")
            .trim_end_matches(|last: char| last.is_ascii_digit());
        level::word(name.as_bytes())
    })
}

fn nanos(token: &str) -> Option<Timestamp> {
    let text = scan::text_of(token).unwrap_or(Cow::Borrowed(token));
    text.parse::<i64>().ok().filter(|nanos| *nanos > 0).map(Timestamp::from_nanos)
}
