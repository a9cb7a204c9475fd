//! A state snapshot as records of a compacted topic: chunks that fit into one record each, and a
//! manifest that names them.
//!
//! Keys: `{topic}/{partition}#{i}` for chunk `i`, `{topic}/{partition}` for the manifest, which
//! comes last.
//! Each chunk carries the hash of the snapshot that it belongs to, so chunks of an older or of an
//! unfinished snapshot, which compaction leaves for a while, are never mistaken for the right ones.
//!
//! A chunk may be read before or after any other record; of several manifests the one read last
//! counts, which is the newest, since Kafka keeps the order of records with the same key.
//! An empty value stands for a tombstone.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{WireError, decode, encode};

/// Greatest length of a record's value in bytes: below 1 MiB, the default limit of a broker, with
/// room for key, headers and framing.
pub const CHUNK_BYTES_MAX: usize = 900_000;

/// Version of chunks and manifests.
const SNAPSHOT_VERSION: u8 = 1;
/// Version byte and hash.
const CHUNK_HEADER_BYTES: usize = 9;
const CHUNK_PAYLOAD_BYTES_MAX: usize = CHUNK_BYTES_MAX - CHUNK_HEADER_BYTES;

/// One record: key and value.
pub type Pair = (String, Vec<u8>);

/// What the manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Position in the input: the next offset to read.
    pub offset: i64,
    /// Number of chunks.
    pub chunks: u32,
    /// Length of the whole in bytes.
    pub bytes: u64,
    /// xxh3 of the whole.
    pub hash: u64,
}

/// A snapshot put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What the manifest says.
    pub manifest: Manifest,
    /// The state as it was given to [`split`].
    pub state: Vec<u8>,
}

/// Why a snapshot could not be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Manifest or chunk header is not readable.
    #[error("decode snapshot record {key}")]
    Record {
        /// Key of the record.
        key: String,
        /// What is wrong.
        source: WireError,
    },
    /// A chunk that the manifest names is not there.
    #[error("snapshot {key} lacks chunk {index} of {chunks}")]
    Missing {
        /// Key of the manifest.
        key: String,
        /// Number of the chunk from 0.
        index: u32,
        /// Chunks that the manifest names.
        chunks: u32,
    },
    /// The chunks are not as long as the manifest says.
    #[error("snapshot {key} has {found} bytes, its manifest says {bytes}")]
    Length {
        /// Key of the manifest.
        key: String,
        /// Length of the chunks.
        found: u64,
        /// Length in the manifest.
        bytes: u64,
    },
    /// The chunks hold something else.
    #[error("snapshot {key} has hash {found:016x}, its manifest says {hash:016x}")]
    Hash {
        /// Key of the manifest.
        key: String,
        /// Hash of the chunks.
        found: u64,
        /// Hash in the manifest.
        hash: u64,
    },
}

/// Returns the key of the manifest.
pub fn manifest_key(topic: &str, partition: i32) -> String {
    format!("{topic}/{partition}")
}

/// Returns the keys of some chunks: what to delete when a snapshot has fewer than the one before.
pub fn chunk_keys(key: &str, range: Range<u32>) -> impl Iterator<Item = String> + use<'_> {
    range.map(move |index| format!("{key}#{index}"))
}

/// Splits a state into chunks, with the manifest last; `key` is the [`manifest_key`].
///
/// # Panics
///
/// Where the state needs more than 2^32 chunks.
pub fn split(key: &str, offset: i64, state: &[u8]) -> (Manifest, Vec<Pair>) {
    let hash = xxh3_64(state);
    let parts = state.chunks(CHUNK_PAYLOAD_BYTES_MAX);
    let chunks = u32::try_from(parts.len()).expect("a state in memory has less than 2^32 chunks");
    let manifest = Manifest { offset, chunks, bytes: state.len() as u64, hash };
    let values = parts.map(|part| chunk(hash, part));
    let mut pairs: Vec<Pair> = chunk_keys(key, 0..chunks).zip(values).collect();
    pairs.push((key.to_owned(), encode(SNAPSHOT_VERSION, &manifest)));
    (manifest, pairs)
}

fn chunk(hash: u64, part: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(CHUNK_HEADER_BYTES + part.len());
    value.push(SNAPSHOT_VERSION);
    value.extend_from_slice(&hash.to_le_bytes());
    value.extend_from_slice(part);
    value
}

/// Puts the snapshot with the manifest `key` together from the records of a topic, others among
/// them; `None` where there is no manifest.
///
/// # Errors
///
/// Where the newest manifest is not readable or the chunks do not add up to what it says.
pub fn assemble<'a>(
    key: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Option<Snapshot>, SnapshotError> {
    let mut manifest = None;
    let mut chunks: BTreeMap<(u64, u32), &[u8]> = BTreeMap::new();
    for (name, value) in pairs {
        let Some(rest) = name.strip_prefix(key) else { continue };
        if rest.is_empty() {
            manifest = (!value.is_empty()).then_some(value);
        } else if let Some((hash, index, part)) = read_chunk(rest, value) {
            chunks.insert((hash, index), part);
        }
    }
    let Some(manifest) = manifest else { return Ok(None) };
    let manifest: Manifest = decode("snapshot manifest", SNAPSHOT_VERSION, manifest)
        .map_err(|source| SnapshotError::Record { key: key.to_owned(), source })?;
    let state = join(key, &manifest, &chunks)?;
    Ok(Some(Snapshot { manifest, state }))
}

/// Reads `#{index}` and the chunk; what is neither is no part of any snapshot of this version.
fn read_chunk<'a>(rest: &str, value: &'a [u8]) -> Option<(u64, u32, &'a [u8])> {
    let index = rest.strip_prefix('#')?.parse().ok()?;
    let (version, value) = value.split_first()?;
    let (hash, part) = value.split_first_chunk()?;
    (*version == SNAPSHOT_VERSION).then_some((u64::from_le_bytes(*hash), index, part))
}

fn join(
    key: &str,
    manifest: &Manifest,
    chunks: &BTreeMap<(u64, u32), &[u8]>,
) -> Result<Vec<u8>, SnapshotError> {
    let Manifest { chunks: count, bytes, hash, .. } = *manifest;
    let mut state = Vec::new();
    for index in 0..count {
        let Some(part) = chunks.get(&(hash, index)) else {
            return Err(SnapshotError::Missing { key: key.to_owned(), index, chunks: count });
        };
        state.extend_from_slice(part);
    }
    let found = state.len() as u64;
    if found != bytes {
        return Err(SnapshotError::Length { key: key.to_owned(), found, bytes });
    }
    let found = xxh3_64(&state);
    if found != hash {
        return Err(SnapshotError::Hash { key: key.to_owned(), found, hash });
    }
    Ok(state)
}

#[cfg(test)]
mod tests;
