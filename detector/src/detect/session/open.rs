//! An open session, what comes to it, and what is remembered of it once it ended.

use logwake_models::session::Seen;
use logwake_models::template::{Catalogue, TemplateId};
use serde::{Deserialize, Serialize};

use crate::record::Source;
use crate::tally::SessionEvent;
use crate::time::Timestamp;

/// Templates told apart in a session; records of further ones are not counted in it.
const EVENTS_MAX: usize = 256;

/// What came under one key in one window from one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Visit {
    pub(super) key: Box<str>,
    pub(super) source: u32,
    pub(super) events: Vec<Event>,
}

impl Visit {
    pub(super) fn records(&self) -> u64 {
        self.events.iter().map(|event| u64::from(event.count)).sum()
    }
}

/// The records of one template in a session.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) template: TemplateId,
    pub(super) first: Timestamp,
    /// How much later the last record came, nanoseconds.
    pub(super) span: u64,
    /// Offset of the first record.
    pub(super) offset: u64,
    pub(super) count: u32,
    /// Source of the first record.
    pub(super) source: u32,
}

impl Event {
    pub(super) fn new(template: TemplateId, event: &SessionEvent, source: u32) -> Self {
        let span = u64::try_from(event.last.since(event.first).as_nanos()).unwrap_or(u64::MAX);
        let SessionEvent { first, offset, count, .. } = *event;
        Self { template, first, span, offset, count, source }
    }

    pub(super) fn last(&self) -> Timestamp {
        self.first + std::time::Duration::from_nanos(self.span)
    }

    fn add(&mut self, other: &Self, sources: &[Source]) {
        let place = |event: &Self| (event.first, &sources[event.source as usize], event.offset);
        let last = self.last().max(other.last());
        let count = self.count.saturating_add(other.count);
        if place(other) < place(self) {
            *self = *other;
        }
        self.count = count;
        self.span = u64::try_from(last.since(self.first).as_nanos()).unwrap_or(u64::MAX);
    }
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OpenSession {
    pub(super) key: Box<str>,
    pub(super) last: Timestamp,
    /// One for each template, aliases apart.
    pub(super) events: Vec<Event>,
}

impl OpenSession {
    pub(super) fn new(visit: Visit, sources: &[Source]) -> Self {
        let events = Vec::with_capacity(visit.events.len());
        let mut session = Self { key: visit.key.clone(), last: Timestamp::MIN, events };
        session.add(visit, sources);
        session
    }

    pub(super) fn add(&mut self, visit: Visit, sources: &[Source]) {
        for event in visit.events {
            self.last = self.last.max(event.last());
            self.count(event, sources);
        }
    }

    fn count(&mut self, event: Event, sources: &[Source]) {
        if let Some(known) = self.events.iter_mut().find(|known| known.template == event.template) {
            known.add(&event, sources);
        } else if self.events.len() < EVENTS_MAX {
            self.events.reserve_exact(1);
            self.events.push(event);
        }
    }

    /// Returns the session with aliases resolved, in order of templates.
    pub(super) fn settled(mut self, catalogue: &Catalogue, sources: &[Source]) -> Self {
        for mut event in std::mem::take(&mut self.events) {
            event.template = catalogue.resolve(event.template);
            self.count(event, sources);
        }
        self.events.sort_by_key(|event| event.template);
        self
    }

    /// Returns what the model wants to know of a settled session.
    pub(super) fn seen(&self, before: Option<&Ended>, catalogue: &Catalogue) -> Vec<Seen> {
        let seen = |event: &Event| Seen {
            template: event.template,
            count: event.count,
            first: event.first.as_nanos(),
            before: 0,
        };
        let mut all: Vec<Seen> = self.events.iter().map(seen).collect();
        for (template, count) in before.iter().flat_map(|ended| &ended.templates) {
            let template = catalogue.resolve(*template);
            match all.binary_search_by_key(&template, |one| one.template) {
                Ok(idx) => all[idx].before = all[idx].before.saturating_add(*count),
                Err(idx) => all.insert(idx, Seen { template, count: 0, first: 0, before: *count }),
            }
        }
        all
    }
}

/// What was logged under a key until it fell silent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Number of the latest part among all of the service.
    pub(super) part: u64,
    templates: Vec<(TemplateId, u32)>,
}

impl Ended {
    pub(super) fn add(&mut self, part: u64, session: &OpenSession, catalogue: &Catalogue) {
        self.part = part;
        for event in &session.events {
            let is_same =
                |known: &&mut (TemplateId, u32)| catalogue.resolve(known.0) == event.template;
            if let Some((_, count)) = self.templates.iter_mut().find(is_same) {
                *count = count.saturating_add(event.count);
            } else if self.templates.len() < EVENTS_MAX {
                self.templates.reserve_exact(1);
                self.templates.push((event.template, event.count));
            }
        }
    }
}
