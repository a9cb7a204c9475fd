//! What the detect stage told: findings without gap, and each anomaly in them published once.

use std::collections::BTreeMap;

use logwake_detector::detect::Findings;

use super::Problems;
use super::ids::{IdSum, Ids};

/// Findings by shard, and the anomalies that were published.
#[derive(Debug, Default)]
pub struct Told {
    may_repeat: bool,
    shards: BTreeMap<u32, u64>,
    /// Whether the findings of every shard begin with their first.
    is_whole: bool,
    found: IdSum,
    found_ids: Ids,
    published: IdSum,
    published_ids: Ids,
    /// Findings and anomalies that came before.
    pub repeated: u64,
}

impl Told {
    /// Starts; with `may_repeat` findings and anomalies may come again.
    pub fn new(may_repeat: bool) -> Self {
        Self { may_repeat, is_whole: true, ..Self::default() }
    }

    /// Takes in the next findings.
    pub fn find(&mut self, findings: &Findings, problems: &mut Problems) {
        let (shard, seq) = (findings.shard, findings.seq);
        let next = self.shards.entry(shard).or_insert_with(|| {
            self.is_whole &= seq == 0;
            seq
        });
        if seq < *next {
            self.repeated += 1;
            if !self.may_repeat {
                problems.add(format!("findings {seq} of shard {shard} came twice"));
            }
            return;
        }
        if seq > *next {
            problems.add(format!("findings {} to {seq} of shard {shard} are missing", *next));
        }
        *next = seq + 1;
        for anomaly in &findings.anomalies {
            if self.found_ids.add(&anomaly.id) {
                self.found.add(&anomaly.id);
            } else {
                problems.add(format!("anomaly {} was found twice", anomaly.id));
            }
        }
    }

    /// Takes in the next anomaly of the public topic; feed these after all findings.
    pub fn publish(&mut self, id: &str, problems: &mut Problems) {
        if !self.published_ids.add(id) {
            self.repeated += 1;
            if !self.may_repeat {
                problems.add(format!("anomaly {id} was published twice"));
            }
            return;
        }
        if self.found_ids.holds(id) {
            self.published.add(id);
        }
    }

    /// Returns how many anomalies were found and are published; compares them.
    pub fn close(&self, problems: &mut Problems) -> u64 {
        if self.published != self.found {
            let (published, found) = (self.published.count, self.found.count);
            problems.add(format!("{found} anomalies were found and {published} of them published"));
        }
        self.found.count
    }

    /// Reports whether nothing of the findings was deleted by retention.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}
