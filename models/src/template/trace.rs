//! Content of several lines, as stack traces are: the first line and the exceptions named.

use super::skeleton::{self, Skeleton};

/// Masks the lines that matter, with a blank between.
pub(super) fn mask(content: &[u8], out: &mut Skeleton) {
    skeleton::line(content, 0, content.len(), out);
}
