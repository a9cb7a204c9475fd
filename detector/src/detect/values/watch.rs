//! The variables of one template, window by window: what is measured, what is one of a few names.
//!
//! A variable is taken for a measure where nine in ten of its values are numbers of one unit, and
//! for a set of names where its values are words, or whole numbers of the same three to five
//! digits, such as a status. Values of a template that comes seldom are gathered over windows until
//! there are enough to be judged together.

use std::collections::BTreeMap;

use logwake_models::template::{Extractor, TemplateId};
use logwake_models::value::{Excess, NameChange, NameParams, Names, Number, Numeric, Scale, Unit};
use serde::{Deserialize, Serialize};

use super::forms::{Forms, Sampled};
use super::slots::{Filling, fillings, inherited};

/// Variables of a template that are watched, the first ones.
const SLOTS_MAX: usize = 16;
/// Values that are judged together at least, and windows over which they are gathered at most.
const BLOCK_MIN: usize = 16;
const GATHER_WINDOWS_MAX: u64 = 30;
/// Windows after which a condition that lasts is told again, and without it for it to be new.
const REPEAT_WINDOWS: u64 = 60;
const QUIET_WINDOWS: u64 = 12;
/// Values after which a variable that is no measure is taken for none, and how often what is not
/// worth watching is looked at all the same.
const SEEN_MIN: u64 = 200;
const DULL_WINDOWS: u64 = 8;
/// Longest word that is a name, bytes.
const NAME_BYTES_MAX: usize = 32;

/// What is known of the variables of one template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    /// The text of the template that `slots` are the wildcards of.
    text: String,
    slots: Vec<Slot>,
    /// Windows that it came in, and the last of them.
    pub(super) windows: u64,
    pub(super) last: u64,
    /// The last window in which values were far from usual, and the last in which that was told.
    far: Option<u64>,
    told: Option<u64>,
}

/// What is known of one variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Slot {
    numeric: Numeric,
    names: Names,
    unit: Unit,
    numbers: u64,
    others: u64,
    /// Digits of the whole numbers that are names.
    digits: u8,
    /// Values that wait for more, and the window of the first.
    gathered: Vec<f64>,
    since: u64,
}

/// One value of a variable in a window.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    text: &'a str,
    scale: Scale,
    count: u64,
}

/// Something unusual about a variable.
#[derive(Clone, Debug)]
pub(super) enum Unusual {
    /// Numbers far from what they use to be.
    Far(Excess, Unit),
    /// Names that are new or gone.
    Names(NameChange),
}

/// Which window is judged, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// Number of the window.
    pub(super) window: u64,
    /// How long names must stay the same.
    pub(super) names: NameParams,
}

impl Watch {
    /// Judges the values of a closed window, then learns them; returns what is unusual about which
    /// wildcard.
    pub(super) fn close(&mut self, text: &str, forms: &Forms, turn: Turn) -> Vec<(usize, Unusual)> {
        let extractor = Extractor::new(text);
        self.follow(text, &extractor);
        let mut values: Vec<Vec<Seen<'_>>> = vec![Vec::new(); self.slots.len()];
        let mut spans = Vec::new();
        for (hash, form) in forms.iter() {
            let mut variables = Vec::new();
            let fillings = fillings(&extractor, &form.skeleton, &mut spans);
            for (at, filling) in fillings.iter().enumerate().take(values.len()) {
                match *filling {
                    Filling::Word(text) if !forms.is_cut() => {
                        values[at].push(Seen { text, scale: Scale::NONE, count: form.count });
                    }
                    Filling::Variable(number, scale) => variables.push((number, at, scale)),
                    Filling::Word(_) | Filling::Other => {}
                }
            }
            for row in forms.rows_of(hash) {
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
        self.windows += 1;
        self.last = turn.window;
        let mut unusual = Vec::new();
        for (at, (slot, values)) in self.slots.iter_mut().zip(&values).enumerate() {
            slot.close(values, turn, &mut |what| unusual.push((at, what)));
        }
        self.told_once(unusual, turn.window)
    }

    /// Keeps what is known of each wildcard where the text of the template has changed.
    fn follow(&mut self, text: &str, extractor: &Extractor) {
        if self.text == text {
            return;
        }
        let mut before: Vec<Option<Slot>> =
            std::mem::take(&mut self.slots).into_iter().map(Some).collect();
        let origins = inherited(extractor, &self.text, &mut Vec::new());
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
    /// none while the same lasts.
    fn told_once(
        &mut self,
        mut unusual: Vec<(usize, Unusual)>,
        window: u64,
    ) -> Vec<(usize, Unusual)> {
        let p_value = |what: &Unusual| match what {
            Unusual::Far(excess, _) => Some(excess.p_value),
            Unusual::Names(_) => None,
        };
        let least = unusual
            .iter()
            .filter_map(|(at, what)| Some((*at, p_value(what)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((strongest, _)) = least else { return unusual };
        let lasts = self.far.is_some_and(|far| window - far <= QUIET_WINDOWS);
        let just = self.told.is_some_and(|told| window - told < REPEAT_WINDOWS);
        self.far = Some(window);
        let tells = !(lasts && just);
        if tells {
            self.told = Some(window);
        }
        unusual.retain(|(at, what)| p_value(what).is_none() || (tells && *at == strongest));
        unusual
    }
}

impl Slot {
    fn close(&mut self, values: &[Seen<'_>], turn: Turn, tell: &mut impl FnMut(Unusual)) {
        if values.is_empty() || (self.is_dull() && !turn.window.is_multiple_of(DULL_WINDOWS)) {
            return;
        }
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        let mut step = f64::INFINITY;
        if turn.window.saturating_sub(self.since) > GATHER_WINDOWS_MAX && !self.gathered.is_empty()
        {
            self.gathered.clear();
            self.numeric.interrupt();
        }
        if self.gathered.is_empty() {
            self.since = turn.window;
        }
        for seen in values {
            let number = Number::read(seen.text, seen.scale);
            self.sort(seen, number);
            if let Some(number) = number.filter(|number| number.unit == self.unit) {
                step = step.min(number.step);
                self.gathered.push(number.value);
            }
            if !self.names.is_open() {
                *names.entry(seen.text).or_insert(0) += seen.count;
            }
        }
        for change in self.names.observe(&names, turn.names) {
            tell(Unusual::Names(change));
        }
        if self.gathered.len() >= BLOCK_MIN {
            let block = std::mem::take(&mut self.gathered);
            let found = self.numeric.observe(&block, step);
            if let Some(excess) = found.filter(|_| self.is_measure()) {
                tell(Unusual::Far(excess, self.unit));
            }
        }
    }

    /// Counts a value as a number of the unit or as something else, and gives names up where it is
    /// none.
    fn sort(&mut self, seen: &Seen<'_>, number: Option<Number>) {
        if self.numbers + self.others == 0 {
            self.unit = number.map_or(Unit::None, |number| number.unit);
        }
        match number {
            Some(number) if number.unit == self.unit => self.numbers += 1,
            _ => self.others += 1,
        }
        let is_name = match number {
            Some(number) if number.unit == Unit::None => {
                let first = self.digits == 0 || self.digits == number.digits;
                self.digits = number.digits;
                first && matches!(number.digits, 3..=5)
            }
            Some(_) => false,
            None => seen.text.len() <= NAME_BYTES_MAX,
        };
        if !is_name && !self.names.is_open() {
            self.names.open();
        }
    }

    /// Tells whether it is neither a set of names nor a measure worth watching.
    fn is_dull(&self) -> bool {
        let seen = self.numbers + self.others;
        let is_no_measure = seen >= SEEN_MIN && !self.is_measure();
        self.names.is_open() && (is_no_measure || self.numeric.is_dull())
    }

    fn is_measure(&self) -> bool {
        self.numbers >= self.others.saturating_mul(9)
    }
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
