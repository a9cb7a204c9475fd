//! How the sinks of alerts stand, and what each service cost them in the last seven days.

use std::cmp::Reverse;

use logwake_detector::notify::{NotifyState, SinkSettings};
use serde::Serialize;

use super::query::Page;
use super::view::rfc3339;
use super::{Board, Query, lock};

/// Services that are listed with a sink, those with most pages.
const SERVICES_MAX: usize = 100;

/// How a sink stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SinkView {
    pub name: String,
    pub kind: &'static str,
    /// Alerts and digests that wait.
    pub waiting: usize,
    /// Since when the first of them waits.
    pub oldest: Option<String>,
    pub in_flight: usize,
    /// Requests of the last minute, and how many a minute has.
    pub requests: usize,
    pub per_minute: usize,
    /// Pages of the last seven days, and how many one service has.
    pub pages: u32,
    pub pages_per_week: Option<usize>,
    /// Services that paged, most first.
    pub services: Vec<ServicePagesView>,
}

/// What a service cost a sink in the last seven days.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServicePagesView {
    pub service: String,
    pub pages: u32,
    /// Alerts that went into a digest, since the pages were spent.
    pub kept_back: u32,
}

impl SinkView {
    /// Views every sink of a state; `kind` names the kind of a sink.
    pub fn all(
        state: &NotifyState,
        settings: &[SinkSettings],
        kind: impl Fn(&str) -> &'static str,
    ) -> Vec<Self> {
        let of = |sink: &SinkSettings| {
            let (name, standing) = state.standings().find(|(name, _)| *name == sink.name)?;
            let services = services_of(state, name);
            Some(Self {
                name: name.to_owned(),
                kind: kind(name),
                waiting: standing.waiting,
                oldest: standing.oldest.map(rfc3339),
                in_flight: standing.in_flight,
                requests: standing.spent,
                per_minute: sink.per_minute,
                pages: services.iter().map(|service| service.pages).sum(),
                pages_per_week: sink.pages_per_week,
                services: services.into_iter().take(SERVICES_MAX).collect(),
            })
        };
        settings.iter().filter_map(of).collect()
    }
}

fn services_of(state: &NotifyState, sink: &str) -> Vec<ServicePagesView> {
    let of = |(service, pages): (&str, logwake_detector::notify::Pages)| ServicePagesView {
        service: service.to_owned(),
        pages: pages.paged,
        kept_back: pages.kept_back,
    };
    let mut services: Vec<ServicePagesView> = state.week_of(sink).map(of).collect();
    services.sort_by_key(|service| Reverse((service.pages, service.kept_back)));
    services
}

impl Board {
    /// Takes how the sinks stand; none where another process tells them of alerts.
    pub fn sinks_stand(&self, sinks: Vec<SinkView>) {
        *lock(&self.sinks) = sinks;
    }

    /// Lists the sinks in the order of the configuration; `service` filters what is listed of them,
    /// `q` filters by name.
    pub fn sinks_view(&self, query: &Query) -> Page<SinkView> {
        let mut sinks = lock(&self.sinks).clone();
        sinks.retain(|sink| query.has_text(&[&sink.name]));
        if let Some(wanted) = &query.service {
            sinks.iter_mut().for_each(|sink| sink.services.retain(|one| one.service == *wanted));
        }
        Page::of(sinks.into_iter(), query)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use logwake_detector::alert::AlertState;
    use logwake_detector::anomaly::Severity;
    use logwake_detector::notify::{Answer, Notice, Notify, NotifyInput, NotifyOutput};
    use logwake_detector::time::Timestamp;

    use super::*;
    use crate::board::sample;

    fn settings() -> SinkSettings {
        SinkSettings {
            name: "pager".to_owned(),
            severity_min: Severity::Warning,
            services: Vec::new(),
            sends_resolved: true,
            per_minute: 100,
            reserve: 20,
            resend_every: None,
            give_up_after: Duration::from_secs(3600),
            pages_per_week: Some(2),
        }
    }

    /// Tells a pager of one alert a second, of two services by turns.
    fn state(alerts: i64) -> NotifyState {
        let mut notify = Notify::new(vec![settings()]);
        for number in 0..alerts {
            let now = Timestamp::from_secs(1_750_000_000 + number);
            let service = ["mail", "shop", "shop"][number as usize % 3];
            let notice = Notice {
                alert: format!("alert_{number}"),
                change: format!("change_{number}"),
                at: now,
                state: AlertState::Open,
                severity: Severity::Error,
                title: "broken".to_owned(),
                services: vec![service.to_owned()],
                critical: 0,
                event: Vec::new(),
            };
            let mut out = Vec::new();
            notify.step(NotifyInput::Change(notice), now, &mut out);
            notify.step(NotifyInput::Tick, now, &mut out);
            for output in std::mem::take(&mut out) {
                if let NotifyOutput::Deliver(delivery) = output {
                    let (id, sink, answer) = (delivery.id, delivery.sink, Answer::Accepted);
                    notify.step(NotifyInput::Answered { id, sink, answer }, now, &mut out);
                }
            }
        }
        notify.state().clone()
    }

    #[test]
    fn a_sink_shows_what_each_service_cost_it() {
        let board = sample::filled();
        board.sinks_stand(SinkView::all(&state(9), &[settings()], |_| "pagerduty"));
        let page = serde_json::to_value(board.sinks_view(&Query::default())).unwrap();
        let sink = &page["items"][0];
        assert_eq!((&sink["name"], &sink["kind"]), (&"pager".into(), &"pagerduty".into()));
        assert_eq!((&sink["pages"], &sink["pages_per_week"]), (&4.into(), &2.into()));
        let services = serde_json::json!([
            { "service": "shop", "pages": 2, "kept_back": 4 },
            { "service": "mail", "pages": 2, "kept_back": 1 },
        ]);
        assert_eq!(sink["services"], services);
        let shop = Query { service: Some("shop".to_owned()), ..Query::default() };
        assert_eq!(board.sinks_view(&shop).items[0].services.len(), 1);
    }
}
