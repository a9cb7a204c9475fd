//! The silences that there are, where this process knows them.

use logwake_detector::alert::Silence;
use logwake_emit::event::SilenceBody;
use logwake_ingest::kafka::Partition;

use super::query::Page;
use super::{Board, Query, lock};

impl Board {
    /// Takes the silences that have not ended.
    pub fn silences_stand(&self, silences: Vec<Silence>) {
        *lock(&self.silences) = Some(silences);
    }

    /// Forgets the silences where another process reads the partition that they stand in now.
    pub fn silences_released(&self, (topic, partition): &Partition) {
        if *partition == 0 && topic.ends_with(".external") {
            *lock(&self.silences) = None;
        }
    }

    /// Returns a silence; `None` where this process does not know them.
    pub fn silence(&self, id: &str) -> Option<Option<Silence>> {
        let silences = lock(&self.silences);
        silences.as_ref().map(|known| known.iter().find(|silence| silence.id == id).cloned())
    }

    /// Returns how many silences there are, as far as this process knows.
    pub fn silence_count(&self) -> usize {
        lock(&self.silences).as_ref().map_or(0, Vec::len)
    }

    /// Lists the silences that have not ended, the next to end first; `service` and `q` filter.
    pub fn silences_view(&self, query: &Query) -> Page<SilenceBody> {
        let mut silences = lock(&self.silences).clone().unwrap_or_default();
        silences.retain(|silence| {
            let service = |wanted: &String| silence.scope.services.contains(wanted);
            query.service.as_ref().is_none_or(service)
                && query.has_text(&[&silence.comment, &silence.by])
        });
        silences.sort_by(|a, b| (a.ends_at, &a.id).cmp(&(b.ends_at, &b.id)));
        Page::of(silences.iter().map(SilenceBody::from), query)
    }

    /// Reports whether an alert is known here that is not over.
    pub fn has_open_alert(&self, id: &str) -> bool {
        self.alerts.get(id).is_some_and(|alert| alert.state != "resolved")
    }
}
