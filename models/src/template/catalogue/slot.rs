//! A pattern with one word left open, or several: when what was seen to fit makes it a template.

use super::evidence::{PLAIN_VALUES_MIN, SLOT_VALUES_MIN, Witness};
use crate::template::pattern::allocated;
use crate::template::steps;
use crate::template::vocabulary::{Context, Openness};

/// Names after which a verb at the place of a value is believed to be one.
const VERBS_VALUES_MIN: u8 = 3;
/// Combinations that must differ where several values change together.
const TOGETHER_VALUES_MIN: usize = 3;

/// Witnesses kept, those that speak for no variable too: more would cost each new pattern more.
const WITNESSES_MAX: usize = 1_024;

/// A pattern with one word left open, and what was seen to fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    witnesses: Vec<Witness>,
    /// Witnesses that speak for a variable.
    names: usize,
    pub(super) promoted: Option<u32>,
}

impl Slot {
    pub(super) fn add(&mut self, witness: Witness, values_max: usize) {
        if self.witnesses.len() >= WITNESSES_MAX {
            return;
        }
        if witness.counts(true) {
            if self.is_full(values_max) {
                return;
            }
            self.names += 1;
        }
        if self.witnesses.is_empty() {
            // Most slots have one witness for ever.
            self.witnesses.reserve_exact(1);
        }
        self.witnesses.push(witness);
    }

    /// Returns the bytes that it takes, near enough.
    pub(super) fn bytes_used(&self) -> usize {
        let parts: usize = self.witnesses.iter().map(|witness| size_of_val(&*witness.parts)).sum();
        size_of::<Self>() + allocated(self.witnesses.capacity() * size_of::<Witness>()) + parts
    }

    /// Reports whether further names would be forgotten.
    pub(super) fn is_full(&self, values_max: usize) -> bool {
        self.promoted.is_some() && self.names >= values_max.max(1)
    }

    /// Returns the patterns to put below the slot: none as long as the evidence is short.
    pub(super) fn members(&self, native: bool) -> Vec<u32> {
        if self.promoted.is_none() && !self.suffices(native) {
            return Vec::new();
        }
        steps::count(self.witnesses.len());
        let mut names: Vec<(u32, u8)> = Vec::new();
        let mut names_at = |place: u32| match names.iter().find(|(at, _)| *at == place) {
            Some((_, names)) => *names,
            None => {
                let found = self.names_at(place, native);
                names.push((place, found));
                found
            }
        };
        let fits = |w: &&Witness| !w.parts.is_empty() || Self::fits(w, names_at(w.place), native);
        self.witnesses.iter().filter(fits).map(|w| w.pattern).collect()
    }

    /// Reports whether there are enough names at some place, or at several together.
    fn suffices(&self, native: bool) -> bool {
        let single = |w: &Witness| w.parts.is_empty() && w.counts(native) && self.opens(w, native);
        let mut places: Vec<usize> = self.witnesses.iter().map(|w| w.parts.len()).collect();
        places.sort_unstable();
        places.dedup();
        self.witnesses.iter().any(single)
            || places.iter().any(|&places| places > 0 && (native || self.change_together(places)))
    }

    /// Reports whether there are enough names at the place of a name.
    fn opens(&self, name: &Witness, native: bool) -> bool {
        if native {
            return self.names_at(name.place, native) >= name.needed.beside_masked;
        }
        self.names_at(name.place, native) >= name.needed.names
            || self.identifiers_at(name.place) >= name.needed.identifiers
            || self.open_elsewhere(name)
    }

    /// Reports whether a witness belongs below a slot that was promoted.
    pub(super) fn takes(&self, witness: &Witness, native: bool) -> bool {
        !witness.parts.is_empty()
            || Self::fits(witness, self.names_at(witness.place, native), native)
    }

    fn names_at(&self, place: u32, native: bool) -> u8 {
        self.values(place, |w| w.counts(native))
    }

    fn identifiers_at(&self, place: u32) -> u8 {
        let named = |w: &Witness| matches!(w.openness, Openness::Identifier | Openness::Device);
        self.values(place, |w| w.counts(false) && named(w))
    }

    /// Names always fit, nouns where one is to be expected, verbs only beside names.
    fn fits(witness: &Witness, names: u8, native: bool) -> bool {
        let settled = names >= PLAIN_VALUES_MIN;
        match (witness.openness, witness.context) {
            (Openness::Open | Openness::Identifier | Openness::Device, _) => true,
            (Openness::Weak, Context::Likely) => settled || native,
            (Openness::Weak, Context::Plain) => settled,
            (Openness::Weak, _) => true,
            (Openness::Verb, Context::Plain) | (Openness::Fixed, _) => false,
            (Openness::Verb, _) => names >= VERBS_VALUES_MIN,
        }
    }

    /// Reports whether the place of a name is a variable in another pattern, whose name in turn
    /// stands where this pattern has a variable.
    fn open_elsewhere(&self, name: &Witness) -> bool {
        name.is_announced()
            && self.witnesses.iter().any(|w| {
                w.place != name.place && w.parts.is_empty() && w.counts(true) && w.is_announced()
            })
    }

    /// Reports whether each of several places saw different values.
    fn change_together(&self, places: usize) -> bool {
        let joint = || self.witnesses.iter().filter(move |w| w.parts.len() == places);
        let words = |place: usize| distinct(joint().map(|w| w.parts[place]).collect());
        distinct(joint().map(|w| w.value).collect()) >= TOGETHER_VALUES_MIN
            && (0..places).all(|place| words(place) >= usize::from(SLOT_VALUES_MIN))
    }

    fn values(&self, place: u32, counts: impl Fn(&Witness) -> bool) -> u8 {
        let counts = |w: &&Witness| w.place == place && w.parts.is_empty() && counts(w);
        let values = self.witnesses.iter().filter(counts).map(|w| w.value);
        distinct(values.collect()).min(usize::from(u8::MAX)) as u8
    }
}

fn distinct(mut values: Vec<u64>) -> usize {
    values.sort_unstable();
    values.dedup();
    values.len()
}
