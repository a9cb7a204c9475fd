//! The variables of one template, window by window: which values stand where, and what is told.
//!
//! Of the variables that are unusual at the same time one is told, and again as long as it lasts.

use std::collections::BTreeMap;

use logwake_models::template::{Extractor, TemplateId};
use logwake_models::value::{NameParams, Scale};
use serde::{Deserialize, Serialize};

use super::forms::{Forms, Sampled};
use super::slot::{Seen, Slot, Unusual};
use super::slots::{Filling, Layouts, inherited};

/// Variables of a template that are watched, the first ones.
const SLOTS_MAX: usize = 16;
/// Windows after which a condition that lasts is told again, an upheaval among them, and without it
/// for it to be new.
const REPEAT_WINDOWS: u64 = 60;
const UPHEAVAL_WINDOWS: u64 = 6;
const QUIET_WINDOWS: u64 = 12;

/// What is known of the variables of one template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    /// The text of the template that `slots` are the wildcards of.
    text: String,
    slots: Vec<Slot>,
    #[serde(skip)]
    layouts: Layouts,
    /// Windows that it came in, and the last of them.
    pub(super) windows: u64,
    pub(super) last: u64,
    /// The last window in which values were far from usual, and the last in which that was told.
    far: Option<u64>,
    told: Option<u64>,
}

/// Which window is judged, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Number of the window.
    pub(super) window: u64,
    /// How long names must stay the same.
    pub(super) names: NameParams,
    /// What the tests of a template must undercut together.
    pub(super) p_value_max: f64,
}

impl Watch {
    /// Judges the values of a closed window, then learns them; returns what is unusual about which
    /// wildcard.
    pub(super) fn close(&mut self, text: &str, forms: &Forms, turn: Turn) -> Vec<(usize, Unusual)> {
        self.windows += 1;
        self.last = turn.window;
        let mut is_due: Vec<bool> =
            self.slots.iter().map(|slot| slot.is_due(turn.window)).collect();
        if self.text == text && !is_due.contains(&true) {
            return Vec::new();
        }
        if self.text != text {
            self.follow(text);
            is_due = vec![true; self.slots.len()];
        }
        let values = seen_at(&is_due, text, &mut self.layouts, forms);
        let tests = self.slots.iter().filter(|slot| slot.is_judged()).count().max(1) as f64;
        let mut unusual = Vec::new();
        for (at, (slot, values)) in self.slots.iter_mut().zip(&values).enumerate() {
            slot.close(values, forms.is_cut(), turn, &mut |what| unusual.push((at, what)));
        }
        let holds = |what: &Unusual| what.chance().is_none_or(|p| p * tests <= turn.p_value_max);
        unusual.retain(|(_, what)| holds(what));
        self.told_once(unusual, turn.window)
    }

    /// Keeps what is known of each wildcard as the text of the template has changed.
    fn follow(&mut self, text: &str) {
        self.layouts = Layouts::default();
        let mut before: Vec<Option<Slot>> =
            std::mem::take(&mut self.slots).into_iter().map(Some).collect();
        let origins = inherited(&Extractor::new(text), &self.text, &mut Vec::new());
        let wildcards = text.matches(logwake_models::template::WILDCARD).count();
        let slot = |at: usize| {
            let origin = origins.get(at).copied().flatten()?;
            before.get_mut(origin)?.take()
        };
        let slots = (0..wildcards.min(SLOTS_MAX)).map(slot).map(Option::unwrap_or_default);
        self.slots = slots.collect();
        text.clone_into(&mut self.text);
    }

    /// Of the variables that are far from usual at the same time, keeps the one that is most so, and
    /// none while the same lasts and was told lately.
    fn told_once(
        &mut self,
        mut unusual: Vec<(usize, Unusual)>,
        window: u64,
    ) -> Vec<(usize, Unusual)> {
        let least = unusual
            .iter()
            .filter_map(|(at, what)| Some((*at, what.chance()?, what.is_upheaval())))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((strongest, _, is_upheaval)) = least else { return unusual };
        let repeat = if is_upheaval { UPHEAVAL_WINDOWS } else { REPEAT_WINDOWS };
        let lasts = self.far.is_some_and(|far| window - far <= QUIET_WINDOWS);
        let just = self.told.is_some_and(|told| window - told < repeat);
        self.far = Some(window);
        let tells = !(lasts && just);
        if tells {
            self.told = Some(window);
        }
        unusual.retain(|(at, what)| what.chance().is_none() || (tells && *at == strongest));
        unusual
    }
}

/// Returns the values of a window at each wildcard that is due.
fn seen_at<'a>(
    is_due: &[bool],
    template: &str,
    layouts: &mut Layouts,
    forms: &'a Forms,
) -> Vec<Vec<Seen<'a>>> {
    let mut values = vec![Vec::new(); is_due.len()];
    let mut variables = Vec::new();
    for (hash, form) in forms.iter() {
        variables.clear();
        let fillings = layouts.of(hash, template, &form.skeleton);
        for (at, filling) in fillings.iter().enumerate() {
            match *filling {
                _ if is_due.get(at) != Some(&true) => {}
                Filling::Word((start, end)) => {
                    let text = form.skeleton.get(start..end).unwrap_or_default();
                    values[at].push(Seen { text, scale: Scale::NONE, count: form.count });
                }
                Filling::Variable(number, scale) => variables.push((number, at, scale)),
                Filling::Other => {}
            }
        }
        for row in forms.rows_of(hash).take_while(|_| !variables.is_empty()) {
            // Wildcards and variables stand in the same order, so one walk finds them all.
            let mut wanted = variables.iter().peekable();
            for (number, text) in row.row.values().enumerate() {
                let Some((_, at, scale)) = wanted.next_if(|next| next.0 == number) else {
                    continue;
                };
                if !text.is_empty() {
                    values[*at].push(Seen { text, scale: *scale, count: 1 });
                }
            }
        }
    }
    values
}

/// The value of a variable in a sampled record, empty where it was not kept.
pub(super) fn nth(sampled: &Sampled, number: usize) -> &str {
    sampled.row.values().nth(number).unwrap_or_default()
}

/// Of the watches of two templates that became one, keeps the one that knows more.
pub(super) fn fold(watched: &mut BTreeMap<TemplateId, Watch>, alias: TemplateId, into: TemplateId) {
    let Some(folded) = watched.remove(&alias) else { return };
    let knows_more = watched.get(&into).is_none_or(|known| folded.windows > known.windows);
    if knows_more {
        watched.insert(into, folded);
    }
}
