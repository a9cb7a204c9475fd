//! What Logwake decides.
