//! What Logwake learns.
pub mod template;
