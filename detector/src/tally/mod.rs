//! Stage 1, tally: records of one source in, counts of skeletons by window out.
//!
//! One machine a source, which sees its records in order.
//! It knows no template and no baseline: a record is masked to its skeleton, the skeleton's hash
//! finds a counter, and of few records the values are kept; that is all that happens a line.
//!
//! **A batch never spans a slot of the watermark**: the record that moves the watermark into the
//! next window, or event time into the next step of one, is the last of its batch.
//! So the later stages see windows close at the same places whatever the commit interval.

mod batch;
mod clock;
mod sessions;
mod streams;
mod values;

use std::time::Duration;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub use batch::{
    Exemplar, LineCounts, ServiceTally, SessionEvent, SessionTally, SkeletonTally, TallyBatch,
    shard_of,
};
pub use clock::{ClockSettings, Placement, SourceClock, Stated};
use logwake_models::template::{Masks, Skeleton};
pub use values::{ROWS_MAX, Row};

use crate::detect::step_of;
use crate::record::{Level, Record, Source};
use crate::text::{NAME_BYTES_MAX, SKELETON_BYTES_MAX, TEMPLATE_BYTES_MAX, shortened};
use crate::time::Timestamp;

/// Longest exemplar text kept, bytes: a few lines of a screen.
const TEXT_BYTES_MAX: usize = 512;
/// Hosts counted by name for one skeleton in one batch.
const HOSTS_MAX: usize = 16;
/// Counters in one batch, after which it is closed early: lines that are all different must not
/// make one that no broker takes.
const PLACES_MAX: usize = 10_000;
/// Bytes after which a batch is closed: half of the message that a broker takes by default.
const BATCH_BYTES_MAX: usize = 512 << 10;
/// Bytes of a counter apart from its texts.
const ENTRY_BYTES: usize = 96;
/// Bytes of a service, and of a count by host, apart from the name.
const SERVICE_BYTES: usize = 8;
const HOST_BYTES: usize = 8;
/// How often a source that has nothing to say shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// One input of the tally machine.
#[derive(Clone, Copy, Debug)]
pub enum TallyInput<'a> {
    /// The next record.
    Record(&'a Record<'a>),
    /// Lines that could not be decoded.
    Rejected {
        /// How many.
        lines: u32,
    },
    /// The end of a commit interval.
    Cut {
        /// First offset not taken in yet.
        to: u64,
        /// Wall time.
        wall: Timestamp,
        /// Whether the source has nothing more at present.
        idle: bool,
    },
}

/// What a tally machine keeps from one commit to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyState {
    clock: SourceClock,
    seq: u64,
    to: u64,
    /// Wall time of the last batch.
    heartbeat: Option<Timestamp>,
    was_idle: bool,
}

/// Seed of the hashes of texts that a collector has found, which are no skeletons.
const GIVEN: u64 = 1;

/// The tally machine of one source.
#[derive(Debug)]
pub struct Tally {
    source: Source,
    sources: u32,
    settings: ClockSettings,
    masks: Masks,
    state: TallyState,
    open: OpenBatch,
    wall: Timestamp,
    skeleton: Skeleton,
    /// Chooses records whose values are kept; `None` where no values are judged.
    sampler: Option<values::Sampler>,
}

#[derive(Debug, Default)]
struct OpenBatch {
    lines: LineCounts,
    services: Vec<ServiceTally>,
    /// The service of the last record, which is mostly that of the next.
    service: usize,
    by_name: FxHashMap<String, usize>,
    /// Whether records stand under `Timestamp::MIN` until their source tells a time.
    untimed: bool,
    /// Bytes that the batch takes on the wire, estimated.
    bytes: usize,
    places: FxHashMap<PlaceKey, Place>,
    sessions: sessions::Places,
}

/// What one counter of a batch counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PlaceKey {
    service: u32,
    is_late: bool,
    window: Timestamp,
    hash: u64,
}

/// Where the tally of a skeleton stands, and below which rank a record is kept with its values.
#[derive(Clone, Copy, Debug)]
struct Place {
    idx: u32,
    bound: u32,
}

impl Tally {
    /// Makes the machine of a source that is one of `sources`, at a wall time.
    pub fn new(
        source: Source,
        sources: u32,
        settings: ClockSettings,
        masks: Masks,
        wall: Timestamp,
    ) -> Self {
        Self {
            sampler: Some(values::Sampler::new(&source)),
            source,
            sources,
            settings,
            masks,
            state: TallyState::default(),
            open: OpenBatch::default(),
            wall,
            skeleton: Skeleton::default(),
        }
    }

    /// Sets whether the values of some records are kept; without it they are.
    pub fn with_values(mut self, keeps: bool) -> Self {
        self.sampler = keeps.then(|| values::Sampler::new(&self.source));
        self
    }

    /// Continues from a state that [`Self::state`] gave.
    pub fn restore(&mut self, state: TallyState) {
        self.state = state;
    }

    /// Goes on before `to` without the state that it had there; its batches are numbered by wall
    /// time in milliseconds from then on, since no more than one of those before came in each.
    pub fn begin(&mut self, to: u64, wall: Timestamp) {
        let seq = u64::try_from(wall.as_nanos() / 1_000_000).unwrap_or(0);
        self.state = TallyState { to, seq, ..TallyState::default() };
    }

    /// Returns what must be kept; whole only right after a cut.
    pub fn state(&self) -> TallyState {
        self.state.clone()
    }

    /// Returns the clock of the source.
    pub fn clock(&self) -> &SourceClock {
        &self.state.clock
    }

    /// Takes one input; appends the batches that it completes.
    pub fn step(&mut self, input: TallyInput<'_>, out: &mut Vec<TallyBatch>) {
        match input {
            TallyInput::Record(record) => self.record(record, out),
            TallyInput::Rejected { lines } => self.open.lines.rejected += u64::from(lines),
            TallyInput::Cut { to, wall, idle } => self.cut(to, wall, idle, out),
        }
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<TallyBatch>) {
        let record = &Record {
            service: shortened(record.service, NAME_BYTES_MAX),
            host: shortened(record.host, NAME_BYTES_MAX),
            template: record.template.map(|text| shortened(text, TEMPLATE_BYTES_MAX)),
            ..*record
        };
        let lines = u64::from(record.lines);
        let before = self.slot();
        let stated = Stated { time: record.time, service: record.service, host: record.host };
        let mut is_late = false;
        let time = match self.state.clock.observe(stated, self.wall, &self.settings) {
            Placement::Stated(time) => time,
            Placement::Corrected(time) => {
                self.open.lines.corrected += lines;
                time
            }
            Placement::Unknown => {
                self.open.lines.corrected += lines;
                self.open.untimed = true;
                Timestamp::MIN
            }
            Placement::Late(time) => {
                is_late = true;
                time
            }
        };
        if is_late {
            self.open.lines.late += lines;
        } else {
            self.open.lines.tallied += lines;
        }
        self.count(record, time, is_late);
        let moved = self.slot() != before && before.0.is_some();
        if moved || self.open.places.len() >= PLACES_MAX || self.open.bytes >= BATCH_BYTES_MAX {
            self.close(self.end_of(record), false, out);
        }
    }

    fn count(&mut self, record: &Record<'_>, time: Timestamp, is_late: bool) {
        let (hash, text, variables) = match record.template {
            Some(text) => (xxh3_64_with_seed(text.as_bytes(), GIVEN), text, &[][..]),
            None => {
                let is_own = self.masks.mask(record.content, &mut self.skeleton);
                let variables = if is_own { self.skeleton.variables() } else { &[] };
                (self.skeleton.hash(), self.skeleton.text(), variables)
            }
        };
        let at = self.state.clock.newest().unwrap_or(time);
        let open = &mut self.open;
        let service = open.service_idx(record.service);
        let window = time.window_start(self.settings.window);
        let tallies = &mut open.services[service];
        let skeletons = if is_late { &mut tallies.late } else { &mut tallies.skeletons };
        let service_idx = u32::try_from(service).unwrap_or(u32::MAX);
        let key = PlaceKey { service: service_idx, is_late, window, hash };
        let place = open.places.entry(key).or_insert_with(|| {
            let first = exemplar(record, time, at);
            let skeleton = shortened(text, SKELETON_BYTES_MAX).to_owned();
            open.bytes += skeleton.len() + first.text.len() + first.host.len() + ENTRY_BYTES;
            let given = record.template.is_some();
            skeletons.push(SkeletonTally::new(hash, skeleton, given, window, first));
            let idx = u32::try_from(skeletons.len() - 1).unwrap_or(u32::MAX);
            Place { idx, bound: u32::MAX }
        });
        let idx = place.idx;
        let tally = &mut skeletons[idx as usize];
        tally.levels[record.level as usize] += 1;
        if is_late {
            return;
        }
        let known = tally.gravest.as_ref().unwrap_or(&tally.first).level;
        if record.level > known && record.level >= Level::Error {
            let gravest = exemplar(record, time, at);
            open.bytes += gravest.text.len() + gravest.host.len();
            tally.gravest = Some(gravest);
        }
        open.bytes += count_host(&mut tally.hosts, record.host);
        if let Some(sampler) = &mut self.sampler {
            let (offset, content) = (record.offset, record.content);
            let candidate = values::Candidate { offset, time, content, variables };
            open.bytes += sampler.offer(candidate, tally, &mut place.bound);
        }
        if let Some(key) = record.session {
            let (count, offset) = (1, record.offset);
            let event = SessionEvent { skeleton: idx, count, first: time, last: time, offset };
            open.bytes += open.sessions.count(service, key, event, &mut tallies.sessions);
        }
    }

    fn cut(&mut self, to: u64, wall: Timestamp, idle: bool, out: &mut Vec<TallyBatch>) {
        self.wall = wall;
        if idle {
            self.state.clock.settle(wall, &self.settings);
        }
        let beat = self.state.heartbeat.is_none_or(|last| wall >= last + HEARTBEAT);
        let due = beat || idle != self.state.was_idle;
        if to > self.state.to || self.open.lines.total() > 0 || due {
            self.close(to, idle, out);
        }
    }

    fn close(&mut self, to: u64, idle: bool, out: &mut Vec<TallyBatch>) {
        self.place_untimed();
        self.open.bytes = 0;
        let open = &mut self.open;
        let from = self.state.to;
        self.state.to = from.max(to);
        out.push(TallyBatch {
            source: self.source.clone(),
            sources: self.sources,
            seq: self.state.seq,
            from,
            to: self.state.to,
            newest: self.state.clock.newest(),
            idle,
            wall: self.wall,
            lines: std::mem::take(&mut open.lines),
            services: std::mem::take(&mut open.services),
        });
        open.places.clear();
        open.sessions.clear();
        open.by_name.clear();
        open.service = 0;
        self.state.seq += 1;
        self.state.heartbeat = Some(self.wall);
        self.state.was_idle = idle;
    }

    /// Gives records that came before any stated time the time of their source, else wall time.
    fn place_untimed(&mut self) {
        if !std::mem::take(&mut self.open.untimed) {
            return;
        }
        let time = self.state.clock.newest().unwrap_or(self.wall);
        let unset = Timestamp::MIN.window_start(self.settings.window);
        let tallies = self.open.services.iter_mut().flat_map(|service| &mut service.skeletons);
        for tally in tallies.filter(|tally| tally.window == unset) {
            tally.window = time.window_start(self.settings.window);
            tally.first.time = time;
            tally.first.at = time;
        }
        sessions::place_untimed(&mut self.open.services, time);
    }

    /// The first offset after a record; lines that were joined are lines of their own in a file.
    fn end_of(&self, record: &Record<'_>) -> u64 {
        match self.source {
            Source::Partition { .. } => record.offset + 1,
            Source::File { .. } => record.offset + u64::from(record.lines.max(1)),
        }
    }

    /// The window that the watermark lies in, and the step of a window that event time lies in.
    fn slot(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (clock, window) = (&self.state.clock, self.settings.window);
        let watermark = clock.watermark(&self.settings);
        (
            watermark.map(|watermark| watermark.window_start(window)),
            clock.newest().map(|newest| newest.window_start(step_of(window))),
        )
    }
}

impl OpenBatch {
    fn service_idx(&mut self, name: &str) -> usize {
        if self.services.get(self.service).is_some_and(|service| service.name == name) {
            return self.service;
        }
        self.service = match self.by_name.get(name) {
            Some(idx) => *idx,
            None => {
                self.by_name.insert(name.to_owned(), self.services.len());
                self.bytes += name.len() + SERVICE_BYTES;
                self.services.push(ServiceTally::new(name.to_owned()));
                self.services.len() - 1
            }
        };
        self.service
    }
}

/// Counts a host; returns the bytes that this adds to the batch.
fn count_host(hosts: &mut Vec<(String, u32)>, host: &str) -> usize {
    if host.is_empty() {
        return 0;
    }
    if let Some(known) = hosts.iter_mut().find(|(name, _)| name == host) {
        known.1 += 1;
        return 0;
    }
    if hosts.len() < HOSTS_MAX {
        hosts.push((host.to_owned(), 1));
        return HOST_BYTES + host.len();
    }
    match hosts.iter_mut().find(|(name, _)| name.is_empty()) {
        Some(rest) => rest.1 += 1,
        None => hosts.push((String::new(), 1)),
    }
    0
}

fn exemplar(record: &Record<'_>, time: Timestamp, at: Timestamp) -> Exemplar {
    let cut = &record.content[..record.content.len().min(TEXT_BYTES_MAX)];
    let mut text = String::from_utf8_lossy(cut).into_owned();
    if cut.len() < record.content.len() {
        text.push('…');
    }
    let host = record.host.to_owned();
    Exemplar { offset: record.offset, time, at, host, level: record.level, text }
}

#[cfg(test)]
mod tests;
