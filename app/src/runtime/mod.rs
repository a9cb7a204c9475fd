//! The two ways to drive the three stages: over Kafka, and over files in one thread.

pub mod kafka;
pub mod local;

use std::sync::Arc;

use anyhow::Context;
use jiff::tz::TimeZone;
use logwake_detector::time::Timestamp;
use logwake_emit::text::{Shown, toml_string};
use logwake_ingest::decode::{DecoderOptions, Format, HeaderPattern, MultilineOptions};
use logwake_models::template::Catalogue;
use regex::bytes::Regex;

use crate::config::Config;

/// Turns the `[input]` section into what decoders are told.
///
/// # Errors
/// Where a pattern does not compile or the format or zone is not known.
pub fn decoder_options(config: &Config, now: Timestamp) -> anyhow::Result<Arc<DecoderOptions>> {
    let input = &config.input;
    let headers = input
        .headers
        .0
        .iter()
        .map(|header| HeaderPattern::new(&header.name, &header.pattern))
        .collect::<Result<Vec<_>, _>>()?;
    let format: Format = input.format.parse()?;
    format.check(&headers)?;
    let start = input.multiline.start.as_deref().map(Regex::new).transpose();
    let session_key = config.detect.sessions.key.as_deref().map(Regex::new).transpose();
    Ok(Arc::new(DecoderOptions {
        multiline: MultilineOptions {
            enabled: input.multiline.enabled && format != Format::Plain,
            start: start.context("compile input.multiline.start")?,
            lines_max: u32::try_from(input.multiline.lines_max).unwrap_or(u32::MAX),
            bytes_max: usize::try_from(input.multiline.bytes_max.0).unwrap_or(usize::MAX),
        },
        format,
        headers,
        zone: TimeZone::get(&input.zone).with_context(|| format!("zone {}", input.zone))?,
        now,
        session_key: session_key.context("compile detect.sessions.key")?,
        session_by_trace: config.detect.sessions.trace_id,
        line_bytes_max: usize::try_from(input.line_bytes_max.0).unwrap_or(usize::MAX),
        service: input.service.clone(),
    }))
}

/// Says what would make fewer templates of a service that has too many.
pub fn advice_of(catalogue: &Catalogue) -> String {
    match catalogue.remedy() {
        Some(remedy) => format!(
            "{} of them read `{}`; under [templates] this makes them one: masks = [{{ name = \"text\", pattern = {} }}]",
            remedy.ways,
            Shown(&remedy.text),
            toml_string(&remedy.mask)
        ),
        None => {
            "they have nothing in common that a mask could take out; raise templates.templates_max"
                .to_owned()
        }
    }
}
