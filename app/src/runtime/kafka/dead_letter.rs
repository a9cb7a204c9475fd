//! What cannot be read, as it goes to the dead-letter topic.

use std::sync::Arc;

use logwake_detector::record::Source;
use logwake_emit::event::{BYTES_HEADER, dead_letter_headers};
use logwake_emit::kafka::OutMessage;

/// Reason of a batch of records that cannot be unpacked, however often it is fetched.
pub const UNREADABLE_BATCH: &str = "unreadable_batch";
/// Reason of a payload whose handling ended the process or panicked.
pub const CRASHED: &str = "crashed";
/// Bytes of a payload that are kept: below 1 MiB, the default limit of a broker, with room for
/// headers and framing.
const BYTES_MAX: usize = 1_000_000;

/// Makes the dead letter of the payload at a place.
pub fn dead_letter(
    topic: &Arc<str>,
    (source, offset): (&Source, u64),
    reason: &str,
    payload: &[u8],
) -> OutMessage {
    let mut headers = dead_letter_headers(source, offset, reason);
    if payload.len() > BYTES_MAX {
        headers.push((BYTES_HEADER.into(), payload.len().to_string()));
    }
    OutMessage {
        topic: Arc::clone(topic),
        partition: None,
        key: Vec::new(),
        payload: Some(payload[..payload.len().min(BYTES_MAX)].to_vec()),
        headers,
    }
}
