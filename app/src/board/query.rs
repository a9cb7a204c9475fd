//! What a reader asks of the board, and the lists that it gets: filtered, newest first, in pages.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::view::{LinesView, rfc3339};
use super::{
    AlertView, AnomalyView, Board, DecisionView, Readiness, SPARK_WINDOWS, ServiceView, SourceView,
    StageView, StatusView, TemplateView, lock, now,
};
use crate::telemetry::Stage;

/// Items of a page where the reader names no limit.
const LIMIT: usize = 100;
/// Items of a page at most.
const LIMIT_MAX: usize = 2_000;

/// A filter and a page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// Only of this service.
    pub service: Option<String>,
    /// Only of this kind of anomaly.
    pub kind: Option<String>,
    /// Only of this severity.
    pub severity: Option<String>,
    /// Only in this state; `active` is what is not resolved.
    pub state: Option<String>,
    /// Only about this alert.
    pub alert: Option<String>,
    /// Only with this text in them, case ignored.
    pub q: Option<String>,
    /// Items at most.
    pub limit: Option<usize>,
    /// Items to leave out first.
    pub offset: usize,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// How many there are in all.
    pub total: usize,
    /// Those of the page.
    pub items: Vec<T>,
}

impl<T> Page<T> {
    pub(super) fn of(items: impl Iterator<Item = T>, query: &Query) -> Self {
        let limit = query.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
        let mut total = 0;
        let mut page = Vec::new();
        for item in items {
            if total >= query.offset && page.len() < limit {
                page.push(item);
            }
            total += 1;
        }
        Self { total, items: page }
    }
}

impl Query {
    pub(super) fn has_text(&self, texts: &[&str]) -> bool {
        self.q.as_ref().is_none_or(|q| {
            let q = q.to_lowercase();
            texts.iter().any(|text| text.to_lowercase().contains(&q))
        })
    }
}

fn is(wanted: Option<&String>, value: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == value)
}

impl Board {
    /// Lists anomalies, the newest first; `service`, `kind`, `severity` and `q` filter.
    pub fn anomalies_view(&self, query: &Query) -> Page<Arc<AnomalyView>> {
        let anomalies = lock(&self.anomalies);
        let wanted = |anomaly: &&Arc<AnomalyView>| {
            is(query.service.as_ref(), &anomaly.service)
                && is(query.kind.as_ref(), anomaly.kind)
                && is(query.severity.as_ref(), anomaly.severity)
                && query.has_text(&[&anomaly.reason, anomaly.template.as_deref().unwrap_or("")])
        };
        Page::of(anomalies.iter().rev().filter(wanted).cloned(), query)
    }

    /// Lists alerts, active ones first, then the newest; `service`, `severity`, `state` and `q` filter.
    pub fn alerts_view(&self, query: &Query) -> Page<Arc<AlertView>> {
        let mut alerts: Vec<_> = self.alerts.iter().map(|entry| Arc::clone(&entry)).collect();
        alerts.retain(|alert| {
            let state = match query.state.as_deref() {
                None => true,
                Some("active") => alert.state != "resolved",
                Some(state) => alert.state == state,
            };
            let service = |wanted: &String| alert.services.iter().any(|service| service == wanted);
            state
                && query.service.as_ref().is_none_or(service)
                && is(query.severity.as_ref(), alert.severity)
                && query.has_text(&[&alert.title])
        });
        alerts.sort_by(|a, b| {
            let key = |alert: &AlertView| {
                (
                    alert.state == "resolved",
                    std::cmp::Reverse(alert.started_at.clone()),
                    alert.id.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        Page::of(alerts.into_iter(), query)
    }

    /// Lists decisions, the newest first; `alert` filters.
    pub fn decisions_view(&self, query: &Query) -> Page<Arc<DecisionView>> {
        let decisions = lock(&self.decisions);
        let wanted = |decision: &&Arc<DecisionView>| is(query.alert.as_ref(), &decision.alert);
        Page::of(decisions.iter().rev().filter(wanted).cloned(), query)
    }

    /// Lists templates, the most frequent first; `service` and `q` filter.
    pub fn templates_view(&self, query: &Query) -> Page<TemplateView> {
        let mut templates: Vec<TemplateView> = Vec::new();
        for card in &self.services {
            if is(query.service.as_ref(), card.key()) {
                let found = card.templates.iter().filter(|view| query.has_text(&[&view.text]));
                templates.extend(found.cloned());
            }
        }
        templates.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.id.cmp(&b.id)));
        Page::of(templates.into_iter(), query)
    }

    /// Lists services by name; `service` and `q` filter.
    pub fn services_view(&self, query: &Query) -> Page<ServiceView> {
        let newest = self.rates.iter().filter_map(|windows| windows.keys().last().copied()).max();
        let mut services: Vec<ServiceView> = self
            .services
            .iter()
            .filter(|card| is(query.service.as_ref(), card.key()) && query.has_text(&[card.key()]))
            .map(|card| self.service_view(card.key(), &card, newest))
            .collect();
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Page::of(services.into_iter(), query)
    }

    fn service_view(
        &self,
        name: &str,
        card: &super::ServiceCard,
        newest: Option<Timestamp>,
    ) -> ServiceView {
        let warmup_windows = super::lock(&self.settings).warmup_windows();
        let rates = newest.map_or_else(Vec::new, |newest| self.rates_of(name, newest));
        ServiceView {
            name: name.to_owned(),
            records: card.records,
            late: card.late,
            templates: card.template_count,
            warm: card.windows >= warmup_windows,
            warmup: (card.windows as f64 / warmup_windows.max(1) as f64).min(1.0),
            episodes: card.episodes,
            last_seen: card.last_seen.map(rfc3339),
            per_minute: rates.iter().rev().nth(1).copied().unwrap_or(0.0),
            rates,
        }
    }

    /// Records a minute in each window up to the newest one.
    fn rates_of(&self, name: &str, newest: Timestamp) -> Vec<f64> {
        let width = super::lock(&self.settings).window;
        let per_minute = 60.0 / width.as_secs_f64().max(1e-3);
        let windows = self.rates.get(name);
        let count =
            |window: Timestamp| windows.as_ref().and_then(|counts| counts.get(&window)).copied();
        let back = u32::try_from(SPARK_WINDOWS).unwrap_or(u32::MAX);
        (0..back)
            .rev()
            .map(|back| count(newest - width * back).unwrap_or(0) as f64 * per_minute)
            .collect()
    }

    /// Shows the pipeline at a glance.
    pub fn status_view(&self) -> StatusView {
        let total = self.lines_in();
        let load = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
        let watermark = self.shards.iter().filter_map(|shard| shard.progress).min();
        let lags: Vec<u64> = self.sources.iter().filter_map(|source| source.lag()).collect();
        let readiness = self.readiness();
        StatusView {
            version: env!("CARGO_PKG_VERSION"),
            ready: readiness.is_ready(),
            not_ready: readiness.faults().map(str::to_owned).collect(),
            started_at: rfc3339(self.started_at),
            uptime_secs: self.started.elapsed().as_secs(),
            lines: LinesView {
                total,
                tallied: load(&self.lines.tallied),
                late: load(&self.lines.late),
                rejected: load(&self.lines.rejected),
                corrected: load(&self.lines.corrected),
            },
            lines_per_second: lock(&self.pace).per_second(Instant::now(), total),
            watermark: watermark.map(rfc3339),
            watermark_lag_secs: watermark.map(|watermark| now().since(watermark).as_secs_f64()),
            lag_records: (!lags.is_empty()).then(|| lags.iter().sum()),
            services: self.services.len(),
            templates: self.services.iter().map(|card| card.template_count).sum(),
            anomalies: self.anomaly_count.load(Ordering::Relaxed),
            alerts_open: self.alerts.iter().filter(|alert| alert.state != "resolved").count(),
            window_secs: super::lock(&self.settings).window.as_secs_f64(),
            stages: Stage::ALL.map(|stage| self.stage_view(stage, &readiness)).to_vec(),
            sources: self.sources_view(),
        }
    }

    fn stage_view(&self, stage: Stage, readiness: &Readiness) -> StageView {
        let card = self.stages.get(&stage);
        let last = card.as_ref().and_then(|card| card.last);
        StageView {
            stage: stage.as_str(),
            commits: card.as_ref().map_or(0, |card| card.commits),
            failures: card.as_ref().map_or(0, |card| card.failures),
            last_commit_at: last.map(|(at, _, _)| rfc3339(at)),
            last_outcome: last.map(|(_, outcome, _)| outcome.as_str()),
            last_commit_secs: last.map(|(_, _, took)| took.as_secs_f64()),
            last_success_at: card.as_ref().and_then(|card| card.last_success).map(rfc3339),
            fault: readiness.fault_of(stage).map(str::to_owned),
        }
    }

    fn sources_view(&self) -> Vec<SourceView> {
        let mut sources: Vec<_> = self
            .sources
            .iter()
            .map(|card| {
                let view = SourceView {
                    source: card.key().to_string(),
                    lines: card.lines,
                    to: card.to,
                    end: card.end,
                    lag: card.lag(),
                    newest: card.newest.map(rfc3339),
                    idle: card.idle,
                };
                (card.key().clone(), view)
            })
            .collect();
        sources.sort_by(|a, b| a.0.cmp(&b.0));
        sources.into_iter().map(|(_, view)| view).take(LIMIT_MAX).collect()
    }
}
