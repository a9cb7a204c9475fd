//! The program's own logs: to standard error, as text or JSON lines, without secrets.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Telemetry};
use crate::console::Console;

/// Starts logging; a second call changes nothing.
///
/// Directives that do not parse fall back to `info`: `Config::validate` has refused them before.
pub fn init_logs(settings: &Telemetry) {
    // The HTTP client logs addresses, and those of chats are secrets: nobody may turn that on.
    let quiet = |directives: &str| {
        EnvFilter::try_new(format!("opentelemetry=warn,{directives},ureq=warn,ureq_proto=warn"))
    };
    let filter = quiet(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    let is_coloured = std::io::stderr().is_terminal();
    let started = match settings.log_format {
        LogFormat::Text => builder
            .with_ansi(is_coloured)
            .with_writer(move || Console::text_log(std::io::stderr(), is_coloured))
            .try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_writer(|| Console::json_log(std::io::stderr()))
            .try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
