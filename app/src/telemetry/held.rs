//! What gauges show at a scrape: things that can go away again, so nothing stale is shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use logwake_detector::anomaly::Severity;
use logwake_detector::detect::{DetectCounts, SessionCounts};
use logwake_detector::time::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::sinks::{self, Sink};

/// Partitions whose lag is exported one by one.
pub(super) const LAGS_MAX: usize = 1_000;

/// One series of a gauge: its value and labels.
pub(super) type Series = (u64, Vec<KeyValue>);

/// What gauges show at a scrape.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) lags: BTreeMap<(String, i32), u64>,
    pub(super) shards: BTreeMap<u32, Shard>,
    pub(super) open: BTreeMap<String, Severity>,
    pub(super) sinks: BTreeMap<String, Sink>,
}

#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) services: u64,
    pub(super) templates: u64,
    pub(super) skeletons: Option<u64>,
    pub(super) progress: Option<Timestamp>,
    pub(super) counted: Option<Counted>,
    pub(super) sessions_open: u64,
    /// The greatest share of its anomaly budget that a service has spent.
    pub(super) spent: f64,
    pub(super) overspent: u64,
}

/// What a shard had counted when it was looked at last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) detect: DetectCounts,
    pub(super) sessions: SessionCounts,
    pub(super) kept_back: u64,
}

/// Registers a gauge of whole numbers that is read from what is held.
pub(super) fn register(
    meter: &Meter,
    held: &Arc<Mutex<Held>>,
    (name, meaning): (&'static str, &'static str),
    read: fn(&Held) -> Vec<Series>,
) {
    let held = Arc::clone(held);
    meter
        .u64_observable_gauge(name)
        .with_description(meaning)
        .with_callback(move |observer| {
            let series = read(&lock(&held));
            series.iter().for_each(|(value, labels)| observer.observe(*value, labels));
        })
        .build();
}

/// Registers the gauges that are read from what is held.
pub(super) fn observe(meter: &Meter, held: &Arc<Mutex<Held>>) {
    let gauge = |name: &'static str, meaning: &'static str, read: fn(&Held) -> Vec<Series>| {
        register(meter, held, (name, meaning), read);
    };
    gauge("logwake.services", "Services known.", |held| total(held, |shard| Some(shard.services)));
    gauge("logwake.templates", "Templates known.", |held| {
        total(held, |shard| Some(shard.templates))
    });
    gauge("logwake.skeletons", "Skeletons remembered.", |held| {
        total(held, |shard| shard.skeletons)
    });
    gauge("logwake.sessions_open", "Sessions that have not ended.", |held| {
        total(held, |shard| Some(shard.sessions_open))
    });
    gauge("logwake.services_over_budget", "Services that told more than their budget.", |held| {
        total(held, |shard| Some(shard.overspent))
    });
    gauge(
        "logwake.consumer_lag_records",
        "Payloads between the position and the end of a partition.",
        |held| {
            let labels = |topic: &String, partition: i32| {
                vec![
                    KeyValue::new("topic", topic.clone()),
                    KeyValue::new("partition", i64::from(partition)),
                ]
            };
            held.lags
                .iter()
                .map(|((topic, partition), lag)| (*lag, labels(topic, *partition)))
                .collect()
        },
    );
    gauge("logwake.alerts_open", "Alerts that are open, by severity.", |held| {
        let open = |severity| held.open.values().filter(|open| **open == severity).count() as u64;
        let label = |severity: Severity| vec![KeyValue::new("severity", severity.as_str())];
        Severity::ALL.map(|severity| (open(severity), label(severity))).to_vec()
    });
    sinks::observe(meter, held);
    let spent = Arc::clone(held);
    meter
        .f64_observable_gauge("logwake.anomaly_budget_spent_ratio")
        .with_description("Episodes of the last week over the budget, of the service with most.")
        .with_callback(move |observer| {
            let most = lock(&spent).shards.values().map(|shard| shard.spent).reduce(f64::max);
            most.into_iter().for_each(|most| observer.observe(most, &[]));
        })
        .build();
    let held = Arc::clone(held);
    meter
        .f64_observable_gauge("logwake.watermark_lag")
        .with_unit("s")
        .with_description("How far behind the clock the slowest shard is in event time.")
        .with_callback(move |observer| {
            let slowest = lock(&held).shards.values().filter_map(|shard| shard.progress).min();
            if let Some(progress) = slowest {
                observer.observe((wall_secs() - progress.as_nanos() as f64 / 1e9).max(0.0), &[]);
            }
        })
        .build();
}

fn total(held: &Held, of: fn(&Shard) -> Option<u64>) -> Vec<Series> {
    let known: Vec<u64> = held.shards.values().filter_map(of).collect();
    if known.is_empty() { Vec::new() } else { vec![(known.iter().sum(), Vec::new())] }
}

/// Locks what is held; it stays usable after a panic elsewhere.
pub(super) fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wall time in seconds since the epoch.
pub(super) fn wall_secs() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
