//! Words in letters alone that stand for values: booleans, nulls, and the words of dates.

use crate::template::known_words::{ABSENT, BOOLEANS, DATE_WORDS, SHORT_MONTHS, ZONES};

/// What a word that may be a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A truth value.
    Boolean,
    /// A word for no value, unless a sentence goes on with it.
    Absent,
    /// A month or a weekday, if a date is written around it.
    Date,
    /// A time zone, if a time stands before it.
    Zone,
}

const LISTS: [(&[&str], Kind); 4] = [
    (&BOOLEANS, Kind::Boolean),
    (&ABSENT, Kind::Absent),
    (&DATE_WORDS, Kind::Date),
    (&ZONES, Kind::Zone),
];

/// The lengths that words on the lists have, a bit each, by their first letter and by their last.
static LENGTHS: [[u16; 256]; 2] = lengths();

const fn lengths() -> [[u16; 256]; 2] {
    let mut lengths = [[0; 256]; 2];
    let mut list = 0;
    while list < LISTS.len() {
        let words = LISTS[list].0;
        let mut at = 0;
        while at < words.len() {
            let word = words[at].as_bytes();
            lengths[0][word[0] as usize] |= 1 << word.len();
            lengths[1][word[word.len() - 1] as usize] |= 1 << word.len();
            at += 1;
        }
        list += 1;
    }
    lengths
}

/// Returns what a word is the value of, if of any; most words are told by two looks at tables.
#[inline(always)]
pub(super) fn value_kind(text: &[u8]) -> Option<Kind> {
    let (&first, &last) = (text.first()?, text.last()?);
    let lengths = LENGTHS[0][first as usize] & LENGTHS[1][last as usize];
    if text.len() < 16 && lengths >> text.len() & 1 != 0 { listed_kind(text) } else { None }
}

fn listed_kind(text: &[u8]) -> Option<Kind> {
    let lists = |words: &[&str]| words.iter().any(|word| word.as_bytes() == text);
    LISTS.iter().find(|(words, _)| lists(words)).map(|&(_, kind)| kind)
}

/// Reports whether a month or a weekday goes on as a date: a day or a month stands after it.
pub(super) fn begins_date(next: &[u8]) -> bool {
    let starts = |month: &&str| next.starts_with(month.as_bytes());
    next.first().is_some_and(u8::is_ascii_digit) || DATE_WORDS[..SHORT_MONTHS].iter().any(starts)
}
