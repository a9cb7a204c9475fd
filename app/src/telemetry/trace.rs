//! Spans of commits, sent by OTLP over HTTP from a thread of their own.
//!
//! The queue holds [`QUEUE_MAX`] spans; when a collector is dead or slow further ones are dropped.

use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider,
};

use super::{Commit, Outcome};
use crate::config::Telemetry;

/// Spans that may wait for the collector: some minutes of commits of three stages.
const QUEUE_MAX: usize = 2048;
/// Longest wait for one answer of the collector.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the last spans at the end of the program.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Makes spans where a collector is configured, and does nothing otherwise.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<Running>);

#[derive(Clone, Debug)]
struct Running {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// The exporter of spans cannot be made.
#[derive(Debug)]
pub struct TracerError {
    endpoint: String,
    message: String,
}

impl Tracer {
    /// Starts the exporter; it does not wait for the collector.
    ///
    /// # Errors
    /// Fails where the endpoint is not a URL.
    pub fn new(settings: &Telemetry) -> Result<Self, TracerError> {
        let Some(endpoint) = &settings.otlp_endpoint else { return Ok(Self(None)) };
        let failed = |error: String| TracerError { endpoint: endpoint.clone(), message: error };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(traces_url(endpoint))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(QUEUE_MAX).build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = resource_of(&settings.service_name);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("logwake");
        Ok(Self(Some(Running { provider, tracer })))
    }

    /// Makes the span of a commit that has just ended; never blocks.
    pub fn committed(&self, commit: &Commit) {
        let Some(running) = &self.0 else { return };
        let end = SystemTime::now();
        let start = end.checked_sub(commit.took).unwrap_or(end);
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let mut span = running
            .tracer
            .span_builder(format!("commit {}", commit.stage.as_str()))
            .with_kind(SpanKind::Producer)
            .with_start_time(start)
            .with_attributes([
                KeyValue::new("logwake.stage", commit.stage.as_str()),
                KeyValue::new("logwake.outcome", commit.outcome.as_str()),
                KeyValue::new("logwake.inputs", count(commit.inputs)),
                KeyValue::new("logwake.outputs", count(commit.outputs)),
            ])
            .start(&running.tracer);
        if commit.outcome != Outcome::Committed {
            span.set_status(Status::error(commit.outcome.as_str()));
        }
        span.end_with_timestamp(end);
    }

    /// Sends what waits, for a second at most.
    pub fn shutdown(&self) {
        if let Some(running) = &self.0
            && let Err(error) = running.provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT)
        {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

impl std::fmt::Display for TracerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "spans cannot be sent to {}: {}", self.endpoint, self.message)
    }
}

impl std::error::Error for TracerError {}

/// Describes this process in metrics and spans.
pub(super) fn resource_of(service_name: &str) -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Resource::builder().with_service_name(service_name.to_owned()).with_attribute(version).build()
}

/// Adds the path of traces where the endpoint has none.
fn traces_url(endpoint: &str) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    let has_path = endpoint.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    if has_path { endpoint.to_owned() } else { format!("{endpoint}/v1/traces") }
}
