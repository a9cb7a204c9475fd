//! Template mining: what a record's content says once its values are taken out.
//!
//! Two steps. [`mask`] reduces content to its [`Skeleton`] in one pass over the bytes, a pure
//! function that knows no other record. [`Catalogue`] merges the skeletons of one service to
//! templates, and sees each distinct skeleton once.
//!
//! Neither knows a system, a file or a clock. Sources: Drain (He et al., ICWS 2017) for the
//! nouns, PIPLUP for keeping a few values apart before a position becomes a wildcard, and the
//! shape masks of Preprocessed-Drain. What differs: masking needs no regular expression, and
//! merging is the least fixpoint of monotone rules instead of a walk through a tree, so it does
//! not depend on the order of records.

mod catalogue;
mod cutter;
mod extent;
mod extract;
mod id;
mod known_words;
mod masks;
mod pattern;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[allow(missing_docs, reason = "the oracle of tests and fuzzing, not a part of the program")]
pub mod reference;
mod skeleton;
mod steps;
mod vocabulary;

pub use catalogue::{Assignment, Catalogue, CatalogueLimits, Kind, Remedy, SeedError};
pub use extract::{Extractor, Span};
pub use id::TemplateId;
pub use masks::{MaskError, Masks};
pub use skeleton::{CONTENT_BYTES_MAX, ShapeClass, Skeleton, Variable, mask};

/// How a variable is written in a skeleton and in a template.
pub const WILDCARD: &str = "<*>";
