//! The rules that make patterns of patterns, followed until they say nothing new.
//!
//! A slot with enough witnesses is a pattern above them. Two patterns above one and the same have
//! their least common one above both. A template that many patterns are below takes in what differs
//! from it in names alone. All rules only add, so the patterns are the least fixpoint of the
//! skeletons, and from each pattern every way up ends at the same one: its template.

use std::collections::VecDeque;

use super::Catalogue;
use super::evidence::Witness;
use crate::template::pattern::{Pattern, TokenKind};
use crate::template::steps;

/// Patterns of one template beyond which no more are made between them, since twenty places that
/// vary alone would make a million: from there on, what else merges with it may hang on the order.
const PATTERNS_BETWEEN_MAX: u32 = 256;

/// Patterns of a template from which on it takes in what differs from it in names alone.
const DOMINANT_PATTERNS_MIN: u32 = 16;

/// Constant words that such a template has at the least.
const WORDS_MIN: usize = 2;

impl Catalogue {
    /// Registers new patterns in the order of their making, until no rule says anything new.
    pub(super) fn follow(&mut self, mut fresh: VecDeque<u32>) {
        let mut made = Vec::new();
        loop {
            while let Some(next) = fresh.pop_front() {
                made.push(next);
                for slot in self.witness(next) {
                    self.promote(slot, &mut fresh);
                }
            }
            let Some(next) = made.pop() else { return };
            self.take_in_rare(next, &mut fresh);
        }
    }

    /// Puts a new template below a dominant one, or others below its own if that is dominant.
    fn take_in_rare(&mut self, next: u32, fresh: &mut VecDeque<u32>) {
        let top = self.root(next);
        if self.patterns[top as usize].pinned {
            return;
        }
        let others = self.templates_as_long_as(top);
        let pairs: Vec<(u32, u32)> = if !self.is_dominant(top) {
            others.into_iter().filter(|&at| self.is_dominant(at)).map(|at| (top, at)).collect()
        } else if self.scanned.insert(top) {
            others.into_iter().map(|at| (at, top)).collect()
        } else {
            Vec::new()
        };
        for (rare, above) in pairs {
            if self.reads_like(rare, above) {
                self.link(rare, above, fresh);
            }
        }
    }

    fn is_dominant(&self, at: u32) -> bool {
        self.sizes[at as usize] >= DOMINANT_PATTERNS_MIN
    }

    /// Returns the other templates that rules may change, with as many tokens.
    fn templates_as_long_as(&self, top: u32) -> Vec<u32> {
        let len = self.patterns[top as usize].tokens.len();
        let alike = self.by_length.get(&len).into_iter().flatten().copied();
        alike.filter(|&at| at != top && self.patterns[at as usize].parent.is_none()).collect()
    }

    /// Reports whether a pattern differs from another only by names where that has variables.
    fn reads_like(&self, rare: u32, above: u32) -> bool {
        let (rare, above) = (&self.patterns[rare as usize], &self.patterns[above as usize]);
        let differing = || {
            let places = rare.tokens.iter().zip(&above.tokens).enumerate();
            places.filter(|(_, (one, two))| one.hash != two.hash)
        };
        steps::count(rare.tokens.len());
        if differing().any(|(_, (_, two))| two.kind != TokenKind::Wild) {
            return false;
        }
        let words = above.tokens.iter().filter(|token| token.kind == TokenKind::Word).count();
        let named = rare.words();
        words >= WORDS_MIN && differing().all(|(place, _)| Witness::is_name(rare, place, named))
    }

    /// Makes a slot a pattern if its witnesses suffice, and puts them below it; new patterns join
    /// `fresh`.
    pub(super) fn promote(&mut self, hash: u64, fresh: &mut VecDeque<u32>) {
        let Some(slot) = self.slots.get(&hash) else { return };
        let native = self.by_hash.get(&hash).copied();
        let members = slot.members(native.is_some());
        let Some((&first, others)) = members.split_first() else { return };
        let top = match native {
            Some(top) => top,
            None => {
                let first = self.patterns[first as usize].clone();
                let join =
                    |sum: Pattern, &at: &u32| sum.join(&self.patterns[at as usize], self.seed);
                let joined = others.iter().fold(first, join);
                if self.is_between(&joined, &members) {
                    return;
                }
                self.obtain(joined, fresh)
            }
        };
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
