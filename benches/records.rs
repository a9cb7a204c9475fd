//! What lines decode to, kept for benchmarks that begin behind the decoder.

use std::sync::Arc;

use logwake_detector::record::{Level, Record};
use logwake_detector::time::Timestamp;
use logwake_ingest::decode::{Decoder, DecoderOptions, Reason, Sink};

use crate::WALL;
use crate::lines::Lines;

/// A record with its texts.
#[derive(Clone, Debug)]
pub struct OwnedRecord {
    offset: u64,
    lines: u32,
    time: Option<Timestamp>,
    service: String,
    host: String,
    level: Level,
    content: Vec<u8>,
}

impl OwnedRecord {
    /// Returns the record as the tally stage takes it.
    pub fn as_record(&self) -> Record<'_> {
        Record {
            offset: self.offset,
            lines: self.lines,
            time: self.time,
            service: &self.service,
            host: &self.host,
            level: self.level,
            content: &self.content,
            template: None,
            session: None,
        }
    }

    /// Returns the free text.
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

/// Everything that some lines decode to.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// The records in order.
    pub records: Vec<OwnedRecord>,
    /// Lines rejected.
    pub rejected: u64,
}

impl Sink for Records {
    fn record(&mut self, record: &Record<'_>) {
        self.records.push(OwnedRecord {
            offset: record.offset,
            lines: record.lines,
            time: record.time,
            service: record.service.to_owned(),
            host: record.host.to_owned(),
            level: record.level,
            content: record.content.to_vec(),
        });
    }

    fn reject(&mut self, _: u64, lines: u32, _: Reason, _: &[u8]) {
        self.rejected += u64::from(lines);
    }
}

impl Records {
    /// Returns the bytes of all contents.
    pub fn content_bytes(&self) -> u64 {
        self.records.iter().map(|record| record.content.len() as u64).sum()
    }
}

/// Returns the options of a decoder that finds the format of each line.
pub fn decoder_options() -> Arc<DecoderOptions> {
    Arc::new(DecoderOptions { now: WALL, ..DecoderOptions::default() })
}

/// Decodes lines as one source.
pub fn records(lines: &Lines) -> Records {
    let mut decoder = Decoder::new(decoder_options(), "bench");
    let mut records = Records::default();
    for (offset, line) in lines.iter().enumerate() {
        decoder.push(line, offset as u64, None, &mut records);
    }
    decoder.flush(&mut records);
    records
}
