//! The layers of a payload, from the outside in: JSON, CRI, JSON again, logfmt, header, text.

use logwake_detector::record::{Level, Record};
use logwake_detector::time::Timestamp;
use serde::de::IgnoredAny;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::bounded::{Bounded, TextKind};
use super::draft::{Draft, Outer};
use super::envelope::{envelope_service, levels, message};
use super::header::{self, Header};
use super::json::{self, Envelope, Field, Scalar};
use super::options::Format;
use super::partial;
use super::sink::{Reason, Sink};
use super::stamp;
use super::steps;
use super::{Decoder, Emitter, clean, level, logfmt, otlp};

/// Layers around a text before it is taken as it is.
const DEPTH_MAX: u8 = 4;
/// A source that has been JSON so often is expected to stay so.
const JSON_SURE: u8 = 8;

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
        match self.options.format {
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
            service: Bounded::new(service, TextKind::Service, sink).as_str(),
            host: "",
            level: Level::Unknown,
            content: text,
            template: None,
            session: None,
        };
        Emitter { options: &self.options, sink }.record(record);
    }

    /// A text whose layers are found out.
    pub(super) fn text<S: Sink>(&mut self, raw: &[u8], outer: Outer<'_>, sink: &mut S) {
        steps::add(raw.len());
        let text = clean::uncolour(clean::trim(raw));
        let text: &[u8] = &text;
        let Some(&first) = text.first() else { return self.blank(outer, sink) };
        if outer.depth < DEPTH_MAX {
            if first.is_ascii_digit()
                && let Some(cri) = partial::cri(text)
            {
                return self.cri(cri, outer, sink);
            }
            let is_closed = || text.trim_ascii_end().ends_with(b"}");
            if first == b'{' && (self.json >= JSON_SURE || is_closed()) {
                match self.json(text, outer, sink) {
                    Ok(()) => {
                        self.json = (self.json + u8::from(outer.depth == 0)).min(2 * JSON_SURE);
                        return;
                    }
                    Err(reason) if outer.depth == 0 && self.json >= JSON_SURE => {
                        return sink.reject(outer.offset, outer.lines, reason, outer.payload);
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
            return self.blank(outer, sink);
        }
        self.line(text, outer, sink);
    }

    /// A text without further layers: its header and its content.
    fn line<S: Sink>(&mut self, text: &[u8], outer: Outer<'_>, sink: &mut S) {
        let (header, end) =
            self.by_patterns(text).unwrap_or_else(|| (header::parse(text), text.len()));
        let time = self.time(&header, &outer);
        if self.has_layer(&header, &text[header.content.min(end)..end], &outer) {
            let inner = Outer {
                time: time.or(outer.time),
                weak_level: first_stated([header.level, outer.weak_level]),
                service: if outer.is_service_weak {
                    utf8(header.service).unwrap_or(outer.service)
                } else {
                    outer.service
                },
                is_service_weak: outer.is_service_weak && header.service.is_empty(),
                host: utf8(header.host).unwrap_or(outer.host),
                depth: outer.depth + 1,
                ..outer
            };
            return self.text(&text[header.content..end], inner, sink);
        }
        let content = text.get(header.content..end.max(header.content)).unwrap_or(text);
        let content = if content.is_empty() { text } else { content };
        let (forced, default_service) =
            (self.options.service.clone(), std::mem::take(&mut self.default_service));
        let service = service(&forced, &header, &outer, &default_service);
        let host = utf8(header.host).unwrap_or(outer.host);
        let draft = Draft {
            time,
            level: first_stated([outer.level, header.level, outer.weak_level]),
            content,
            is_headed: header.is_headed,
            is_raw: outer.is_raw,
            ..draft((service, host), text, &outer, sink)
        };
        self.finish(&draft, sink);
        self.default_service = default_service;
    }

    /// The header that a pattern of the user finds; where one is configured as the format, it alone is asked.
    fn by_patterns<'a>(&self, text: &'a [u8]) -> Option<(Header<'a>, usize)> {
        if let Format::Header(name) = &self.options.format {
            let pattern = self.options.headers.iter().find(|header| header.name == *name);
            let found = pattern.and_then(|pattern| by_pattern(&pattern.regex, text));
            return Some(found.unwrap_or((Header::default(), text.len())));
        }
        self.options.headers.iter().find_map(|pattern| by_pattern(&pattern.regex, text))
    }

    /// Whether a header stands before a JSON document or logfmt pairs.
    fn has_layer(&self, header: &Header<'_>, content: &[u8], outer: &Outer<'_>) -> bool {
        let is_json = || content[0] == b'{' && content.ends_with(b"}");
        header.is_headed
            && header.content > 0
            && outer.depth < DEPTH_MAX
            && !content.is_empty()
            && (is_json() || content[0].is_ascii_lowercase() && logfmt::is_likely(content))
    }

    fn time(&mut self, header: &Header<'_>, outer: &Outer<'_>) -> Option<Timestamp> {
        let read = outer.time.or(outer.arrival);
        match header.stamp {
            Some(stamp) if stamp.is_dated() => self.calendar.resolve(stamp, read).or(read),
            Some(stamp) => read.or_else(|| self.calendar.resolve(stamp, None)),
            None => read,
        }
    }

    fn blank<S: Sink>(&mut self, outer: Outer<'_>, sink: &mut S) {
        if !self.joiner.push_blank(outer.stream, outer.lines, &self.options.multiline) {
            sink.reject(outer.offset, outer.lines, Reason::Empty, outer.payload);
        }
    }

    /// A text that is content as it is.
    pub(super) fn whole<S: Sink>(&mut self, text: &[u8], outer: Outer<'_>, sink: &mut S) {
        let (forced, default_service) =
            (self.options.service.clone(), std::mem::take(&mut self.default_service));
        let service = service(&forced, &Header::default(), &outer, &default_service);
        let plain = clean::uncolour(text);
        let text: &[u8] = &plain;
        let draft = draft((service, outer.host), text, &outer, sink);
        self.finish(&draft, sink);
        self.default_service = default_service;
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
        let document = String::from_utf8_lossy(clean::trim(payload).trim_ascii());
        steps::add(document.len());
        let request = match serde_json::from_str::<IgnoredAny>(&document) {
            Ok(_) => otlp::Request::read(&document).ok_or(Reason::InvalidOtlp),
            Err(_) => Err(Reason::InvalidJson),
        };
        let request = match request {
            Ok(request) => request,
            Err(reason) => {
                sink.reject(outer.offset, 1, reason, payload);
                return 1;
            }
        };
        let mut count = 0;
        for item in request.items() {
            let inner = Outer {
                time: item.time,
                level: item.level,
                service: item.service,
                is_service_weak: item.service.is_empty(),
                host: item.host,
                template: item.template.as_deref(),
                trace: item.trace.as_deref(),
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

/// A request holds one field, so it comes first.
fn is_otlp(payload: &[u8]) -> bool {
    let Some(rest) = payload.strip_prefix(b"{") else { return false };
    let rest = rest.trim_ascii_start();
    rest.starts_with(b"\"resourceLogs\"") || rest.starts_with(b"\"resource_logs\"")
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

/// A draft of a text that is content as it is; its texts go through the door here.
fn draft<'a, S: Sink>(
    (service, host): (&'a str, &'a str),
    text: &'a [u8],
    outer: &Outer<'a>,
    sink: &mut S,
) -> Draft<'a> {
    Draft {
        offset: outer.offset,
        lines: outer.lines,
        time: outer.time.or(outer.arrival),
        service: Bounded::new(service, TextKind::Service, sink),
        host: Bounded::new(host, TextKind::Host, sink),
        level: first_stated([outer.level, outer.weak_level, Level::Unknown]),
        content: text,
        template: outer.template.map(|text| Bounded::new(text, TextKind::Template, sink)),
        trace: outer.trace.map(|text| Bounded::new(text, TextKind::Trace, sink)),
        text,
        stream: outer.stream,
        is_headed: true,
        is_raw: false,
    }
}

fn utf8(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
}

pub(super) fn first_stated<const N: usize>(levels: [Level; N]) -> Level {
    levels.into_iter().find(|level| *level != Level::Unknown).unwrap_or_default()
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
