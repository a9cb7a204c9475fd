//! How often something happens, and how unlikely a new count or value is against that.
//!
//! [`Baseline`] is for counts in windows of equal length: over-dispersed, sparse or both.
//! [`Recurrence`] is for what comes by the clock: missed when it does not, no surprise when it does.
//! [`Tail`] turns any stream of scores to p-values, by the theory of extreme values.
//! [`Surprise`] says when a series of values turns unusual.
//! None knows a clock or a name: time is the sequence of calls, or what the caller says it is.

mod baseline;
mod dispersion;
mod gaps;
mod negative_binomial;
mod recurrence;
mod season;
mod shift;
mod surprise;
mod tail;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

pub use baseline::{Baseline, BaselineParams, Regime, Verdict};
pub use recurrence::{Due, Recurrence};
pub use shift::LevelShift;
pub use surprise::Surprise;
pub use tail::Tail;
