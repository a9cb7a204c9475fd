//! `logwake annotate`: one JSON line for each input line, in order, with its template.

mod line;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use logwake_detector::record::{Level, Record};
use logwake_detector::time::Timestamp;
use logwake_ingest::decode::{Decoder, Reason, Sink};
use logwake_ingest::files::{FileSource, Line, service_of};
use logwake_models::template::Masks;

use crate::Status;
use crate::cli::AnnotateArgs;
use crate::console::Console;
use crate::lock::Lock;
use crate::runtime::decoder_options;
use crate::runtime::kafka::wall_now;

use super::input;
use line::{Found, Lines, Place};

/// Bytes of output that are written at once.
const BUFFER_BYTES: usize = 1 << 16;

/// Annotates a file or standard input.
///
/// # Errors
/// Where the arguments are wrong, the input cannot be opened or breaks off, or standard output
/// cannot be written.
pub fn run(args: &AnnotateArgs) -> anyhow::Result<Status> {
    let config = input::config(&args.input)?;
    let options = decoder_options(&config, wall_now())?;
    let masks = config.templates.masks.0.iter();
    let mut file = FileSource::open_with(&args.path, options.line_bytes_max)?;
    let service = match service_of(std::path::Path::new(&args.path)) {
        "" | "-" => "stdin",
        name => name,
    };
    let mut decoder = Decoder::new(Arc::clone(&options), service);
    let masks = Masks::new(masks.map(|mask| (mask.name.as_str(), mask.pattern.as_str())))?;
    let lines = Lines::new(masks, config.detect_settings().catalogue, Lock::seeds_of(&config)?);
    let mut annotator = Annotator::new(lines, args.settled);
    let mut out = Console::data();
    let mut offset = 0;
    let broken = loop {
        match file.next_line() {
            Ok(Some(Line::Text(line))) => {
                decoder.push(line, offset, None, &mut annotator);
            }
            Ok(Some(Line::TooLong { head, .. })) => {
                annotator.reject(offset, 1, Reason::TooLong, head);
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
        offset += 1;
        if annotator.buffer.len() >= BUFFER_BYTES {
            annotator.write(&mut out)?;
        }
    };
    decoder.flush(&mut annotator);
    annotator.finish(&mut out)?;
    match broken {
        Some(error) => Err(anyhow::Error::new(error).context("annotate")),
        None => Ok(Status::Done),
    }
}

/// Finds templates and puts the lines back into their order.
struct Annotator {
    lines: Lines,
    /// Whether every line waits until all were read.
    settled: bool,
    /// The next line to write.
    next: u64,
    /// By offset; joining may finish a later record first.
    waiting: BTreeMap<u64, Waiting>,
    buffer: Vec<u8>,
}

struct Waiting {
    lines: u32,
    outcome: Outcome,
}

enum Outcome {
    Found { place: Place, content: Vec<u8>, time: Option<Timestamp>, level: Level },
    Rejected(Reason),
}

impl Annotator {
    fn new(lines: Lines, settled: bool) -> Self {
        let (waiting, buffer) = (BTreeMap::new(), Vec::with_capacity(2 * BUFFER_BYTES));
        Self { lines, settled, next: 0, waiting, buffer }
    }

    /// Renders the lines that follow on what was rendered already.
    fn render_ready(&mut self) {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= self.next)
        {
            let waiting = entry.remove();
            match waiting.outcome {
                Outcome::Found { place, content, time, level } => {
                    let found = Found { place, content: &content, time, level };
                    let start = self.buffer.len();
                    self.lines.found(found, &mut self.buffer);
                    self.repeat(start, waiting.lines);
                }
                Outcome::Rejected(reason) => self.render_rejected(reason, waiting.lines),
            }
        }
    }

    fn render_rejected(&mut self, reason: Reason, lines: u32) {
        let start = self.buffer.len();
        line::rejected(reason, &mut self.buffer);
        self.repeat(start, lines);
    }

    fn repeat(&mut self, start: usize, lines: u32) {
        let end = self.buffer.len();
        for _ in 1..lines {
            self.buffer.extend_from_within(start..end);
        }
        self.next += u64::from(lines);
    }

    fn write(&mut self, out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(&mut self, out: &mut impl Write) -> std::io::Result<()> {
        self.settled = false;
        while !self.waiting.is_empty() {
            self.next = self.next.max(self.waiting.keys().next().copied().unwrap_or_default());
            self.render_ready();
            self.write(out)?;
        }
        self.write(out)?;
        out.flush()
    }
}

impl Sink for Annotator {
    fn record(&mut self, record: &Record<'_>) {
        let place = self.lines.learn(record.service, record.content);
        let (content, time, level) = (record.content, record.time, record.level);
        if !self.settled && record.offset == self.next {
            let start = self.buffer.len();
            let found = Found { place, content, time, level };
            self.lines.just_learned(found, &mut self.buffer);
            self.repeat(start, record.lines);
            return self.render_ready();
        }
        let outcome = Outcome::Found { place, content: content.to_vec(), time, level };
        self.waiting.insert(record.offset, Waiting { lines: record.lines, outcome });
    }

    fn reject(&mut self, offset: u64, lines: u32, reason: Reason, _: &[u8]) {
        if !self.settled && offset == self.next {
            self.render_rejected(reason, lines);
            return self.render_ready();
        }
        self.waiting.insert(offset, Waiting { lines, outcome: Outcome::Rejected(reason) });
    }
}
