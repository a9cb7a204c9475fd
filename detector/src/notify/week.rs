//! Pages of the last seven days by service: what the budget of a week is held against.
//!
//! A page is the first time that a sink takes an alert, or may have taken it; updates, ends and
//! digests are none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

const HOUR_NANOS: i64 = 3_600_000_000_000;
/// Hours that are looked back over.
const SPAN_HOURS: i64 = 7 * 24;
/// Services told apart.
const SERVICES_MAX: usize = 1_000;
/// Name of all further ones together.
const OTHER: &str = "(other)";

/// What a service cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pages {
    /// Alerts that the sink took one by one.
    pub paged: u32,
    /// Alerts that went into a digest, since its pages of the week were spent.
    pub kept_back: u32,
}

/// Pages of the last seven days, by service and hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Week {
    services: BTreeMap<String, BTreeMap<i64, Pages>>,
}

impl Week {
    /// Takes note of a page.
    pub(super) fn page(&mut self, service: &str, now: Timestamp) {
        self.at(service, now).paged += 1;
    }

    /// Takes note of an alert that was kept back.
    pub(super) fn keep_back(&mut self, service: &str, now: Timestamp) {
        self.at(service, now).kept_back += 1;
    }

    /// Returns how many pages a service has cost.
    pub(super) fn paged(&self, service: &str) -> u32 {
        let hours = self.services.get(service).or_else(|| self.services.get(OTHER));
        hours.map_or(0, |hours| sum(hours).paged)
    }

    /// Forgets what is older than seven days.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let first = hour_of(now) - SPAN_HOURS;
        self.services.retain(|_, hours| {
            hours.retain(|hour, _| *hour > first);
            !hours.is_empty()
        });
    }

    /// Lists what each service cost, by name.
    pub(super) fn services(&self) -> impl Iterator<Item = (&str, Pages)> {
        self.services.iter().map(|(name, hours)| (name.as_str(), sum(hours)))
    }

    fn at(&mut self, service: &str, now: Timestamp) -> &mut Pages {
        let is_known = self.services.contains_key(service);
        let name = if is_known || self.services.len() < SERVICES_MAX { service } else { OTHER };
        self.services.entry(name.to_owned()).or_default().entry(hour_of(now)).or_default()
    }
}

fn hour_of(now: Timestamp) -> i64 {
    now.as_nanos().div_euclid(HOUR_NANOS)
}

fn sum(hours: &BTreeMap<i64, Pages>) -> Pages {
    hours.values().fold(Pages::default(), |sum, pages| Pages {
        paged: sum.paged + pages.paged,
        kept_back: sum.kept_back + pages.kept_back,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_secs(hour * 3600 + 1)
    }

    #[test]
    fn a_page_counts_for_seven_days() {
        let mut week = Week::default();
        week.page("shop", at(0));
        week.page("shop", at(100));
        week.expire(at(SPAN_HOURS - 1));
        assert_eq!(week.paged("shop"), 2);
        week.expire(at(SPAN_HOURS));
        assert_eq!(week.paged("shop"), 1);
        week.expire(at(SPAN_HOURS + 100));
        assert_eq!(week.services().count(), 0);
    }

    #[test]
    fn services_beyond_the_limit_share_one_budget() {
        let mut week = Week::default();
        for idx in 0..SERVICES_MAX + 5 {
            week.page(&format!("service-{idx}"), at(0));
        }
        assert_eq!(week.services().count(), SERVICES_MAX + 1);
        assert_eq!((week.paged("service-7"), week.paged("service-1004")), (1, 5));
    }
}
