//! The instruments behind [`super::Metrics`], one a metric, with their names and meanings.
//!
//! The exporter adds the unit and `_total` to a name, so names here carry neither.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};

use super::http::Http;

/// Upper bounds of commit durations, seconds.
const COMMIT_BOUNDS: [f64; 12] =
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0];
/// Upper bounds of detection delays, seconds.
const DELAY_BOUNDS: [f64; 12] =
    [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 600.0];

/// Instruments that are written when something happens.
#[derive(Debug)]
pub(super) struct Instruments {
    pub(super) lines: Counter<u64>,
    pub(super) bytes: Counter<u64>,
    pub(super) tallied: Counter<u64>,
    pub(super) rejected: Counter<u64>,
    pub(super) late: Counter<u64>,
    pub(super) corrected: Counter<u64>,
    pub(super) windows: Counter<u64>,
    pub(super) windows_dropped: Counter<u64>,
    pub(super) batches_repeated: Counter<u64>,
    pub(super) merges: Counter<u64>,
    pub(super) overflows: Counter<u64>,
    pub(super) anomalies: Counter<u64>,
    pub(super) kept_back: Counter<u64>,
    pub(super) sessions: Sessions,
    pub(super) alerts: Counter<u64>,
    pub(super) decisions: Counter<u64>,
    pub(super) notifications: Counter<u64>,
    pub(super) intake: Counter<u64>,
    pub(super) intake_time: Histogram<f64>,
    pub(super) dead_letters: Counter<u64>,
    pub(super) unreadable: Counter<u64>,
    pub(super) commits: Counter<u64>,
    pub(super) commit_time: Histogram<f64>,
    pub(super) commit_at: Gauge<f64>,
    pub(super) delay: Histogram<f64>,
    pub(super) state: Gauge<u64>,
    pub(super) http: Http,
}

/// What became of sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    pub(super) judged: Counter<u64>,
    pub(super) broken: Counter<u64>,
    pub(super) given_up: Counter<u64>,
}

impl Sessions {
    fn new(meter: &Meter) -> Self {
        let counter = |name, meaning| counter(meter, name, meaning);
        Self {
            judged: counter("logwake.sessions_judged", "Sessions that ended and were judged."),
            broken: counter("logwake.sessions_broken", "Sessions judged that broke a relation."),
            given_up: counter(
                "logwake.sessions_given_up",
                "Sessions given up at the limit, neither judged nor learned.",
            ),
        }
    }
}

impl Instruments {
    #[allow(clippy::too_many_lines, reason = "the list of what is counted")]
    pub(super) fn new(meter: &Meter) -> Self {
        let counter = |name, meaning| counter(meter, name, meaning);
        Self {
            lines: counter("logwake.lines", "Lines read, by topic."),
            bytes: meter
                .u64_counter("logwake.ingested")
                .with_unit("By")
                .with_description("Bytes of payloads read, by topic.")
                .build(),
            tallied: counter("logwake.lines_tallied", "Lines counted in a window."),
            rejected: counter(
                "logwake.lines_rejected",
                "Lines that could not be decoded, by reason.",
            ),
            late: counter(
                "logwake.lines_late",
                "Lines whose window may have been closed before they came.",
            ),
            corrected: counter(
                "logwake.lines_corrected",
                "Tallied lines whose time was missing or not believed.",
            ),
            windows: counter("logwake.windows_closed", "Windows judged."),
            windows_dropped: counter(
                "logwake.window_tallies_dropped",
                "Tallies dropped since too many windows waited.",
            ),
            batches_repeated: counter(
                "logwake.tally_batches_repeated",
                "Tally batches that had been taken in before and were passed over.",
            ),
            merges: counter("logwake.template_merges", "Templates that became part of another."),
            overflows: counter("logwake.template_overflows", "Skeletons beyond the limit."),
            anomalies: counter("logwake.anomalies", "Anomalies found, by kind."),
            kept_back: counter(
                "logwake.novelties_kept_back",
                "New templates not told since the anomaly budget of their service was overspent.",
            ),
            sessions: Sessions::new(meter),
            alerts: counter("logwake.alerts", "Changes of alerts sent, by state and severity."),
            decisions: counter("logwake.decisions", "Decisions, by reason."),
            notifications: counter("logwake.notifications", "Requests to sinks, by outcome."),
            intake: counter(
                "logwake.intake_events",
                "Alerts of other systems, and requests that none was read from, by result.",
            ),
            intake_time: seconds(
                meter,
                "logwake.intake_duration",
                "Time from a request with alerts to its answer.",
                &COMMIT_BOUNDS,
            ),
            dead_letters: counter(
                "logwake.dead_letters",
                "Payloads in the dead-letter topic, by reason.",
            ),
            unreadable: counter("logwake.values_unreadable", "Values passed over, by stage."),
            commits: counter("logwake.commits", "Commits, by stage and outcome."),
            commit_time: seconds(
                meter,
                "logwake.commit_duration",
                "Time that a commit takes.",
                &COMMIT_BOUNDS,
            ),
            commit_at: meter
                .f64_gauge("logwake.last_commit_timestamp")
                .with_unit("s")
                .with_description("Time of the last commit that succeeded, since the epoch.")
                .build(),
            delay: seconds(
                meter,
                "logwake.detection_delay",
                "Time from the record that tells to the anomaly.",
                &DELAY_BOUNDS,
            ),
            state: meter
                .u64_gauge("logwake.state")
                .with_unit("By")
                .with_description("Size of the last snapshot of a stage.")
                .build(),
            http: Http::new(meter),
        }
    }
}

fn counter(meter: &Meter, name: &'static str, meaning: &'static str) -> Counter<u64> {
    meter.u64_counter(name).with_description(meaning).build()
}

/// Exports what never changes: the build, and when the process started.
pub(super) fn export_constants(meter: &Meter, started_secs: f64) {
    let version = [KeyValue::new("version", env!("CARGO_PKG_VERSION"))];
    let info = meter.u64_gauge("logwake.build_info").with_description("Version of this program.");
    info.build().record(1, &version);
    let start = meter
        .f64_gauge("process.start_time")
        .with_unit("s")
        .with_description("Start time of the process since the epoch.");
    start.build().record(started_secs, &[]);
    meter
        .u64_observable_gauge("process.resident_memory")
        .with_unit("By")
        .with_description("Resident memory of the process.")
        .with_callback(|observer| {
            if let Some(bytes) = resident_bytes() {
                observer.observe(bytes, &[]);
            }
        })
        .build();
}

fn seconds(
    meter: &Meter,
    name: &'static str,
    meaning: &'static str,
    bounds: &[f64],
) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(meaning)
        .with_boundaries(bounds.to_vec())
        .build()
}

/// Reads the resident memory where the system tells it in `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}
