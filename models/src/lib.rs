//! What Logwake learns.
