//! Lines from a reader, borrowed from one buffer that grows to the longest line allowed and no further.

use std::fmt;
use std::io::{self, Read};

/// Bytes read at a time, at first and at most. The buffer is what a file costs that is open and waits for its
/// turn, so a small file has a small one; beyond 64 KiB reading is no faster.
const CHUNK_BYTES_MIN: usize = 4 << 10;
const CHUNK_BYTES_MAX: usize = 64 << 10;
/// What is kept of a line that is too long.
const HEAD_BYTES: usize = 1 << 10;

/// One line, its line end taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The bytes of the line.
    Text(&'a [u8]),
    /// A line over the limit.
    TooLong {
        /// Its beginning, at most 1 KiB.
        head: &'a [u8],
        /// Its whole length, line end not counted.
        bytes: u64,
    },
}

/// Reads lines; `\n` and `\r\n` end one, the last may have no end.
pub(super) struct LineReader {
    reader: Box<dyn Read + Send>,
    line_bytes_max: usize,
    buffer: Vec<u8>,
    /// Bytes of the next read; twice those of the last.
    chunk_bytes: usize,
    /// What has been read and not handed out: `buffer[start..end]`.
    start: usize,
    end: usize,
    line: (usize, usize),
    /// Length of the line where it is too long.
    excess: Option<u64>,
    is_at_end: bool,
    error: Option<io::Error>,
}

impl LineReader {
    pub(super) fn new(reader: Box<dyn Read + Send>, line_bytes_max: usize) -> Self {
        Self {
            reader,
            line_bytes_max,
            buffer: Vec::new(),
            chunk_bytes: CHUNK_BYTES_MIN,
            start: 0,
            end: 0,
            line: (0, 0),
            excess: None,
            is_at_end: false,
            error: None,
        }
    }

    /// Returns the line that [`LineReader::advance`] found.
    pub(super) fn current(&self) -> Line<'_> {
        let text = &self.buffer[self.line.0..self.line.1];
        match self.excess {
            None => Line::Text(text),
            Some(bytes) => Line::TooLong { head: text, bytes },
        }
    }

    /// Finds the next line; `false` at the end. An error comes after all lines before it.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        self.excess = None;
        let mut searched = 0;
        loop {
            let pending = &self.buffer[self.start..self.end];
            if let Some(found) = memchr::memchr(b'\n', &pending[searched..]) {
                let len = searched + found;
                self.found(len);
                self.start += len + 1;
                return Ok(true);
            }
            searched = pending.len();
            if searched > self.line_bytes_max + 1 {
                return self.skip_line();
            }
            if self.is_at_end {
                return self.last(searched);
            }
            self.fill();
        }
    }

    fn found(&mut self, len: usize) {
        let text = &self.buffer[self.start..self.start + len];
        let len = text.strip_suffix(b"\r").unwrap_or(text).len();
        if len > self.line_bytes_max {
            self.excess = Some(len as u64);
        }
        let kept = if self.excess.is_some() { len.min(HEAD_BYTES) } else { len };
        self.line = (self.start, self.start + kept);
    }

    /// What stands behind the last line end is a line too.
    fn last(&mut self, len: usize) -> io::Result<bool> {
        if len > 0 {
            self.found(len);
            self.start += len;
            return Ok(true);
        }
        self.error.take().map_or(Ok(false), Err)
    }

    /// Reads over the rest of a line that is too long; only its head is kept.
    fn skip_line(&mut self) -> io::Result<bool> {
        let kept = HEAD_BYTES.min(self.end - self.start);
        self.buffer.copy_within(self.start..self.start + kept, 0);
        let mut bytes = (self.end - self.start) as u64;
        let mut last = self.buffer[self.end - 1];
        self.give_back(kept);
        loop {
            self.start = kept;
            self.end = kept;
            self.fill_at(kept);
            let fresh = &self.buffer[kept..self.end];
            if let Some(found) = memchr::memchr(b'\n', fresh) {
                last = if found > 0 { fresh[found - 1] } else { last };
                bytes += found as u64;
                self.start = kept + found + 1;
                break;
            }
            bytes += fresh.len() as u64;
            last = fresh.last().copied().unwrap_or(last);
            if self.is_at_end {
                self.start = self.end;
                break;
            }
        }
        self.line = (0, kept);
        self.excess = Some(bytes - u64::from(last == b'\r'));
        Ok(true)
    }

    /// Makes room behind what is pending and reads into it.
    fn fill(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            self.give_back(self.end);
        }
        self.fill_at(self.end);
    }

    /// Gives back what a long line took, where no more than `used` bytes are pending.
    fn give_back(&mut self, used: usize) {
        let enough = used + CHUNK_BYTES_MAX;
        if self.buffer.capacity() > 2 * enough {
            self.buffer.truncate(enough);
            self.buffer.shrink_to_fit();
        }
    }

    fn fill_at(&mut self, at: usize) {
        if self.buffer.len() < at + self.chunk_bytes {
            self.buffer.resize(at + self.chunk_bytes, 0);
        }
        self.chunk_bytes = (2 * self.chunk_bytes).min(CHUNK_BYTES_MAX);
        loop {
            match self.reader.read(&mut self.buffer[at..]) {
                Ok(0) => self.is_at_end = true,
                Ok(len) => self.end = at + len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.is_at_end = true;
                    self.error = Some(error);
                }
            }
            return;
        }
    }
}

impl fmt::Debug for LineReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineReader")
            .field("pending", &(self.end - self.start))
            .finish_non_exhaustive()
    }
}
