//! What stands at the wildcards of a template in one of its skeletons, and how to call it.
//!
//! A wildcard of the template is a variable of the skeleton, or a word that another skeleton has
//! another word for. A place that is neither is not looked at.

use std::collections::BTreeMap;

use logwake_models::template::{Extractor, Span, WILDCARD};
use logwake_models::value::Scale;

/// Words of the template that are quoted before a variable.
const WORDS_BEFORE: usize = 2;

/// Skeletons of a template that are remembered.
const LAYOUTS_MAX: usize = 16;

/// What stands at a wildcard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Filling {
    /// The variable of this number, and what the unit says that follows it.
    Variable(usize, Scale),
    /// A word, at this place in the skeleton.
    Word(Span),
    /// Several variables, or a part of one.
    Other,
}

/// Returns what stands at each wildcard of the template in a skeleton, empty where the skeleton does
/// not read like the template.
pub(super) fn fillings(
    template: &Extractor,
    skeleton: &str,
    spans: &mut Vec<Span>,
) -> Vec<Filling> {
    if !template.find(skeleton.as_bytes(), spans) {
        return Vec::new();
    }
    spans.iter().map(|span| filling(skeleton, *span)).collect()
}

fn filling(skeleton: &str, (start, end): Span) -> Filling {
    let Some(text) = skeleton.get(start..end) else { return Filling::Other };
    match text.matches(WILDCARD).count() {
        0 if !text.is_empty() => Filling::Word((start, end)),
        1 if text.starts_with(WILDCARD) => {
            let before = skeleton[..start].matches(WILDCARD).count();
            let behind = &skeleton[start + WILDCARD.len()..];
            Filling::Variable(before, scale_behind(behind))
        }
        _ => Filling::Other,
    }
}

/// The unit right behind a variable, with or without a blank between; the key of another one is
/// none.
fn scale_behind(behind: &str) -> Scale {
    let behind = behind.strip_prefix(' ').unwrap_or(behind);
    let is_unit = |c: char| c.is_alphabetic() || c == '%';
    let word = &behind[..behind.find(|c| !is_unit(c)).unwrap_or(behind.len())];
    let rest = &behind[word.len()..];
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '=');
    let is_key =
        rest.strip_prefix(':').is_some_and(|value| value.trim_start().starts_with(WILDCARD));
    if rest.starts_with(goes_on) || is_key { Scale::NONE } else { Scale::of(word) }
}

/// What stands where in the skeletons that were seen last, as long as the template is the same:
/// nothing but a memory of [`fillings`], so it is neither kept nor compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Layouts(BTreeMap<u64, Vec<Filling>>);

impl Layouts {
    /// Returns what stands at each wildcard in the skeleton with this hash.
    pub(super) fn of(&mut self, hash: u64, template: &str, skeleton: &str) -> &[Filling] {
        if self.0.len() >= LAYOUTS_MAX && !self.0.contains_key(&hash) {
            self.0.clear();
        }
        let align = || fillings(&Extractor::new(template), skeleton, &mut Vec::new());
        self.0.entry(hash).or_insert_with(align)
    }
}

impl PartialEq for Layouts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Returns for each wildcard of a template the number of the one that it was in the text that the
/// template had before, where it was one.
pub(super) fn inherited(
    template: &Extractor,
    before: &str,
    spans: &mut Vec<Span>,
) -> Vec<Option<usize>> {
    let origin = |filling| match filling {
        Filling::Variable(number, _) => Some(number),
        Filling::Word(_) | Filling::Other => None,
    };
    fillings(template, before, spans).into_iter().map(origin).collect()
}

/// Names a wildcard: by its key, else by the words around it, else by its number from 1.
pub(super) fn label(template: &str, slot: usize) -> String {
    let numbered = || format!("variable {}", slot + 1);
    let Some((at, _)) = template.match_indices(WILDCARD).nth(slot) else { return numbered() };
    let (before, after) = (&template[..at], &template[at + WILDCARD.len()..]);
    if let Some(key) = key_of(before) {
        return key.to_owned();
    }
    let from = before.rfind(WILDCARD).map_or(0, |found| found + WILDCARD.len());
    let until = after.find(WILDCARD).unwrap_or(after.len());
    let mut words: Vec<&str> = before[from..].split_whitespace().rev().take(WORDS_BEFORE).collect();
    words.reverse();
    let (words, behind) = (words.join(" "), &after[..until]);
    let gap = if before.ends_with(' ') { " " } else { "" };
    let end = behind.char_indices().filter(|(_, c)| c.is_whitespace()).nth(1);
    let behind = &behind[..end.map_or(behind.len(), |(at, _)| at)];
    let label = format!("{words}{gap}{WILDCARD}{behind}");
    let label = label.trim_matches([' ', ',', ';', ':', '.', '"', '(']);
    if label.contains(char::is_alphabetic) { label.to_owned() } else { numbered() }
}

/// Tells whether a name says that a duration is measured, where no unit is written.
pub(super) fn names_duration(name: &str) -> bool {
    const WORDS: [&str; 11] = [
        "took", "duration", "latency", "elapsed", "ms", "msec", "millis", "us", "usec", "secs",
        "rtt",
    ];
    name.split(|c: char| !c.is_ascii_alphabetic())
        .any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// `took` of `took=`, `"took":` or `took: "`.
fn key_of(before: &str) -> Option<&str> {
    let stripped = before.strip_suffix(['"', '\'']).unwrap_or(before);
    let key = stripped.strip_suffix('=').or_else(|| stripped.trim_end().strip_suffix(':'))?;
    let key = key.strip_suffix(['"', '\'']).unwrap_or(key);
    let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start = key.char_indices().rev().take_while(|(_, c)| is_key(*c)).last()?.0;
    let name = key[start..].trim_matches(['.', '-']);
    name.contains(char::is_alphabetic).then_some(name)
}

/// Writes a record again as far as its values are known.
pub(super) fn refilled<'a>(skeleton: &str, mut values: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::with_capacity(skeleton.len() + 32);
    for (at, constant) in skeleton.split(WILDCARD).enumerate() {
        if at > 0 {
            let value = values.next().filter(|value| !value.is_empty());
            out.push_str(value.unwrap_or(WILDCARD));
        }
        out.push_str(constant);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_aligned_with_its_skeletons() {
        let template = Extractor::new("cache <*> in <*> ms by <*>");
        let mut spans = Vec::new();
        let found = fillings(&template, "cache hit in <*> ms by <*>.<*>", &mut spans);
        let expected =
            [Filling::Word((6, 9)), Filling::Variable(0, Scale::of("ms")), Filling::Other];
        assert_eq!(found, expected);
        assert_eq!(fillings(&template, "something else", &mut spans), []);
        let keys = Extractor::new("status=<*> bytes=<*>");
        let found = fillings(&keys, "status=<*> bytes=<*>", &mut spans);
        assert_eq!(found[0], Filling::Variable(0, Scale::NONE), "a key is no unit");
        let grown = inherited(&template, "cache hit in <*> ms by <*>", &mut spans);
        assert_eq!(grown, [None, Some(0), Some(1)]);
    }

    #[test]
    fn variables_are_called_by_key_or_by_the_words_around_them() {
        let check = |template: &str, slot: usize, expected: &str| {
            assert_eq!(label(template, slot), expected);
        };
        check("request took=<*> status=<*>", 1, "status");
        check("{\"took\": <*>, \"state\": \"<*>\"}", 1, "state");
        check("{\"took\": <*>, \"state\": \"<*>\"}", 0, "took");
        check("order <*> placed: user <*>, <*> EUR, <*> ms", 3, "EUR, <*> ms");
        check("order <*> placed", 0, "order <*> placed");
        check("<*>", 0, "variable 1");
        check("\"GET <*>\" <*> <*> \"-\"", 2, "variable 3");
        check("answered in <*>ms for <*>", 0, "answered in <*>ms for");
    }

    #[test]
    fn some_names_say_that_they_are_durations() {
        assert!(names_duration("duration_ms"));
        assert!(names_duration("Elapsed"));
        assert!(!names_duration("items"));
        assert!(!names_duration("user <*>"));
    }

    #[test]
    fn a_record_is_written_again() {
        let text = refilled("took <*> ms for <*>", ["12", ""].into_iter());
        assert_eq!(text, "took 12 ms for <*>");
    }
}
