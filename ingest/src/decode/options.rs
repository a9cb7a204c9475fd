//! What a decoder is told: the format, users' header patterns, joining, the zone, limits.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use logwake_detector::time::Timestamp;
use regex::bytes::Regex;

/// Everything a [`Decoder`](super::Decoder) is told.
#[derive(Clone, Debug)]
pub struct DecoderOptions {
    /// How payloads are written.
    pub format: Format,
    /// The user's header patterns, by name.
    pub headers: Vec<HeaderPattern>,
    /// Joining of physical lines to logical ones.
    pub multiline: MultilineOptions,
    /// The zone of stamps that state none; UTC by default.
    pub zone: TimeZone,
    /// The time to resolve a missing year against, where nothing nearer is known.
    pub now: Timestamp,
    /// Names the session of a record: its first group, or the whole match, in the content.
    pub session_key: Option<Regex>,
    /// Whether, without a session key, the trace id that a payload states names the session.
    pub session_by_trace: bool,
    /// Longest payload that is decoded, in bytes; a longer one is rejected. 1 MiB by default.
    pub line_bytes_max: usize,
    /// The service of every record, whatever it states itself.
    pub service: Option<String>,
}

impl Default for DecoderOptions {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            headers: Vec::new(),
            multiline: MultilineOptions::default(),
            zone: TimeZone::UTC,
            now: Timestamp::default(),
            session_key: None,
            session_by_trace: false,
            line_bytes_max: 1 << 20,
            service: None,
        }
    }
}

/// How physical lines are joined.
#[derive(Clone, Debug)]
pub struct MultilineOptions {
    /// Whether lines are joined at all.
    pub enabled: bool,
    /// The user's rule: a line that matches starts a record, any other continues one.
    pub start: Option<Regex>,
    /// Most physical lines in a record; the next line begins a new one. 500 by default.
    pub lines_max: u32,
    /// Most bytes in a joined record; the next line begins a new one. 64 KiB by default.
    pub bytes_max: usize,
}

impl Default for MultilineOptions {
    fn default() -> Self {
        Self { enabled: true, start: None, lines_max: 500, bytes_max: 64 << 10 }
    }
}

/// A user's header pattern: a regular expression with the groups `time`, `level`, `service`, `host`, `message`.
#[derive(Clone, Debug)]
pub struct HeaderPattern {
    /// The name by which a format refers to it.
    pub name: String,
    /// The expression; every group is optional, without `message` the rest of the line is the content.
    pub regex: Regex,
}

impl HeaderPattern {
    /// The groups that a header pattern may name.
    pub const GROUPS: [&'static str; 5] = ["time", "level", "service", "host", "message"];

    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// When the expression is not valid or names a group that has no meaning here.
    pub fn new(name: &str, expression: &str) -> Result<Self, OptionsError> {
        let regex = Regex::new(expression).map_err(|source| OptionsError::Pattern {
            name: name.to_owned(),
            source: Box::new(source),
        })?;
        if let Some(group) =
            regex.capture_names().flatten().find(|group| !Self::GROUPS.contains(group))
        {
            return Err(OptionsError::Group { name: name.to_owned(), group: group.to_owned() });
        }
        Ok(Self { name: name.to_owned(), regex })
    }
}

/// How payloads are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Found out payload by payload.
    #[default]
    Auto,
    /// The whole payload is the message: no header, no joining.
    Plain,
    /// A JSON object: ECS, Filebeat, Logstash, Fluent Bit, Vector and their like.
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// RFC 5424 or RFC 3164.
    Syslog,
    /// Kubernetes container log lines.
    Cri,
    /// Docker json-file lines.
    Docker,
    /// Graylog extended log format.
    Gelf,
    /// OpenTelemetry `ExportLogsServiceRequest` as JSON; many records a payload.
    Otlp,
    /// A header pattern of the user, by name.
    Header(String),
}

impl Format {
    /// The built-in names.
    pub const NAMES: [&'static str; 9] =
        ["auto", "plain", "json", "logfmt", "syslog", "cri", "docker", "gelf", "otlp"];

    /// Checks that a header pattern that is referred to exists.
    ///
    /// # Errors
    ///
    /// When the format is neither built in nor the name of one of `headers`.
    pub fn check(&self, headers: &[HeaderPattern]) -> Result<(), OptionsError> {
        match self {
            Self::Header(name) if !headers.iter().any(|header| header.name == *name) => {
                let defined: Vec<_> = headers.iter().map(|header| header.name.as_str()).collect();
                Err(OptionsError::Format { name: name.clone(), defined: listed(&defined) })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Format {
    type Err = OptionsError;

    /// Reads a built-in name; any other identifier is taken for a header pattern, which [`Format::check`] looks up.
    fn from_str(name: &str) -> Result<Self, OptionsError> {
        Ok(match name {
            "auto" => Self::Auto,
            "plain" => Self::Plain,
            "json" => Self::Json,
            "logfmt" => Self::Logfmt,
            "syslog" => Self::Syslog,
            "cri" => Self::Cri,
            "docker" => Self::Docker,
            "gelf" => Self::Gelf,
            "otlp" => Self::Otlp,
            _ if is_identifier(name) => Self::Header(name.to_owned()),
            _ => return Err(OptionsError::Format { name: name.to_owned(), defined: listed(&[]) }),
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Plain => "plain",
            Self::Json => "json",
            Self::Logfmt => "logfmt",
            Self::Syslog => "syslog",
            Self::Cri => "cri",
            Self::Docker => "docker",
            Self::Gelf => "gelf",
            Self::Otlp => "otlp",
            Self::Header(name) => name,
        })
    }
}

/// What is wrong with options.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// A format that does not exist.
    #[error(
        "format `{name}` is unknown; use auto, plain, json, logfmt, syslog, cri, docker, gelf, otlp, \
         or the name of a header pattern from the configuration ({defined})"
    )]
    Format {
        /// As given.
        name: String,
        /// The names of the patterns that are defined.
        defined: String,
    },
    /// An expression that does not compile.
    #[error("header pattern `{name}` is not a regular expression")]
    Pattern {
        /// Name of the pattern.
        name: String,
        /// Why.
        source: Box<regex::Error>,
    },
    /// A group without a meaning.
    #[error(
        "header pattern `{name}` has the group `{group}`; use time, level, service, host, message"
    )]
    Group {
        /// Name of the pattern.
        name: String,
        /// Name of the group.
        group: String,
    },
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "none is defined".to_owned()
    } else {
        format!("defined: {}", names.join(", "))
    }
}
