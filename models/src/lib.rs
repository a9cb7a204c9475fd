//! What Logwake learns: templates, rates, values, sessions and the isolation forest.
//!
//! Everything here is pure: no clock, no file, no thread, no environment, no unseeded randomness.
//! A model is a value that can be compared, cloned, stored and merged; the same inputs give the
//! same model, byte for byte.

pub mod forest;
pub mod rate;
pub mod session;
pub mod template;
pub mod value;
