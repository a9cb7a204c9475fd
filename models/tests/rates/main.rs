//! Weeks in which nothing happens, and what the baselines make of them.

#[path = "../../examples/calibration/load.rs"]
mod load;
#[path = "../../examples/calibration/realised.rs"]
mod realised;
#[path = "../../examples/calibration/stream.rs"]
mod stream;

mod calibration;
mod seasons;
