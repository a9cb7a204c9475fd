//! Accuracy of templates by the four metrics of Loghub-2.0 (Jiang et al., ISSTA 2024).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Shares in [0, 1], higher is better.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    /// Share of lines in a group that is exactly a true one.
    pub(crate) ga: f64,
    /// F1 of such groups.
    pub(crate) fga: f64,
    /// Share of lines whose text is the true one.
    pub(crate) pa: f64,
    /// F1 of groups that are exact and whose text is right.
    pub(crate) fta: f64,
    pub(crate) found: usize,
    pub(crate) wanted: usize,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ga, fga, pa, fta, found, wanted } = self;
        write!(f, "GA {ga:.3} FGA {fga:.3} PA {pa:.3} FTA {fta:.3} templates {found}/{wanted}")
    }
}

/// Scores the template of each line, `(id, text)`, by the true text.
pub(crate) fn score<I: Ord>(truth: &[String], found: &[(I, String)]) -> Score {
    let truth: Vec<String> = truth.iter().map(|text| plain(text)).collect();
    let mut true_groups: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut groups: BTreeMap<&I, BTreeSet<usize>> = BTreeMap::new();
    for (line, (text, (id, _))) in truth.iter().zip(found).enumerate() {
        true_groups.entry(text).or_default().insert(line);
        groups.entry(id).or_default().insert(line);
    }
    let exact: BTreeSet<&BTreeSet<usize>> = true_groups.values().collect();
    let same: Vec<bool> =
        truth.iter().zip(found).map(|(truth, (_, text))| *truth == plain(text)).collect();
    let good: Vec<&BTreeSet<usize>> =
        groups.values().filter(|group| exact.contains(group)).collect();
    let right = good.iter().filter(|group| group.iter().all(|&line| same[line])).count();
    let f1 = |hits: usize| 2.0 * hits as f64 / (groups.len() + true_groups.len()) as f64;
    let lines = truth.len() as f64;
    Score {
        ga: good.iter().map(|group| group.len()).sum::<usize>() as f64 / lines,
        fga: f1(good.len()),
        pa: same.iter().filter(|&&same| same).count() as f64 / lines,
        fta: f1(right),
        found: groups.len(),
        wanted: true_groups.len(),
    }
}

/// One spelling of a template: single spaces, and variables joined by punctuation alone as one.
pub(crate) fn plain(template: &str) -> String {
    let mut text = template.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut from = 0;
    while let Some(at) = text[from..].find("<*>") {
        let after = from + at + 3;
        let gap = text[after..]
            .find(|c: char| c.is_whitespace() || c.is_alphanumeric() || c == '<' || c == '>')
            .unwrap_or(text.len() - after);
        if text[after + gap..].starts_with("<*>") {
            text.replace_range(after..after + gap + 3, "");
        } else {
            from = after;
        }
    }
    text
}
