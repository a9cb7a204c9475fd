//! What the board holds of a source, a service and a stage, and how fast lines come.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use logwake_detector::detect::{Service, TemplateStats};
use logwake_detector::tally::TallyBatch;
use logwake_detector::time::Timestamp;
use logwake_models::template::TemplateId;

use super::view::TemplateView;
use crate::telemetry::{Commit, Outcome};

/// How far back the lines a second look.
const PACE_SPAN: Duration = Duration::from_secs(10);
/// Shortest time between two marks.
const PACE_STEP: Duration = Duration::from_millis(500);

/// What is known of a source.
#[derive(Debug, Default)]
pub(super) struct SourceCard {
    pub(super) lines: u64,
    pub(super) to: u64,
    pub(super) end: Option<u64>,
    pub(super) newest: Option<Timestamp>,
    pub(super) idle: bool,
}

/// What is known of a service.
#[derive(Debug)]
pub(super) struct ServiceCard {
    pub(super) shard: u32,
    pub(super) records: u64,
    pub(super) late: u64,
    pub(super) windows: u64,
    pub(super) template_count: usize,
    pub(super) episodes: f64,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) templates: Vec<TemplateView>,
}

/// What is known of a stage.
#[derive(Debug, Default)]
pub(super) struct StageCard {
    pub(super) commits: u64,
    pub(super) failures: u64,
    pub(super) last: Option<(Timestamp, Outcome, Duration)>,
    pub(super) last_success: Option<Timestamp>,
}

/// Totals at some moments of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Pace(VecDeque<(Instant, u64)>);

impl SourceCard {
    pub(super) fn tallied(&mut self, batch: &TallyBatch) {
        self.lines += batch.lines.total();
        self.to = self.to.max(batch.to);
        self.newest = self.newest.max(batch.newest);
        self.idle = batch.idle;
    }

    /// Payloads that are still to be read.
    pub(super) fn lag(&self) -> Option<u64> {
        self.end.map(|end| end.saturating_sub(self.to))
    }
}

impl ServiceCard {
    pub(super) fn new(
        shard: u32,
        service: &Service,
        progress: Timestamp,
        templates_max: usize,
    ) -> Self {
        let mut top: Vec<(&TemplateId, &TemplateStats)> = service.templates.iter().collect();
        top.sort_unstable_by_key(|(id, stats)| (std::cmp::Reverse(stats.total), **id));
        top.truncate(templates_max);
        let view =
            |(id, stats): (&TemplateId, &TemplateStats)| TemplateView::new(service, *id, stats);
        Self {
            shard,
            records: service.records,
            late: service.late,
            windows: service.windows,
            template_count: service.templates.len(),
            episodes: service.spending.episodes(progress),
            last_seen: service.last.as_ref().map(|last| last.exemplar.time),
            templates: top.into_iter().map(view).collect(),
        }
    }
}

impl StageCard {
    pub(super) fn committed(&mut self, commit: &Commit, at: Timestamp) {
        self.last = Some((at, commit.outcome, commit.took));
        if commit.outcome == Outcome::Committed {
            self.commits += 1;
            self.last_success = Some(at);
        } else {
            self.failures += 1;
        }
    }
}

impl Pace {
    /// Notes a total.
    pub(super) fn mark(&mut self, now: Instant, total: u64) {
        let recent = self.0.back().is_some_and(|(last, _)| now.duration_since(*last) < PACE_STEP);
        if !recent {
            self.0.push_back((now, total));
        }
        while self.0.len() > 2
            && self.0.get(1).is_some_and(|(at, _)| now.duration_since(*at) > PACE_SPAN)
        {
            self.0.pop_front();
        }
    }

    /// Returns how many came a second lately.
    pub(super) fn per_second(&self, now: Instant, total: u64) -> f64 {
        let Some(start) = self.0.iter().find(|(at, _)| now.duration_since(*at) <= PACE_SPAN) else {
            return 0.0;
        };
        let span = now.duration_since(start.0).as_secs_f64();
        if span < PACE_STEP.as_secs_f64() {
            return 0.0;
        }
        total.saturating_sub(start.1) as f64 / span
    }
}
