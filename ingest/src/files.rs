//! Captured logs: which files a path means, how they are packed, and their lines.
//!
//! Compression is told by the first bytes, not by the name. Lines are handed out without copying from one buffer
//! whose size is bounded, whatever the file holds. A damaged archive gives every line before the damage,
//! then an error that names the place.

mod expand;
mod lines;
mod name;
mod open;
mod turn;

use std::io;
use std::path::PathBuf;

pub use expand::{Input, expand};
pub use lines::Line;
pub use name::service_of;
pub use open::{FileSource, Packing};

#[cfg(test)]
mod tests;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A path or pattern that names nothing.
    #[error(
        "`{path}` names no file; check the spelling, or quote a pattern so that it arrives as it is"
    )]
    NotFound {
        /// As given.
        path: String,
    },
    /// A pattern that cannot be read.
    #[error("`{path}` is not a valid pattern")]
    Pattern {
        /// As given.
        path: String,
        /// Why.
        source: glob::PatternError,
    },
    /// A folder that cannot be listed.
    #[error("folder {} cannot be listed", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that cannot be opened.
    #[error("{} cannot be opened", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that breaks off in reading.
    #[error("{} cannot be read on after {lines} lines, at byte {bytes}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Lines read before, all of them good.
        lines: u64,
        /// Bytes of the file read before.
        bytes: u64,
        /// Why.
        source: io::Error,
    },
    /// An archive that ends too early.
    #[error("{} is truncated: its {packing} data ends after {lines} lines, at byte {bytes}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// How it is packed.
        packing: Packing,
        /// Lines read before, the last one perhaps cut.
        lines: u64,
        /// Bytes of the file read before.
        bytes: u64,
        /// What the decompressor says.
        source: io::Error,
    },
    /// An archive with damage in it.
    #[error("{} is damaged: its {packing} data cannot be unpacked after {lines} lines, near byte {bytes}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// How it is packed.
        packing: Packing,
        /// Lines read before.
        lines: u64,
        /// Bytes of the file read before.
        bytes: u64,
        /// What the decompressor says.
        source: io::Error,
    },
}
