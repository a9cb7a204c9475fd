//! The program's own logs: to standard error, as text or JSON lines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Telemetry};

/// Starts logging; a second call changes nothing.
///
/// Directives that do not parse fall back to `info`: `Config::validate` has refused them before.
pub fn init_logs(settings: &Telemetry) {
    // The HTTP client logs addresses, and those of chats are secrets: nobody may turn that on.
    let quiet = |directives: &str| {
        EnvFilter::try_new(format!("opentelemetry=warn,{directives},ureq=warn,ureq_proto=warn"))
    };
    let filter = quiet(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
