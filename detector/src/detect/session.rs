//! The sessions of one service: which are open, when each ends, and what is told of it.
//!
//! A session ends when nothing came under its key for [`SessionSettings::idle`] of event time.
//! What comes later under the same key is judged as a further part of it: what was logged in the
//! parts before is remembered, so that it is not missed.
//! Records are taken in only when their window closes, in order of key and source, so neither the
//! order of sources nor that inside the allowed lateness matters.
//!
//! A key that several services log under is one session in each of them: services are judged apart,
//! in different shards.
//!
//! **Memory is bounded**: beyond [`SessionSettings::sessions_max`] open sessions of a shard the one
//! that was quiet for longest is given up, neither judged nor learned, and counted.

mod open;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use logwake_models::session::{SessionBounds, SessionModel};
use logwake_models::template::{Catalogue, TemplateId};
use serde::{Deserialize, Serialize};

use crate::record::Source;
use crate::tally::SessionTally;
use crate::time::Timestamp;

use open::{Ended, Event, OpenSession, Visit};
pub(super) use verdict::{Context, tell};

/// How sessions are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionSettings {
    /// Event time without a record after which a session has ended.
    pub idle: Duration,
    /// Sessions of a shard that are open at the same time, and ended ones that are remembered.
    pub sessions_max: usize,
    /// What is unusual.
    pub bounds: SessionBounds,
}

/// What became of sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCounts {
    /// Sessions that ended and were judged.
    pub judged: u64,
    /// Sessions among them that broke a relation.
    pub broken: u64,
    /// Sessions given up at the limit, neither judged nor learned.
    pub given_up: u64,
    /// Records that came after their window was closed, or beyond the limit.
    pub records_dropped: u64,
}

impl SessionCounts {
    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.judged += other.judged;
        self.broken += other.broken;
        self.given_up += other.given_up;
        self.records_dropped += other.records_dropped;
    }
}

/// The sessions of one service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    model: SessionModel,
    /// What came under each key in windows that are not closed yet.
    waiting: BTreeMap<Timestamp, Vec<Visit>>,
    waiting_visits: usize,
    /// By the hash of the key.
    open: BTreeMap<u64, OpenSession>,
    /// Open sessions by their last record.
    quiet: BTreeSet<(Timestamp, u64)>,
    ended: BTreeMap<u64, Ended>,
    /// Ended sessions, the earliest first, each with the number that `ended` has of its latest part.
    forgetting: VecDeque<(u64, u64)>,
    parts: u64,
    sources: Vec<Source>,
    counts: SessionCounts,
}

impl Sessions {
    /// Starts with what sessions were found to have in common.
    pub(super) fn learned(model: SessionModel) -> Self {
        Self { model, ..Self::default() }
    }

    /// Returns how many sessions are open.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Returns what became of sessions.
    pub fn counts(&self) -> &SessionCounts {
        &self.counts
    }

    /// Returns what sessions have in common.
    pub fn model(&self) -> &SessionModel {
        &self.model
    }

    /// Moves what is known of an alias to the template that it became part of.
    pub(super) fn fold(&mut self, alias: TemplateId, into: TemplateId) {
        self.model.fold(alias, into);
    }

    /// Takes the sessions of a batch; `places` are the template and window of each skeleton in it,
    /// none where the window is closed or was dropped.
    pub(super) fn take(
        &mut self,
        tallies: Vec<SessionTally>,
        places: &[Option<(TemplateId, Timestamp)>],
        source: &Source,
        settings: &SessionSettings,
    ) {
        if tallies.is_empty() {
            return;
        }
        let source = self.source_idx(source);
        for tally in tallies {
            let mut by_window: BTreeMap<Timestamp, Vec<Event>> = BTreeMap::new();
            for event in &tally.events {
                let place = places.get(event.skeleton as usize).copied().flatten();
                match place.filter(|_| self.waiting_visits < settings.sessions_max) {
                    Some((template, window)) => {
                        by_window
                            .entry(window)
                            .or_default()
                            .push(Event::new(template, event, source));
                    }
                    None => self.counts.records_dropped += u64::from(event.count),
                }
            }
            for (window, events) in by_window {
                let visit = Visit { key: tally.key.as_str().into(), source, events };
                self.waiting.entry(window).or_default().push(visit);
                self.waiting_visits += 1;
            }
        }
    }

    fn source_idx(&mut self, source: &Source) -> u32 {
        let known = self.sources.iter().position(|known| known == source);
        let idx = known.unwrap_or_else(|| {
            self.sources.push(source.clone());
            self.sources.len() - 1
        });
        u32::try_from(idx).unwrap_or(u32::MAX)
    }

    /// Takes in what came in a window that closes; `room` is how many more sessions may be open.
    fn open_window(&mut self, window: Timestamp, room: &mut usize) {
        let mut visits = self.waiting.remove(&window).unwrap_or_default();
        self.waiting_visits -= visits.len();
        let sources = std::mem::take(&mut self.sources);
        let place = |visit: &Visit| (&sources[visit.source as usize], visit.events[0].offset);
        visits.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| place(a).cmp(&place(b))));
        for visit in visits {
            self.visit(visit, &sources, room);
        }
        self.sources = sources;
    }

    fn visit(&mut self, visit: Visit, sources: &[Source], room: &mut usize) {
        let hash = xxhash_rust::xxh3::xxh3_64(visit.key.as_bytes());
        if let Some(session) = self.open.get_mut(&hash) {
            self.quiet.remove(&(session.last, hash));
            session.add(visit, sources);
            self.quiet.insert((session.last, hash));
            return;
        }
        if *room == 0 && !self.give_up() {
            self.counts.records_dropped += visit.records();
            return;
        }
        *room = room.saturating_sub(1);
        let session = OpenSession::new(visit, sources);
        self.quiet.insert((session.last, hash));
        self.open.insert(hash, session);
    }

    /// Gives up the session that was quiet for longest.
    fn give_up(&mut self) -> bool {
        let Some((_, hash)) = self.quiet.pop_first() else { return false };
        self.open.remove(&hash);
        self.counts.given_up += 1;
        true
    }

    /// Takes out the next session that has ended at `now`.
    fn next_ended(&mut self, now: Timestamp, idle: Duration) -> Option<(u64, OpenSession)> {
        let (last, hash) = *self.quiet.first()?;
        if last + idle > now {
            return None;
        }
        self.quiet.pop_first();
        self.open.remove_entry(&hash)
    }

    /// Remembers what was logged under a key that has ended, and forgets the earliest beyond a limit.
    fn remember(
        &mut self,
        hash: u64,
        session: &OpenSession,
        catalogue: &Catalogue,
        ended_max: usize,
    ) {
        self.parts += 1;
        let ended = self.ended.entry(hash).or_default();
        ended.add(self.parts, session, catalogue);
        self.forgetting.push_back((hash, self.parts));
        while self.ended.len() > ended_max || self.forgetting.len() > 4 * ended_max.max(1) {
            let Some((hash, part)) = self.forgetting.pop_front() else { break };
            if self.ended.get(&hash).is_some_and(|ended| ended.part == part) {
                self.ended.remove(&hash);
            }
        }
    }
}
