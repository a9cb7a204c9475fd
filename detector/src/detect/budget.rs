//! How much a service may tell: from an anomaly budget a week to the p-value that each test of a
//! window must undercut.
//!
//! A tenth of the budget may be spent by chance.
//! It is shared out over the windows of a week and the tests of a window (Bonferroni, so the
//! expected number of false anomalies is bounded, and with it the rate of false discoveries,
//! however tests depend on each other); what speaks of failure gets the larger share.
//! What is really spent is counted in episodes, true or false: a service that tells more of them
//! than its budget is believed less and less, until it is back below it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

use super::gravity::Gravity;
use super::series::Demand;

const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// Share of the budget that chance may spend.
const BY_CHANCE: f64 = 0.1;
/// Shares of it for all templates, for all records of the service and for its errors.
const TEMPLATES: f64 = 0.5;
const RECORDS: f64 = 0.25;
const ERRORS: f64 = 0.25;
/// What is harmless gets as much less of a share.
const NOTABLE: f64 = 0.1;
const PLAIN: f64 = 0.01;
/// No count is trusted to be less likely than this.
const P_VALUE_LEAST: f64 = 1e-14;

/// After so long without an anomaly, the next begins another episode.
const QUIET: Duration = Duration::from_secs(600);
/// By which power of ten p-values must be smaller for each further budget that is spent.
const DECADES: f64 = 2.0;
/// Budgets beyond which nothing gets stricter.
const OVERSPENT_MAX: f64 = 3.0;

/// What a service has told lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// Episodes, forgotten over a week, as of `counted`.
    episodes: f64,
    counted: Option<Timestamp>,
    /// When an anomaly was told last.
    told: Option<Timestamp>,
    /// Anomalies that were kept back since the budget was spent.
    kept_back: u64,
}

/// The p-values that tests of one window of one service must undercut.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Levels {
    template: f64,
    records: f64,
    errors: f64,
    /// In (0, 1], smaller where the budget is overspent.
    pub(super) strictness: f64,
}

impl Spending {
    /// Returns the episodes of the last week, older ones fading.
    pub fn episodes(&self, now: Timestamp) -> f64 {
        let since = self.counted.map_or(Duration::ZERO, |counted| now.since(counted));
        self.episodes * (-since.as_secs_f64() / WEEK.as_secs_f64()).exp()
    }

    /// Returns how many anomalies were kept back.
    pub fn kept_back(&self) -> u64 {
        self.kept_back
    }

    /// Notes that an anomaly is told.
    pub(super) fn tell(&mut self, at: Timestamp) {
        if self.told.is_none_or(|told| at.since(told) >= QUIET) {
            self.episodes = self.episodes(at) + 1.0;
            self.counted = Some(at);
        }
        self.told = self.told.max(Some(at));
    }

    /// Notes that one is kept back.
    pub(super) fn keep_back(&mut self) {
        self.kept_back += 1;
    }

    /// Returns how much smaller p-values must be: 1 within the budget.
    pub(super) fn strictness(&self, budget: f64, now: Timestamp) -> f64 {
        let overspent = (self.episodes(now) / budget - 1.0).clamp(0.0, OVERSPENT_MAX);
        10f64.powf(-DECADES * overspent)
    }
}

impl Levels {
    /// Shares out what a window of a service with so many templates may spend.
    pub(super) fn new(budget: f64, window: Duration, templates: usize, strictness: f64) -> Self {
        let share = BY_CHANCE * budget * window.as_secs_f64() / WEEK.as_secs_f64();
        let level = |share: f64| (share * strictness).max(P_VALUE_LEAST);
        Self {
            template: level(share * TEMPLATES / templates.max(1) as f64),
            records: level(share * RECORDS * PLAIN),
            errors: level(share * ERRORS),
            strictness,
        }
    }

    /// Returns what a template must show: less where it speaks of failure.
    pub(super) fn of_template(&self, gravity: Gravity) -> Demand {
        let share = match gravity {
            Gravity::Grave => 1.0,
            Gravity::Notable => NOTABLE,
            Gravity::Plain => PLAIN,
        };
        demand(self.template * share, gravity)
    }

    /// Returns what all records of the service must show.
    pub(super) fn of_records(&self) -> Demand {
        demand(self.records, Gravity::Plain)
    }

    /// Returns what its records of level error and above must show.
    pub(super) fn of_errors(&self) -> Demand {
        demand(self.errors, Gravity::Grave)
    }
}

fn demand(p_value_max: f64, gravity: Gravity) -> Demand {
    let records_min = match gravity {
        Gravity::Grave => 3.0,
        Gravity::Notable => 5.0,
        Gravity::Plain => 10.0,
    };
    let is_patient = gravity == Gravity::Grave;
    Demand { p_value_max: p_value_max.max(P_VALUE_LEAST), ratio_min: 2.0, records_min, is_patient }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_secs(hours * 3600)
    }

    #[test]
    fn the_tests_of_a_week_spend_a_tenth_of_the_budget_by_chance() {
        let levels = Levels::new(10.0, WINDOW, 500, 1.0);
        let window =
            levels.errors + levels.records + 500.0 * levels.of_template(Gravity::Grave).p_value_max;
        let week = window * 7.0 * 86_400.0 / 10.0;
        assert!(week > 0.7 && week <= 1.0, "{week}");
        let more = Levels::new(100.0, WINDOW, 500, 1.0);
        let ratio = more.of_template(Gravity::Plain).p_value_max
            / levels.of_template(Gravity::Plain).p_value_max;
        assert!((ratio - 10.0).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn what_lasts_is_one_episode_and_episodes_are_forgotten_over_a_week() {
        let mut spending = Spending::default();
        for minute in 0..60 {
            spending.tell(Timestamp::from_secs(60 * minute));
        }
        assert!((spending.episodes(hours(1)) - 1.0).abs() < 0.01);
        assert!(spending.episodes(hours(24 * 7)) < 0.4);
        assert!(spending.episodes(hours(24 * 28)) < 0.02);
    }

    #[test]
    fn who_overspends_is_believed_less_until_it_is_quiet() {
        let mut spending = Spending::default();
        for hour in 0..20 {
            spending.tell(hours(hour));
        }
        assert_eq!(spending.strictness(20.0, hours(20)), 1.0);
        assert!(spending.strictness(10.0, hours(20)) < 0.1);
        assert_eq!(spending.strictness(10.0, hours(20 + 24 * 7)), 1.0);
        assert!(spending.strictness(1.0, hours(20)) >= 0.9e-6);
    }
}
