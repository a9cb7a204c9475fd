//! What a window knows of the values of a template: its skeletons, and a sample of its records.
//!
//! Both are the least of a fixed order (hash of the skeleton, rank of the record), so they merge in
//! any order to the same.

use logwake_models::template::WILDCARD;
use serde::{Deserialize, Serialize};

use crate::anomaly::Evidence;
use crate::detect::window::earlier;
use crate::record::Source;
use crate::tally::{ROWS_MAX, Row, SkeletonTally};

/// Skeletons of a template in one window that are told apart.
const FORMS_MAX: usize = 64;

/// Skeletons and sample of one template in one window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forms {
    /// By hash, in order: nearly always one, for which a tree would take the room of eleven.
    forms: Vec<(u64, Form)>,
    /// Whether there were more skeletons than are told apart.
    is_cut: bool,
    /// Records of lowest rank, in order of it.
    rows: Vec<Sampled>,
}

/// One skeleton of a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Form {
    /// The skeleton.
    pub(super) skeleton: String,
    /// Records of it.
    pub(super) count: u64,
    /// The first of them, where it has no variable and so no row.
    pub(super) first: Option<Box<Evidence>>,
}

/// A record whose values are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sampled {
    /// Hash of its skeleton.
    pub(super) form: u64,
    /// Where it comes from.
    pub(super) source: Source,
    /// Its values.
    pub(super) row: Row,
}

impl Forms {
    /// Takes what the tally of one skeleton says; a text that a collector has found says nothing.
    pub(in crate::detect) fn of(tally: &mut SkeletonTally, source: &Source) -> Self {
        if tally.given {
            return Self::default();
        }
        let form = tally.hash;
        let rows = std::mem::take(&mut tally.rows);
        let sampled = |row| Sampled { form, source: source.clone(), row };
        let mut rows: Vec<Sampled> = rows.into_iter().map(sampled).collect();
        rows.sort_by(by_rank);
        let skeleton = std::mem::take(&mut tally.skeleton);
        let first = (!skeleton.contains(WILDCARD))
            .then(|| Evidence { source: source.clone(), exemplar: tally.first.clone() })
            .map(Box::new);
        let count = tally.count();
        let forms = vec![(form, Form { skeleton, count, first })];
        Self { forms, is_cut: false, rows }
    }

    /// Adds those of the same template and window.
    pub(in crate::detect) fn merge(&mut self, other: Self) {
        for (hash, form) in other.forms {
            match self.forms.binary_search_by_key(&hash, |(known, _)| *known) {
                Ok(at) => self.forms[at].1.add(form),
                Err(at) => self.forms.insert(at, (hash, form)),
            }
        }
        self.is_cut |= other.is_cut || self.forms.len() > FORMS_MAX;
        self.forms.truncate(FORMS_MAX);
        if !other.rows.is_empty() {
            self.rows.reserve_exact(other.rows.len());
            self.rows.extend(other.rows);
            self.rows.sort_by(by_rank);
            self.rows.truncate(ROWS_MAX);
        }
    }

    /// Returns the skeletons that are told apart, in order of their hashes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Form)> {
        self.forms.iter().map(|(hash, form)| (*hash, form))
    }

    /// Tells whether there were more skeletons than are told apart.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Returns the sampled records of one skeleton, in order of their rank.
    pub(super) fn rows_of(&self, form: u64) -> impl Iterator<Item = &Sampled> {
        self.rows.iter().filter(move |sampled| sampled.form == form)
    }
}

impl Form {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first = match (self.first.take(), other.first) {
            (Some(first), Some(other)) if earlier(&other, &first) => Some(other),
            (first, other) => first.or(other),
        };
    }
}

fn by_rank(a: &Sampled, b: &Sampled) -> std::cmp::Ordering {
    let key = |one: &Sampled| (one.row.rank, one.row.offset, one.row.after, one.form);
    key(a).cmp(&key(b)).then_with(|| a.source.cmp(&b.source))
}
