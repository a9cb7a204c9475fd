//! JSON documents as content: keys sorted, values masked where they look like values.

use super::skeleton::Skeleton;

/// Masks content that is one JSON object; reports whether it was.
pub(super) fn mask(content: &[u8], _out: &mut Skeleton) -> bool {
    let _ = content;
    false
}
