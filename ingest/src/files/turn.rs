//! Files of which more are read by turns than may be open at the same time.
//!
//! The first ones stay open; each of the others is opened for a read and closed after it.
//! That costs some microseconds for each chunk, and no archive is unpacked twice, since what was
//! read stays with the decompressor.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files that stay open: a quarter of the 1,024 that a process usually may have.
const OPEN_MAX: usize = 256;

/// How many stay open in this process.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A regular file, open or to be opened again where its last read ended.
#[derive(Debug)]
pub(super) enum TurnFile {
    Open(File),
    Closed { path: PathBuf, id: (u64, u64), at: u64 },
}

impl TurnFile {
    /// Takes a file that was just opened.
    pub(super) fn new(file: File, path: &Path, metadata: &Metadata) -> Self {
        if OPEN.fetch_add(1, Ordering::Relaxed) < OPEN_MAX {
            return Self::Open(file);
        }
        OPEN.fetch_sub(1, Ordering::Relaxed);
        Self::closed(path, metadata)
    }

    fn closed(path: &Path, metadata: &Metadata) -> Self {
        Self::Closed { path: path.to_owned(), id: id_of(metadata), at: 0 }
    }
}

impl Read for TurnFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (path, id, at) = match self {
            Self::Open(file) => return file.read(buffer),
            Self::Closed { path, id, at } => (path, id, at),
        };
        let mut file = File::open(path)?;
        if id_of(&file.metadata()?) != *id {
            return Err(io::Error::other("another file has its name by now"));
        }
        file.seek(SeekFrom::Start(*at))?;
        let len = file.read(buffer)?;
        *at += len as u64;
        Ok(len)
    }
}

impl Drop for TurnFile {
    fn drop(&mut self) {
        if matches!(self, Self::Open(_)) {
            OPEN.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn id_of(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_opened_for_each_read_reads_as_one_and_is_not_mixed_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let bytes: Vec<u8> = (0..10_000).map(|idx| (idx % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        let mut read = Vec::new();
        TurnFile::closed(&path, &metadata).read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
        let mut file = TurnFile::closed(&path, &metadata);
        file.read_exact(&mut [0; 100]).unwrap();
        std::fs::rename(&path, dir.path().join("a.log.1")).unwrap();
        std::fs::write(&path, "other").unwrap();
        assert!(file.read(&mut [0; 100]).is_err());
    }
}
