//! Finds where a chunk ends and what it is made of, eight bytes at a step.
//!
//! Words within words: each byte of a `u64` is a lane, and sums that never carry into the next lane
//! compare all lanes at once (Mycroft's trick; see Warren, Hacker's Delight, 2012, chapter 6).
//! Nothing branches on what the bytes of a chunk are, since that cannot be foretold: the classes of
//! eight bytes are looked up, wanted or not.

use super::byte_class::{GAP, class};

const LANES: usize = size_of::<u64>();
/// The highest bit of each lane.
const HIGHS: u64 = every(0x80);

const fn every(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; LANES])
}

/// Returns the end of the chunk that begins at `start`, and the union of the classes of its bytes.
/// The chunk is empty if a gap begins there.
#[inline(never)]
pub(super) fn chunk_end(content: &[u8], start: usize) -> (usize, u16) {
    let mut rest = &content[start..];
    let mut bits = 0;
    while let Some((eight, after)) = rest.split_first_chunk() {
        let lanes = u64::from_le_bytes(*eight);
        let gaps = gaps(lanes);
        bits |= classes(lanes, below_first(gaps));
        if gaps != 0 {
            return (content.len() - rest.len() + lanes_below(gaps), bits);
        }
        rest = after;
    }
    let lanes = last_lanes(content, rest.len());
    let gaps = gaps(lanes);
    (content.len() - rest.len() + lanes_below(gaps), bits | classes(lanes, below_first(gaps)))
}

/// The last `len` bytes, fewer than the lanes, the first in the lowest lane; zeros after them.
#[inline]
fn last_lanes(content: &[u8], len: usize) -> u64 {
    match content.last_chunk() {
        _ if len == 0 => 0,
        Some(eight) => u64::from_le_bytes(*eight) >> (8 * (LANES - len)),
        None => few_lanes(&content[content.len() - len..]),
    }
}

#[cold]
fn few_lanes(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |lanes, &byte| lanes << 8 | u64::from(byte))
}

/// Number of lanes below the lowest high bit.
#[inline]
fn lanes_below(highs: u64) -> usize {
    highs.trailing_zeros() as usize / LANES
}

/// The high bits of lanes that hold white space or control bytes.
#[inline]
fn gaps(lanes: u64) -> u64 {
    let low = lanes & !HIGHS;
    let is_visible = low + every(0x80 - 0x21);
    let is_delete = low + every(1);
    (!is_visible | is_delete) & !lanes & HIGHS
}

/// All bits of the lanes below the lowest high bit.
#[inline]
fn below_first(highs: u64) -> u64 {
    ((highs & highs.wrapping_neg()) >> 7).wrapping_sub(1)
}

/// The union of the classes of the lanes in `taken`.
#[inline]
fn classes(lanes: u64, taken: u64) -> u16 {
    let bytes = (lanes & taken).to_le_bytes();
    bytes.iter().fold(0, |bits, &byte| bits | class(byte)) & !GAP
}
