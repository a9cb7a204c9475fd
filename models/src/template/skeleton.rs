//! Content to skeleton: one pass over the bytes that masks every value by its shape.
//!
//! The skeleton is a pure function of the content: it knows no record, service or configuration.
//! A chunk is what stands between white space, a piece what stands between hard delimiters inside
//! a chunk. Whoever looks for a rule finds it so:
//!
//! | what | where |
//! |---|---|
//! | JSON objects; content of several lines | [`document`], [`json`], [`trace`] |
//! | words, dates in words, request lines, white space, escapes | [`line`], [`word`] |
//! | quotes, brackets, `key=value`, calls | [`pieces`] |
//! | one piece: which of the following is asked | [`piece`] |
//! | numbers, hex, UUID, units, durations | [`number`] |
//! | IPv4, IPv6, MAC, ports, hosts, e-mail, domains | [`address`] |
//! | paths, URLs, products and versions | [`path`] |
//! | names with digits; base64 | [`name`], [`base64`] |
//! | what bytes are; where a chunk ends | [`byte_class`], [`chunk_scan`] |
//! | what is written; variables that become one; lists | [`buffer`] |

mod address;
mod base64;
mod buffer;
mod byte_class;
mod chunk_scan;
mod document;
mod json;
mod line;
mod name;
mod number;
mod path;
mod piece;
mod pieces;
mod trace;
mod variable;
mod word;

#[cfg(test)]
mod tests;

pub use buffer::Skeleton;
#[cfg(any(test, fuzzing))]
pub(crate) use json::document_end;
pub use variable::{ShapeClass, Variable};

/// Content beyond this many bytes does not take part in the skeleton.
pub const CONTENT_BYTES_MAX: usize = 64 << 10;

/// Masks content into `out`, whatever bytes it holds.
///
/// Cost: one pass over at most [`CONTENT_BYTES_MAX`] bytes, of which 4 KiB a line are masked, and no
/// allocation once the buffer has grown, but for documents.
pub fn mask(content: &[u8], out: &mut Skeleton) {
    out.clear();
    let looked_at = &content[..content.len().min(CONTENT_BYTES_MAX)];
    let is_cut = looked_at.len() < content.len();
    if !document::mask(looked_at, is_cut, out) {
        if memchr::memchr(b'\n', looked_at).is_some() {
            trace::mask(looked_at, out);
        } else {
            line::line(looked_at, 0, looked_at.len(), out);
        }
    }
    out.finish();
}
