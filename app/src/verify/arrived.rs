//! What came from elsewhere: handed to the alert stage without gap, and all that was accepted in it.
//!
//! What was accepted is fed first: what is handed on while a topic is read was not waited for.

use std::collections::BTreeMap;

use logwake_detector::alert::{Arrival, Arrivals};
use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::Problems;
use super::ids::Ids;

/// Accepted alerts that are waited for; further ones are not looked for.
const WAITING_MAX: usize = 1 << 20;

/// Arrivals by source, and the alerts that must be among them.
#[derive(Debug, Default)]
pub struct Arrived {
    may_repeat: bool,
    sources: BTreeMap<String, u64>,
    /// Whether the arrivals of every source begin with their first.
    is_whole: bool,
    waiting: FxHashSet<u64>,
    seen: Ids,
    /// Alerts that were handed on.
    pub alerts: u64,
    /// Arrivals that came before.
    pub repeated: u64,
}

impl Arrived {
    /// Starts; with `may_repeat` arrivals may come again.
    pub fn new(may_repeat: bool) -> Self {
        Self { may_repeat, is_whole: true, ..Self::default() }
    }

    /// Takes in an alert that was accepted and that the stage is past.
    pub fn accept(&mut self, id: &str) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.insert(xxh3_64(id.as_bytes()));
        }
    }

    /// Takes in the next arrivals.
    pub fn arrive(&mut self, arrivals: &Arrivals, problems: &mut Problems) {
        let (source, seq) = (&arrivals.source, arrivals.seq);
        let next = self.sources.entry(source.clone()).or_insert_with(|| {
            self.is_whole &= seq == 0;
            seq
        });
        if seq < *next {
            self.repeated += 1;
            if !self.may_repeat {
                problems.add(format!("arrivals {seq} of {source} came twice"));
            }
            return;
        }
        if seq > *next {
            problems.add(format!("arrivals {} to {seq} of {source} are missing", *next));
        }
        *next = seq + 1;
        for arrival in &arrivals.items {
            let Arrival::Alert(alert) = arrival else { continue };
            self.alerts += 1;
            self.waiting.remove(&xxh3_64(alert.id.as_bytes()));
            if !self.seen.add(&alert.id) {
                problems.add(format!("external alert {} was handed on twice", alert.id));
            }
        }
    }

    /// Holds what was accepted against what was handed on, where nothing of it was deleted.
    pub fn close(&self, problems: &mut Problems) {
        if self.is_whole && !self.waiting.is_empty() {
            let count = self.waiting.len();
            problems.add(format!("{count} external alerts were accepted and not handed on"));
        }
    }
}
