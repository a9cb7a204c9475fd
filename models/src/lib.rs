//! What Logwake learns.

pub mod forest;
pub mod rate;
