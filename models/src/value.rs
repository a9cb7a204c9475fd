//! What the values of one variable usually are, and when they are not.
//!
//! [`Numeric`] is for measured quantities: a latency that jumps, an answer that shrinks.
//! [`Names`] is for categories: a status, a state, a version that was never there, or that has gone.
//! [`Crowd`] is for users and addresses: most of them were never seen before.
//! [`Number`] reads a quantity with its unit.
//! None of them knows a template, a log or a clock: time is the sequence of calls, a call a block of
//! values, and the same calls give the same answers. They say nothing of variables that have not
//! shown to be worth watching: see the conditions in each module.

mod beta_binomial;
mod crowd;
mod names;
mod number;
mod numeric;
mod spread;
mod streak;
mod together;

#[cfg(test)]
mod tests;

pub use crowd::{Crowd, Influx};
pub use names::{NameChange, NameParams, Names};
pub use number::{Number, Scale, Unit};
pub use numeric::{Excess, Numeric, Side};
