//! A variable of a few names: when one comes that was never there, or one stays away that always was.
//!
//! Names are statuses, states, versions, hosts: whatever is not measured. A call is a block of
//! names with their numbers.
//!
//! **Worth watching** is a variable that has had at least two and at most [`NAMES_MAX`] names, and
//! nothing new for long (`stable_blocks`). One that ever had more is open: nothing is kept of it.
//!
//! **Statistic.** The probability of something new is the share of blocks that had it before, one
//! more counted (Laplace); a new name is told once [`SEEN_MIN`] records have it. A name that at
//! least 98 % of the blocks had, for four times as long, has gone after six blocks without it in
//! which twenty of it were expected; blocks are held to be independent up to three.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names of a variable that is watched.
pub(super) const NAMES_MAX: usize = 16;
/// New names at once that are a burst.
const BURST_MIN: usize = 5;
/// Records before a new name is told.
pub(super) const SEEN_MIN: u64 = 3;
/// Blocks that a new name may take for that; one that takes longer is rare, and becomes known.
const CANDIDATE_BLOCKS: u64 = 60;
/// Records of a variable before anything is said.
const RECORDS_MIN: u64 = 500;
/// Memory of how often a name is there, blocks.
const MEMORY: f64 = 720.0;
/// Share of the blocks that a name was in if it is to be missed, and how much longer than
/// `stable_blocks` that takes to know.
const PRESENT_MIN: f64 = 0.98;
const PRESENT_TIMES: u64 = 4;
/// Blocks without it, and records of it that were to be expected in them.
const MISSED_BLOCKS: u32 = 6;
const MISSED_RECORDS: f64 = 20.0;
/// Blocks without it that count as independent of each other.
const INDEPENDENT_MAX: u32 = 3;

/// How long names must stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameParams {
    /// Blocks without anything new before something new is told.
    pub stable_blocks: u64,
}

/// What is unusual about the names of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum NameChange {
    /// Names that were never there, those with most records first.
    New {
        /// The names.
        names: Vec<String>,
        /// Probability of anything new in a block.
        p_value: f64,
        /// Blocks without anything new before.
        blocks: u64,
    },
    /// Many names at once where there were few.
    Burst {
        /// New names in this block.
        new: usize,
        /// Names before.
        usual: usize,
        /// Probability of anything new in a block.
        p_value: f64,
    },
    /// A name that was nearly always there.
    Gone {
        /// The name.
        name: String,
        /// Probability of so many blocks without it.
        p_value: f64,
        /// Share of the blocks that it was in.
        present: f64,
        /// Blocks without it.
        blocks: u32,
    },
}

/// The past of one variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Names {
    known: BTreeMap<Box<str>, Known>,
    /// Names that came after a long stable time and were not told yet.
    candidates: BTreeMap<Box<str>, Candidate>,
    /// Whether there were too many names.
    is_open: bool,
    blocks: u64,
    records: u64,
    /// Blocks with something new, and the last of them.
    novel: u64,
    novel_at: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    /// Fading share of the blocks that it was in, and of their records.
    present: f64,
    share: f64,
    since: u64,
    missed: u32,
    missed_records: f64,
    is_told: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Candidate {
    records: u64,
    since: u64,
    /// Blocks without anything new before it, and how likely it was.
    quiet: u64,
    p_value: f64,
}

impl Names {
    /// Gives the variable up: its values are no names.
    pub fn open(&mut self) {
        *self = Self { is_open: true, ..Self::default() };
    }

    /// Tells whether the variable was given up.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns the names that are known, in order.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(AsRef::as_ref)
    }

    /// Judges a block of names with their records by those before it, then learns it.
    pub fn observe(&mut self, block: &BTreeMap<&str, u64>, params: NameParams) -> Vec<NameChange> {
        let records: u64 = block.values().sum();
        if self.is_open || records == 0 {
            return Vec::new();
        }
        let mut changes = Vec::new();
        changes.extend(self.meet(block, params));
        changes.extend(self.confirm(block));
        self.learn(block, records);
        changes.extend(self.miss(params));
        if self.known.len() + self.candidates.len() > NAMES_MAX {
            self.open();
        }
        changes
    }

    /// Takes in the names that were never there.
    fn meet(&mut self, block: &BTreeMap<&str, u64>, params: NameParams) -> Option<NameChange> {
        let is_fresh =
            |name: &&str| !self.known.contains_key(*name) && !self.candidates.contains_key(*name);
        let fresh: Vec<&str> = block.keys().copied().filter(is_fresh).collect();
        let quiet = self.blocks - self.novel_at;
        let stable =
            self.known.len() > 1 && self.records >= RECORDS_MIN && quiet >= params.stable_blocks;
        let (new, usual) = (fresh.len(), self.known.len());
        let p_value = (self.novel + 1) as f64 / (self.blocks + 1) as f64;
        if stable && new < BURST_MIN {
            let candidate = Candidate { records: 0, since: self.blocks, quiet, p_value };
            let fresh = fresh.into_iter().map(|name| (name.into(), candidate.clone()));
            self.candidates.extend(fresh);
            return None;
        }
        if new > 0 {
            fresh.into_iter().for_each(|name| self.admit(name));
            self.mark_novel();
        }
        stable.then_some(NameChange::Burst { new, usual, p_value })
    }

    /// Counts the records of candidates; those that have enough, or took too long for it, become
    /// known.
    fn confirm(&mut self, block: &BTreeMap<&str, u64>) -> Option<NameChange> {
        let mut found: Vec<(Box<str>, Candidate)> = Vec::new();
        let mut waiting = BTreeMap::new();
        for (name, mut candidate) in std::mem::take(&mut self.candidates) {
            candidate.records += block.get(name.as_ref()).copied().unwrap_or(0);
            let is_late = self.blocks - candidate.since >= CANDIDATE_BLOCKS;
            if candidate.records < SEEN_MIN && !is_late {
                waiting.insert(name, candidate);
                continue;
            }
            self.admit(&name);
            self.mark_novel();
            if candidate.records >= SEEN_MIN {
                found.push((name, candidate));
            }
        }
        self.candidates = waiting;
        found.sort_by(|a, b| b.1.records.cmp(&a.1.records).then(a.0.cmp(&b.0)));
        let blocks = found.iter().map(|(_, candidate)| candidate.quiet).min()?;
        let p_value = found.iter().map(|(_, candidate)| candidate.p_value).fold(0.0, f64::max);
        let names = found.into_iter().map(|(name, _)| name.into()).collect();
        Some(NameChange::New { names, p_value, blocks })
    }

    fn admit(&mut self, name: &str) {
        let known = Known {
            present: 0.0,
            share: 0.0,
            since: self.blocks,
            missed: 0,
            missed_records: 0.0,
            is_told: false,
        };
        self.known.insert(name.into(), known);
    }

    fn mark_novel(&mut self) {
        self.novel += u64::from(self.novel_at != self.blocks || self.novel == 0);
        self.novel_at = self.blocks;
    }

    fn learn(&mut self, block: &BTreeMap<&str, u64>, records: u64) {
        self.blocks += 1;
        self.records += records;
        let (blocks, records) = (self.blocks, records as f64);
        for (name, known) in &mut self.known {
            match block.get(name.as_ref()) {
                Some(count) => known.come(*count as f64 / records, blocks),
                None => {
                    known.missed = known.missed.saturating_add(1);
                    known.missed_records += known.share * records;
                }
            }
        }
    }

    /// Returns a name that has been missed for long enough, once.
    fn miss(&mut self, params: NameParams) -> Option<NameChange> {
        let least = params.stable_blocks * PRESENT_TIMES;
        let (blocks, records) = (self.blocks, self.records);
        let is_gone = |known: &Known| {
            let before = (blocks - known.since).saturating_sub(u64::from(known.missed));
            let was_there = before >= least && known.present >= PRESENT_MIN;
            let is_missed = known.missed >= MISSED_BLOCKS && known.missed_records >= MISSED_RECORDS;
            was_there && is_missed && !known.is_told && records >= RECORDS_MIN
        };
        let (name, known) = self.known.iter_mut().find(|(_, known)| is_gone(known))?;
        known.is_told = true;
        let absent = (1.0 - known.present).max(1.0 / (blocks + 1) as f64);
        Some(NameChange::Gone {
            name: name.to_string(),
            p_value: absent.powi(known.missed.min(INDEPENDENT_MAX) as i32),
            present: known.present,
            blocks: known.missed,
        })
    }
}

impl Known {
    /// Learns a block that it was in with this share. That it was away is learned only now, so that
    /// an absence is judged by what was before it.
    fn come(&mut self, share: f64, blocks: u64) {
        let weight = (1.0 / (blocks - self.since).max(1) as f64).max(1.0 / MEMORY);
        let kept = (1.0 - weight).powi(self.missed as i32);
        self.present = self.present * kept + weight * (1.0 - self.present * kept);
        self.share = self.share * kept + weight * (share - self.share * kept);
        (self.missed, self.missed_records, self.is_told) = (0, 0.0, false);
    }
}
