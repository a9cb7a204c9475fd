//! Which records of a batch belong to which session.
//!
//! Looked up by a hash of the key alone: two keys of one service and batch with the same 64 bits
//! would be counted as one.

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{ServiceTally, SessionEvent, SessionTally};
use crate::text::{KEY_BYTES_MAX, shortened};
use crate::time::Timestamp;

/// Skeletons and windows told apart in one session of a batch; further ones are not counted in it.
const EVENTS_MAX: usize = 256;
/// Bytes of a session and of one of its events on the wire, about.
const SESSION_BYTES: usize = 8;
const EVENT_BYTES: usize = 32;

/// Where the sessions of a batch stand.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_key: FxHashMap<(usize, u64), u32>,
    /// The session of the last record, which is often that of the next.
    last: Option<((usize, u64), u32)>,
}

impl Places {
    /// Counts a record of a session; returns the bytes that this adds to the batch.
    pub(super) fn count(
        &mut self,
        service: usize,
        key: &str,
        event: SessionEvent,
        sessions: &mut Vec<SessionTally>,
    ) -> usize {
        let key = shortened(key, KEY_BYTES_MAX);
        let place = (service, xxh3_64_with_seed(key.as_bytes(), 0));
        let mut bytes = 0;
        let idx = match self.last {
            Some((last, idx)) if last == place => idx,
            _ => *self.by_key.entry(place).or_insert_with(|| {
                bytes += SESSION_BYTES + key.len();
                sessions.push(SessionTally { key: key.to_owned(), events: Vec::new() });
                u32::try_from(sessions.len() - 1).unwrap_or(u32::MAX)
            }),
        };
        self.last = Some((place, idx));
        let events = &mut sessions[idx as usize].events;
        if let Some(known) = events.iter_mut().find(|known| known.skeleton == event.skeleton) {
            known.add(&event);
        } else if events.len() < EVENTS_MAX {
            events.push(event);
            bytes += EVENT_BYTES;
        }
        bytes
    }

    pub(super) fn clear(&mut self) {
        self.by_key.clear();
        self.last = None;
    }
}

impl SessionEvent {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        if other.first < self.first {
            (self.first, self.offset) = (other.first, other.offset);
        }
        self.last = self.last.max(other.last);
    }
}

/// Gives the records of sessions that came before any stated time a time.
pub(super) fn place_untimed(services: &mut [ServiceTally], time: Timestamp) {
    let sessions = services.iter_mut().flat_map(|service| &mut service.sessions);
    for event in sessions.flat_map(|session| &mut session.events) {
        if event.first == Timestamp::MIN {
            event.first = time;
            event.last = event.last.max(time);
        }
    }
}
