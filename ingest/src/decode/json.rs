//! JSON envelopes: walks a document once and keeps what has a meaning, borrowed where it can be.
//!
//! `{"log":{"level":"error"}}`, `{"log.level":"error"}` and any mixture of both are one: every value is known by
//! its dotted path. What has no meaning is skipped without being built, and only objects of known paths are
//! descended into, so the depth of a document costs no stack.
//! Keys are those of ECS and Filebeat, Logstash, Fluent Bit, Vector, GELF, docker, journald, Serilog, Pino, zap,
//! MongoDB; where several give the same thing, the rank says which wins.

mod flat;
pub(crate) mod scan;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use flat::descend;
pub(crate) use flat::flatten;

/// What a value of a document means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Message,
    Level,
    Time,
    Service,
    Host,
    /// File that the line was read from.
    File,
    /// Standard output or error.
    Stream,
    Container,
    Pod,
    /// Template that an upstream collector found.
    Template,
    /// Trace id.
    Trace,
    /// One line that says what went wrong.
    Error,
    /// Stack trace.
    Stack,
    /// Mark of a line that a runtime cut: CRI's `P` or `F`.
    Partial,
    /// GELF's long message.
    Full,
}

const FIELDS: usize = Field::Full as usize + 1;

/// A scalar of a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Int(i64),
    Float(f64),
}

/// What a document says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envelope<'a> {
    fields: [Option<(u8, Scalar<'a>)>; FIELDS],
}

impl<'a> Envelope<'a> {
    /// Returns a field with its rank, 0 for the key that is asked first.
    pub(crate) fn get(&self, field: Field) -> Option<(u8, &Scalar<'a>)> {
        self.fields[field as usize].as_ref().map(|(rank, scalar)| (*rank, scalar))
    }

    /// Returns a field where it is a text that is not empty.
    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        match self.get(field) {
            Some((_, Scalar::Text(text))) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn offer(&mut self, field: Field, rank: u8, scalar: Scalar<'a>) {
        let slot = &mut self.fields[field as usize];
        if matches!(&scalar, Scalar::Text(text) if text.is_empty()) && field != Field::Message {
            return;
        }
        if slot.as_ref().is_none_or(|(known, _)| rank < *known) {
            *slot = Some((rank, scalar));
        }
    }
}

/// Reads a whole JSON object; `path` is a buffer to reuse.
pub(crate) fn read<'a>(
    text: &'a str,
    path: &mut String,
) -> Result<Envelope<'a>, serde_json::Error> {
    let mut envelope = Envelope::default();
    path.clear();
    let mut reader = serde_json::Deserializer::from_str(text);
    Node { envelope: &mut envelope, path, known: None, may_descend: true }
        .deserialize(&mut reader)?;
    reader.end()?;
    Ok(envelope)
}

/// One value at a path.
struct Node<'e, 'a> {
    envelope: &'e mut Envelope<'a>,
    path: &'e mut String,
    known: Option<(Field, u8)>,
    may_descend: bool,
}

impl<'a> DeserializeSeed<'a> for Node<'_, 'a> {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        if self.known.is_none() && !self.may_descend {
            return reader.deserialize_ignored_any(IgnoredAny).map(|_| ());
        }
        reader.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Node<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        if !self.may_descend {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let len = self.path.len();
        while map.next_key_seed(Key(self.path))?.is_some() {
            let known = meaning(self.path);
            let may_descend = is_container(self.path);
            map.next_value_seed(Node {
                envelope: &mut *self.envelope,
                path: &mut *self.path,
                known,
                may_descend,
            })?;
            self.path.truncate(len);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.offer(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.offer(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.offer(Scalar::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.offer(Scalar::Int(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.offer(Scalar::Float(value))
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

impl<'a> Node<'_, 'a> {
    fn offer<E>(self, scalar: Scalar<'a>) -> Result<(), E> {
        if let Some((field, rank)) = self.known {
            self.envelope.offer(field, rank, scalar);
        }
        Ok(())
    }
}

/// Adds a key to the path.
struct Key<'e>(&'e mut String);

impl<'a> DeserializeSeed<'a> for Key<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        descend(self.0, key);
        Ok(())
    }
}

/// Objects that are looked into.
fn is_container(path: &str) -> bool {
    matches!(
        path,
        "log"
            | "log.file"
            | "log.record"
            | "service"
            | "host"
            | "event"
            | "fields"
            | "fields.service"
            | "error"
            | "container"
            | "kubernetes"
            | "kubernetes.labels"
            | "kubernetes.labels.app"
            | "kubernetes.labels.app.kubernetes"
            | "kubernetes.container"
            | "kubernetes.pod"
            | "kubernetes.node"
            | "log_processed"
            | "data_stream"
            | "docker"
            | "t"
            | "exception"
            | "resource"
            | "winlog"
            | "attributes"
            | "err"
            | "timestamp"
            | "kubernetes.labels.k8s-app"
            | "log_processed.log"
    )
}

/// Says what the value at a dotted path means, and how far back in the order of asking it stands.
#[allow(clippy::too_many_lines, reason = "one table")]
pub(crate) fn meaning(path: &str) -> Option<(Field, u8)> {
    use Field::*;
    Some(match path {
        "message" => (Message, 0),
        "body" => (Message, 1),
        "log" => (Message, 2),
        "msg" => (Message, 3),
        "short_message" => (Message, 4),
        "event.original" => (Message, 5),
        "MESSAGE" => (Message, 6),
        "log_processed.message" => (Message, 7),
        "log_processed.msg" => (Message, 8),
        "@m" | "renderedMessage" | "RenderedMessage" | "Message" => (Message, 9),
        "event" | "text" | "textPayload" | "description" => (Message, 10),
        "@mt" | "MessageTemplate" | "messageTemplate" => return Some((Template, 1)),
        "full_message" => (Full, 0),

        "log.level" => (Level, 0),
        "severityText" | "severity_text" => (Level, 1),
        "level" => (Level, 2),
        "severity" => (Level, 3),
        "lvl" | "loglevel" | "log_level" | "levelname" | "level_name" | "Level" | "@l" | "s" => {
            (Level, 4)
        }
        "log_processed.level" => (Level, 5),
        "severityNumber" | "severity_number" => (Level, 6),
        "PRIORITY" => (Level, 7),

        "@timestamp" => (Time, 0),
        "timeUnixNano" | "time_unix_nano" => (Time, 1),
        "observedTimeUnixNano" => (Time, 9),
        "time" => (Time, 2),
        "ts" => (Time, 3),
        "timestamp" => (Time, 4),
        "t.$date" | "@t" | "_time" | "datetime" | "asctime" | "date" | "eventTime"
        | "Timestamp" | "ts_ns" | "timestamp_ms" | "ts_ms" => (Time, 5),
        "t" => (Time, 6),
        "__REALTIME_TIMESTAMP" | "_SOURCE_REALTIME_TIMESTAMP" => (Time, 7),
        "log_processed.time" | "log_processed.ts" | "log_processed.timestamp" => (Time, 8),

        "service.name" | "service" | "resource.service.name" | "attributes.service.name" => {
            (Service, 0)
        }
        "kubernetes.labels.app.kubernetes.io/name" | "kubernetes.labels.app_kubernetes_io/name" => {
            (Service, 1)
        }
        "kubernetes.labels.app" | "kubernetes.labels.k8s-app" => (Service, 2),
        "kubernetes.container.name"
        | "kubernetes.container_name"
        | "container_name"
        | "_container_name" => (Service, 3),
        "container.name" | "docker.container_name" => (Service, 4),
        "app" | "application" | "app_name" | "appname" | "service_name" | "_app" | "_service" => {
            (Service, 5)
        }
        "fields.service" | "fields.service.name" | "fields.app" => (Service, 6),
        "SYSLOG_IDENTIFIER" | "program" | "syslog_identifier" | "_COMM" => (Service, 7),
        "_SYSTEMD_UNIT" => (Service, 8),
        "event.dataset" | "data_stream.dataset" => (Service, SERVICE_WEAK),

        "host.name" | "host" => (Host, 0),
        "host.hostname" | "hostname" | "HOSTNAME" | "_HOSTNAME" => (Host, 1),
        "kubernetes.pod.name" | "kubernetes.pod_name" | "pod" => (Host, 2),
        "kubernetes.node.name" | "kubernetes.host" => (Host, 3),
        "source" => (Host, 4),

        "log.file.path" | "file" | "filename" | "filepath" | "path" => (File, 0),
        "stream" => (Stream, 0),
        "container.id"
        | "docker.container_id"
        | "container_id"
        | "_container_id"
        | "kubernetes.docker_id" => (Container, 0),
        "log.record.template" => (Template, 0),
        "{OriginalFormat}" | "sentry.message.template" | "newrelic.logPattern" => (Template, 2),
        "trace.id" | "trace_id" | "traceId" | "TraceId" | "traceID" | "otelTraceID"
        | "dd.trace_id" => (Trace, 0),
        "error.message" | "err.message" | "err.msg" => (Error, 0),
        "error" | "err" | "exception.message" => (Error, 1),
        "error.stack_trace" | "err.stack" | "error.stack" => (Stack, 0),
        "stack_trace"
        | "stacktrace"
        | "stackTrace"
        | "stack"
        | "exception.stacktrace"
        | "traceback" => (Stack, 1),
        "exception" | "@x" | "exc_info" => (Stack, 2),
        "logtag" | "_p" => (Partial, 0),
        _ => return None,
    })
}

/// From this rank on a service is only guessed.
pub(crate) const SERVICE_WEAK: u8 = 9;
