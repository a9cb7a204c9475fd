//! The parts of the demo: the bundled capture, the broker in the process, and the player.

mod broker;
mod capture;
mod player;

pub use broker::{Broker, PARTITIONS};
pub use capture::Capture;
pub use player::Player;
