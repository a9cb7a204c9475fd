//! The bundled capture: log files of real servers, as they were written.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use logwake_detector::record::Record;
use logwake_detector::time::Timestamp;
use logwake_ingest::decode::{Decoder, DecoderOptions, Reason, Sink};

/// Name and packed bytes of each file; `testdata/README.md` says how they came about.
const FILES: [(&str, &[u8]); 6] = [
    (
        "catalog",
        include_bytes!("../../../testdata/incidents/connection-exhaustion/catalog.log.zst"),
    ),
    (
        "checkout",
        include_bytes!("../../../testdata/incidents/connection-exhaustion/checkout.log.zst"),
    ),
    (
        "nginx-access",
        include_bytes!("../../../testdata/incidents/connection-exhaustion/nginx-access.log.zst"),
    ),
    (
        "nginx-error",
        include_bytes!("../../../testdata/incidents/connection-exhaustion/nginx-error.log.zst"),
    ),
    (
        "postgres",
        include_bytes!("../../../testdata/incidents/connection-exhaustion/postgres.log.zst"),
    ),
    ("redis", include_bytes!("../../../testdata/incidents/connection-exhaustion/redis.log.zst")),
];

/// Lines that belong together, and when they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub time: Timestamp,
    /// Which service wrote them.
    pub service: &'static str,
    /// The physical lines.
    pub lines: Vec<String>,
}

/// All entries in the order of their time.
pub struct Capture {
    entries: Vec<Entry>,
}

impl Capture {
    /// Unpacks the bundled capture.
    ///
    /// # Errors
    /// Where it is damaged, which the tests rule out.
    pub fn bundled() -> anyhow::Result<Self> {
        let mut entries = Vec::new();
        for (service, packed) in FILES {
            let mut text = Vec::new();
            let mut reader = zstd::Decoder::new(packed)?;
            reader.read_to_end(&mut text).with_context(|| format!("unpack {service}"))?;
            entries.extend(entries_of(service, &text));
        }
        entries.sort_by_key(|entry| entry.time);
        Ok(Self { entries })
    }

    /// Returns the number of physical lines.
    pub fn lines(&self) -> u64 {
        self.entries.iter().map(|entry| entry.lines.len() as u64).sum()
    }

    /// Returns the names of the services.
    pub fn services(&self) -> Vec<&'static str> {
        FILES.iter().map(|(service, _)| *service).collect()
    }

    /// Returns the time from the first to the last entry.
    pub fn span(&self) -> Duration {
        match (self.entries.first(), self.entries.last()) {
            (Some(first), Some(last)) => last.time.since(first.time),
            _ => Duration::ZERO,
        }
    }

    /// Returns the entries in the order of their time.
    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

/// Cuts a file into entries, each with the time that its first line states.
fn entries_of(service: &'static str, text: &[u8]) -> Vec<Entry> {
    let lines: Vec<&[u8]> =
        text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let mut decoder = Decoder::new(Arc::new(DecoderOptions::default()), service);
    let mut spans = Spans(Vec::new());
    for (line, number) in lines.iter().zip(0..) {
        decoder.push(line, number, None, &mut spans);
    }
    decoder.flush(&mut spans);
    let mut time = spans.0.iter().find_map(|span| span.2).unwrap_or_default();
    let mut entries = Vec::new();
    for (offset, count, stated) in spans.0 {
        time = stated.unwrap_or(time).max(time);
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(lines.len());
        let end = (begin + count as usize).min(lines.len());
        let own = lines[begin..end].iter();
        let lines = own.map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        entries.push(Entry { time, service, lines });
    }
    entries
}

/// Offset, lines and time of each record.
struct Spans(Vec<(u64, u32, Option<Timestamp>)>);

impl Sink for Spans {
    fn record(&mut self, record: &Record<'_>) {
        self.0.push((record.offset, record.lines, record.time));
    }

    fn reject(&mut self, offset: u64, lines: u32, _: Reason, _: &[u8]) {
        self.0.push((offset, lines, None));
    }
}
