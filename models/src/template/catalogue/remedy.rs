//! What makes templates too many, and the mask that would help.
//!
//! Templates that begin alike and then go on in many ways hold a value, or free text, that no
//! shape and no rule has recognised. The longest beginning that still goes on in half of all those
//! ways is named, with a mask of what follows it: one token where what stands behind is the same
//! again, else the rest.
//! Where templates begin in many ways and end alike, the same is done from the end.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Catalogue;
use crate::template::WILDCARD;
use crate::template::pattern::{Pattern, Token, TokenKind};

/// Ways to go on below which nothing is proposed.
const WAYS_MIN: usize = 20;
/// Examples that are kept.
const EXAMPLES_MAX: usize = 3;

/// What templates have in common that are too many, and how to make them one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// In how many ways they go on.
    pub ways: usize,
    /// What they have in common, with `<*>` for what differs.
    pub text: String,
    /// Some of the templates.
    pub examples: Vec<String>,
    /// A mask of what differs: its first group is what is masked.
    pub mask: String,
}

/// The templates that share a beginning or an end.
#[derive(Default)]
struct Branch {
    /// How they go on.
    rest: BTreeSet<u64>,
    /// How they go on after the next token.
    behind: BTreeSet<u64>,
    patterns: Vec<u32>,
}

impl Catalogue {
    /// Finds what most templates differ in that are otherwise alike, if they are many.
    ///
    /// Cost: once over the tokens of all templates.
    pub fn remedy(&self) -> Option<Remedy> {
        let forward = self.widest(|tokens| tokens.iter().collect());
        let backward = self.widest(|tokens| tokens.iter().rev().collect());
        let ways =
            |found: &Option<(usize, Branch)>| found.as_ref().map(|(_, branch)| branch.rest.len());
        let is_backward = ways(&backward) > ways(&forward);
        let (depth, branch) = if is_backward { backward? } else { forward? };
        let example = &self.patterns[*branch.patterns.first()? as usize];
        let is_one = branch.behind.len() * 5 <= branch.rest.len();
        let examples = branch.patterns.iter().take(EXAMPLES_MAX);
        Some(Remedy {
            ways: branch.rest.len(),
            text: common_text(example, depth, is_backward, is_one),
            examples: examples.map(|&at| self.patterns[at as usize].text()).collect(),
            mask: mask_of(example, depth, is_backward, is_one),
        })
    }

    /// Finds the run of tokens that holds a word and goes on in most ways; returns its length.
    fn widest<F>(&self, ordered: F) -> Option<(usize, Branch)>
    where
        F: for<'a> Fn(&'a [Token]) -> Vec<&'a Token>,
    {
        let mut branches: BTreeMap<(usize, u64), Branch> = BTreeMap::new();
        for (at, pattern) in (0..).zip(&self.patterns) {
            if pattern.parent.is_some() || pattern.pinned {
                continue;
            }
            let tokens = ordered(&pattern.tokens);
            let rests = rest_hashes(&tokens);
            let (mut run, mut has_word) = (0, false);
            for depth in 1..tokens.len() {
                let token = tokens[depth - 1];
                run = xxh3_64_with_seed(&token.hash.to_le_bytes(), run);
                has_word |= token.kind == TokenKind::Word;
                if has_word {
                    let branch = branches.entry((depth, run)).or_default();
                    branch.rest.insert(rests[depth]);
                    branch.behind.insert(rests[depth + 1]);
                    branch.patterns.push(at);
                }
            }
        }
        let most = branches.values().map(|branch| branch.rest.len()).max()?;
        let wide = branches
            .into_iter()
            .filter(|(_, branch)| branch.rest.len() >= WAYS_MIN && branch.rest.len() * 2 >= most);
        let longest = wide.max_by_key(|((depth, hash), branch)| (*depth, branch.rest.len(), *hash));
        longest.map(|((depth, _), branch)| (depth, branch))
    }
}

/// For each place a hash of all tokens from there on.
fn rest_hashes(tokens: &[&Token]) -> Vec<u64> {
    let mut hashes = vec![0; tokens.len() + 1];
    for at in (0..tokens.len()).rev() {
        hashes[at] = xxh3_64_with_seed(&tokens[at].hash.to_le_bytes(), hashes[at + 1] | 1);
    }
    hashes
}

/// The tokens that are shared before or behind what differs.
fn shared(
    pattern: &Pattern,
    depth: usize,
    is_backward: bool,
    is_one: bool,
) -> (&[Token], &[Token]) {
    let len = pattern.tokens.len();
    match (is_backward, is_one) {
        (false, false) => (&pattern.tokens[..depth], &[]),
        (false, true) => (&pattern.tokens[..depth], &pattern.tokens[(depth + 1).min(len)..]),
        (true, false) => (&[], &pattern.tokens[len - depth..]),
        (true, true) => {
            (&pattern.tokens[..(len - depth).saturating_sub(1)], &pattern.tokens[len - depth..])
        }
    }
}

fn common_text(pattern: &Pattern, depth: usize, is_backward: bool, is_one: bool) -> String {
    let (before, behind) = shared(pattern, depth, is_backward, is_one);
    let mut tokens = before.to_vec();
    let open = pattern.tokens.get(before.len());
    tokens.push(Token::wild(WILDCARD, open.is_some_and(|token| token.spaced)));
    tokens.extend_from_slice(behind);
    Pattern { tokens, ..pattern.clone() }.text()
}

/// Writes a mask whose group is what differs.
fn mask_of(pattern: &Pattern, depth: usize, is_backward: bool, is_one: bool) -> String {
    let (before, behind) = shared(pattern, depth, is_backward, is_one);
    let open = if is_one { r"(\S+?)" } else { "(.+)" };
    let mut mask = String::new();
    for token in before {
        push(&mut mask, token);
    }
    let is_spaced = pattern.tokens.get(before.len()).is_some_and(|token| token.spaced);
    mask.push_str(if before.is_empty() {
        "^"
    } else if is_spaced {
        r"\s+"
    } else {
        ""
    });
    mask.push_str(open);
    for token in behind {
        push(&mut mask, token);
    }
    if behind.is_empty() {
        mask.push_str(if is_one { r"(?:\s|$)" } else { "$" });
    }
    mask
}

fn push(mask: &mut String, token: &Token) {
    if token.spaced && !mask.is_empty() {
        mask.push_str(r"\s+");
    }
    let parts: Vec<String> = token.spelling.split(WILDCARD).map(regex::escape).collect();
    mask.push_str(&parts.join(r"\S.*?"));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use expect_test::{Expect, expect};

    use super::*;
    use crate::template::{CatalogueLimits, Masks, Skeleton};

    /// Templates of lines, and how many came too many.
    fn learn(masks: &Masks, lines: &[String]) -> Catalogue {
        let limits = CatalogueLimits { templates_max: 60, ..CatalogueLimits::default() };
        let (mut catalogue, mut skeleton) = (Catalogue::new("shop", limits), Skeleton::new());
        for line in lines {
            masks.mask(line.as_bytes(), &mut skeleton);
            catalogue.assign(skeleton.hash(), skeleton.text());
        }
        catalogue
    }

    /// Sentences of plain words, of 2 to 9 words.
    fn prose(number: usize) -> String {
        let words = [
            "please", "check", "the", "order", "again", "payment", "is", "late", "and", "stock",
            "was", "wrong", "for", "all", "my", "items", "today",
        ];
        let len = 2 + number % 8;
        let word = |at: usize| words[(number * 7 + at * (3 + number % 5)) % words.len()];
        (0..len).map(word).collect::<Vec<_>>().join(" ")
    }

    fn check(lines: &[String], expected: Expect) {
        let exploded = learn(&Masks::default(), lines);
        assert!(exploded.overflowed() > 0, "{} templates", exploded.len());
        let remedy = exploded.remedy().unwrap();
        let masks = Masks::new([("proposed", remedy.mask.as_str())]).unwrap();
        let mended = learn(&masks, lines);
        expected.assert_eq(&format!(
            "{}\nmask {}\nleaves {} templates, {} too many",
            remedy.text,
            remedy.mask,
            mended.len(),
            mended.overflowed()
        ));
    }

    #[test]
    fn free_text_behind_a_constant() {
        let mut lines: Vec<String> =
            (0..300).map(|at| format!("comment of customer: {}", prose(at))).collect();
        lines.extend(["cart opened".to_owned(), "cart closed".to_owned()]);
        check(
            &lines,
            expect![[r#"
                comment of customer: <*>
                mask comment\s+of\s+customer:\s+(.+)$
                leaves 3 templates, 0 too many"#]],
        );
    }

    #[test]
    fn free_text_before_a_constant() {
        let lines: Vec<String> =
            (0..300).map(|at| format!("{} (said by a customer)", prose(at))).collect();
        check(
            &lines,
            expect![[r#"
                <*> (said by a customer)
                mask ^(.+)\s+\(said\s+by\s+a\s+customer\)
                leaves 1 templates, 0 too many"#]],
        );
    }

    #[test]
    fn nothing_is_proposed_where_templates_differ_as_they_should() {
        let lines = ["cart opened", "cart closed", "user left", "disk full", "bye"];
        let catalogue = learn(&Masks::default(), &lines.map(str::to_owned));
        assert_eq!(catalogue.remedy(), None);
    }
}
