//! From payloads to records: formats, headers, times, joining of lines.
//!
//! One [`Decoder`] serves one source, a partition or a file, and reads its payloads in order.
//! It reads no clock and no file: `now` is an option, so the same payloads give the same records everywhere,
//! also where the decoder was saved and restored in between.
//! Every payload counts as one physical line (an OTLP payload as one for each log record in it), and every such line
//! is in the `lines` of exactly one record, in one rejection, or in [`Decoder::pending_lines`].

mod bounded;
mod calendar;
mod clean;
mod draft;
mod envelope;
mod header;
mod joiner;
mod json;
mod layers;
mod level;
mod logfmt;
mod options;
mod otlp;
mod partial;
mod pieces;
mod sink;
mod stamp;
mod steps;
mod trace;

use std::sync::Arc;

use jiff::tz::TimeZone;
use logwake_detector::record::Record;
use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

use bounded::Bounded;
use calendar::Calendar;
use draft::{Draft, Outer};
use joiner::{Emit, Entry, Joiner, JoinerState};
use partial::Partials;

pub use bounded::TextKind;
pub(crate) use json::scan::depth as json_depth;
pub use options::{DecoderOptions, Format, HeaderPattern, MultilineOptions, OptionsError};
pub use sink::{Reason, Sink};

#[cfg(test)]
mod tests;

/// Decodes the payloads of one source.
#[derive(Clone, Debug)]
pub struct Decoder {
    options: Arc<DecoderOptions>,
    default_service: String,
    calendar: Calendar,
    joiner: Joiner,
    partials: Partials,
    /// Payloads that were JSON objects, less those that were not: what the source is thought to be.
    json: u8,
    /// Buffer for the paths of JSON keys.
    path: String,
}

/// What a decoder carries from one payload to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecoderState {
    joiner: JoinerState,
    partials: Partials,
    previous: Option<Timestamp>,
    json: u8,
}

impl Decoder {
    /// Makes the decoder of one source; records that name no service get `default_service`.
    pub fn new(options: Arc<DecoderOptions>, default_service: &str) -> Self {
        Self::restore(options, default_service, DecoderState::default())
    }

    /// Makes a decoder that goes on where another was when its state was taken.
    pub fn restore(
        options: Arc<DecoderOptions>,
        default_service: &str,
        state: DecoderState,
    ) -> Self {
        let default_service = if default_service.is_empty() { "unknown" } else { default_service };
        Self {
            calendar: Calendar::new(options.zone.clone(), options.now, state.previous),
            options,
            default_service: default_service.to_owned(),
            joiner: Joiner::restore(state.joiner),
            partials: state.partials.restored(),
            json: state.json,
            path: String::new(),
        }
    }

    /// Returns what has to be kept across a restart.
    pub fn state(&self) -> DecoderState {
        DecoderState {
            joiner: self.joiner.state().clone(),
            partials: self.partials.clone(),
            previous: self.calendar.previous(),
            json: self.json,
        }
    }

    /// Returns how many physical lines are held back until it is known whether more belongs to them.
    pub fn pending_lines(&self) -> u64 {
        self.joiner.pending_lines() + self.partials.pending_lines()
    }

    /// Decodes one payload: a line of a file, or the value of a Kafka record.
    ///
    /// `envelope_time` is the transport's, used where the payload states none.
    /// Returns how many physical lines it counts for.
    pub fn push<S: Sink>(
        &mut self,
        payload: &[u8],
        offset: u64,
        envelope_time: Option<Timestamp>,
        sink: &mut S,
    ) -> u32 {
        if payload.len() > self.options.line_bytes_max {
            sink.reject(offset, 1, Reason::TooLong, payload);
            return 1;
        }
        let lines = self.payload(payload, Outer::new(payload, offset, envelope_time), sink);
        self.complete_excess(sink);
        lines
    }

    /// Emits everything that is held back, as it is.
    pub fn flush<S: Sink>(&mut self, sink: &mut S) {
        self.flush_partials(sink);
        let mut out = Emitter { options: &self.options, sink };
        self.joiner.flush(&mut out);
    }

    /// Hands a draft to the joiner, or straight to the sink where nothing is joined.
    fn finish<S: Sink>(&mut self, draft: &Draft<'_>, sink: &mut S) {
        let mut out = Emitter { options: &self.options, sink };
        if self.options.multiline.enabled {
            return self.joiner.push(draft, &self.options.multiline, &mut out);
        }
        let session = draft.trace.filter(|_| out.options.session_by_trace);
        out.record(Record {
            offset: draft.offset,
            lines: draft.lines,
            time: draft.time,
            service: draft.service.as_str(),
            host: draft.host.as_str(),
            level: draft.level,
            content: draft.content,
            template: draft.template.map(Bounded::as_str),
            session: session.map(Bounded::as_str),
        });
    }
}

/// Completes records on their way to the sink.
struct Emitter<'o, S> {
    options: &'o DecoderOptions,
    sink: &'o mut S,
}

impl<S: Sink> Emitter<'_, S> {
    fn record(&mut self, record: Record<'_>) {
        let Some(key) = &self.options.session_key else { return self.sink.record(&record) };
        let found = key.captures(record.content);
        let session = found.as_ref().and_then(|found| found.get(1).or_else(|| found.get(0)));
        let session = session.and_then(|found| std::str::from_utf8(found.as_bytes()).ok());
        let session = session
            .filter(|key| !key.is_empty())
            .map(|key| Bounded::new(key, TextKind::Session, self.sink).as_str());
        self.sink.record(&Record { session, ..record });
    }
}

impl<S: Sink> Emit for Emitter<'_, S> {
    fn emit(&mut self, entry: &Entry) {
        let session = entry.trace.as_deref().filter(|_| self.options.session_by_trace);
        self.record(Record {
            offset: entry.offset,
            lines: entry.lines,
            time: entry.time,
            service: &entry.service,
            host: &entry.host,
            level: entry.level,
            content: &entry.content,
            template: entry.template.as_deref(),
            session,
        });
    }
}

/// Whether a text is written as an instant, one beyond those of [`Timestamp`] included: Go's zero time, the year 9999.
pub(crate) fn is_time(text: &[u8]) -> bool {
    stamp::whole(text).is_some_and(|stamp| stamp.is_dated() && !stamp.is_yearless())
}

/// Reads a whole text as an instant: a date with its year and a time, of UTC where no zone is
/// stated, or a number since the epoch.
pub fn time_of(text: &[u8]) -> Option<Timestamp> {
    let stamp = stamp::whole(text).filter(|stamp| stamp.is_dated() && !stamp.is_yearless())?;
    Calendar::new(TimeZone::UTC, Timestamp::default(), None).resolve(stamp, None)
}
