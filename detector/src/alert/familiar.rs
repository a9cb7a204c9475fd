//! How familiar alerts of other systems are: how often each name came back, there and elsewhere.
//!
//! An episode is a run of the same alert with pauses of at most `resolve_after`; a return begins a
//! further one. What was never seen at its place is news. What returns is news if it stayed away
//! for longer than it is held: `resolve_after`, eight times as long for each return that is still
//! remembered (returns are forgotten by half in a week), `hold_max` at most. So what comes every
//! few minutes, hours or nights is news two to four times and then no more, and what is rare stays
//! news. What came at least twice at its place is held for as long as its name is elsewhere.
//!
//! It knows neither clusters nor severities; keys are hashes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

use super::settings::AlertSettings;

/// Names and names at places that are remembered; those not seen for longest are forgotten.
const HABITS_MAX: usize = 65_536;
/// By how much longer each return holds.
const GROWTH: f64 = 8.0;
/// Half of the returns are forgotten in so long.
const HALF_LIFE: Duration = Duration::from_secs(7 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);
/// Pages whose times are remembered.
const PAGES_MAX: usize = 1_024;
/// By how much longer, at most, something must have been away while pages are too many.
const BUSY_MAX: f64 = 4.0;

/// What is learned of alerts of other systems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Familiar {
    habits: BTreeMap<u64, Habit>,
    by_last: BTreeSet<(Timestamp, u64)>,
    pages: VecDeque<Timestamp>,
}

/// How something comes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Habit {
    /// Returns, forgotten over time, as of the last one.
    returns: f32,
    returned_at: Timestamp,
    last: Timestamp,
}

/// What an alert is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It was never seen there.
    Never,
    /// It is back after longer than it uses to be.
    Back,
    /// It comes as it uses to, or is there already.
    Usual,
}

/// What was found of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meeting {
    pub(super) news: News,
    /// Whether an episode begins.
    pub(super) begins: bool,
    /// How long it is held to be there after it was last heard of.
    pub(super) hold: Duration,
}

impl Familiar {
    /// Meets an alert of a name at a place; both are hashes, of different things.
    pub(super) fn meet(
        &mut self,
        name: u64,
        here: u64,
        at: Timestamp,
        settings: &AlertSettings,
    ) -> Meeting {
        let by_name = self.habits.get(&name).copied();
        let habit = self.habits.get(&here).copied();
        let news = match habit {
            None => News::Never,
            Some(habit) if self.is_held(&habit, by_name.as_ref(), at, settings) => News::Usual,
            Some(_) => News::Back,
        };
        let begins = habit.is_none_or(|habit| at.since(habit.last) > settings.resolve_after);
        self.learn(name, at, settings);
        let habit = self.learn(here, at, settings);
        Meeting { news, begins, hold: hold(habit.returns_at(at), settings) }
    }

    /// Returns how long what comes at a place is held to be there after it was last heard of.
    pub(super) fn hold(&self, here: u64, at: Timestamp, settings: &AlertSettings) -> Duration {
        hold(self.habits.get(&here).map_or(0.0, |habit| habit.returns_at(at)), settings)
    }

    /// Remembers that somebody was woken.
    pub(super) fn paged(&mut self, at: Timestamp) {
        self.pages.push_back(at);
        if self.pages.len() > PAGES_MAX {
            self.pages.pop_front();
        }
    }

    fn is_held(
        &self,
        habit: &Habit,
        name: Option<&Habit>,
        at: Timestamp,
        settings: &AlertSettings,
    ) -> bool {
        let returns = habit.returns_at(at);
        let (away, held) = (at.since(habit.last), hold(returns, settings));
        if away <= held || away <= held.mul_f64(self.busy(at, settings)) {
            return true;
        }
        let elsewhere =
            |name: &Habit| at.since(name.last) <= hold(returns + name.returns_at(at), settings);
        returns >= 1.0 && name.is_some_and(elsewhere)
    }

    /// By how much longer something must have been away for the pages of the last day.
    fn busy(&self, at: Timestamp, settings: &AlertSettings) -> f64 {
        let lately = self.pages.iter().rev().take_while(|page| at.since(**page) < DAY).count();
        (lately as f64 / settings.pages_a_day.max(1.0)).clamp(1.0, BUSY_MAX)
    }

    fn learn(&mut self, key: u64, at: Timestamp, settings: &AlertSettings) -> Habit {
        let Some(habit) = self.habits.get_mut(&key) else {
            let habit = Habit { returns: 0.0, returned_at: at, last: at };
            self.make_room();
            self.habits.insert(key, habit);
            self.by_last.insert((at, key));
            return habit;
        };
        if at.since(habit.last) > settings.resolve_after {
            habit.returns = (habit.returns_at(at) + 1.0) as f32;
            habit.returned_at = at;
        }
        if at > habit.last {
            self.by_last.remove(&(habit.last, key));
            self.by_last.insert((at, key));
            habit.last = at;
        }
        *habit
    }

    fn make_room(&mut self) {
        if self.habits.len() >= HABITS_MAX
            && let Some((_, oldest)) = self.by_last.pop_first()
        {
            self.habits.remove(&oldest);
        }
    }
}

impl Habit {
    fn returns_at(&self, at: Timestamp) -> f64 {
        let halves = at.since(self.returned_at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        f64::from(self.returns) * (-halves).exp2()
    }
}

/// How long something with so many returns is held to be there after it was last heard of.
fn hold(returns: f64, settings: &AlertSettings) -> Duration {
    let secs = settings.resolve_after.as_secs_f64() * GROWTH.powf(returns.min(16.0));
    let most = settings.hold_max.max(settings.resolve_after);
    Duration::from_secs_f64(secs.min(most.as_secs_f64()))
}
