//! How often something happens, and how unlikely a new count or value is against that.
//!
//! [`Baseline`] is for counts in windows of equal length: over-dispersed, sparse or both.
//! [`Tail`] turns any stream of scores to p-values, by the theory of extreme values.
//! [`Surprise`] says when a series of values turns unusual.
//! Neither knows a clock, a length of a window or a name: time is the sequence of calls.

mod baseline;
mod dispersion;
mod gaps;
mod negative_binomial;
mod shift;
mod surprise;
mod tail;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub use baseline::{Baseline, BaselineParams, Regime, Verdict};
pub use shift::LevelShift;
pub use surprise::Surprise;
pub use tail::Tail;
