//! The counts of one service in one window, summed over all sources.

use std::collections::BTreeMap;

use logwake_models::template::TemplateId;
use serde::{Deserialize, Serialize};

use crate::anomaly::Evidence;
use crate::record::{Level, Source};
use crate::tally::SkeletonTally;
use crate::time::Timestamp;

use super::early::{BySteps, STEPS};
use super::values::Forms;

/// Hosts counted by name in one window of one service.
const HOSTS_MAX: usize = 256;

/// Counts of one service in one window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowCounts {
    /// Counts by template.
    pub templates: BTreeMap<TemplateId, Cell>,
    /// Records by host.
    pub hosts: BTreeMap<String, u64>,
}

/// Counts of one template in one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Records by level.
    pub levels: [u64; Level::COUNT],
    /// Those that came in a step of the window, see [`super::early`].
    pub by_step: BySteps,
    /// The first two of the hosts that wrote it, by name: more are not told apart.
    pub hosts: Vec<String>,
    /// The first record of the window.
    pub first: Evidence,
    /// The first record of its gravest level, where that is error or above and `first` is not it.
    pub gravest: Option<Box<Evidence>>,
    /// Its skeletons and the values of some records.
    pub forms: Forms,
}

impl WindowCounts {
    /// Adds the tally of one skeleton, which came in this step, to its template.
    pub fn add(
        &mut self,
        id: TemplateId,
        mut tally: SkeletonTally,
        source: &Source,
        step: Option<usize>,
    ) {
        for (host, count) in &tally.hosts {
            add_host(&mut self.hosts, host, u64::from(*count));
        }
        let forms = Forms::of(&mut tally, source);
        let mut by_step = BySteps::default();
        if let Some(step) = step {
            by_step[step] = tally.levels;
        }
        let evidence = |exemplar| Evidence { source: source.clone(), exemplar };
        let mut hosts: Vec<String> = tally.hosts.into_iter().map(|(host, _)| host).collect();
        keep_two(&mut hosts);
        let cell = Cell {
            forms,
            levels: tally.levels.map(u64::from),
            by_step,
            hosts,
            first: evidence(tally.first),
            gravest: tally.gravest.map(evidence).map(Box::new),
        };
        self.add_cell(id, cell);
    }

    /// Moves the counts of an alias to the template that it became part of.
    pub fn fold(&mut self, alias: TemplateId, into: TemplateId) {
        if let Some(cell) = self.templates.remove(&alias) {
            self.add_cell(into, cell);
        }
    }

    /// Returns the records of the window by level.
    pub fn levels(&self) -> [u64; Level::COUNT] {
        let mut sum = [0; Level::COUNT];
        for cell in self.templates.values() {
            for (total, count) in sum.iter_mut().zip(cell.levels) {
                *total += count;
            }
        }
        sum
    }

    /// Returns the records of level error and above until the end of a step.
    pub fn errors_by(&self, step: usize) -> u64 {
        let grave = |cell: &Cell| cell.levels_by(step)[Level::Error as usize..].iter().sum::<u64>();
        self.templates.values().map(grave).sum()
    }

    /// Returns what had come until the end of a step, at this time.
    pub fn until(&self, step: usize, at: Timestamp) -> Self {
        let came = self.templates.iter().filter(|(_, cell)| cell.count_by(step) > 0);
        let templates = came.map(|(id, cell)| (*id, cell.until(step, at))).collect();
        Self { templates, hosts: BTreeMap::new() }
    }

    fn add_cell(&mut self, id: TemplateId, cell: Cell) {
        let Some(known) = self.templates.get_mut(&id) else {
            self.templates.insert(id, cell);
            return;
        };
        for (total, count) in known.levels.iter_mut().zip(cell.levels) {
            *total += count;
        }
        for (total, count) in known.by_step.iter_mut().flatten().zip(cell.by_step.as_flattened()) {
            *total += count;
        }
        let gravest = [known.gravest(), cell.gravest()];
        let gravest = gravest.into_iter().min_by_key(|one| graver_then_earlier(one));
        let gravest = gravest.filter(|one| one.exemplar.level >= Level::Error).cloned();
        if known.hosts != cell.hosts {
            known.hosts.extend(cell.hosts);
            keep_two(&mut known.hosts);
        }
        if earlier(&cell.first, &known.first) {
            known.first = cell.first;
        }
        known.gravest = gravest.map(Box::new);
        known.forms.merge(cell.forms);
    }
}

impl Cell {
    /// Returns the number of records.
    pub fn count(&self) -> u64 {
        self.levels.iter().sum()
    }

    /// Returns the number of records until the end of a step.
    pub fn count_by(&self, step: usize) -> u64 {
        self.levels_by(step).iter().sum()
    }

    fn levels_by(&self, step: usize) -> [u64; Level::COUNT] {
        let mut sum = [0; Level::COUNT];
        for levels in self.by_step.iter().take(step + 1) {
            for (total, count) in sum.iter_mut().zip(levels) {
                *total += u64::from(*count);
            }
        }
        sum
    }

    /// Returns what had come until the end of a step, at this time; hosts and values are left out.
    pub fn until(&self, step: usize, at: Timestamp) -> Self {
        Self {
            levels: self.levels_by(step),
            by_step: [[0; Level::COUNT]; STEPS],
            hosts: Vec::new(),
            first: self.first.clone(),
            gravest: self.gravest.clone().filter(|one| one.exemplar.at <= at),
            forms: Forms::default(),
        }
    }

    /// Returns the first record of the gravest level.
    pub fn gravest(&self) -> &Evidence {
        self.gravest.as_deref().unwrap_or(&self.first)
    }

    /// Returns the gravest level.
    pub fn level(&self) -> Level {
        let found = Level::ALL.iter().rev().find(|level| self.levels[**level as usize] > 0);
        found.copied().unwrap_or_default()
    }

    /// Returns the host, where all records that name one come from the same.
    pub fn only_host(&self) -> Option<String> {
        match self.hosts.as_slice() {
            [host] if !host.is_empty() => Some(host.clone()),
            _ => None,
        }
    }
}

/// Orders records by level, the gravest first, and of a level by when they could be known.
fn graver_then_earlier(one: &Evidence) -> impl Ord + use<> {
    let exemplar = &one.exemplar;
    (std::cmp::Reverse(exemplar.level), exemplar.at, one.source.clone(), exemplar.offset)
}

/// Orders records by when they could be known, so that one source's stay in the order read.
pub(super) fn earlier(a: &Evidence, b: &Evidence) -> bool {
    (a.exemplar.at, &a.source, a.exemplar.offset) < (b.exemplar.at, &b.source, b.exemplar.offset)
}

fn keep_two(hosts: &mut Vec<String>) {
    hosts.sort_unstable();
    hosts.dedup();
    hosts.truncate(2);
}

fn add_host(hosts: &mut BTreeMap<String, u64>, host: &str, count: u64) {
    if let Some(total) = hosts.get_mut(host) {
        *total += count;
    } else if hosts.len() < HOSTS_MAX {
        hosts.insert(host.to_owned(), count);
    } else {
        *hosts.entry(String::new()).or_insert(0) += count;
    }
}
