//! The text of `/metrics`: Prometheus' text format, or OpenMetrics for who asks for it.
//!
//! The two differ in three things that Logwake uses: OpenMetrics names a counter's family without
//! `_total`, gives an info metric a type of its own, and ends with `# EOF`.
//! Source: the OpenMetrics specification 1.0.0.

use prometheus::proto::MetricFamily;
use prometheus::{Encoder as _, TextEncoder};

/// Which text is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus text format 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// Chooses by the `Accept` header of a request.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// Returns the media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Renders metric families.
    pub(super) fn render(self, families: &[MetricFamily]) -> String {
        let mut bytes = Vec::new();
        if let Err(error) = TextEncoder::new().encode(families, &mut bytes) {
            tracing::warn!(%error, "metrics cannot be rendered");
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match self {
            Self::Prometheus => text,
            Self::OpenMetrics => to_openmetrics(&text),
        }
    }
}

fn to_openmetrics(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for line in text.lines() {
        match line.strip_prefix("# ").and_then(|rest| rest.split_once(' ')) {
            Some((keyword, rest)) => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let (family, info) = match name.strip_suffix("_info") {
                    Some(family) => (family, true),
                    None => (name.strip_suffix("_total").unwrap_or(name), false),
                };
                let rest = if info && keyword == "TYPE" { "info" } else { rest };
                out.push_str(&format!("# {keyword} {family} {rest}\n"));
            }
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    out.push_str("# EOF\n");
    out
}
