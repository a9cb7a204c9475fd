//! What Logwake decides: event time, windows, and the stages tally, detect, alert and notify.
//!
//! Each stage is one synchronous state machine with a `step` method: inputs in, outputs appended.
//! Nothing here reads a clock, a file, the environment or a random source, and no `step` can fail:
//! time is event time in the input, and wall time enters as an explicit value.
//! Two runtimes drive the same machines, so a replay and a live run agree to the byte.

pub mod alert;
pub mod anomaly;
pub mod detect;
pub mod notify;
pub mod record;
pub mod tally;
#[cfg(test)]
mod testing;
mod text;
pub mod time;
