//! Opens a file and unpacks it by its first bytes: gzip (several members too), zstd, xz, bzip2, or as it is.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::lines::{Line, LineReader};
use super::turn::TurnFile;
use super::{FilesError, Input};

/// Packed bytes read at a time.
const BUFFER_BYTES: usize = 32 << 10;
const LINE_BYTES_MAX: usize = 1 << 20;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz format.
    Xz,
    /// bzip2.
    Bzip2,
}

impl Packing {
    /// Tells the packing by the first bytes of a file.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Self::Bzip2,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => Self::Bzip2,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        })
    }
}

/// A file, or standard input, as lines.
#[derive(Debug)]
pub struct FileSource {
    path: PathBuf,
    packing: Packing,
    bytes_total: Option<u64>,
    bytes_read: Arc<AtomicU64>,
    lines: LineReader,
    count: u64,
    is_broken: bool,
}

impl FileSource {
    /// Opens a file, `-` for standard input; lines over 1 MiB are told, not read.
    ///
    /// # Errors
    ///
    /// When the file is a folder, cannot be opened or its first bytes cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FilesError> {
        Self::open_with(path, LINE_BYTES_MAX)
    }

    /// Opens what [`expand`](super::expand) found.
    ///
    /// # Errors
    ///
    /// As [`FileSource::open`].
    pub fn open_input(input: &Input, line_bytes_max: usize) -> Result<Self, FilesError> {
        Self::open_with(input.path(), line_bytes_max)
    }

    /// Opens a file with a limit for lines, in bytes.
    ///
    /// # Errors
    ///
    /// As [`FileSource::open`].
    pub fn open_with(path: impl AsRef<Path>, line_bytes_max: usize) -> Result<Self, FilesError> {
        let path = path.as_ref();
        let failed = |source| FilesError::Open { path: path.to_owned(), source };
        if path.as_os_str() == "-" {
            return Self::from_reader(path, Box::new(io::stdin()), None, line_bytes_max)
                .map_err(failed);
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let (reader, total): (Box<dyn Read + Send>, _) = match metadata.is_file() {
            true => (Box::new(TurnFile::new(file, path, &metadata)), Some(metadata.len())),
            false => (Box::new(file), None),
        };
        Self::from_reader(path, reader, total, line_bytes_max).map_err(failed)
    }

    fn from_reader(
        path: &Path,
        mut reader: Box<dyn Read + Send>,
        bytes_total: Option<u64>,
        line_bytes_max: usize,
    ) -> io::Result<Self> {
        let head = read_head(&mut reader)?;
        let packing = Packing::of(&head);
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted =
            Counted { inner: io::Cursor::new(head).chain(reader), bytes: bytes_read.clone() };
        let lines = LineReader::new(unpack(packing, counted)?, line_bytes_max);
        Ok(Self {
            path: path.to_owned(),
            packing,
            bytes_total,
            bytes_read,
            lines,
            count: 0,
            is_broken: false,
        })
    }

    /// Returns the next line, `None` at the end.
    ///
    /// # Errors
    ///
    /// Once, where the file breaks off: every line before it has been returned; after it there is `None`.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, FilesError> {
        if self.is_broken {
            return Ok(None);
        }
        match self.lines.advance() {
            Ok(true) => {
                self.count += 1;
                Ok(Some(self.lines.current()))
            }
            Ok(false) => Ok(None),
            Err(source) => {
                self.is_broken = true;
                Err(self.failed(source))
            }
        }
    }

    /// Returns the path as given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how the file is packed.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// Returns the bytes of the file, packed as it is, that have been read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Returns the size of the file, packed as it is, where it is known.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// Returns how many lines have been returned.
    pub fn lines_read(&self) -> u64 {
        self.count
    }

    fn failed(&self, source: io::Error) -> FilesError {
        let (path, packing, lines, bytes) =
            (self.path.clone(), self.packing, self.count, self.bytes_read());
        let is_at_end = self.bytes_total.is_none_or(|total| bytes >= total);
        match (packing, source.kind()) {
            (Packing::None, _) => FilesError::Read { path, lines, bytes, source },
            (_, io::ErrorKind::UnexpectedEof) => {
                FilesError::Truncated { path, packing, lines, bytes, source }
            }
            (
                Packing::Xz | Packing::Bzip2,
                io::ErrorKind::InvalidData | io::ErrorKind::Other | io::ErrorKind::InvalidInput,
            )
            | (Packing::Gzip | Packing::Zstd, _) => {
                FilesError::Corrupt { path, packing, lines, bytes, source }
            }
            _ if is_at_end => FilesError::Truncated { path, packing, lines, bytes, source },
            _ => FilesError::Read { path, lines, bytes, source },
        }
    }
}

fn unpack(
    packing: Packing,
    reader: impl Read + Send + 'static,
) -> io::Result<Box<dyn Read + Send>> {
    if packing == Packing::None {
        return Ok(Box::new(reader));
    }
    let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
    Ok(match packing {
        Packing::None => Box::new(reader),
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(reader)?),
        Packing::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader)),
        Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
    })
}

/// Reads up to the eight bytes that tell the packing.
fn read_head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(8);
    reader.take(8).read_to_end(&mut head)?;
    Ok(head)
}

/// Counts the bytes that pass.
struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.bytes.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}
