//! Which service gives up its place where there are as many as may be told apart.
//!
//! Names come and go: jobs, releases, whatever somebody writes into a log once.
//! So a place is given up, but only where another service needs it, and only by a service that has
//! been idle for [`IDLE_MIN`] of event time and waits for nothing; the longest idle goes first.
//! If it returns, it begins anew, with its warm-up.

use std::time::Duration;

use super::service::Service;
use super::{DetectState, OTHER_SERVICE};
use crate::time::Timestamp;

/// How long a service that gives up its place has been idle at least: its silence is judged for a
/// day, and what that began may last another.
const IDLE_MIN: Duration = Duration::from_secs(2 * 86_400);

/// Until when no service is idle for long enough, as the last look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NoneBefore(Option<Timestamp>);

impl DetectState {
    /// Makes room for a further service; tells whether there is any.
    pub(super) fn make_room(&mut self, services_max: usize, none_before: &mut NoneBefore) -> bool {
        if self.services.len() < services_max {
            return true;
        }
        let Some(now) = self.closed else { return false };
        if none_before.0.is_some_and(|earliest| now < earliest) {
            return false;
        }
        let named = self.services.iter().filter(|(name, _)| *name != OTHER_SERVICE);
        let idlest = named.clone().filter(|(_, service)| service.waits_for_nothing());
        let idlest = idlest.map(|(name, service)| (service.heard(), name)).min();
        if let Some((heard, name)) = idlest
            && heard + IDLE_MIN <= now
        {
            let name = name.clone();
            self.services.remove(&name);
            return true;
        }
        none_before.0 = named.map(|(_, service)| service.heard() + IDLE_MIN).min();
        false
    }
}

impl Service {
    /// Returns when it was last heard of, as far as windows are closed.
    fn heard(&self) -> Timestamp {
        self.last.as_ref().map_or(self.since, |last| last.exemplar.time.max(self.since))
    }

    fn waits_for_nothing(&self) -> bool {
        self.open.is_empty() && self.pending.is_empty() && self.sessions.open() == 0
    }
}
