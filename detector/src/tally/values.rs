//! The values of a few records of each skeleton, chosen by where they stand.
//!
//! Every record has a rank, a hash of its source, offset and time; of each skeleton, batch and
//! window those of lowest rank are kept (a bottom-k sample: Cohen and Kaplan, PODC 2007). The lowest of
//! all are among the lowest of any part, so samples of batches and sources merge to the sample of
//! the whole, in any order: cuts and shards do not matter. It costs a comparison for a record that
//! is not kept, and of many records few are.
//!
//! What a value means is not known here. Kept are short values that can be measured, that can be
//! one of a few, or that can name who or what is served: no path, time or hash.

use compact_str::CompactString;
use logwake_models::template::{ShapeClass, Variable};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::SkeletonTally;
use crate::record::Source;
use crate::time::Timestamp;

/// Records of a skeleton whose values are kept.
pub const ROWS_MAX: usize = 32;
/// Variables of a skeleton that are looked at, the first ones.
const COLUMNS_MAX: usize = 16;
/// Longest value that is kept, bytes.
const VALUE_BYTES_MAX: usize = 40;
/// Longest identifier that is: longer ones name neither a user nor a part of a system.
const IDENTIFIER_BYTES_MAX: usize = 16;
/// Bytes of a row apart from its values.
const ROW_BYTES: usize = 14;
/// What parts values in a row; a value that holds it is not kept.
const SEPARATOR: char = '\u{1f}';

/// The values of one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Offset of the record.
    pub offset: u64,
    /// Milliseconds after the start of the window.
    pub after: u32,
    /// As good as random, and always the same.
    pub rank: u32,
    values: CompactString,
}

impl Row {
    /// Returns a value for each variable of the skeleton up to the last kept one, in their order;
    /// empty where it is not kept.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.split(SEPARATOR)
    }
}

/// Chooses records of one source.
#[derive(Debug)]
pub(super) struct Sampler {
    seed: u64,
    values: String,
}

/// A record that may be chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) offset: u64,
    pub(super) time: Timestamp,
    pub(super) content: &'a [u8],
    pub(super) variables: &'a [Variable],
}

impl Sampler {
    pub(super) fn new(source: &Source) -> Self {
        Self { seed: xxh3_64(source.to_string().as_bytes()), values: String::new() }
    }

    /// Keeps a record if its rank is below `bound`, the highest one kept once there is no more
    /// room; returns the bytes that this adds to the batch.
    #[inline]
    pub(super) fn offer(
        &mut self,
        record: Candidate<'_>,
        tally: &mut SkeletonTally,
        bound: &mut u32,
    ) -> usize {
        let rank = self.rank(&record);
        if record.variables.is_empty() || rank >= *bound {
            return 0;
        }
        write_values(record.content, record.variables, &mut self.values);
        if self.values.is_empty() {
            return 0;
        }
        let after = u32::try_from(record.time.since(tally.window).as_millis()).unwrap_or(0);
        let row =
            Row { offset: record.offset, after, rank, values: CompactString::from(&self.values) };
        let bytes = ROW_BYTES + row.values.len();
        keep(row, &mut tally.rows, bound);
        bytes
    }

    /// Records of one payload share an offset, so time and length tell them apart.
    fn rank(&self, record: &Candidate<'_>) -> u32 {
        let time = (record.time.as_nanos() as u64).rotate_left(32);
        let place = record.offset.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
        let mut z = (self.seed ^ time).wrapping_add(place) ^ record.content.len() as u64;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 32) as u32
    }
}

fn keep(row: Row, rows: &mut Vec<Row>, bound: &mut u32) {
    let highest =
        |rows: &[Row]| (0..rows.len()).max_by_key(|at| rows[*at].rank).unwrap_or_default();
    if rows.len() < ROWS_MAX {
        rows.push(row);
    } else {
        let at = highest(rows);
        rows[at] = row;
    }
    if rows.len() == ROWS_MAX {
        *bound = rows[highest(rows)].rank;
    }
}

/// Writes the values that are kept, with a separator for each variable in between.
fn write_values(content: &[u8], variables: &[Variable], out: &mut String) {
    out.clear();
    let mut end = 0;
    for (at, variable) in variables.iter().take(COLUMNS_MAX).enumerate() {
        if at > 0 {
            out.push(SEPARATOR);
        }
        let text = content.get(variable.start..variable.end).unwrap_or_default();
        if is_kept(variable.class, text.len())
            && !text.contains(&(SEPARATOR as u8))
            && let Ok(text) = std::str::from_utf8(text)
            && !text.is_empty()
        {
            out.push_str(text);
            end = out.len();
        }
    }
    out.truncate(end);
}

fn is_kept(class: ShapeClass, bytes: usize) -> bool {
    use ShapeClass::{
        Absent, Boolean, Decimal, Email, Host, Identifier, Integer, Ipv4, Ipv6, Quantity, Quoted,
        Version,
    };
    match class {
        Integer | Decimal | Quantity | Boolean | Absent | Quoted | Host | Version | Ipv4 | Ipv6
        | Email => bytes <= VALUE_BYTES_MAX,
        Identifier => bytes <= IDENTIFIER_BYTES_MAX,
        _ => false,
    }
}
