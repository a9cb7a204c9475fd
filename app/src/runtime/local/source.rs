//! One captured file as a source of the tally stage.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use logwake_detector::record::{Record, Source};
use logwake_detector::tally::{ClockSettings, Tally, TallyBatch, TallyInput};
use logwake_detector::time::Timestamp;
use logwake_ingest::decode::{Decoder, DecoderOptions, Reason, Sink};
use logwake_ingest::files::{FileSource, Input, Line, service_of};
use logwake_models::template::Masks;

/// Lines looked at to find the first time of a file.
const PEEK_LINES: usize = 64;
/// Lines read before other sources get their turn.
const LINES_PER_TURN: usize = 65_536;

/// What the files of one replay share.
#[derive(Clone)]
pub struct SourceShared {
    /// How lines are decoded.
    pub decoder: Arc<DecoderOptions>,
    /// How event time is believed.
    pub clock: ClockSettings,
    /// Users' masks.
    pub masks: Masks,
    /// Whether values are kept.
    pub values: bool,
    /// Files in all.
    pub sources: u32,
    /// Wall time of the replay: nothing later is believed.
    pub wall: Timestamp,
    /// The topic that the files are captures of, each a partition from its first offset.
    pub topic: Option<Arc<str>>,
}

/// A file that is read line by line.
pub struct LocalSource {
    input: Input,
    shared: SourceShared,
    file: Option<FileSource>,
    decoder: Decoder,
    tally: Tally,
    /// Number of the next line, from 0.
    next: u64,
    first_time: Option<Timestamp>,
    stage: Reading,
    /// Bytes of the file read so far, packed as it is.
    pub bytes_read: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Waiting,
    Open,
    Done,
}

/// What a turn of reading came to, apart from its batches.
#[derive(Debug, Default)]
pub struct Rejects {
    /// Lines rejected by reason, in order of appearance.
    pub by_reason: Vec<(&'static str, u64)>,
    /// Every reject but empty lines: line number from 1, reason, first bytes.
    pub letters: Vec<(u64, &'static str, Vec<u8>)>,
}

impl LocalSource {
    /// Makes a source; `number` is its partition where the files are captures of a topic.
    pub fn new(input: Input, number: i32, shared: &SourceShared) -> Self {
        let path = input.path().to_string_lossy().into_owned();
        let (source, service) = match &shared.topic {
            Some(topic) => (
                Source::Partition { topic: Arc::clone(topic), partition: number },
                topic.to_string(),
            ),
            None => (Source::File { path: Arc::from(path.as_str()) }, name_of(input.path())),
        };
        Self {
            decoder: Decoder::new(Arc::clone(&shared.decoder), &service),
            tally: Tally::new(
                source,
                shared.sources,
                shared.clock,
                shared.masks.clone(),
                shared.wall,
            )
            .with_values(shared.values),
            input,
            shared: shared.clone(),
            file: None,
            next: 0,
            first_time: None,
            stage: Reading::Waiting,
            bytes_read: 0,
        }
    }

    /// Tells whether everything was read.
    pub fn is_done(&self) -> bool {
        self.stage == Reading::Done
    }

    /// Returns how far its event time has come, for the order of turns.
    pub fn reached(&self) -> Option<Timestamp> {
        self.tally.clock().newest().or(self.first_time)
    }

    /// Returns its size, packed as it is, where it has one.
    pub fn bytes_total(&self) -> Option<u64> {
        std::fs::metadata(self.input.path())
            .ok()
            .filter(|file| file.is_file())
            .map(|file| file.len())
    }

    /// Looks for the first stated time of a file that is not open yet; standard input has none.
    pub fn peek(&mut self) {
        let (Input::File(_), Ok(mut file)) = (&self.input, self.open()) else { return };
        let mut decoder = Decoder::new(Arc::clone(&self.shared.decoder), "peek");
        let mut first = FirstTime(None);
        for number in 0..PEEK_LINES as u64 {
            match file.next_line() {
                Ok(Some(Line::Text(line))) => {
                    decoder.push(line, number, None, &mut first);
                }
                Ok(Some(Line::TooLong { .. })) => {}
                Ok(None) | Err(_) => break,
            }
            if first.0.is_some() {
                break;
            }
        }
        decoder.flush(&mut first);
        self.first_time = first.0;
    }

    /// Announces the source to the detect stage before it is read.
    pub fn announce(&mut self, out: &mut Vec<TallyBatch>) {
        self.tally.step(TallyInput::Cut { to: 0, wall: self.shared.wall, idle: true }, out);
    }

    /// Reads until its event time passes `limit`, for a bounded number of lines, or to its end.
    ///
    /// # Errors
    /// Where the file cannot be opened or breaks off; what stood before is in `out`, and the source
    /// is done.
    pub fn turn(
        &mut self,
        limit: Option<Timestamp>,
        out: &mut Vec<TallyBatch>,
        rejects: &mut Rejects,
    ) -> anyhow::Result<()> {
        let result = self.read(limit, out, rejects);
        if result.is_err() {
            self.end(out, rejects);
        }
        result
    }

    fn read(
        &mut self,
        limit: Option<Timestamp>,
        out: &mut Vec<TallyBatch>,
        rejects: &mut Rejects,
    ) -> anyhow::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open().with_context(|| format!("read {}", self.input.path().display()))?,
        };
        self.stage = Reading::Open;
        for _ in 0..LINES_PER_TURN {
            let line = file.next_line();
            let mut sink = ToTally { tally: &mut self.tally, out, rejects };
            match line {
                Ok(Some(Line::Text(line))) => {
                    self.decoder.push(line, self.next, None, &mut sink);
                }
                Ok(Some(Line::TooLong { head, .. })) => {
                    sink.reject(self.next, 1, Reason::TooLong, head);
                }
                Ok(None) => {
                    self.bytes_read = file.bytes_read();
                    self.end(out, rejects);
                    return Ok(());
                }
                Err(error) => {
                    self.bytes_read = file.bytes_read();
                    return Err(error)
                        .with_context(|| format!("read {}", self.input.path().display()));
                }
            }
            self.next += 1;
            if let (Some(limit), Some(newest)) = (limit, self.tally.clock().newest())
                && newest > limit
            {
                break;
            }
        }
        self.bytes_read = file.bytes_read();
        self.file = Some(file);
        self.cut(false, out);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<TallyBatch>, rejects: &mut Rejects) {
        self.stage = Reading::Done;
        self.file = None;
        self.decoder.flush(&mut ToTally { tally: &mut self.tally, out, rejects });
        self.cut(true, out);
    }

    fn cut(&mut self, idle: bool, out: &mut Vec<TallyBatch>) {
        self.tally.step(TallyInput::Cut { to: self.next, wall: self.shared.wall, idle }, out);
    }

    fn open(&self) -> Result<FileSource, logwake_ingest::files::FilesError> {
        FileSource::open_input(&self.input, self.shared.decoder.line_bytes_max)
    }
}

fn name_of(path: &Path) -> String {
    match service_of(path) {
        "" | "-" => "stdin".to_owned(),
        name => name.to_owned(),
    }
}

struct ToTally<'a> {
    tally: &'a mut Tally,
    out: &'a mut Vec<TallyBatch>,
    rejects: &'a mut Rejects,
}

impl Sink for ToTally<'_> {
    fn record(&mut self, record: &Record<'_>) {
        self.tally.step(TallyInput::Record(record), self.out);
    }

    fn reject(&mut self, offset: u64, lines: u32, reason: Reason, payload: &[u8]) {
        self.tally.step(TallyInput::Rejected { lines }, self.out);
        let name = reason.as_str();
        match self.rejects.by_reason.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += u64::from(lines),
            None => self.rejects.by_reason.push((name, u64::from(lines))),
        }
        if reason != Reason::Empty {
            let head = payload[..payload.len().min(1024)].to_vec();
            self.rejects.letters.push((offset + 1, name, head));
        }
    }
}

struct FirstTime(Option<Timestamp>);

impl Sink for FirstTime {
    fn record(&mut self, record: &Record<'_>) {
        self.0 = self.0.or(record.time);
    }

    fn reject(&mut self, _: u64, _: u32, _: Reason, _: &[u8]) {}
}
