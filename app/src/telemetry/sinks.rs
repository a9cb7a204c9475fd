//! How sinks stand, as gauges: what waits, what is spent of the minute and of the week.

use std::sync::{Arc, Mutex};

use logwake_detector::notify::{Pages, SinkSettings, Standing};
use logwake_detector::time::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::held::{Held, Series, lock, register, wall_secs};

/// How a sink stands.
#[derive(Debug)]
pub(super) struct Sink {
    standing: Standing,
    per_minute: usize,
    /// Pages of the last seven days.
    pages: u64,
    /// Pages of the service with most over what a service has; nothing where there is no limit.
    week_spent: Option<f64>,
    /// Services that have spent theirs.
    week_over: u64,
}

impl Sink {
    /// Sums up what services cost a sink.
    pub(super) fn new<'a>(
        settings: &SinkSettings,
        standing: Standing,
        week: impl Iterator<Item = (&'a str, Pages)>,
    ) -> Self {
        let paged: Vec<u32> = week.map(|(_, pages)| pages.paged).collect();
        let pages_max = settings.pages_per_week;
        let is_over = |paged: &&u32| pages_max.is_some_and(|max| **paged as usize >= max);
        let most = paged.iter().copied().max().unwrap_or(0);
        Self {
            standing,
            per_minute: settings.per_minute,
            pages: paged.iter().copied().map(u64::from).sum(),
            week_spent: pages_max.map(|max| f64::from(most) / max.max(1) as f64),
            week_over: paged.iter().filter(is_over).count() as u64,
        }
    }
}

/// Registers the gauges of the sinks.
pub(super) fn observe(meter: &Meter, held: &Arc<Mutex<Held>>) {
    let gauge = |name: &'static str, meaning: &'static str, read: fn(&Held) -> Vec<Series>| {
        register(meter, held, (name, meaning), read);
    };
    gauge("logwake.notifications_waiting", "Alerts and digests that wait to be sent.", |held| {
        of_sinks(held, |sink| sink.standing.waiting as u64)
    });
    gauge("logwake.notifications_in_flight", "Requests to sinks without an answer.", |held| {
        of_sinks(held, |sink| sink.standing.in_flight as u64)
    });
    gauge("logwake.pages_last_week", "Alerts that a sink took one by one in seven days.", |held| {
        of_sinks(held, |sink| sink.pages)
    });
    gauge("logwake.services_over_week_budget", "Services that spent their week's pages.", |held| {
        of_sinks(held, |sink| sink.week_over)
    });
    observe_ratios(meter, held);
}

/// Registers how long the first waits, and how much of the minute and of the week is spent.
fn observe_ratios(meter: &Meter, held: &Arc<Mutex<Held>>) {
    let gauge = |name: &'static str, meaning: &'static str| {
        meter.f64_observable_gauge(name).with_description(meaning)
    };
    let callback = |read: fn(&Sink) -> Option<f64>| {
        let held = Arc::clone(held);
        move |observer: &dyn AsyncInstrument<f64>| {
            for (name, sink) in &lock(&held).sinks {
                let labels = [KeyValue::new("sink", name.clone())];
                read(sink).into_iter().for_each(|value| observer.observe(value, &labels));
            }
        }
    };
    gauge("logwake.notifications_oldest_wait", "How long the first of those that wait has waited.")
        .with_unit("s")
        .with_callback(callback(|sink| {
            let waited = |since: Timestamp| wall_secs() - since.as_nanos() as f64 / 1e9;
            Some(sink.standing.oldest.map_or(0.0, waited).max(0.0))
        }))
        .build();
    gauge("logwake.page_budget_spent_ratio", "Requests of the last minute over the sink's budget.")
        .with_callback(callback(|sink| {
            Some(sink.standing.spent as f64 / sink.per_minute.max(1) as f64)
        }))
        .build();
    gauge("logwake.week_budget_spent_ratio", "Pages of a week over the budget, at most a service.")
        .with_callback(callback(|sink| sink.week_spent))
        .build();
}

fn of_sinks(held: &Held, of: fn(&Sink) -> u64) -> Vec<Series> {
    let series =
        |(name, sink): (&String, &Sink)| (of(sink), vec![KeyValue::new("sink", name.clone())]);
    held.sinks.iter().map(series).collect()
}
