//! What differs between two counts of templates, and whether it is more than chance.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use logwake_detector::detect::{Gravity, gravity_of};
use logwake_detector::record::Level;
use logwake_models::template::TemplateId;
use serde::Serialize;

use crate::cli::FailOn;
use crate::commands::census::rows_of;
use crate::runtime::local::Finished;

/// How many times its share a template must have to be shifted.
const RATIO_MIN: f64 = 2.0;
/// Greatest probability of a shift by chance, over all templates together.
const P_VALUE_MAX: f64 = 1e-3;

/// One capture, counted.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// Records by service.
    pub(super) records: BTreeMap<String, u64>,
    templates: BTreeMap<(String, TemplateId), Counted>,
}

#[derive(Clone, Debug)]
struct Counted {
    text: String,
    count: u64,
    level: Level,
    example: String,
}

/// What became of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Only in the candidate.
    New,
    /// Only in the base.
    Gone,
    /// In both, with another share of its service.
    Shifted,
}

/// A template that differs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) service: String,
    pub(super) template_id: String,
    pub(super) template: String,
    /// Gravest usual level.
    pub(super) level: &'static str,
    /// Whether its level or its words say that something failed.
    pub(super) grave: bool,
    pub(super) base: u64,
    pub(super) candidate: u64,
    /// Share of the records of its service.
    pub(super) base_share: f64,
    /// Share of the records of its service.
    pub(super) candidate_share: f64,
    pub(super) example: String,
}

impl Side {
    pub(super) fn of(finished: &Finished) -> Self {
        let mut side = Self::default();
        for (service, id, stats) in rows_of(finished) {
            *side.records.entry(service.name.clone()).or_default() += stats.total;
            let counted = Counted {
                text: service.catalogue.text(id),
                count: stats.total,
                level: stats.level(),
                example: stats.last.exemplar.text.clone(),
            };
            side.templates.insert((service.name.clone(), id), counted);
        }
        side
    }

    /// Returns the records of all services.
    pub(super) fn total(&self) -> u64 {
        self.records.values().sum()
    }

    /// Returns how many templates it has.
    pub(super) fn len(&self) -> usize {
        self.templates.len()
    }
}

impl Change {
    /// Tells whether a gate asks for it.
    pub(super) fn is(&self, gate: FailOn) -> bool {
        match gate {
            FailOn::New => self.kind == Kind::New,
            FailOn::Gone => self.kind == Kind::Gone,
            FailOn::Shifted => self.kind == Kind::Shifted,
            FailOn::Grave => self.grave && self.kind != Kind::Gone && self.candidate > self.base,
        }
    }

    /// Grave ones first, then by kind and by records.
    pub(super) fn cmp_by_weight(&self, other: &Self) -> Ordering {
        let key = |change: &Self| {
            let records = change.base.max(change.candidate);
            (!change.grave, change.kind, std::cmp::Reverse(records))
        };
        key(self)
            .cmp(&key(other))
            .then_with(|| (&self.service, &self.template).cmp(&(&other.service, &other.template)))
    }
}

/// Lists the templates that differ by more than chance.
pub(super) fn changes_of(base: &Side, candidate: &Side) -> Vec<Change> {
    let mut keys: Vec<_> = base.templates.keys().chain(candidate.templates.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let bound = P_VALUE_MAX / keys.len().max(1) as f64;
    keys.into_iter().filter_map(|key| change_of(key, base, candidate, bound)).collect()
}

fn change_of(
    key: &(String, TemplateId),
    base: &Side,
    candidate: &Side,
    bound: f64,
) -> Option<Change> {
    let (old, new) = (base.templates.get(key), candidate.templates.get(key));
    let (service, id) = key;
    let all = |side: &Side| side.records.get(service).copied().unwrap_or(0);
    let counts = [(old, all(base)), (new, all(candidate))];
    let [(old_count, old_all), (new_count, new_all)] =
        counts.map(|(found, all)| (found.map_or(0, |found| found.count), all));
    let share = |count: u64, all: u64| if all > 0 { count as f64 / all as f64 } else { 0.0 };
    let shares = (share(old_count, old_all), share(new_count, new_all));
    let kind = match (old, new) {
        (None, Some(_)) => Kind::New,
        (Some(_), None) => Kind::Gone,
        _ => {
            let ratio = (shares.0 / shares.1).max(shares.1 / shares.0);
            let p_value = p_value((old_count, old_all), (new_count, new_all));
            if ratio < RATIO_MIN || p_value > bound {
                return None;
            }
            Kind::Shifted
        }
    };
    let found = new.or(old)?;
    let gravity = gravity_of(found.level, &found.text);
    Some(Change {
        kind,
        service: service.clone(),
        template_id: id.to_string(),
        template: found.text.clone(),
        level: found.level.as_str(),
        grave: gravity >= Gravity::Notable,
        base: old_count,
        candidate: new_count,
        base_share: shares.0,
        candidate_share: shares.1,
        example: found.example.clone(),
    })
}

/// Probability that two shares differ so much by chance: the likelihood-ratio test of two
/// proportions (Wilks 1938), whose statistic is chi-squared with one degree of freedom.
fn p_value(a: (u64, u64), b: (u64, u64)) -> f64 {
    let pooled = (a.0 + b.0) as f64 / ((a.1 + b.1) as f64).max(1.0);
    let term = |count: f64, expected: f64| {
        if count > 0.0 { count * (count / expected).ln() } else { 0.0 }
    };
    let side = |(count, all): (u64, u64)| {
        let (count, all) = (count as f64, all as f64);
        term(count, all * pooled) + term(all - count, all * (1.0 - pooled))
    };
    let statistic = 2.0 * (side(a) + side(b));
    // Upper tail of the standard normal at the root, both sides: erfc by the bound of Chernoff,
    // which is never too small.
    (-statistic.max(0.0) / 2.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_share_is_no_shift_and_a_tenth_of_it_is() {
        assert!(p_value((100, 10_000), (1_000, 100_000)) > 0.99);
        assert!(p_value((100, 10_000), (10, 10_000)) < 1e-12);
        assert!(p_value((2, 100), (1, 100)) > 0.5);
    }
}
