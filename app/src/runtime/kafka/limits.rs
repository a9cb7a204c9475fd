//! How large a public event may be, by topic.
//!
//! Events are bounded where they are made, far below a broker's default of 1 MiB.
//! A topic that allows less refuses a larger one, and a commit that is refused would be refused
//! again and again; so the limit of its topic is lowered by a quarter until it fits, and the event is cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use logwake_emit::event::{BYTES_HEADER, shed};
use logwake_emit::kafka::{OutMessage, Outbox};

/// Bytes that an event may have at first: below 1 MiB, the default limit of a broker, with room for
/// key, headers and framing.
const BYTES_MAX: usize = 1_000_000;
/// Bytes that an event may have at least, however little its topic allows.
const BYTES_MIN: usize = 2_048;

/// The limits of a stage's public topics.
pub struct EventLimits {
    by_topic: BTreeMap<Arc<str>, usize>,
    /// Whose messages are raw payloads, which are cut at their end.
    deadletter: Arc<str>,
}

/// An event that was cut.
#[derive(Debug)]
pub struct Cut {
    /// Its topic.
    pub topic: Arc<str>,
    /// Bytes that it had.
    pub bytes: usize,
    /// Bytes that it may have.
    pub bytes_max: usize,
}

impl EventLimits {
    /// Begins with the brokers' default for some topics of events and the dead letters.
    pub fn new(events: &[Arc<str>], deadletter: &Arc<str>) -> Self {
        let topics = events.iter().chain([deadletter]).cloned();
        let by_topic = topics.map(|topic| (topic, BYTES_MAX)).collect();
        Self { by_topic, deadletter: Arc::clone(deadletter) }
    }

    /// Notes that a topic refused a message of so many bytes.
    pub fn lower(&mut self, topic: &str, bytes: usize) {
        if let Some(bytes_max) = self.by_topic.get_mut(topic) {
            *bytes_max = (bytes.min(*bytes_max) * 3 / 4).max(BYTES_MIN);
        }
    }

    /// Cuts the events that are too large for their topic; returns which were.
    pub fn fit(&self, outbox: &mut Outbox) -> Vec<Cut> {
        let mut cuts = Vec::new();
        if outbox.messages().iter().all(|message| self.fits(message).is_none()) {
            return cuts;
        }
        outbox.change_each(|message| {
            let Some(bytes_max) = self.fits(message) else { return };
            let payload = message.payload.take().unwrap_or_default();
            let bytes = payload.len();
            message.payload = Some(self.smaller(&message.topic, payload, bytes_max));
            if message.headers.iter().all(|(name, _)| name != BYTES_HEADER) {
                message.headers.push((BYTES_HEADER.into(), bytes.to_string()));
            }
            cuts.push(Cut { topic: Arc::clone(&message.topic), bytes, bytes_max });
        });
        cuts
    }

    /// Returns the limit of a message that is beyond it.
    fn fits(&self, message: &OutMessage) -> Option<usize> {
        let bytes = message.payload.as_ref().map_or(0, Vec::len);
        self.by_topic.get(&message.topic).copied().filter(|bytes_max| bytes > *bytes_max)
    }

    fn smaller(&self, topic: &Arc<str>, mut payload: Vec<u8>, bytes_max: usize) -> Vec<u8> {
        if *topic == self.deadletter {
            payload.truncate(bytes_max);
            return payload;
        }
        shed(&payload, bytes_max).unwrap_or(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: Vec<u8>) -> OutMessage {
        OutMessage {
            topic: Arc::from(topic),
            partition: None,
            key: Vec::new(),
            payload: Some(payload),
            headers: Vec::new(),
        }
    }

    fn sizes(limits: &EventLimits) -> Vec<(usize, usize)> {
        let text =
            serde_json::to_vec(&serde_json::json!({ "message": "m".repeat(40_000) })).unwrap();
        let mut outbox = Outbox::default();
        for topic in ["alerts", "dead", "tallies"] {
            outbox.push(message(topic, text.clone()));
        }
        limits.fit(&mut outbox);
        let size = |message: &OutMessage| message.payload.as_ref().map_or(0, Vec::len);
        outbox.messages().iter().map(|message| (size(message), message.headers.len())).collect()
    }

    #[test]
    fn only_events_of_a_topic_that_refused_one_are_cut() {
        let mut limits = EventLimits::new(&[Arc::from("alerts")], &Arc::from("dead"));
        assert!(sizes(&limits).iter().all(|(_, headers)| *headers == 0));
        limits.lower("tallies", 40_014);
        limits.lower("alerts", 40_014);
        limits.lower("dead", 40_014);
        let sizes = sizes(&limits);
        assert_eq!(sizes[0].1, 1);
        assert!(sizes[0].0 < 30_010, "{sizes:?}");
        assert_eq!(sizes[1], (30_010, 1));
        assert_eq!(sizes[2], (40_014, 0));
    }
}
