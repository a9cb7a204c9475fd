//! The rules that make patterns of patterns, followed until they say nothing new.
//!
//! A slot with enough witnesses is a pattern above them. Two patterns above one and the same have
//! their least common one above both. Both rules only add and neither looks at what was merged so
//! far, so the patterns are the least fixpoint of the skeletons, and from each pattern every way
//! up ends at the same one: its template.

use std::collections::VecDeque;

use super::Catalogue;
use crate::template::pattern::Pattern;

/// Patterns right above one beyond which not every two are joined; there, order matters.
const UPPERS_MAX: usize = 8;

impl Catalogue {
    /// Makes a slot a pattern if its witnesses suffice, and puts them below it; new patterns join
    /// `fresh`.
    pub(super) fn promote(&mut self, hash: u64, fresh: &mut VecDeque<u32>) {
        let Some(slot) = self.slots.get(&hash) else { return };
        let native = self.by_hash.get(&hash).copied();
        let members = slot.members(native.is_some());
        let Some((&first, others)) = members.split_first() else { return };
        let top = native.unwrap_or_else(|| {
            let first = self.patterns[first as usize].clone();
            let join = |sum: Pattern, &at: &u32| sum.join(&self.patterns[at as usize], self.seed);
            let joined = others.iter().fold(first, join);
            self.obtain(joined, fresh)
        });
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
        let top = self.obtain(joined, fresh);
        self.link(a, top, fresh);
        self.link(b, top, fresh);
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
        let others = if uppers.len() < UPPERS_MAX { uppers.clone() } else { uppers[..1].to_vec() };
        uppers.insert(position, above);
        let spelled = self.patterns[below as usize].clone();
        self.spell(above, &spelled);
        if spelled.parent.is_none() {
            self.patterns[below as usize].parent = Some(above);
            self.roots -= 1;
            self.merges.push((spelled.id, self.patterns[above as usize].id));
        }
        for other in others {
            self.join_above(above, other, fresh);
        }
    }
}
