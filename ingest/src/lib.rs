//! Bytes in: what turns payloads, files and requests into records and alerts, and knows nothing of what they mean.

pub mod decode;
pub mod files;
pub mod intake;
pub mod kafka;
