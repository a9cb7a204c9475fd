//! Records of each service over event time, in buckets that grow with the span they cover.

use std::collections::BTreeMap;
use std::time::Duration;

use logwake_detector::tally::TallyBatch;
use logwake_detector::time::Timestamp;
use serde::Serialize;

use crate::board::rfc3339;

/// Buckets over the whole span at most.
const BUCKETS_MAX: i64 = 480;
/// Services counted; of further ones nothing is drawn.
const SERVICES_MAX: usize = 1_000;
/// Services drawn, the busiest ones.
const ROWS_MAX: usize = 30;
const NANOS: i64 = 1_000_000_000;

/// Counts by service and bucket.
#[derive(Debug)]
pub struct Timeline {
    /// Width of a bucket, seconds: a power of two times that of a window.
    width: i64,
    /// Number of the first and last bucket since the epoch.
    range: Option<(i64, i64)>,
    services: BTreeMap<String, BTreeMap<i64, u64>>,
}

/// A timeline ready to be drawn.
#[derive(Debug, Serialize)]
pub struct Drawn {
    start: String,
    bucket_secs: i64,
    services: Vec<Row>,
    services_left_out: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    counts: Vec<u64>,
}

impl Timeline {
    /// Starts with buckets of one window each, which is what tallies count by.
    pub fn new(window: Duration) -> Self {
        let width = i64::try_from(window.as_secs()).unwrap_or(i64::MAX).max(1);
        Self { width, range: None, services: BTreeMap::new() }
    }

    /// Adds what a batch counted.
    pub fn add(&mut self, batch: &TallyBatch) {
        for service in &batch.services {
            for skeleton in &service.skeletons {
                self.count(&service.name, skeleton.window, skeleton.count());
            }
        }
    }

    fn count(&mut self, service: &str, at: Timestamp, records: u64) {
        let secs = at.as_nanos().div_euclid(NANOS);
        self.widen(secs);
        if !self.services.contains_key(service) {
            if self.services.len() >= SERVICES_MAX {
                return;
            }
            self.services.insert(service.to_owned(), BTreeMap::new());
        }
        if let Some(counts) = self.services.get_mut(service) {
            *counts.entry(secs.div_euclid(self.width)).or_default() += records;
        }
    }

    /// Makes the range hold a second, in wider buckets where it must.
    fn widen(&mut self, secs: i64) {
        let at = secs.div_euclid(self.width);
        let (first, last) = self.range.map_or((at, at), |(a, b)| (a.min(at), b.max(at)));
        self.range = Some((first, last));
        while self.range.is_some_and(|(first, last)| last - first >= BUCKETS_MAX) {
            self.width *= 2;
            self.range = self.range.map(|(a, b)| (a.div_euclid(2), b.div_euclid(2)));
            for counts in self.services.values_mut() {
                let mut wider = BTreeMap::new();
                for (at, count) in std::mem::take(counts) {
                    *wider.entry(at.div_euclid(2)).or_default() += count;
                }
                *counts = wider;
            }
        }
    }

    /// Returns the busiest services in the order of their names.
    pub fn draw(&self) -> Drawn {
        let (first, last) = self.range.unwrap_or_default();
        let mut busiest: Vec<_> = self.services.iter().collect();
        busiest.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.values().sum::<u64>()));
        busiest.truncate(ROWS_MAX);
        busiest.sort_by_key(|(name, _)| *name);
        let count = |counts: &BTreeMap<i64, u64>, at| counts.get(&at).copied().unwrap_or(0);
        let row = |(name, counts): (&String, &BTreeMap<i64, u64>)| Row {
            name: name.clone(),
            counts: (first..=last).map(|at| count(counts, at)).collect(),
        };
        let start = first.saturating_mul(self.width).saturating_mul(NANOS);
        Drawn {
            start: rfc3339(Timestamp::from_nanos(start)),
            bucket_secs: self.width,
            services_left_out: self.services.len() - busiest.len(),
            services: busiest.into_iter().map(row).collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn count_at(&mut self, service: &str, secs: i64) {
        self.count(service, Timestamp::from_nanos(secs * NANOS), 1);
    }
}
