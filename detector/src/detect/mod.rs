//! Stage 2, detect: tallies of every source in, anomalies out.
//!
//! One machine a shard of services.
//! It owns the catalogue that turns skeletons into templates, closes windows when every source has
//! passed them, and judges what it counted.
//!
//! **Novelty is stated as soon as every source has passed it; everything else when a window
//! closes.**
//! Both depend only on the tallies in their order, never on how often a source commits.

mod budget;
mod early;
mod features;
mod fit;
mod fleet;
mod gravity;
mod judge;
mod known;
mod rare;
mod reason;
mod room;
mod series;
mod service;
mod session;
mod tell;
mod values;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use logwake_models::template::{CatalogueLimits, TemplateId};
use serde::{Deserialize, Serialize};

pub use budget::Spending;
pub use early::step_of;
pub use fleet::{FleetClock, FleetSettings};
pub use gravity::{Gravity, gravity_of};
pub use known::{Known, Learned, Seeds};
pub use reason::{grouped, shorten, span};
pub use service::{Service, TemplateStats};
pub use session::{SessionCounts, SessionSettings, Sessions};
pub use values::{Forms, ValueSettings, Watches};

use crate::anomaly::Anomaly;
use crate::tally::{LineCounts, ServiceTally, TallyBatch};
use crate::time::Timestamp;

/// Name under which services beyond the limit are counted together.
pub const OTHER_SERVICE: &str = "(other)";

/// Bytes of anomalies that are handed over at once: half of what a broker takes by default.
const FINDINGS_BYTES_MAX: usize = 512 << 10;

/// How the detect stage judges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectSettings {
    /// Width of the tumbling windows.
    pub window: Duration,
    /// How far the watermark stays behind the newest record.
    pub lateness: Duration,
    /// Event time that a service is learned before it is judged.
    pub warmup: Duration,
    /// Episodes of anomalies that a service may tell in a week.
    pub anomaly_budget: f64,
    /// Greatest p-value at which the forest speaks.
    pub forest_p_value_max: f64,
    /// Windows without any record that are judged one by one; a longer gap is passed over.
    pub gap_windows_max: u64,
    /// Services told apart.
    pub services_max: usize,
    /// Windows of a service that may wait to be closed.
    pub open_windows_max: usize,
    /// Limits of each catalogue.
    pub catalogue: CatalogueLimits,
    /// How long slow sources are waited for.
    pub fleet: FleetSettings,
    /// How sessions are judged.
    pub sessions: SessionSettings,
    /// How values are judged.
    pub values: ValueSettings,
}

/// What one tally led to: the value that crosses to the alert stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Shard that found them.
    pub shard: u32,
    /// How many shards there are.
    pub shards: u32,
    /// Number of these findings in their shard, from 0, without gaps.
    pub seq: u64,
    /// Event time up to which the shard has told everything.
    pub progress: Option<Timestamp>,
    /// Wall time of the input.
    pub wall: Timestamp,
    /// The anomalies, in the order of their `at`.
    pub anomalies: Vec<Anomaly>,
}

/// What the stage counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectCounts {
    /// Lines that the tallies accounted for.
    pub lines: LineCounts,
    /// Batches that had been taken in before.
    pub repeated: u64,
    /// Windows closed.
    pub windows: u64,
    /// Records dropped at a limit on open windows.
    pub records_dropped: u64,
}

/// The detect machine of one shard.
#[derive(Clone, Debug, PartialEq)]
pub struct Detect {
    settings: DetectSettings,
    known: Arc<Known>,
    shard: u32,
    shards: u32,
    state: DetectState,
    /// Saves looking for an idle service at each new name.
    none_idle: room::NoneBefore,
}

/// What a detect machine keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DetectState {
    /// Width of the windows that it was learned in.
    width: Duration,
    fleet: FleetClock,
    services: BTreeMap<String, Service>,
    closed: Option<Timestamp>,
    /// End of the last step of a window that was looked at before it closed.
    looked: Option<Timestamp>,
    gap: u64,
    seq: u64,
    told: Option<Timestamp>,
    counts: DetectCounts,
}

impl Detect {
    /// Makes the machine of one shard of `shards`.
    pub fn new(settings: DetectSettings, shard: u32, shards: u32) -> Self {
        let state = DetectState { width: settings.window, ..DetectState::default() };
        let none_idle = room::NoneBefore::default();
        Self { settings, known: Arc::default(), shard, shards, state, none_idle }
    }

    /// Makes this known from the start.
    pub fn with_known(mut self, known: Arc<Known>) -> Self {
        self.known = known;
        self
    }

    /// Continues from a state that [`Self::state`] gave; tells whether its rates are of use.
    ///
    /// Counts of windows of another width are not: of these, templates and what was told stay, and
    /// each service is learned anew.
    pub fn restore(&mut self, state: DetectState) -> bool {
        self.state = state;
        self.none_idle = room::NoneBefore::default();
        let is_same_width = self.state.width == self.settings.window;
        if !is_same_width {
            self.relearn();
        }
        for service in self.state.services.values_mut() {
            service.seed(&self.known.seeds);
        }
        is_same_width
    }

    fn relearn(&mut self) {
        let state = &mut self.state;
        state.width = self.settings.window;
        state.looked = None;
        state.closed = state.closed.map(|closed| closed.window_start(self.settings.window));
        let since = state.closed.unwrap_or_default();
        for service in state.services.values_mut() {
            let open = service.open.values().flat_map(|window| window.levels());
            state.counts.records_dropped += open.sum::<u64>();
            *service = service.relearned(self.settings.catalogue, since);
        }
    }

    /// Begins with a batch that as many may have come before as `position` says, at most: what it
    /// finds is numbered above all that those can have led to.
    pub fn begin(&mut self, position: u64) {
        self.state.seq = position;
    }

    /// Returns what must be kept.
    pub fn state(&self) -> &DetectState {
        &self.state
    }

    /// Takes in a batch; appends what it led to.
    pub fn step(&mut self, mut batch: TallyBatch, out: &mut Vec<Findings>) {
        let reached = self.state.fleet.reached_by(&batch.source);
        if !self.state.fleet.observe(&batch, &self.settings.fleet) {
            self.state.counts.repeated += 1;
            return;
        }
        self.state.counts.lines.add(&batch.lines);
        let mut anomalies = Vec::new();
        self.count(&mut batch, reached);
        self.close_windows(&mut anomalies);
        let told = self.state.told.unwrap_or(Timestamp::MIN);
        anomalies.iter_mut().for_each(|anomaly| anomaly.at = anomaly.at.max(told));
        anomalies.sort_by(|a, b| (a.at, &a.service, &a.id).cmp(&(b.at, &b.service, &b.id)));
        let progress = self.state.fleet.settled().max(self.state.told);
        if anomalies.is_empty() && progress == self.state.told {
            return;
        }
        anomalies.iter_mut().for_each(Anomaly::cut);
        self.find(anomalies, progress, batch.wall, out);
    }

    /// Hands anomalies over, in parts where they are too many for one message; the last of them says
    /// how far everything is told.
    fn find(
        &mut self,
        anomalies: Vec<Anomaly>,
        progress: Option<Timestamp>,
        wall: Timestamp,
        out: &mut Vec<Findings>,
    ) {
        let mut part = (Vec::new(), 0);
        for anomaly in anomalies {
            let bytes = anomaly.bytes();
            if part.1 + bytes > FINDINGS_BYTES_MAX && !part.0.is_empty() {
                self.hand_over(std::mem::take(&mut part.0), self.state.told, wall, out);
                part.1 = 0;
            }
            part.0.push(anomaly);
            part.1 += bytes;
        }
        self.hand_over(part.0, progress, wall, out);
        self.state.told = progress;
    }

    fn hand_over(
        &mut self,
        anomalies: Vec<Anomaly>,
        progress: Option<Timestamp>,
        wall: Timestamp,
        out: &mut Vec<Findings>,
    ) {
        let (shard, shards, seq) = (self.shard, self.shards, self.state.seq);
        out.push(Findings { shard, shards, seq, progress, wall, anomalies });
        self.state.seq += 1;
    }

    /// Takes in the counts of a batch whose source had come to `reached` before it.
    fn count(&mut self, batch: &mut TallyBatch, reached: Option<Timestamp>) {
        let (closed, settings) = (self.state.closed, self.settings);
        let mut dropped = 0;
        for tallies in std::mem::take(&mut batch.services) {
            let since = self.state.begin_of(&tallies);
            let is_named = self.state.services.contains_key(&tallies.name)
                || self.state.make_room(settings.services_max, &mut self.none_idle);
            let name = if is_named { tallies.name.as_str() } else { OTHER_SERVICE };
            let service = self.state.service(name, &settings, &self.known, since);
            let mut places = Vec::with_capacity(tallies.skeletons.len());
            for tally in tallies.skeletons {
                let Some(lost) = service.room_for(&tally, closed, settings.open_windows_max) else {
                    dropped += tally.count();
                    places.push(None);
                    continue;
                };
                dropped += lost;
                let window = tally.window;
                let step = early::step_at(window, reached, settings.window);
                let id = service.take(tally, &batch.source, closed, step);
                let is_open = closed.is_none_or(|closed| window >= closed);
                places.push(is_open.then_some((id, window)));
            }
            for tally in tallies.late {
                service.take_late(tally, &batch.source);
            }
            let sessions = &settings.sessions;
            service.sessions.take(tallies.sessions, &places, &batch.source, sessions);
        }
        self.state.counts.records_dropped += dropped;
    }

    fn close_windows(&mut self, out: &mut Vec<Anomaly>) {
        let Some(progress) = self.state.fleet.progress() else { return };
        self.close_until(progress, out);
        if let Some(settled) = self.state.fleet.settled() {
            self.judge_novelties(settled, out);
        }
    }

    fn close_until(&mut self, progress: Timestamp, out: &mut Vec<Anomaly>) {
        let watermark = (progress - self.settings.lateness).window_start(self.settings.window);
        let Some(begin) = self.state.closed.or_else(|| self.state.first_open()) else { return };
        let mut next = begin;
        while next < watermark {
            self.judge_early(next + self.settings.window + self.settings.lateness, out);
            if self.state.gap >= self.settings.gap_windows_max {
                next = self.state.first_open().map_or(watermark, |open| open.min(watermark));
                if next >= watermark {
                    break;
                }
            }
            self.close_window(next, out);
            next = next + self.settings.window;
        }
        if next > begin {
            self.state.closed = Some(next);
        }
        self.judge_early(progress, out);
    }

    /// Looks at open windows in all steps that have ended by `until` and were not looked at yet.
    fn judge_early(&mut self, until: Timestamp, out: &mut Vec<Anomaly>) {
        let width = early::step_of(self.settings.window);
        let Some(first) = self.state.first_open() else { return };
        let mut step_end = self.state.looked.map_or(first, |looked| looked.max(first)) + width;
        while step_end <= until {
            self.look(step_end, out);
            self.state.looked = Some(step_end);
            step_end = step_end + width;
        }
    }

    /// Looks at what has come in the window whose step ends now.
    fn look(&mut self, at: Timestamp, out: &mut Vec<Anomaly>) {
        let settings = &self.settings;
        let window = (at - Duration::from_nanos(1)).window_start(settings.window);
        let Some(step) =
            early::step_at(window, Some(at - Duration::from_nanos(1)), settings.window)
        else {
            return;
        };
        let incomplete = self.state.fleet.is_incomplete();
        let levels = budget::Levels::default();
        let bench = judge::Bench { settings, window, at, incomplete, levels };
        for service in self.state.services.values_mut() {
            early::judge(service, &bench, step, out);
        }
    }

    fn close_window(&mut self, window: Timestamp, out: &mut Vec<Anomaly>) {
        let at = window + self.settings.window + self.settings.lateness;
        self.judge_novelties(at - Duration::from_nanos(1), out);
        let bench = judge::Bench {
            settings: &self.settings,
            window,
            at,
            incomplete: self.state.fleet.is_incomplete(),
            levels: budget::Levels::default(),
        };
        let empty = self.state.services.values().all(|service| !service.open.contains_key(&window));
        self.state.gap = if empty { self.state.gap + 1 } else { 0 };
        for service in self.state.services.values_mut() {
            judge::close(service, &bench, out);
        }
        let (at, incomplete) = (bench.at, bench.incomplete);
        self.close_sessions(window, at, incomplete, out);
        self.state.counts.windows += 1;
    }

    /// Judges the sessions that have ended with a window.
    fn close_sessions(
        &mut self,
        window: Timestamp,
        at: Timestamp,
        incomplete: bool,
        out: &mut Vec<Anomaly>,
    ) {
        let sessions_max = self.settings.sessions.sessions_max;
        let mut room = sessions_max.saturating_sub(self.state.open_sessions());
        let ended_max = sessions_max / self.state.services.len().max(1);
        for service in self.state.services.values_mut() {
            let (begin, is_warm) = (out.len(), service.is_warm(&self.settings));
            let context = session::Context {
                service: &service.name,
                catalogue: &service.catalogue,
                settings: &self.settings.sessions,
                window,
                end: window + self.settings.window,
                at,
                incomplete,
                ended_max,
            };
            session::tell(&mut service.sessions, &context, &mut room, out);
            if !is_warm {
                out.truncate(begin);
            }
        }
    }

    /// Judges the new templates whose first record lies no later than `until`.
    fn judge_novelties(&mut self, until: Timestamp, out: &mut Vec<Anomaly>) {
        for service in self.state.services.values_mut() {
            let is_warm = service.is_warm(&self.settings);
            for (id, first) in service.take_pending(until) {
                if is_warm {
                    let novelty = service.novelty(id, &first, &self.settings);
                    service.tell(novelty, &self.settings, out);
                }
            }
        }
    }
}

impl DetectState {
    /// Returns the services by name.
    pub fn services(&self) -> &BTreeMap<String, Service> {
        &self.services
    }

    /// Returns what was counted.
    pub fn counts(&self) -> &DetectCounts {
        &self.counts
    }

    /// Returns how many sessions are open.
    pub fn open_sessions(&self) -> usize {
        self.services.values().map(|service| service.sessions.open()).sum()
    }

    /// Returns what became of the sessions of all services.
    pub fn session_counts(&self) -> SessionCounts {
        let mut sum = SessionCounts::default();
        self.services.values().for_each(|service| sum.add(service.sessions.counts()));
        sum
    }

    /// Returns how many anomalies were kept back since the budget of their service was overspent.
    pub fn kept_back(&self) -> u64 {
        self.services.values().map(|service| service.spending.kept_back()).sum()
    }

    /// Returns the episodes that each service has told in the last week, by name.
    pub fn episodes(&self) -> impl Iterator<Item = (&str, f64)> {
        let now = self.fleet.progress().unwrap_or(Timestamp::MIN);
        self.services.values().map(move |one| (one.name.as_str(), one.spending.episodes(now)))
    }

    /// Returns the event time that every source has reached.
    pub fn progress(&self) -> Option<Timestamp> {
        self.fleet.progress()
    }

    /// Returns the start of the first window of any service.
    pub fn first_seen(&self) -> Option<Timestamp> {
        self.services.values().map(|service| service.since).min()
    }

    /// Returns the service and id of a template.
    pub fn find_template(&self, id: TemplateId) -> Option<(&Service, TemplateId)> {
        self.services.values().find_map(|service| {
            let id = service.catalogue.resolve(id);
            service.templates.contains_key(&id).then_some((service, id))
        })
    }

    fn first_open(&self) -> Option<Timestamp> {
        self.services.values().filter_map(|service| service.open.keys().next().copied()).min()
    }

    /// Returns the window that a service which begins with these tallies began in; late records alone
    /// say only that it is there now.
    fn begin_of(&self, tallies: &ServiceTally) -> Timestamp {
        let first = tallies.skeletons.iter().map(|tally| tally.window).min();
        let late = tallies.late.iter().map(|tally| tally.window).max();
        first.or(self.closed.max(late)).unwrap_or_default()
    }

    fn service(
        &mut self,
        name: &str,
        settings: &DetectSettings,
        known: &Known,
        since: Timestamp,
    ) -> &mut Service {
        let first = self
            .services
            .values()
            .map(|service| service.since)
            .min()
            .filter(|_| known.is_begin_normal);
        let silent = first.map_or(0, |first| settings.windows_in(since.since(first)));
        self.services.entry(name.to_owned()).or_insert_with(|| {
            let fresh = || Service::new(name, settings.catalogue, since);
            let mut service = known.learned.begin(name, since).unwrap_or_else(fresh);
            if service.windows == 0 && silent <= settings.warmup_windows() / 2 {
                service.windows = silent;
            }
            service.seed(&known.seeds);
            service
        })
    }
}

#[cfg(test)]
mod tests;
