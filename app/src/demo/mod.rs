//! The parts of the demo: the bundled capture, the broker in the process, and the player.

mod broker;
mod capture;
mod player;

pub use broker::{Broker, PARTITIONS, TOPIC};
pub use capture::{Capture, Entry};
pub use player::Player;
