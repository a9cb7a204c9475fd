//! What a JSON document says about the text inside it.

use std::borrow::Cow;
use std::path::Path;

use logwake_detector::record::Level;
use logwake_detector::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::draft::Outer;
use super::json::{self, Envelope, Field, SERVICE_WEAK, Scalar};
use super::layers::first_stated;
use super::options::Format;
use super::sink::{Reason, Sink};
use super::stamp::{self, Stamp};
use super::steps;
use super::{Decoder, level};

/// Where the docker daemon cuts lines.
const DOCKER_PIECE_BYTES: usize = 16 << 10;

impl Decoder {
    /// A JSON object around the text.
    pub(super) fn json<S: Sink>(
        &mut self,
        text: &[u8],
        outer: Outer<'_>,
        sink: &mut S,
    ) -> Result<(), Reason> {
        let mut path = std::mem::take(&mut self.path);
        let text = String::from_utf8_lossy(text);
        steps::add(text.len());
        let envelope = json::read(&text, &mut path);
        self.path = path;
        match envelope {
            Ok(envelope) if text.starts_with('{') => self.envelope(&envelope, &text, outer, sink),
            Ok(_) => Err(Reason::NotAnObject),
            Err(_) => Err(Reason::InvalidJson),
        }
    }

    fn envelope<S: Sink>(
        &mut self,
        envelope: &Envelope<'_>,
        text: &str,
        outer: Outer<'_>,
        sink: &mut S,
    ) -> Result<(), Reason> {
        self.check_format(envelope, outer.depth)?;
        let time = envelope
            .get(Field::Time)
            .and_then(|(_, scalar)| self.scalar_time(scalar, outer.arrival));
        let (level, weak_level) = levels(envelope);
        let (found, is_weak) = envelope_service(envelope);
        let inner = Outer {
            time: time.or(outer.time),
            level: first_stated([level, outer.level]),
            weak_level: first_stated([weak_level, outer.weak_level]),
            service: if found.is_empty() || is_weak && !outer.is_service_weak {
                outer.service
            } else {
                found
            },
            is_service_weak: if found.is_empty() {
                outer.is_service_weak
            } else {
                is_weak && outer.is_service_weak
            },
            host: envelope.text(Field::Host).unwrap_or(outer.host),
            template: envelope.text(Field::Template).or(outer.template),
            trace: envelope.text(Field::Trace).or(outer.trace),
            stream: stream(envelope, found, outer.stream),
            is_raw: outer.is_raw && level == Level::Unknown,
            depth: outer.depth + 1,
            ..outer
        };
        let Some(message) = message(envelope) else {
            let flat = json::flatten(text);
            let content = if flat.is_empty() { text } else { flat.as_str() };
            self.whole(content.as_bytes(), Outer { is_raw: false, ..inner }, sink);
            return Ok(());
        };
        if !outer.is_joined && self.is_piece(envelope, &message) {
            self.piece(message.as_bytes(), true, inner, sink);
        } else if self.partials.is_empty() {
            self.text(message.as_bytes(), inner, sink);
        } else {
            self.piece(message.as_bytes(), false, inner, sink);
        }
        Ok(())
    }

    fn check_format(&self, envelope: &Envelope<'_>, depth: u8) -> Result<(), Reason> {
        let has_all = match self.options.format {
            _ if depth > 0 => true,
            Format::Docker => envelope.get(Field::Message).is_some_and(|(rank, _)| rank == 2),
            Format::Gelf => envelope.get(Field::Message).is_some_and(|(rank, _)| rank == 4),
            _ => true,
        };
        if has_all { Ok(()) } else { Err(Reason::FormatMismatch) }
    }

    pub(super) fn scalar_time(
        &mut self,
        scalar: &Scalar<'_>,
        read: Option<Timestamp>,
    ) -> Option<Timestamp> {
        match scalar {
            Scalar::Int(value) => stamp::epoch(*value, 0),
            Scalar::Float(value) if value.is_finite() && value.abs() < 9e18 => {
                let whole = value.floor();
                stamp::epoch(whole as i64, ((value - whole) * 1e9) as u32)
            }
            Scalar::Float(_) => None,
            Scalar::Text(text) => {
                let text = text.trim();
                if let Ok(value) = text.parse::<i64>() {
                    return stamp::epoch(value, 0);
                }
                let stamp = stamp::whole(text.as_bytes()).filter(Stamp::is_dated)?;
                self.calendar.resolve(stamp, read)
            }
        }
    }

    /// Whether the runtime cut the message here.
    fn is_piece(&self, envelope: &Envelope<'_>, message: &str) -> bool {
        if envelope.text(Field::Partial).is_some_and(|tag| tag.starts_with('P')) {
            return true;
        }
        let is_docker = self.options.format == Format::Docker;
        envelope.get(Field::Message).is_some_and(|(rank, _)| rank == 2)
            && !message.ends_with('\n')
            && (is_docker
                || envelope.get(Field::Stream).is_some() && message.len() == DOCKER_PIECE_BYTES)
    }
}

/// The text to read on with: the message, the error and its stack behind it where it does not hold them already.
pub(super) fn message<'e>(envelope: &'e Envelope<'_>) -> Option<Cow<'e, str>> {
    let mut message = match envelope.get(Field::Message) {
        Some((_, Scalar::Text(text))) => Cow::Borrowed(&**text),
        _ => Cow::Borrowed(""),
    };
    if let Some(full) = envelope.text(Field::Full).filter(|full| full.starts_with(&*message)) {
        message = Cow::Borrowed(full);
    }
    let stack = envelope.text(Field::Stack).filter(|stack| !message.contains(*stack));
    let error = envelope.text(Field::Error);
    let is_said =
        |error: &str| message.contains(error) || stack.is_some_and(|stack| stack.contains(error));
    let error = error.filter(|error| !is_said(error));
    for (text, joint) in [(error, ": "), (stack, "\n")] {
        let Some(text) = text else { continue };
        if message.is_empty() {
            message = Cow::Borrowed(text);
        } else {
            let whole = format!("{}{joint}{text}", message.trim_end());
            message = Cow::Owned(whole);
        }
    }
    let is_stated = envelope.get(Field::Message).is_some();
    (is_stated || !message.is_empty()).then_some(message)
}

/// The levels of a document: what it states, and what a syslog number says by default.
pub(super) fn levels(envelope: &Envelope<'_>) -> (Level, Level) {
    let Some((rank, scalar)) = envelope.get(Field::Level) else {
        return (Level::Unknown, Level::Unknown);
    };
    let number = match scalar {
        Scalar::Text(text) => match text.parse::<i64>() {
            Ok(number) => number,
            Err(_) => return (level::field(text).unwrap_or_default(), Level::Unknown),
        },
        Scalar::Int(number) => *number,
        Scalar::Float(number) => *number as i64,
    };
    match rank {
        6 => (level::otlp(number).unwrap_or_default(), Level::Unknown),
        _ if number <= 7 => (Level::Unknown, level::number(number).unwrap_or_default()),
        _ => (level::number(number).unwrap_or_default(), Level::Unknown),
    }
}

/// The service of a document, and whether it is only guessed.
pub(super) fn envelope_service<'e>(envelope: &'e Envelope<'_>) -> (&'e str, bool) {
    match envelope.get(Field::Service) {
        Some((rank, Scalar::Text(name))) => {
            (name.strip_prefix('/').unwrap_or(name), rank >= SERVICE_WEAK)
        }
        _ => envelope.text(Field::File).map_or(("", true), |path| (file_service(path), true)),
    }
}

fn file_service(path: &str) -> &str {
    crate::files::service_of(Path::new(path))
}

/// The key of the stream inside the source that a document belongs to.
fn stream(envelope: &Envelope<'_>, service: &str, seed: u64) -> u64 {
    let mut key = xxh3_64_with_seed(service.as_bytes(), seed);
    for field in [Field::Host, Field::Pod, Field::Container, Field::File, Field::Stream] {
        if let Some(text) = envelope.text(field) {
            key = xxh3_64_with_seed(text.as_bytes(), key.wrapping_add(field as u64));
        }
    }
    key
}
