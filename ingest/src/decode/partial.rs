//! Lines that a container runtime cut into pieces: CRI marks them `P` until the last one, `F`.
//!
//! Pieces are put together per stream; at the limits of bytes and of open lines the oldest is taken for whole.

use std::collections::BTreeMap;

use logwake_detector::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::bounded::{TextKind, shorten};
use super::stamp::{self, Stamp};
use super::steps;

const OPEN_MAX: usize = 256;
const BYTES_MAX: usize = 16 << 20;

/// The pieces of one line so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Partial {
    pub(crate) offset: u64,
    pub(crate) lines: u32,
    pub(crate) time: Option<Timestamp>,
    pub(crate) arrival: Option<Timestamp>,
    pub(crate) service: String,
    pub(crate) is_service_weak: bool,
    pub(crate) host: String,
    pub(crate) text: Vec<u8>,
}

impl Partial {
    fn bytes(&self) -> usize {
        self.text.len() + self.service.len() + self.host.len()
    }
}

/// Open lines by stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Partials {
    open: BTreeMap<u64, Partial>,
    /// Bytes of all texts of the open lines.
    #[serde(skip)]
    bytes: usize,
}

impl Partials {
    /// Brings what was read back within today's limits.
    pub(crate) fn restored(mut self) -> Self {
        for partial in self.open.values_mut() {
            shorten(&mut partial.service, TextKind::Service);
            shorten(&mut partial.host, TextKind::Host);
        }
        self.bytes = self.open.values().map(Partial::bytes).sum();
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(crate) fn pending_lines(&self) -> u64 {
        self.open.values().map(|partial| u64::from(partial.lines)).sum()
    }

    /// Adds a piece to the open line of a stream, made by `begin` where there is none; returns its length.
    pub(crate) fn add(
        &mut self,
        stream: u64,
        (text, lines): (&[u8], u32),
        begin: impl FnOnce() -> Partial,
    ) -> usize {
        let bytes = &mut self.bytes;
        let open = self.open.entry(stream).or_insert_with(|| {
            let begun = begin();
            *bytes += begun.bytes();
            begun
        });
        open.text.extend_from_slice(text);
        steps::add(text.len());
        open.lines += lines;
        *bytes += text.len();
        open.text.len()
    }

    pub(crate) fn take(&mut self, stream: u64) -> Option<Partial> {
        if self.open.is_empty() {
            return None;
        }
        let taken = self.open.remove(&stream)?;
        self.bytes -= taken.bytes();
        Some(taken)
    }

    /// Takes out the line that began first.
    pub(crate) fn take_oldest(&mut self) -> Option<(u64, Partial)> {
        let oldest =
            self.open.iter().min_by_key(|(_, partial)| partial.offset).map(|(key, _)| *key)?;
        self.take(oldest).map(|partial| (oldest, partial))
    }

    /// Whether there are too many open lines, or too much in them.
    pub(crate) fn is_full(&self) -> bool {
        self.open.len() > OPEN_MAX || self.bytes > BYTES_MAX
    }
}

/// A line as Kubernetes runtimes write it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cri<'a> {
    pub(crate) stamp: Stamp,
    pub(crate) is_stderr: bool,
    pub(crate) is_partial: bool,
    pub(crate) text: &'a [u8],
}

/// Reads `2016-10-06T00:17:09.669794202Z stdout F text`; tags are separated by colons, the first says P or F.
pub(crate) fn cri(line: &[u8]) -> Option<Cri<'_>> {
    let space = line.iter().take(40).position(|&byte| byte == b' ')?;
    let rest = line[space..].strip_prefix(b" std")?;
    let (is_stderr, rest) = match rest {
        [b'o', b'u', b't', b' ', rest @ ..] => (false, rest),
        [b'e', b'r', b'r', b' ', rest @ ..] => (true, rest),
        _ => return None,
    };
    let is_partial = match rest.first()? {
        b'P' => true,
        b'F' => false,
        _ => return None,
    };
    let end = rest.iter().take(64).position(|&byte| byte == b' ').unwrap_or(rest.len());
    if end > 1 && rest[1] != b':' {
        return None;
    }
    let (stamp, len) = stamp::at(line)?;
    (len == space).then(|| Cri {
        stamp,
        is_stderr,
        is_partial,
        text: rest.get(end + 1..).unwrap_or_default(),
    })
}
