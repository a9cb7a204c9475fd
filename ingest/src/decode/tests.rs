#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write;

use super::*;

mod conservation;
mod formats;
mod growth;
mod headers;
mod hostile;
mod joining;
mod samples;
mod stack;
mod texts;
mod times;
mod walks;

/// Collects what a decoder gives, as text.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) text: String,
    pub(super) lines: u64,
}

impl Sink for Collected {
    fn record(&mut self, record: &Record<'_>) {
        self.lines += u64::from(record.lines);
        let time = record.time.map_or("-".to_owned(), |time| {
            jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos())).unwrap().to_string()
        });
        write!(self.text, "{} {} {}", time, record.level.as_str(), record.service).unwrap();
        if !record.host.is_empty() {
            write!(self.text, " @{}", record.host).unwrap();
        }
        if record.lines != 1 {
            write!(self.text, " +{}x{}", record.offset, record.lines).unwrap();
        }
        if let Some(template) = record.template {
            write!(self.text, " template={template:?}").unwrap();
        }
        if let Some(session) = record.session {
            write!(self.text, " session={session}").unwrap();
        }
        writeln!(
            self.text,
            " | {}",
            record.content.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'")
        )
        .unwrap();
    }

    fn reject(&mut self, offset: u64, lines: u32, reason: Reason, payload: &[u8]) {
        self.lines += u64::from(lines);
        writeln!(self.text, "reject {offset}x{lines} {reason} {} bytes", payload.len()).unwrap();
    }
}

/// 2026-03-05T00:00:00Z.
pub(super) const NOW: Timestamp = Timestamp::from_secs(1_772_668_800);

pub(super) fn options(format: &str) -> DecoderOptions {
    DecoderOptions { format: format.parse().unwrap(), now: NOW, ..DecoderOptions::default() }
}

/// Decodes lines with one decoder.
pub(super) fn decode(options: DecoderOptions, lines: &[&[u8]]) -> String {
    let mut decoder = Decoder::new(Arc::new(options), "svc");
    let mut out = Collected::default();
    let mut pushed = 0;
    for (offset, line) in lines.iter().enumerate() {
        pushed += u64::from(decoder.push(line, offset as u64, None, &mut out));
        assert_eq!(out.lines + decoder.pending_lines(), pushed);
    }
    decoder.flush(&mut out);
    assert_eq!(out.lines, pushed);
    out.text
}

/// Decodes each line by itself, with a decoder of its own.
pub(super) fn each(format: &str, lines: &str) -> String {
    lines.lines().map(|line| decode(options(format), &[line.as_bytes()])).collect()
}

/// Decodes the lines of one text with one decoder.
pub(super) fn together(lines: &str) -> String {
    let lines: Vec<_> = lines.lines().map(str::as_bytes).collect();
    decode(options("auto"), &lines)
}
