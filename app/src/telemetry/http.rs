//! What is counted of the HTTP server, and whether the stages are ready as it answers.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter};

use super::metrics::stage_label;
use super::{Closed, Metrics, Stage};

/// Instruments of the server.
#[derive(Debug)]
pub(super) struct Http {
    connections: Gauge<u64>,
    closed: Counter<u64>,
    stage_ready: Gauge<u64>,
}

impl Http {
    pub(super) fn new(meter: &Meter) -> Self {
        let gauge = |name, meaning| meter.u64_gauge(name).with_description(meaning).build();
        Self {
            connections: gauge("logwake.http_connections", "HTTP connections that are open."),
            closed: meter
                .u64_counter("logwake.http_connections_closed")
                .with_description("HTTP connections closed on a peer, by reason.")
                .build(),
            stage_ready: gauge(
                "logwake.stage_ready",
                "Whether a stage commits what it reads: 1, or 0 after a minute without.",
            ),
        }
    }
}

impl Metrics {
    /// Takes over how many HTTP connections are open.
    pub fn http_connections(&self, open: usize) {
        self.instruments.http.connections.record(open as u64, &[]);
    }

    /// Counts connections that were closed on a peer; zero makes a reason known.
    pub fn http_closed(&self, reason: Closed, connections: u64) {
        let labels = [KeyValue::new("reason", reason.as_str())];
        self.instruments.http.closed.add(connections, &labels);
    }

    /// Takes over whether a stage is ready.
    pub fn stage_ready(&self, stage: Stage, is_ready: bool) {
        self.instruments.http.stage_ready.record(u64::from(is_ready), &[stage_label(stage)]);
    }
}
