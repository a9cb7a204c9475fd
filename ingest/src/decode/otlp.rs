//! OpenTelemetry `ExportLogsServiceRequest` in its JSON encoding: one payload, many records.
//!
//! Numbers come as numbers or as text, severities as numbers or as the names of the enumeration;
//! unknown fields are skipped, as the encoding demands.

use std::borrow::Cow;

use logwake_detector::record::Level;
use logwake_detector::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::level;

#[derive(Debug, Deserialize)]
pub(crate) struct Request<'a> {
    #[serde(borrow, alias = "resource_logs", rename = "resourceLogs")]
    resource_logs: Vec<ResourceLogs<'a>>,
}

#[derive(Debug, Deserialize)]
struct ResourceLogs<'a> {
    #[serde(borrow, default)]
    resource: Resource<'a>,
    #[serde(borrow, default, alias = "scope_logs", rename = "scopeLogs")]
    scope_logs: Vec<ScopeLogs<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Resource<'a> {
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Deserialize)]
struct ScopeLogs<'a> {
    #[serde(borrow, default, alias = "log_records", rename = "logRecords")]
    log_records: Vec<LogRecord<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord<'a> {
    #[serde(default, alias = "time_unix_nano")]
    time_unix_nano: Value,
    #[serde(default, alias = "observed_time_unix_nano")]
    observed_time_unix_nano: Value,
    #[serde(default, alias = "severity_number")]
    severity_number: Value,
    #[serde(borrow, default, alias = "severity_text")]
    severity_text: Cow<'a, str>,
    #[serde(borrow, default)]
    body: AnyValue<'a>,
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
    #[serde(borrow, default, alias = "event_name")]
    event_name: Cow<'a, str>,
    #[serde(borrow, default, alias = "trace_id")]
    trace_id: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Attribute<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: AnyValue<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct AnyValue<'a> {
    #[serde(borrow, default, alias = "string_value", rename = "stringValue")]
    text: Option<Cow<'a, str>>,
    #[serde(flatten)]
    other: std::collections::BTreeMap<String, Value>,
}

/// One log record of a request.
#[derive(Debug)]
pub(crate) struct Item<'r> {
    pub(crate) time: Option<Timestamp>,
    pub(crate) level: Level,
    pub(crate) service: &'r str,
    pub(crate) host: &'r str,
    pub(crate) template: Option<&'r str>,
    pub(crate) trace: Option<&'r str>,
    pub(crate) body: Cow<'r, str>,
}

impl Request<'_> {
    /// Returns the log records in order.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.resource_logs.iter().flat_map(|logs| {
            let resource = &logs.resource.attributes;
            logs.scope_logs
                .iter()
                .flat_map(|scope| &scope.log_records)
                .map(|record| item(record, resource))
        })
    }
}

fn item<'r>(record: &'r LogRecord<'_>, resource: &'r [Attribute<'_>]) -> Item<'r> {
    let service = attribute(
        resource,
        &["service.name", "k8s.deployment.name", "k8s.container.name", "container.name"],
    );
    let service = service.filter(|name| !name.starts_with("unknown_service"));
    Item {
        time: nanos(&record.time_unix_nano).or_else(|| nanos(&record.observed_time_unix_nano)),
        level: severity(record),
        service: service.unwrap_or_default(),
        host: attribute(resource, &["host.name", "k8s.pod.name", "k8s.node.name"])
            .unwrap_or_default(),
        trace: Some(&*record.trace_id).filter(|id| !id.is_empty()),
        template: attribute(&record.attributes, &["log.record.template", "{OriginalFormat}"]),
        body: body(record),
    }
}

fn attribute<'r>(attributes: &'r [Attribute<'_>], keys: &[&str]) -> Option<&'r str> {
    keys.iter().find_map(|key| {
        let found = attributes.iter().find(|attribute| attribute.key == *key)?;
        found.value.text.as_deref().filter(|text| !text.is_empty())
    })
}

fn body<'r>(record: &'r LogRecord<'_>) -> Cow<'r, str> {
    if let Some(text) = &record.body.text {
        return Cow::Borrowed(text);
    }
    if record.body.other.is_empty() {
        return Cow::Borrowed(&record.event_name);
    }
    let plain: Vec<_> = record.body.other.values().map(plain).collect();
    match &plain[..] {
        [Value::Object(fields)] => {
            let message =
                ["message", "msg", "log"].iter().find_map(|key| fields.get(*key)?.as_str());
            message.map_or_else(
                || Cow::Owned(plain[0].to_string()),
                |text| Cow::Owned(text.to_owned()),
            )
        }
        [one] => Cow::Owned(one.to_string()),
        many => Cow::Owned(Value::Array(many.to_vec()).to_string()),
    }
}

/// Takes the type wrappers off an `AnyValue`.
fn plain(value: &Value) -> Value {
    let Value::Object(object) = value else { return value.clone() };
    let Some(values) = object.get("values").and_then(Value::as_array) else {
        return match object.values().next() {
            Some(inner) if object.len() == 1 && object.keys().all(|key| key.ends_with("Value")) => {
                plain(inner)
            }
            _ => value.clone(),
        };
    };
    let pair =
        |entry: &Value| Some((entry.get("key")?.as_str()?.to_owned(), plain(entry.get("value")?)));
    match values.iter().map(pair).collect::<Option<serde_json::Map<_, _>>>() {
        Some(map) if !values.is_empty() => Value::Object(map),
        _ => Value::Array(values.iter().map(plain).collect()),
    }
}

fn severity(record: &LogRecord<'_>) -> Level {
    let by_number = match &record.severity_number {
        Value::Number(number) => number.as_i64().and_then(level::otlp),
        Value::String(name) => name.parse().ok().and_then(level::otlp).or_else(|| {
            let name = name
                .trim_start_matches("SEVERITY_NUMBER_")
                .trim_end_matches(|last: char| last.is_ascii_digit());
            level::word(name.as_bytes())
        }),
        _ => None,
    };
    by_number.or_else(|| level::field(&record.severity_text)).unwrap_or_default()
}

fn nanos(value: &Value) -> Option<Timestamp> {
    let nanos = match value {
        Value::Number(number) => number.as_i64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    (nanos > 0).then(|| Timestamp::from_nanos(nanos))
}
