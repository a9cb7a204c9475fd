//! Bytes in: what turns payloads and files into records, and knows nothing of what they mean.

pub mod decode;
pub mod files;
pub mod kafka;
