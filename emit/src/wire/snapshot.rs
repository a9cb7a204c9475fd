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

/// Version of chunks, and of manifests without a check of their own, which are still read.
const SNAPSHOT_VERSION: u8 = 1;
/// Version of manifests that end with the xxh3 of what stands before it.
const MANIFEST_VERSION: u8 = 2;
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

/// Why a manifest could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not the bytes of a manifest.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Its check does not match its bytes.
    #[error("the check of the manifest does not match its bytes")]
    Check,
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
        source: ManifestError,
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
    pairs.push((key.to_owned(), encode_manifest(&manifest)));
    (manifest, pairs)
}

fn encode_manifest(manifest: &Manifest) -> Vec<u8> {
    let mut value = encode(MANIFEST_VERSION, manifest);
    let check = xxh3_64(&value);
    value.extend_from_slice(&check.to_le_bytes());
    value
}

fn decode_manifest(value: &[u8]) -> Result<Manifest, ManifestError> {
    let what = "snapshot manifest";
    if value.first() != Some(&MANIFEST_VERSION) {
        return Ok(decode(what, SNAPSHOT_VERSION, value)?);
    }
    let (body, check) = value.split_last_chunk().ok_or(ManifestError::Check)?;
    if xxh3_64(body) != u64::from_le_bytes(*check) {
        return Err(ManifestError::Check);
    }
    Ok(decode(what, MANIFEST_VERSION, body)?)
}

fn chunk(hash: u64, part: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(CHUNK_HEADER_BYTES + part.len());
    value.push(SNAPSHOT_VERSION);
    value.extend_from_slice(&hash.to_le_bytes());
    value.extend_from_slice(part);
    value
}

/// Puts the newest snapshot with the manifest `key` together from the records of a topic, others
/// among them; `None` where there is no manifest.
///
/// # Errors
///
/// Where the newest manifest is not readable or the chunks do not add up to what it says.
pub fn assemble<'a>(
    key: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Result<Option<Snapshot>, SnapshotError> {
    Records::of(key, pairs).newest_first().next().transpose()
}

/// Returns the newest snapshot that can be read, and what is wrong with the newest of all where
/// that is another one: compaction leaves older snapshots in the topic for a while.
pub fn assemble_readable<'a>(
    key: &str,
    pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> (Option<Snapshot>, Option<SnapshotError>) {
    let records = Records::of(key, pairs);
    let mut damage = None;
    for found in records.newest_first() {
        match found {
            Ok(snapshot) => return (Some(snapshot), damage),
            Err(error) => damage = damage.or(Some(error)),
        }
    }
    (None, damage)
}

/// The records of a topic that belong to one key.
struct Records<'a> {
    key: String,
    /// Manifests since the last tombstone, oldest first.
    manifests: Vec<&'a [u8]>,
    chunks: BTreeMap<(u64, u32), &'a [u8]>,
}

impl<'a> Records<'a> {
    fn of(key: &str, pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let (mut manifests, mut chunks) = (Vec::new(), BTreeMap::new());
        for (name, value) in pairs {
            let Some(rest) = name.strip_prefix(key) else { continue };
            if !rest.is_empty() {
                let chunk = read_chunk(rest, value);
                chunks.extend(chunk.map(|(hash, index, part)| ((hash, index), part)));
            } else if value.is_empty() {
                manifests.clear();
            } else {
                manifests.push(value);
            }
        }
        Self { key: key.to_owned(), manifests, chunks }
    }

    fn newest_first(&self) -> impl Iterator<Item = Result<Snapshot, SnapshotError>> {
        self.manifests.iter().rev().map(|manifest| self.read(manifest))
    }

    fn read(&self, manifest: &[u8]) -> Result<Snapshot, SnapshotError> {
        let manifest = decode_manifest(manifest)
            .map_err(|source| SnapshotError::Record { key: self.key.clone(), source })?;
        let state = join(&self.key, &manifest, &self.chunks)?;
        Ok(Snapshot { manifest, state })
    }
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
