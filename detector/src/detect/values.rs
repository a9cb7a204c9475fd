//! The values of variables: what is watched in a service, and what is told when a window closes.
//!
//! A template is watched from its hundredth record on; what its variables are, and which of them
//! are worth it, [`watch`] and [`logwake_models::value`] say. Nothing here depends on how records
//! were dealt to sources or batches: it sees [`Forms`], which do not.

mod forms;
mod quantity;
mod slot;
mod slots;
mod tell;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use logwake_models::template::TemplateId;
use logwake_models::value::NameParams;
use serde::{Deserialize, Serialize};

pub use self::forms::Forms;
use self::watch::{Turn, Watch};

use super::judge::Bench;
use super::service::Service;
use super::window::WindowCounts;
use crate::anomaly::Anomaly;

/// Templates of a service that are watched: those that come to a hundred records first, the busy
/// ones.
const WATCHED_MAX: usize = 256;
/// Records in closed windows before a template is watched, and templates that are counted until
/// then.
const RECORDS_MIN: u64 = 100;
const YOUNG_MAX: usize = 10_000;
/// Windows without a record after which a watch gives way to another one: a day at ten seconds.
const IDLE_WINDOWS: u64 = 8640;
/// Windows until room is looked for again, where there was none.
const REFUSED_WINDOWS: u64 = 60;

/// How values are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueSettings {
    /// Whether they are.
    pub enabled: bool,
    /// How long the values of a variable must be the same before a new one is told.
    pub stable_for: Duration,
}

/// The variables that are watched in a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watches {
    watched: BTreeMap<TemplateId, Watch>,
    /// Records of templates that are not watched yet.
    young: BTreeMap<TemplateId, u64>,
    /// The last window in which there was no room.
    refused: Option<u64>,
}

impl Watches {
    /// Returns how many templates are watched.
    pub fn len(&self) -> usize {
        self.watched.len()
    }

    /// Reports whether none is.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// Moves what is known of an alias to the template that it became part of.
    pub(super) fn fold(&mut self, alias: TemplateId, into: TemplateId) {
        let records = self.young.remove(&alias);
        watch::fold(&mut self.watched, alias, into);
        if self.watched.contains_key(&into) {
            self.young.remove(&into);
        } else if let Some(records) = records {
            *self.young.entry(into).or_insert(0) += records;
        }
    }

    /// Counts records of a template; returns its watch, once it has one.
    fn count(&mut self, id: TemplateId, records: u64, window: u64) -> Option<&mut Watch> {
        if !self.watched.contains_key(&id) {
            let has_room = self.young.len() < YOUNG_MAX || self.young.contains_key(&id);
            let sum = self.young.get(&id).copied().unwrap_or(0) + records;
            if sum < RECORDS_MIN || !self.make_room(window) {
                if has_room {
                    self.young.insert(id, sum.min(RECORDS_MIN));
                }
                return None;
            }
            self.young.remove(&id);
        }
        Some(self.watched.entry(id).or_default())
    }

    /// Gives up the watch that had no record for longest, where there is no room.
    fn make_room(&mut self, window: u64) -> bool {
        if self.watched.len() < WATCHED_MAX {
            return true;
        }
        if self.refused.is_some_and(|refused| window - refused < REFUSED_WINDOWS) {
            return false;
        }
        let oldest = self.watched.iter().min_by_key(|(_, watch)| watch.last);
        let idle = oldest.filter(|(_, watch)| window - watch.last > IDLE_WINDOWS);
        let idle = idle.map(|(id, _)| *id);
        self.refused = idle.is_none().then_some(window);
        idle.is_some_and(|id| self.watched.remove(&id).is_some())
    }
}

/// Judges the values of a closed window, learns them, and appends what is unusual.
pub(super) fn close(
    service: &mut Service,
    counts: &WindowCounts,
    bench: &Bench<'_>,
    out: &mut Vec<Anomaly>,
) {
    let settings = &bench.settings.values;
    if !settings.enabled {
        return;
    }
    let width = bench.settings.window.as_nanos().max(1);
    let stable_blocks =
        u64::try_from(settings.stable_for.as_nanos().div_ceil(width)).unwrap_or(u64::MAX);
    let mut watches = std::mem::take(&mut service.values);
    let turn = Turn {
        window: service.windows,
        names: NameParams { stable_blocks },
        p_value_max: bench.levels.of_values(watches.len()),
    };
    for (id, cell) in &counts.templates {
        let Some(watch) = watches.count(*id, cell.count(), turn.window) else { continue };
        let text = service.catalogue.text(*id);
        for (slot, unusual) in watch.close(&text, &cell.forms, turn) {
            let place = tell::Place { id: *id, text: &text, slot, cell };
            let anomaly = tell::anomaly(service, bench, &place, &unusual);
            service.tell_of_window(anomaly, bench, out);
        }
    }
    service.values = watches;
}
