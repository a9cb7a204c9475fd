//! What Logwake learns.

pub mod forest;
