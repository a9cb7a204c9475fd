//! Joins physical lines to logical ones, per stream inside a source.
//!
//! An entry is held until the next line of its stream shows that it is complete.
//! Held entries are bounded: in lines and bytes each, in bytes over all streams, in the number of streams, and in how
//! many payloads the source may go on while one is held; at a limit the entry is emitted as it is.
//! What a stream holds is let go too once the event time of its source has gone on for `HOLD`: a stream that falls
//! quiet must not keep its last entry until that is late.
//! No limit reads a clock, so the same payloads give the same records wherever they run.

use std::time::Duration;

use logwake_detector::record::Level;
use logwake_detector::time::Timestamp;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::bounded::{TextKind, shorten};
use super::draft::Draft;
use super::options::MultilineOptions;
use super::trace::{self, Mode};

const STREAMS_MAX: usize = 1024;
const PENDING_BYTES_MAX: usize = 8 << 20;
/// After this many payloads of the source a held entry is taken for complete.
const PENDING_PAYLOADS_MAX: u64 = 1024;
const SWEEP_PAYLOADS: u64 = 256;
/// Event time after which a held entry is taken for complete: what belongs together is written together.
const HOLD: Duration = Duration::from_secs(1);
/// A step in event time by which the clock of a source is not believed.
const STEP_MAX: Duration = Duration::from_secs(3600);
/// A buffer that grew beyond this gives its memory back.
const SPARE_BYTES_MAX: usize = 8 << 10;
/// Lines with header before one without is taken for a continuation.
const HEADED_MIN: u16 = 8;

/// Takes what the joiner lets go.
pub(crate) trait Emit {
    fn emit(&mut self, entry: &Entry);
}

/// An entry that is held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    /// Physical lines; none held where 0.
    pub(crate) lines: u32,
    pub(crate) time: Option<Timestamp>,
    pub(crate) service: String,
    pub(crate) host: String,
    pub(crate) level: Level,
    pub(crate) content: Vec<u8>,
    pub(crate) template: Option<String>,
    pub(crate) trace: Option<String>,
    is_headed: bool,
    mode: Mode,
}

/// One stream: what is held of it, and how its lines look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stream {
    key: u64,
    touched: u64,
    /// Lines that had a header.
    headed: u16,
    /// Runs of lines that had none.
    runs: u16,
    is_in_run: bool,
    entry: Entry,
}

/// What has to be kept across a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct JoinerState {
    streams: Vec<Stream>,
    payloads: u64,
    /// Event time at which held entries were last looked through.
    looked_at: Option<Timestamp>,
}

/// The joiner of one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joiner {
    state: JoinerState,
    index: FxHashMap<u64, usize>,
    last: usize,
    pending_bytes: usize,
    pending_lines: u64,
}

impl Joiner {
    pub(crate) fn restore(mut state: JoinerState) -> Self {
        state.streams.iter_mut().for_each(|stream| stream.entry.shorten());
        let index = state.streams.iter().enumerate().map(|(at, stream)| (stream.key, at)).collect();
        let pending_bytes = state.streams.iter().map(|stream| stream.entry.bytes()).sum();
        let pending_lines = state.streams.iter().map(|stream| u64::from(stream.entry.lines)).sum();
        Self { state, index, last: 0, pending_bytes, pending_lines }
    }

    pub(crate) fn state(&self) -> &JoinerState {
        &self.state
    }

    pub(crate) fn pending_lines(&self) -> u64 {
        self.pending_lines
    }

    /// Takes a draft: adds it to the held entry of its stream, or emits that and holds the draft.
    pub(crate) fn push(
        &mut self,
        draft: &Draft<'_>,
        options: &MultilineOptions,
        out: &mut impl Emit,
    ) {
        self.state.payloads += 1;
        if self.state.payloads.is_multiple_of(SWEEP_PAYLOADS) && self.state.streams.len() > 1 {
            self.emit_stale(out);
        }
        if let Some(time) = draft.time
            && self.is_look_due(time)
        {
            self.emit_older(time - HOLD, draft.stream, out);
        }
        let at = self.stream(draft.stream, out);
        let payloads = self.state.payloads;
        let stream = &mut self.state.streams[at];
        stream.touched = payloads;
        let continues = stream.continues(draft, options);
        stream.learn(draft.is_headed);
        let entry = &mut stream.entry;
        if continues && entry.fits(draft, options) {
            entry.content.push(b'\n');
            entry.content.extend_from_slice(draft.text);
            entry.lines += draft.lines;
            self.pending_bytes += draft.text.len() + 1;
            self.pending_lines += u64::from(draft.lines);
        } else {
            let parent =
                (continues && entry.lines > 0).then_some((entry.time, entry.level, entry.mode));
            self.release(at, out);
            let entry = &mut self.state.streams[at].entry;
            entry.begin(draft);
            if let Some((time, level, mode)) = parent {
                (entry.time, entry.level, entry.mode) =
                    (entry.time.or(time), entry.level.max(level), mode);
            }
            self.pending_bytes += entry.bytes();
            self.pending_lines += u64::from(draft.lines);
        }
        if self.pending_bytes > PENDING_BYTES_MAX {
            self.flush(out);
        }
    }

    /// Takes an empty line; tells whether it belongs to a held trace.
    pub(crate) fn push_blank(&mut self, key: u64, lines: u32, options: &MultilineOptions) -> bool {
        let Some(&at) = self.index.get(&key) else { return false };
        let entry = &mut self.state.streams[at].entry;
        let belongs = entry.lines > 0
            && trace::may_be_blank(entry.mode)
            && options.enabled
            && options.start.is_none()
            && entry.lines + lines <= options.lines_max;
        if belongs {
            entry.content.push(b'\n');
            entry.lines += lines;
            self.pending_bytes += 1;
            self.pending_lines += u64::from(lines);
        }
        belongs
    }

    /// Emits everything that is held, in the order of the source.
    pub(crate) fn flush(&mut self, out: &mut impl Emit) {
        self.emit_where(|_| true, out);
    }

    fn emit_stale(&mut self, out: &mut impl Emit) {
        let payloads = self.state.payloads;
        self.emit_where(|stream| stream.touched + PENDING_PAYLOADS_MAX < payloads, out);
    }

    /// Tells whether event time has gone on for long enough to look through what is held.
    fn is_look_due(&mut self, time: Timestamp) -> bool {
        let due = self.state.looked_at.is_none_or(|last| {
            let ahead = time.since(last);
            ahead >= HOLD || last.since(time) > STEP_MAX
        });
        if due {
            self.state.looked_at = Some(time);
        }
        due && self.state.streams.len() > 1
    }

    fn emit_older(&mut self, than: Timestamp, but: u64, out: &mut impl Emit) {
        let is_older = |stream: &Stream| stream.entry.time.is_some_and(|time| time <= than);
        self.emit_where(|stream| stream.key != but && is_older(stream), out);
    }

    fn emit_where(&mut self, is_wanted: impl Fn(&Stream) -> bool, out: &mut impl Emit) {
        let streams = &self.state.streams;
        let mut held: Vec<_> = (0..streams.len())
            .filter(|&at| streams[at].entry.lines > 0 && is_wanted(&streams[at]))
            .collect();
        held.sort_by_key(|&at| (streams[at].entry.offset, at));
        for at in held {
            self.release(at, out);
        }
    }

    /// Finds the stream, or makes it, forgetting the older half of all streams where there are too many.
    fn stream(&mut self, key: u64, out: &mut impl Emit) -> usize {
        if self.state.streams.get(self.last).is_some_and(|stream| stream.key == key) {
            return self.last;
        }
        self.last = match self.index.get(&key) {
            Some(&at) => at,
            None => {
                if self.state.streams.len() >= STREAMS_MAX {
                    self.forget_older_half(out);
                }
                let at = self.state.streams.len();
                self.state.streams.push(Stream { key, ..Stream::default() });
                self.index.insert(key, at);
                at
            }
        };
        self.last
    }

    fn forget_older_half(&mut self, out: &mut impl Emit) {
        self.flush(out);
        self.state.streams.sort_by_key(|stream| stream.touched);
        self.state.streams.drain(..STREAMS_MAX / 2);
        self.index =
            self.state.streams.iter().enumerate().map(|(at, stream)| (stream.key, at)).collect();
    }

    fn release(&mut self, at: usize, out: &mut impl Emit) {
        let entry = &mut self.state.streams[at].entry;
        if entry.lines == 0 {
            return;
        }
        self.pending_bytes -= entry.bytes();
        self.pending_lines -= u64::from(entry.lines);
        while entry.content.last() == Some(&b'\n') {
            entry.content.pop();
        }
        out.emit(entry);
        entry.lines = 0;
        entry.content.clear();
        if entry.content.capacity() > SPARE_BYTES_MAX {
            entry.content = Vec::new();
        }
    }
}

impl Stream {
    fn continues(&mut self, draft: &Draft<'_>, options: &MultilineOptions) -> bool {
        if self.entry.lines == 0 || !draft.is_raw {
            return false;
        }
        if let Some(start) = &options.start {
            return !start.is_match(draft.text);
        }
        if draft.is_headed {
            return false;
        }
        if trace::continues(&mut self.entry.mode, draft.text) {
            return true;
        }
        let may_fail =
            matches!(self.entry.level, Level::Unknown | Level::Warn | Level::Error | Level::Fatal);
        let opened = trace::opened(draft.text);
        let is_report = opened == Some(Mode::PythonFrames) || trace::is_exception(draft.text);
        let joins = if trace::is_crash(draft.text) {
            false
        } else if is_report {
            self.entry.is_headed && may_fail
        } else {
            self.is_headed()
        };
        if joins {
            self.entry.mode = opened.unwrap_or(self.entry.mode);
        }
        joins
    }

    /// Whether nearly all its entries begin with a header.
    fn is_headed(&self) -> bool {
        let ended = self.runs.saturating_sub(u16::from(self.is_in_run));
        self.headed >= HEADED_MIN && ended.saturating_mul(10) <= self.headed
    }

    fn learn(&mut self, is_headed: bool) {
        if is_headed {
            self.headed += 1;
        } else if !self.is_in_run {
            self.runs += 1;
        }
        self.is_in_run = !is_headed;
        if self.headed.max(self.runs) >= 1000 {
            self.headed /= 2;
            self.runs /= 2;
        }
    }
}

impl Entry {
    fn fits(&self, draft: &Draft<'_>, options: &MultilineOptions) -> bool {
        self.lines.saturating_add(draft.lines) <= options.lines_max
            && self.content.len() + draft.text.len() < options.bytes_max
    }

    fn begin(&mut self, draft: &Draft<'_>) {
        self.offset = draft.offset;
        self.lines = draft.lines;
        self.time = draft.time;
        self.level = draft.level;
        self.is_headed = draft.is_headed;
        self.mode = trace::opened(draft.content).unwrap_or_default();
        replace(&mut self.service, draft.service.as_str());
        replace(&mut self.host, draft.host.as_str());
        self.content.clear();
        self.content.extend_from_slice(draft.content);
        self.template = draft.template.map(|text| text.as_str().to_owned());
        self.trace = draft.trace.map(|text| text.as_str().to_owned());
    }

    /// Bytes of all texts that are held, 0 where none is.
    fn bytes(&self) -> usize {
        if self.lines == 0 {
            return 0;
        }
        let optional = [&self.template, &self.trace];
        let optional: usize = optional.into_iter().flatten().map(String::len).sum();
        self.content.len() + self.service.len() + self.host.len() + optional
    }

    /// Brings texts that were read back within today's limits.
    fn shorten(&mut self) {
        shorten(&mut self.service, TextKind::Service);
        shorten(&mut self.host, TextKind::Host);
        let optional =
            [(&mut self.template, TextKind::Template), (&mut self.trace, TextKind::Trace)];
        for (text, kind) in optional {
            text.iter_mut().for_each(|text| shorten(text, kind));
        }
    }
}

fn replace(text: &mut String, by: &str) {
    text.clear();
    text.push_str(by);
}
