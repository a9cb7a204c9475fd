//! The program `logwake`.
fn main() {}
