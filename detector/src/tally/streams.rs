//! The streams of one source, and how far the majority of them has come.
//!
//! A stream is what one host writes for one service.
//! One stream alone says little about time: its clock may be ahead, its name may be invented.
//! So the clock of a source takes a step only as far as most of its streams have come, counted by
//! streams and by records, since names cost nothing and neither do records.
//! It knows nothing of windows or of wall time.
//!
//! Streams are remembered by a hash, [`STREAMS_MAX`] at most, and have a say for [`SAY_FOR`] after
//! their last record.
//! Records that come densely are sampled: weights are shares, and a share of a sample will do.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::time::Timestamp;

/// Streams remembered of a source: a few hundred bytes of state in each commit.
const STREAMS_MAX: usize = 64;
/// How long a stream has a say after its last record, event time; who says less than a line a
/// minute cannot hold up the others.
pub(super) const SAY_FOR: Duration = Duration::from_secs(60);
/// Records noted in a second of event time, about, where there are more.
const NOTES_A_SECOND: u16 = 16;
/// The second that notes are shared out over.
const SECOND: Duration = Duration::from_secs(1);
/// Weight at which all weights are halved, so that the last hours count more than the first.
const WEIGHT_MAX: u16 = 1 << 12;
/// Weight up to which a lone stream has not earned that the second one believes it.
const FOUNDER_WEIGHT_MAX: u16 = 16;

/// What one host writes for one service, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StreamId(u64);

impl StreamId {
    pub(super) fn new(service: &str, host: &str) -> Self {
        Self(xxh3_64_with_seed(host.as_bytes(), xxh3_64(service.as_bytes())))
    }
}

/// What is remembered of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stream {
    id: StreamId,
    /// Records noted while it agreed with the clock of its source; none for one that never did.
    weight: u16,
    /// The clock of the source when it last agreed.
    heard: Timestamp,
    /// The time that it stated last.
    stated: Timestamp,
    /// The clock of the source when it went ahead, for one that is ahead.
    ahead_since: Timestamp,
}

/// The streams of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Streams {
    known: Vec<Stream>,
    /// The greatest time that was stated ahead of the clock; every record is noted until the clock
    /// comes there, so that a stream that is back in time is known to be.
    ahead_until: Option<Timestamp>,
    /// Records to pass over before the next is noted.
    skip: u16,
    /// Records since the last second began.
    seen: u16,
    /// Records to pass over between two that are noted, on average.
    stride: u16,
    /// When the next second begins.
    next: Option<Timestamp>,
}

impl Streams {
    /// Tells whether the next record, which agrees with the clock, is one of those to be noted.
    #[inline]
    pub(super) fn wants(&mut self, time: Timestamp) -> bool {
        self.seen = self.seen.saturating_add(1);
        if self.next.is_none_or(|next| time >= next) {
            self.next = Some(time + SECOND);
            self.stride = self.seen / NOTES_A_SECOND;
            self.seen = 0;
            self.skip = self.skip.min(self.stride);
        }
        if self.skip > 0 && self.ahead_until.is_none() {
            self.skip -= 1;
            return false;
        }
        true
    }

    /// Notes a record that agrees with the clock of its source, which has come to `newest`.
    pub(super) fn agrees(&mut self, id: StreamId, time: Timestamp, newest: Timestamp) {
        // By chance, or streams that take turns would be noted unevenly.
        let chance = (id.0 ^ time.as_nanos() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        self.skip = (chance % (2 * u64::from(self.stride) + 1)) as u16;
        self.ahead_until = self.ahead_until.filter(|until| *until > newest);
        let Some(at) = self.find(id).or_else(|| self.room(newest, 1)) else { return };
        let before = &self.known[at];
        let goes_on = before.id == id && before.has_say(newest);
        let weight = if goes_on { before.weight + 1 } else { 1 };
        self.known[at] = Stream { id, weight, heard: newest, stated: time, ahead_since: newest };
        if weight >= WEIGHT_MAX {
            self.known.iter_mut().for_each(|stream| stream.weight = stream.weight.div_ceil(2));
        }
    }

    /// Notes a record beyond `limit`, as far as its source may come by one record; returns what the
    /// clock was when its stream went ahead.
    pub(super) fn goes_ahead(
        &mut self,
        id: StreamId,
        time: Timestamp,
        newest: Timestamp,
        limit: Timestamp,
    ) -> Timestamp {
        self.ahead_until = self.ahead_until.max(Some(time));
        if let Some(at) = self.find(id) {
            let known = &mut self.known[at];
            if known.stated <= limit {
                known.ahead_since = newest;
            }
            known.stated = time;
            return known.ahead_since;
        }
        if let Some(at) = self.room(newest, 0) {
            let (heard, ahead_since) = (newest, newest);
            self.known[at] = Stream { id, weight: 0, heard, stated: time, ahead_since };
        }
        newest
    }

    /// Lets every stream that is ahead of a clock that was set be ahead from now on.
    pub(super) fn start_over(&mut self, newest: Timestamp) {
        for stream in &mut self.known {
            stream.ahead_since = newest;
            self.ahead_until = self.ahead_until.max(Some(stream.stated));
        }
    }

    /// Returns the time that most streams have reached, by number and by weight, of those that have
    /// a say; nothing where none has.
    pub(super) fn reached_by_most(&self, newest: Timestamp) -> Option<Timestamp> {
        let mut voters: Vec<&Stream> =
            self.known.iter().filter(|stream| stream.has_say(newest)).collect();
        voters.sort_by_key(|stream| std::cmp::Reverse(stream.stated));
        let total: u32 = voters.iter().map(|stream| u32::from(stream.weight)).sum();
        let (mut count, mut weight) = (0, 0);
        let most = voters.iter().find(|voter| {
            count += 1;
            weight += u32::from(voter.weight);
            2 * count > voters.len() && 2 * weight > total
        });
        most.map(|voter| voter.stated)
    }

    /// Tells whether all that is known was said by one other stream, a few records long.
    pub(super) fn rests_on_another(&self, id: StreamId) -> bool {
        match self.known.as_slice() {
            [only] => only.id != id && only.weight <= FOUNDER_WEIGHT_MAX,
            _ => false,
        }
    }

    fn find(&self, id: StreamId) -> Option<usize> {
        self.known.iter().position(|stream| stream.id == id)
    }

    /// Makes a place for a stream of this weight: a free one, or that of a stream that has no say
    /// any more, or of the one that weighs least and no more.
    fn room(&mut self, newest: Timestamp, weight: u16) -> Option<usize> {
        if self.known.len() < STREAMS_MAX {
            self.known.push(Stream {
                id: StreamId(0),
                weight: 0,
                heard: newest,
                stated: newest,
                ahead_since: newest,
            });
            return Some(self.known.len() - 1);
        }
        let weighs = |at: &usize| {
            let stream = &self.known[*at];
            (if stream.has_say(newest) { stream.weight } else { 0 }, stream.heard)
        };
        let least = (0..self.known.len()).min_by_key(weighs)?;
        (weighs(&least).0 <= weight).then_some(least)
    }
}

impl Stream {
    fn has_say(&self, newest: Timestamp) -> bool {
        self.weight > 0 && self.heard + SAY_FOR >= newest
    }
}
