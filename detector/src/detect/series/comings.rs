//! When a series comes: all the time, or by the clock, and then what of it was missed.

use logwake_models::rate::Recurrence;
use serde::{Deserialize, Serialize};

use super::deviation::Missed;

/// What stays away for longer comes back as a visit of its own.
const PAUSE_MAX_SECS: u64 = 600;

/// When a series comes that does not come all the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Comings {
    /// Nobody asks.
    Unasked,
    /// It comes all the time, at last at this second.
    Always(u64),
    /// It comes and goes.
    Visits(Box<Recurrence>),
}

impl Comings {
    /// Takes in a window; tells what was missed.
    pub(super) fn watch(&mut self, count: u64, secs: u64) -> Option<Missed> {
        match self {
            Self::Visits(visits) if count == 0 => {
                return visits.missed(secs).map(|due| Missed::new(due, secs));
            }
            Self::Visits(visits) => {
                visits.visit(secs, count);
                if visits.is_endless() {
                    *self = Self::Always(secs);
                }
            }
            Self::Always(last) if count > 0 => {
                if secs > *last + PAUSE_MAX_SECS {
                    let mut visits = Recurrence::new();
                    visits.visit(secs, count);
                    *self = Self::Visits(Box::new(visits));
                } else {
                    *last = secs;
                }
            }
            Self::Always(_) | Self::Unasked => {}
        }
        None
    }
}
