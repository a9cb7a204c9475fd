//! The rules that make patterns of patterns, followed until they say nothing new.
//!
//! A slot with enough witnesses is a pattern above them. Two patterns above one and the same have
//! their least common one above both. Both rules only add and neither looks at what was merged so
//! far, so the patterns are the least fixpoint of the skeletons, and from each pattern every way
//! up ends at the same one: its template.

use std::collections::VecDeque;

use super::Catalogue;
use crate::template::pattern::Pattern;

/// Patterns of one template beyond which no more are made between them, since twenty places that
/// vary alone would make a million: from there on, what else merges with it may hang on the order.
const PATTERNS_BETWEEN_MAX: u32 = 256;

impl Catalogue {
    /// Makes a slot a pattern if its witnesses suffice, and puts them below it; new patterns join
    /// `fresh`.
    pub(super) fn promote(&mut self, hash: u64, fresh: &mut VecDeque<u32>) {
        let Some(slot) = self.slots.get(&hash) else { return };
        let native = self.by_hash.get(&hash).copied();
        let members = slot.members(native.is_some());
        let Some((&first, others)) = members.split_first() else { return };
        let first = self.patterns[first as usize].clone();
        let join = |sum: Pattern, &at: &u32| sum.join(&self.patterns[at as usize], self.seed);
        let joined = others.iter().fold(first, join);
        if native.is_none() && self.is_between(&joined, &members) {
            return;
        }
        let top = native.unwrap_or_else(|| self.obtain(joined, fresh));
        for &member in &members {
            self.link(member, top, fresh);
        }
        if let Some(slot) = self.slots.get_mut(&hash) {
            slot.promoted = Some(top);
        }
    }

    /// Brings two patterns of equal length under their least common one.
    pub(super) fn unite(&mut self, a: u32, b: u32) {
        let mut fresh = VecDeque::new();
        self.join_above(a, b, &mut fresh);
        self.follow(fresh);
    }

    fn join_above(&mut self, a: u32, b: u32, fresh: &mut VecDeque<u32>) {
        let (one, two) = (&self.patterns[a as usize], &self.patterns[b as usize]);
        if a == b || one.tokens.len() != two.tokens.len() {
            return;
        }
        let joined = one.join(two, self.seed);
        if self.is_between(&joined, &[a, b]) {
            return;
        }
        let top = self.obtain(joined, fresh);
        self.link(a, top, fresh);
        self.link(b, top, fresh);
    }

    /// Reports whether a pattern would only stand between others of a template that has many.
    fn is_between(&self, pattern: &Pattern, below: &[u32]) -> bool {
        let top = self.root(below[0]);
        let above = &self.patterns[top as usize];
        self.sizes[top as usize] > PATTERNS_BETWEEN_MAX
            && below.iter().all(|&at| self.root(at) == top)
            && above.tokens.len() == pattern.tokens.len()
            && above.join(pattern, self.seed).hash == above.hash
    }

    /// Finds or makes a pattern.
    fn obtain(&mut self, pattern: Pattern, fresh: &mut VecDeque<u32>) -> u32 {
        if let Some(&at) = self.by_hash.get(&pattern.hash) {
            self.spell(at, &pattern);
            return at;
        }
        let at = self.store(pattern);
        fresh.push_back(at);
        at
    }

    /// Puts a pattern right below another, and joins that with the others right above it.
    fn link(&mut self, below: u32, above: u32, fresh: &mut VecDeque<u32>) {
        if below == above {
            return;
        }
        let uppers = self.uppers.entry(below).or_default();
        let Err(position) = uppers.binary_search(&above) else { return };
        let others = uppers.clone();
        uppers.insert(position, above);
        let spelled = self.patterns[below as usize].clone();
        self.spell(above, &spelled);
        if spelled.parent.is_none() {
            self.patterns[below as usize].parent = Some(above);
            self.count(below, self.sizes[below as usize]);
            self.roots -= 1;
            self.merges.push((spelled.id, self.patterns[above as usize].id));
        }
        for other in others {
            self.join_above(above, other, fresh);
        }
    }

    /// Adds to the number of patterns of everything above `at`.
    pub(super) fn count(&mut self, mut at: u32, patterns: u32) {
        while let Some(above) = self.patterns[at as usize].parent {
            self.sizes[above as usize] += patterns;
            at = above;
        }
    }
}
