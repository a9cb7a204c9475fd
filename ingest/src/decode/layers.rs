//! The layers of a payload, from the outside in: JSON, CRI, JSON again, logfmt, header, text.

use std::borrow::Cow;
use std::path::Path;

use logwake_detector::record::{Level, Record};
use logwake_detector::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::draft::{Draft, Outer};
use super::header::{self, Header};
use super::json::{self, Envelope, Field, SERVICE_WEAK, Scalar};
use super::options::Format;
use super::partial::{self, Partial};
use super::sink::{Reason, Sink};
use super::stamp::{self, Stamp};
use super::{Decoder, Emitter, clean, level, logfmt, otlp};

/// Layers around a text before it is taken as it is.
const DEPTH_MAX: u8 = 4;
/// A source that has been JSON so often is expected to stay so.
const JSON_SURE: u8 = 8;
/// Where the docker daemon cuts lines.
const DOCKER_PIECE_BYTES: usize = 16 << 10;

impl Decoder {
    /// Decodes a payload in the configured format; returns how many lines it counts for.
    pub(super) fn payload<S: Sink>(
        &mut self,
        payload: &[u8],
        outer: Outer<'_>,
        sink: &mut S,
    ) -> u32 {
        if clean::is_wide(payload) {
            sink.reject(outer.offset, 1, Reason::InvalidEncoding, payload);
            return 1;
        }
        let options = self.options.clone();
        match &options.format {
            Format::Plain => self.plain(payload, outer, sink),
            Format::Otlp => return self.otlp(payload, outer, sink),
            Format::Json | Format::Docker | Format::Gelf => {
                let text = clean::trim(payload).trim_ascii();
                if text.is_empty() {
                    sink.reject(outer.offset, 1, Reason::Empty, payload);
                } else if let Err(reason) = self.json(text, outer, sink) {
                    sink.reject(outer.offset, 1, reason, payload);
                }
            }
            Format::Cri => match partial::cri(clean::trim(payload)) {
                Some(cri) => self.cri(cri, outer, sink),
                None if clean::trim(payload).is_empty() => {
                    sink.reject(outer.offset, 1, Reason::Empty, payload)
                }
                None => sink.reject(outer.offset, 1, Reason::FormatMismatch, payload),
            },
            Format::Auto if is_otlp(payload) => return self.otlp(payload, outer, sink),
            _ => self.text(payload, outer, sink),
        }
        1
    }

    /// The whole payload is the message.
    fn plain<S: Sink>(&mut self, payload: &[u8], outer: Outer<'_>, sink: &mut S) {
        let text = clean::trim(payload);
        if text.is_empty() {
            return sink.reject(outer.offset, outer.lines, Reason::Empty, payload);
        }
        let service = self.options.service.as_deref().unwrap_or(&self.default_service);
        let record = Record {
            offset: outer.offset,
            lines: outer.lines,
            time: outer.arrival,
            service,
            host: "",
            level: Level::Unknown,
            content: text,
            template: None,
            session: None,
        };
        Emitter { options: &self.options, sink }.record(record);
    }

    /// A text whose layers are found out.
    fn text<S: Sink>(&mut self, raw: &[u8], outer: Outer<'_>, sink: &mut S) {
        let text = clean::uncolour(clean::trim(raw));
        let text: &[u8] = &text;
        let Some(&first) = text.first() else { return self.blank(raw, outer, sink) };
        if outer.depth < DEPTH_MAX {
            if first.is_ascii_digit() {
                if let Some(cri) = partial::cri(text) {
                    return self.cri(cri, outer, sink);
                }
            }
            if first == b'{' && text.trim_ascii_end().ends_with(b"}")
                || first == b'{' && self.json >= JSON_SURE
            {
                match self.json(text, outer, sink) {
                    Ok(()) => {
                        self.json = (self.json + u8::from(outer.depth == 0)).min(2 * JSON_SURE);
                        return;
                    }
                    Err(reason) if outer.depth == 0 && self.json >= JSON_SURE => {
                        return sink.reject(outer.offset, outer.lines, reason, raw);
                    }
                    Err(_) => {}
                }
            } else if outer.depth == 0 && self.json > 0 {
                self.json -= 1;
            }
            let is_logfmt = self.options.format == Format::Logfmt || logfmt::is_likely(text);
            if is_logfmt && self.logfmt(text, outer, sink) {
                return;
            }
        }
        if text.iter().all(|byte| byte.is_ascii_whitespace()) {
            return self.blank(raw, outer, sink);
        }
        self.line(text, outer, sink);
    }

    /// A text without further layers: its header and its content.
    fn line<S: Sink>(&mut self, text: &[u8], outer: Outer<'_>, sink: &mut S) {
        let options = self.options.clone();
        let header = match &options.format {
            Format::Header(name) => {
                let pattern = options.headers.iter().find(|header| header.name == *name);
                pattern.and_then(|pattern| by_pattern(&pattern.regex, text)).unwrap_or_default()
            }
            _ => options
                .headers
                .iter()
                .find_map(|pattern| by_pattern(&pattern.regex, text))
                .unwrap_or_else(|| (header::parse(text), text.len())),
        };
        let (header, end) = header;
        let time = self.time(&header, &outer);
        let content = text.get(header.content..end.max(header.content)).unwrap_or(text);
        let content = if content.is_empty() { text } else { content };
        let default_service = std::mem::take(&mut self.default_service);
        let draft = Draft {
            offset: outer.offset,
            lines: outer.lines,
            time,
            service: service(&options.service, &header, &outer, &default_service),
            host: std::str::from_utf8(header.host)
                .ok()
                .filter(|host| !host.is_empty())
                .unwrap_or(outer.host),
            level: first_stated([outer.level, header.level, outer.weak_level]),
            content,
            template: outer.template,
            text,
            stream: outer.stream,
            is_headed: header.is_headed,
            is_raw: outer.is_raw,
        };
        self.finish(&draft, sink);
        self.default_service = default_service;
    }

    fn time(&mut self, header: &Header<'_>, outer: &Outer<'_>) -> Option<Timestamp> {
        let read = outer.time.or(outer.arrival);
        match header.stamp {
            Some(stamp) if stamp.is_dated() => self.calendar.resolve(stamp, read).or(read),
            Some(stamp) => read.or_else(|| self.calendar.resolve(stamp, None)),
            None => read,
        }
    }

    fn blank<S: Sink>(&mut self, raw: &[u8], outer: Outer<'_>, sink: &mut S) {
        if !self.joiner.push_blank(outer.stream, outer.lines, &self.options.multiline) {
            sink.reject(outer.offset, outer.lines, Reason::Empty, raw);
        }
    }

    /// A JSON object around the text.
    fn json<S: Sink>(&mut self, text: &[u8], outer: Outer<'_>, sink: &mut S) -> Result<(), Reason> {
        let mut path = std::mem::take(&mut self.path);
        let lossy;
        let mut text = text;
        let mut envelope = json::read(text, &mut path);
        if envelope.is_err() && std::str::from_utf8(text).is_err() {
            lossy = String::from_utf8_lossy(text).into_owned();
            text = lossy.as_bytes();
            envelope = json::read(text, &mut path);
        }
        self.path = path;
        match envelope {
            Ok(envelope) if text.first() == Some(&b'{') => {
                self.envelope(&envelope, text, outer, sink)
            }
            Ok(_) => Err(Reason::NotAnObject),
            Err(_) => Err(Reason::InvalidJson),
        }
    }

    fn envelope<S: Sink>(
        &mut self,
        envelope: &Envelope<'_>,
        text: &[u8],
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
            stream: stream(envelope, found, outer.stream),
            is_raw: outer.is_raw && level == Level::Unknown,
            depth: outer.depth + 1,
            ..outer
        };
        let Some(message) = message(envelope) else {
            let flat = json::flatten(text);
            let content = if flat.is_empty() { text } else { flat.as_bytes() };
            self.whole(content, Outer { is_raw: false, ..inner }, sink);
            return Ok(());
        };
        if self.is_piece(envelope, &message) {
            self.piece(message.as_bytes(), true, inner, sink);
        } else if self.partials.is_empty() {
            self.text(message.as_bytes(), inner, sink);
        } else {
            self.piece(message.as_bytes(), false, inner, sink);
        }
        Ok(())
    }

    /// A text that is content as it is.
    fn whole<S: Sink>(&mut self, text: &[u8], outer: Outer<'_>, sink: &mut S) {
        let options = self.options.clone();
        let default_service = std::mem::take(&mut self.default_service);
        let draft = Draft {
            offset: outer.offset,
            lines: outer.lines,
            time: outer.time.or(outer.arrival),
            service: service(&options.service, &Header::default(), &outer, &default_service),
            host: outer.host,
            level: first_stated([outer.level, outer.weak_level, Level::Unknown]),
            content: text,
            template: outer.template,
            text,
            stream: outer.stream,
            is_headed: true,
            is_raw: false,
        };
        self.finish(&draft, sink);
        self.default_service = default_service;
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

    fn scalar_time(&mut self, scalar: &Scalar<'_>, read: Option<Timestamp>) -> Option<Timestamp> {
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

    fn cri<S: Sink>(&mut self, cri: partial::Cri<'_>, outer: Outer<'_>, sink: &mut S) {
        let time = self.calendar.resolve(cri.stamp, outer.arrival);
        let stream =
            xxh3_64_with_seed(if cri.is_stderr { b"stderr" } else { b"stdout" }, outer.stream);
        let inner = Outer { time: time.or(outer.time), stream, depth: outer.depth + 1, ..outer };
        if cri.is_partial || !self.partials.is_empty() {
            self.piece(cri.text, cri.is_partial, inner, sink);
        } else {
            self.text(cri.text, inner, sink);
        }
    }

    /// Adds a piece to its line; a last piece, or one at the limits, completes it.
    fn piece<S: Sink>(&mut self, text: &[u8], is_partial: bool, outer: Outer<'_>, sink: &mut S) {
        if !is_partial {
            let Some(mut whole) = self.partials.take(outer.stream) else {
                return self.text(text, outer, sink);
            };
            whole.text.extend_from_slice(text);
            whole.lines += outer.lines;
            return self.text(&whole.text, reopened(&whole, outer.stream, outer.depth), sink);
        }
        let open = self.partials.entry(outer.stream, || Partial {
            offset: outer.offset,
            time: outer.time,
            arrival: outer.arrival,
            service: outer.service.to_owned(),
            is_service_weak: outer.is_service_weak,
            host: outer.host.to_owned(),
            ..Partial::default()
        });
        open.text.extend_from_slice(text);
        open.lines += outer.lines;
        if open.text.len() > self.options.line_bytes_max {
            if let Some(whole) = self.partials.take(outer.stream) {
                self.text(&whole.text, reopened(&whole, outer.stream, outer.depth), sink);
            }
        }
        while self.partials.is_full() {
            self.complete_oldest(sink);
        }
    }

    pub(super) fn flush_partials<S: Sink>(&mut self, sink: &mut S) {
        while !self.partials.is_empty() {
            self.complete_oldest(sink);
        }
    }

    fn complete_oldest<S: Sink>(&mut self, sink: &mut S) {
        if let Some((stream, whole)) = self.partials.take_oldest() {
            self.text(&whole.text, reopened(&whole, stream, 1), sink);
        }
    }

    fn logfmt<S: Sink>(&mut self, text: &[u8], outer: Outer<'_>, sink: &mut S) -> bool {
        let mut envelope = Envelope::default();
        let is_clean = logfmt::pairs(text, |key, value| {
            if let Some((field, rank)) = json::meaning(key) {
                envelope.offer(field, rank, Scalar::Text(value));
            }
        });
        let has_level = envelope.get(Field::Level).is_some();
        let Some(message) = message(&envelope).filter(|message| !message.is_empty()) else {
            if !is_clean || !has_level {
                return false;
            }
            let inner = self.logfmt_outer(&envelope, outer);
            self.whole(text, inner, sink);
            return true;
        };
        let inner = self.logfmt_outer(&envelope, outer);
        self.whole(message.as_bytes(), inner, sink);
        true
    }

    fn logfmt_outer<'a>(&mut self, envelope: &'a Envelope<'_>, outer: Outer<'a>) -> Outer<'a> {
        let read = outer.time.or(outer.arrival);
        let time = envelope.get(Field::Time).and_then(|(_, scalar)| self.scalar_time(scalar, read));
        let (level, weak_level) = levels(envelope);
        let (found, _) = envelope_service(envelope);
        Outer {
            time: time.or(outer.time),
            level: first_stated([outer.level, level, Level::Unknown]),
            weak_level: first_stated([weak_level, outer.weak_level]),
            service: if outer.is_service_weak && !found.is_empty() { found } else { outer.service },
            is_service_weak: outer.is_service_weak && found.is_empty(),
            host: if outer.host.is_empty() {
                envelope.text(Field::Host).unwrap_or_default()
            } else {
                outer.host
            },
            ..outer
        }
    }

    fn otlp<S: Sink>(&mut self, payload: &[u8], outer: Outer<'_>, sink: &mut S) -> u32 {
        let Ok(request) = serde_json::from_slice::<otlp::Request<'_>>(clean::trim(payload)) else {
            let is_json =
                serde_json::from_slice::<serde::de::IgnoredAny>(clean::trim(payload)).is_ok();
            let reason = if is_json { Reason::InvalidOtlp } else { Reason::InvalidJson };
            sink.reject(outer.offset, 1, reason, payload);
            return 1;
        };
        let mut count = 0;
        for item in request.items() {
            let inner = Outer {
                time: item.time,
                level: item.level,
                service: item.service,
                is_service_weak: item.service.is_empty(),
                host: item.host,
                template: item.template,
                is_raw: false,
                depth: 1,
                stream: xxh3_64_with_seed(
                    item.host.as_bytes(),
                    xxh3_64_with_seed(item.service.as_bytes(), 1),
                ),
                ..outer
            };
            self.text(item.body.as_bytes(), inner, sink);
            count += 1;
        }
        if count == 0 {
            sink.reject(outer.offset, 1, Reason::Empty, payload);
        }
        count.max(1)
    }
}

/// A request names its first field within the first bytes.
fn is_otlp(payload: &[u8]) -> bool {
    payload.first() == Some(&b'{')
        && memchr::memmem::find(&payload[..payload.len().min(64)], b"\"resourceLogs\"").is_some()
}

/// The text to read on with: the message, the error and its stack behind it where it does not hold them already.
fn message<'e>(envelope: &'e Envelope<'_>) -> Option<Cow<'e, str>> {
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
fn levels(envelope: &Envelope<'_>) -> (Level, Level) {
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
fn envelope_service<'e>(envelope: &'e Envelope<'_>) -> (&'e str, bool) {
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

fn service<'a>(
    forced: &'a Option<String>,
    header: &Header<'a>,
    outer: &Outer<'a>,
    default: &'a str,
) -> &'a str {
    if let Some(forced) = forced {
        return forced;
    }
    let stated = std::str::from_utf8(header.service).unwrap_or_default();
    match (
        outer.service.is_empty() || outer.is_service_weak,
        stated.is_empty(),
        outer.service.is_empty(),
    ) {
        (true, false, _) => stated,
        (_, _, false) => outer.service,
        _ => default,
    }
}

fn first_stated<const N: usize>(levels: [Level; N]) -> Level {
    levels.into_iter().find(|level| *level != Level::Unknown).unwrap_or_default()
}

/// The surroundings of a line that was put together.
fn reopened(whole: &Partial, stream: u64, depth: u8) -> Outer<'_> {
    Outer {
        lines: whole.lines,
        time: whole.time,
        service: &whole.service,
        is_service_weak: whole.is_service_weak,
        host: &whole.host,
        stream,
        depth,
        ..Outer::new(whole.offset, whole.arrival)
    }
}

/// Reads a header by the user's pattern; returns where the content ends, too.
fn by_pattern<'a>(regex: &regex::bytes::Regex, text: &'a [u8]) -> Option<(Header<'a>, usize)> {
    let found = regex.captures(text)?;
    let group = |name| found.name(name).map(|group| group.as_bytes());
    let (content, end) = found.name("message").map_or_else(
        || (found.get(0).map_or(0, |whole| whole.end()), text.len()),
        |message| (message.start(), message.end()),
    );
    let header = Header {
        stamp: group("time").and_then(stamp::whole),
        level: group("level")
            .and_then(|text| level::field(std::str::from_utf8(text).ok()?))
            .unwrap_or_default(),
        service: group("service").unwrap_or_default(),
        host: group("host").unwrap_or_default(),
        content,
        is_headed: true,
    };
    Some((header, end))
}
