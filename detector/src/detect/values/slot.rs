//! One variable of a template: a measure, a set of names, or a crowd.
//!
//! It is taken for a measure where nine in ten of its values are numbers of one unit, for a set of
//! names where its values are words, or whole numbers of the same three to five digits, such as a
//! status, and for a crowd where it has too many of them. Values of a template that comes seldom
//! are gathered over windows until there are enough to be judged together.

use std::collections::BTreeMap;

use logwake_models::value::{
    Crowd, Excess, Influx, NameChange, Names, Number, Numeric, Scale, Unit,
};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::watch::Turn;

/// Values that are judged together at least, and windows over which they are gathered at most.
const BLOCK_MIN: usize = 16;
const GATHER_WINDOWS_MAX: u64 = 30;
/// Values after which a variable that is no measure is taken for none, and how often what is not
/// worth watching is looked at all the same.
const SEEN_MIN: u64 = 200;
const DULL_WINDOWS: u64 = 8;
/// Longest word that is a name, bytes, and words from which on they are none.
const NAME_BYTES_MAX: usize = 32;
const WORDS_MAX: usize = 16;
/// What is known of one variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Slot {
    numeric: Numeric,
    names: Names,
    crowd: Crowd,
    unit: Unit,
    numbers: u64,
    others: u64,
    /// Digits of the whole numbers that are names.
    digits: u8,
    measures: Waiting<f64>,
    hashes: Waiting<u32>,
}

/// Values that wait for more, and the window of the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Waiting<T> {
    values: Vec<T>,
    since: u64,
}

/// One value of a variable in a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) text: &'a str,
    pub(super) scale: Scale,
    pub(super) count: u64,
}

/// Something unusual about a variable.
#[derive(Clone, Debug)]
pub(super) enum Unusual {
    /// Numbers far from what they use to be.
    Far(Excess, Unit),
    /// Values most of which were never seen.
    Influx(Influx),
    /// Names that are new or gone.
    Names(NameChange),
}

impl Unusual {
    /// Returns the p-value of what lasts and is judged against the budget; names are told once.
    pub(super) fn chance(&self) -> Option<f64> {
        match self {
            Self::Far(excess, _) => Some(excess.p_value),
            Self::Influx(influx) => Some(influx.p_value),
            Self::Names(_) => None,
        }
    }

    /// Tells whether most values have jumped up by far.
    pub(super) fn is_upheaval(&self) -> bool {
        matches!(self, Self::Far(excess, _) if excess.is_upheaval())
    }
}

impl Slot {
    /// Judges the values of a closed window, then learns them; `is_cut` says that words are not
    /// all there.
    pub(super) fn close(
        &mut self,
        values: &[Seen<'_>],
        is_cut: bool,
        turn: Turn,
        tell: &mut impl FnMut(Unusual),
    ) {
        if values.is_empty() {
            return;
        }
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        let mut step = f64::INFINITY;
        if self.measures.begin(turn.window) {
            self.numeric.interrupt();
        }
        for seen in values {
            let number = Number::read(seen.text, seen.scale);
            self.sort(seen, number);
            if let Some(number) = number.filter(|number| number.unit == self.unit) {
                step = step.min(number.step);
                self.measures.values.push(number.value);
            }
            if !self.names.is_open() || !self.crowd.is_given_up() {
                *names.entry(name_of(seen.text)).or_insert(0) += seen.count;
            }
        }
        self.close_crowd(&names, turn.window, tell);
        if is_cut && names.len() > WORDS_MAX {
            self.names.open();
        }
        if !is_cut {
            for change in self.names.observe(&names, turn.names) {
                tell(Unusual::Names(change));
            }
        }
        if let Some(block) = self.measures.take() {
            let found = self.numeric.observe(&block, step);
            // A status of few values is a set of names, not a measure that jumps from 200 to 500.
            let is_free = self.is_measure() && self.names.is_open();
            if let Some(excess) = found.filter(|_| is_free) {
                tell(Unusual::Far(excess, self.unit));
            }
        }
    }

    /// Judges which values were never there, where they are neither few nor measured finely.
    fn close_crowd(
        &mut self,
        names: &BTreeMap<&str, u64>,
        window: u64,
        tell: &mut impl FnMut(Unusual),
    ) {
        if !self.names.is_open() || self.crowd.is_given_up() {
            return;
        }
        if self.hashes.begin(window) {
            self.crowd.interrupt();
        }
        self.hashes.values.extend(names.keys().map(|text| xxh3_64(text.as_bytes()) as u32));
        let Some(block) = self.hashes.take() else { return };
        let found = self.crowd.observe(&block);
        // Numbers that hang together, such as a gauge, leave their range as a matter of course.
        let is_free = !self.is_measure() || self.numeric.is_watched();
        if let Some(influx) = found.filter(|_| is_free) {
            tell(Unusual::Influx(influx));
        }
    }

    /// Counts a value as a number of the unit or as something else, and gives names up where it is
    /// none, and the crowd where it is measured in parts or with a unit.
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
        let is_fine = number.is_some_and(|number| number.unit != Unit::None || number.step < 1.0);
        if is_fine && !self.crowd.is_given_up() {
            self.crowd.give_up();
        }
    }

    /// Tells whether it may be told of at any time.
    pub(super) fn is_judged(&self) -> bool {
        self.numeric.is_watched() || self.crowd.is_watched()
    }

    /// Tells whether it is looked at in a window.
    pub(super) fn is_due(&self, window: u64) -> bool {
        window.is_multiple_of(DULL_WINDOWS) || !self.is_dull()
    }

    /// Tells whether it is neither a set of names nor a measure nor a crowd worth watching.
    fn is_dull(&self) -> bool {
        let seen = self.numbers + self.others;
        let is_no_measure = seen >= SEEN_MIN && !self.is_measure();
        let is_no_name = self.names.is_open() && self.crowd.is_given_up();
        is_no_name && (is_no_measure || self.numeric.is_dull())
    }

    fn is_measure(&self) -> bool {
        self.numbers >= self.others.saturating_mul(9)
    }
}

impl<T> Waiting<T> {
    /// Goes on in a window; tells whether what waited was too old and is dropped.
    fn begin(&mut self, window: u64) -> bool {
        let is_old =
            !self.values.is_empty() && window.saturating_sub(self.since) > GATHER_WINDOWS_MAX;
        if is_old {
            self.values.clear();
        }
        if self.values.is_empty() {
            self.since = window;
        }
        is_old
    }

    /// Takes the values out, once there are enough.
    fn take(&mut self) -> Option<Vec<T>> {
        (self.values.len() >= BLOCK_MIN).then(|| std::mem::take(&mut self.values))
    }
}

/// Returns what is named: an address without its port.
fn name_of(text: &str) -> &str {
    let is_address = |host: &str| {
        host.bytes().filter(|byte| *byte == b'.').count() == 3
            && host.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit())
    };
    text.rsplit_once(':').map(|(host, _)| host).filter(|host| is_address(host)).unwrap_or(text)
}
