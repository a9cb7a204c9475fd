//! What the detect stage knows of one service, and how a window of it is judged.

use std::collections::BTreeMap;

use logwake_models::template::{Catalogue, CatalogueLimits, TemplateId};
use serde::{Deserialize, Serialize};

use crate::anomaly::Evidence;
use crate::record::{Level, Source};
use crate::tally::SkeletonTally;
use crate::time::Timestamp;

use super::Seeds;
use super::budget::Spending;
use super::features::ForestWatch;
use super::series::Series;
use super::session::Sessions;
use super::values::Watches;
use super::window::{WindowCounts, earlier};

/// State of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Name, as records state it.
    pub name: String,
    /// Skeletons and templates.
    pub catalogue: Catalogue,
    /// Statistics of each template, under its canonical id.
    pub templates: BTreeMap<TemplateId, TemplateStats>,
    /// Windows not closed yet.
    pub open: BTreeMap<Timestamp, WindowCounts>,
    /// Records of the service.
    pub total: Series,
    /// Records of level error and above.
    pub grave: Series,
    /// The forest over its windows.
    pub forest: ForestWatch,
    /// Whether a window with a record of it was closed in this run.
    pub has_begun: bool,
    /// Windows closed since its first record.
    pub windows: u64,
    /// Records taken in.
    pub records: u64,
    /// Records among them whose windows are closed.
    pub settled: u64,
    /// Records whose window was closed already when they came.
    pub late: u64,
    /// Start of the first window.
    pub since: Timestamp,
    /// The first record of each template that is not judged as new yet: of all sources, so it waits
    /// until they have passed it.
    pub pending: BTreeMap<TemplateId, Evidence>,
    /// Forgetting mean of new templates a window.
    pub novelty_rate: f64,
    /// The last record that closed windows began a template with.
    pub last: Option<Evidence>,
    /// Sessions.
    pub sessions: Sessions,
    /// The variables that are watched.
    pub values: Watches,
    /// Closed windows in which it said anything.
    pub active: u64,
    /// What it has told lately.
    pub spending: Spending,
}

/// Statistics of one template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateStats {
    /// Records in all.
    pub total: u64,
    /// Records by level.
    pub levels: [u64; Level::COUNT],
    /// Event time of the first record.
    pub first_seen: Timestamp,
    /// Event time of the last exemplar.
    pub last_seen: Timestamp,
    /// Counts a window.
    pub rate: Series,
    /// Whether it came in a window that is closed.
    pub is_settled: bool,
    /// Forgetting mean of its share of a window.
    pub share: f64,
    /// Number, among the windows in which the service said anything, of the last one that it came in.
    pub active: u64,
    /// Its first record in the last closed window that it came in.
    pub last: Evidence,
}

impl Service {
    /// Starts a service with its first window.
    pub fn new(name: &str, limits: CatalogueLimits, since: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            catalogue: Catalogue::new(name, limits),
            templates: BTreeMap::new(),
            open: BTreeMap::new(),
            total: Series::new(0),
            grave: Series::new(0),
            forest: ForestWatch::new(xxhash_rust::xxh3::xxh3_64(name.as_bytes())),
            has_begun: false,
            windows: 0,
            records: 0,
            settled: 0,
            late: 0,
            since,
            pending: BTreeMap::new(),
            novelty_rate: 0.0,
            last: None,
            sessions: Sessions::default(),
            values: Watches::default(),
            active: 0,
            spending: Spending::default(),
        }
    }

    /// Keeps what does not hang on the width of windows: templates, sessions, and what was counted.
    pub(super) fn relearned(&self, limits: CatalogueLimits, since: Timestamp) -> Self {
        let templates = self.templates.iter().map(|(id, stats)| {
            let stats = stats.clone();
            (*id, TemplateStats { rate: Series::new(0), share: 0.0, active: 0, ..stats })
        });
        Self {
            catalogue: self.catalogue.clone(),
            templates: templates.collect(),
            sessions: self.sessions.clone(),
            spending: self.spending,
            records: self.records,
            settled: self.settled,
            late: self.late,
            ..Self::new(&self.name, limits, since)
        }
    }

    /// Makes the templates that were written down for it known, and folds what they take in.
    pub(super) fn seed(&mut self, seeds: &Seeds) {
        for (id, text) in seeds.get(&self.name).into_iter().flatten() {
            // Refused where what was learnt has the id under another text: then that stays.
            let _ = self.catalogue.seed(*id, text);
        }
        self.fold_merges();
    }

    /// Takes in the tally of one skeleton; returns the template that it belongs to.
    pub fn take(
        &mut self,
        tally: SkeletonTally,
        source: &Source,
        closed: Option<Timestamp>,
        step: Option<usize>,
    ) -> TemplateId {
        let id = self.see(&tally, source);
        if closed.is_some_and(|closed| tally.window < closed) {
            self.late += tally.count();
        } else {
            self.open.entry(tally.window).or_default().add(id, tally, source, step);
        }
        id
    }

    /// Takes in the tally of a skeleton whose records came too late for their window: they count for
    /// totals and novelty.
    pub fn take_late(&mut self, tally: SkeletonTally, source: &Source) {
        self.see(&tally, source);
        self.late += tally.count();
    }

    /// Counts the records of a tally for its template, and keeps the first one of a new template.
    fn see(&mut self, tally: &SkeletonTally, source: &Source) -> TemplateId {
        let id = self.assign(tally);
        self.records += tally.count();
        let novel = self.count(id, tally, source) && !self.catalogue.is_seed(id);
        if novel || self.pending.contains_key(&id) {
            self.await_judgement(id, evidence_of(tally, source));
        }
        id
    }

    /// Keeps the first record of a new template until it is judged.
    fn await_judgement(&mut self, id: TemplateId, first: Evidence) {
        match self.pending.get_mut(&id) {
            Some(known) if earlier(&first, known) => *known = first,
            Some(_) => {}
            None => {
                self.pending.insert(id, first);
            }
        }
    }

    /// Takes out the new templates whose first record every source has passed.
    pub(super) fn take_pending(&mut self, until: Timestamp) -> Vec<(TemplateId, Evidence)> {
        let passed = |(_, first): &(&TemplateId, &Evidence)| first.exemplar.at <= until;
        let ids: Vec<TemplateId> = self.pending.iter().filter(passed).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.pending.remove_entry(&id)).collect()
    }

    /// Makes room for the window of a tally by giving up a later one; returns the records lost with
    /// that, `None` where the tally's own window is the latest.
    pub(super) fn room_for(
        &mut self,
        tally: &SkeletonTally,
        closed: Option<Timestamp>,
        open_windows_max: usize,
    ) -> Option<u64> {
        let late = closed.is_some_and(|closed| tally.window < closed);
        let known = late || self.open.contains_key(&tally.window);
        if known || self.open.len() < open_windows_max {
            return Some(0);
        }
        let latest = self.open.last_entry().filter(|entry| *entry.key() > tally.window)?;
        Some(latest.remove().levels().iter().sum())
    }

    /// Finds the template of a tally's skeleton and folds what merged on the way.
    fn assign(&mut self, tally: &SkeletonTally) -> TemplateId {
        if let Some(id) = self.catalogue.find(tally.hash) {
            return id;
        }
        let assignment = if tally.given {
            self.catalogue.assign_given(tally.hash, &tally.skeleton)
        } else {
            self.catalogue.assign(tally.hash, &tally.skeleton)
        };
        self.fold_merges();
        self.catalogue.resolve(assignment.id)
    }

    fn fold_merges(&mut self) {
        for (alias, into) in self.catalogue.take_merges() {
            self.fold(alias, into);
        }
    }

    /// Adds to a template's statistics; tells whether it had none.
    fn count(&mut self, id: TemplateId, tally: &SkeletonTally, source: &Source) -> bool {
        let time = tally.first.time;
        let before = self.total.windows();
        let mut novel = false;
        let stats = self.templates.entry(id).or_insert_with(|| {
            novel = true;
            TemplateStats {
                total: 0,
                levels: [0; Level::COUNT],
                first_seen: time,
                last_seen: time,
                rate: Series::by_the_clock(before),
                is_settled: false,
                share: 0.0,
                active: 0,
                last: evidence_of(tally, source),
            }
        });
        stats.total += tally.count();
        for (total, count) in stats.levels.iter_mut().zip(tally.levels) {
            *total += u64::from(count);
        }
        stats.first_seen = stats.first_seen.min(time);
        stats.last_seen = stats.last_seen.max(time);
        novel
    }

    fn fold(&mut self, alias: TemplateId, into: TemplateId) {
        self.sessions.fold(alias, into);
        self.values.fold(alias, into);
        for window in self.open.values_mut() {
            window.fold(alias, into);
        }
        let Some(folded) = self.templates.remove(&alias) else { return };
        let is_known = self.templates.contains_key(&into) && !self.pending.contains_key(&into);
        match self.pending.remove(&alias) {
            Some(first) if !is_known => self.await_judgement(into, first),
            _ => drop(self.pending.remove(&into)),
        }
        match self.templates.get_mut(&into) {
            Some(stats) => stats.fold(folded),
            None => {
                self.templates.insert(into, folded);
            }
        }
    }
}

fn evidence_of(tally: &SkeletonTally, source: &Source) -> Evidence {
    Evidence { source: source.clone(), exemplar: tally.first.clone() }
}

impl TemplateStats {
    /// Returns the gravest level that one record in a hundred states.
    pub fn level(&self) -> Level {
        let often = |level: &&Level| self.levels[**level as usize] * 100 >= self.total.max(1);
        Level::ALL.iter().rev().find(often).copied().unwrap_or_default()
    }

    fn fold(&mut self, other: Self) {
        if other.total > self.total {
            self.rate = other.rate;
        }
        self.total += other.total;
        for (total, count) in self.levels.iter_mut().zip(other.levels) {
            *total += count;
        }
        self.first_seen = self.first_seen.min(other.first_seen);
        self.is_settled |= other.is_settled;
        self.share += other.share;
        self.active = self.active.max(other.active);
        if other.last_seen > self.last_seen {
            self.last_seen = other.last_seen;
            self.last = other.last;
        }
    }
}
