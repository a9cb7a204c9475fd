//! The templates of one service: what its skeletons merge to.
//!
//! State is a set of patterns that only grows, each perhaps taken in by one above it. A slot is a
//! pattern with one word left open; the patterns that would fit are its witnesses, and enough of
//! them promote the slot to a pattern of its own ([`evidence`]). Rules look only at sets and are
//! monotone, so the outcome does not hang on the order of skeletons: tests hold that for orders,
//! shards and restarts. Beyond a limit (witnesses of a slot, patterns, templates) the first come
//! are the ones kept, and there order does matter.
//!
//! A pattern is never removed, and what took it in is its alias, so an id that was handed out
//! resolves for ever. It does not know how often a template occurs, nor when.

mod closure;
mod crowded;
mod evidence;
mod limits;
mod pinned;
mod remedy;
mod saved;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::xxh3_64;

use self::crowded::Crowded;
use self::evidence::Witness;
pub use self::limits::CatalogueLimits;
pub use self::pinned::SeedError;
pub use self::remedy::Remedy;
use self::slot::Slot;
use super::TemplateId;
use super::extract;
use super::pattern::Pattern;

/// Bytes of a small entry of a hash map, its share of what is kept free included.
const MAP_ENTRY_BYTES: usize = 24;

/// What became of a skeleton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Seen before.
    Known,
    /// Seen for the first time, and joined a template that was there.
    NewSkeleton,
    /// Seen for the first time, and like nothing before.
    NewTemplate,
    /// Beyond the limits: a coarse template or the overflow bucket.
    Overflow,
}

/// The template that a skeleton belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Canonical at the time of the call; later merges leave it an alias.
    pub id: TemplateId,
    /// How the skeleton came to it.
    pub kind: Kind,
}

/// The templates of one service and everything needed to go on merging.
#[derive(Clone, Debug)]
pub struct Catalogue {
    service: String,
    seed: u64,
    limits: CatalogueLimits,
    patterns: Vec<Pattern>,
    by_hash: FxHashMap<u64, u32>,
    by_id: BTreeMap<TemplateId, u32>,
    skeletons: FxHashMap<u64, u32>,
    slots: FxHashMap<u64, Slot>,
    /// The patterns right above each pattern, sorted.
    uppers: FxHashMap<u32, Vec<u32>>,
    /// How many patterns each has below it, with itself.
    sizes: Vec<u32>,
    /// The patterns of so many tokens.
    by_length: FxHashMap<usize, Vec<u32>>,
    /// Templates that have taken in what reads like them.
    scanned: FxHashSet<u32>,
    roots: usize,
    /// Tokens of all patterns.
    tokens: usize,
    merges: Vec<(TemplateId, TemplateId)>,
    skeletons_overflowed: u64,
    /// What helps once there is no room.
    crowded: Option<Crowded>,
    /// Counts what may have changed a template.
    revision: u64,
    /// Templates that were written down, by their number of tokens.
    seeds: BTreeMap<usize, Vec<u32>>,
}

impl Catalogue {
    /// Makes an empty catalogue; the name of the service is part of every id.
    pub fn new(service: &str, limits: CatalogueLimits) -> Self {
        Self {
            service: service.to_owned(),
            seed: xxh3_64(service.as_bytes()),
            limits,
            patterns: Vec::new(),
            by_hash: FxHashMap::default(),
            by_id: BTreeMap::new(),
            skeletons: FxHashMap::default(),
            slots: FxHashMap::default(),
            uppers: FxHashMap::default(),
            sizes: Vec::new(),
            by_length: FxHashMap::default(),
            scanned: FxHashSet::default(),
            roots: 0,
            tokens: 0,
            merges: Vec::new(),
            skeletons_overflowed: 0,
            crowded: None,
            revision: 0,
            seeds: BTreeMap::new(),
        }
    }

    /// Returns the template of a skeleton, learning it if it is new. O(1) for a known one.
    pub fn assign(&mut self, hash: u64, skeleton: &str) -> Assignment {
        if let Some(id) = self.find(hash) {
            return Assignment { id, kind: Kind::Known };
        }
        let outline = self.outline(skeleton);
        if let Some(at) = outline.and_then(|outline| self.crowded.as_ref()?.find(outline)) {
            self.skeletons_overflowed += 1;
            return Assignment {
                id: self.patterns[self.root(at) as usize].id,
                kind: Kind::Overflow,
            };
        }
        self.revision += 1;
        let pattern = Pattern::parse(skeleton, self.seed);
        let before = self.patterns.len();
        let known = self.by_hash.contains_key(&pattern.hash);
        let (at, overflowed) = self.place(pattern);
        if self.skeletons.len() < self.limits.skeletons_max {
            self.skeletons.insert(hash, at);
        }
        if let (Some(outline), Some(crowded)) = (outline, &mut self.crowded) {
            crowded.remember(outline, at);
        }
        let id = self.patterns[self.root(at) as usize].id;
        let grew = self.patterns.len() > before && self.root(at) as usize >= before;
        let kind = match (overflowed, known || !grew) {
            (true, _) => Kind::Overflow,
            (false, true) => Kind::NewSkeleton,
            (false, false) => Kind::NewTemplate,
        };
        Assignment { id, kind }
    }

    /// Returns the template of a skeleton seen before.
    pub fn find(&self, hash: u64) -> Option<TemplateId> {
        let at = *self.skeletons.get(&hash)?;
        Some(self.patterns[self.root(at) as usize].id)
    }

    /// Returns the template that took this one in, or the id itself.
    pub fn resolve(&self, id: TemplateId) -> TemplateId {
        self.by_id.get(&id).map_or(id, |&at| self.patterns[self.root(at) as usize].id)
    }

    /// Returns the text of a template, with `<*>` for variables; empty for an id never given.
    pub fn text(&self, id: TemplateId) -> String {
        self.by_id
            .get(&id)
            .map_or_else(String::new, |&at| self.patterns[self.root(at) as usize].text())
    }

    /// Returns the merges since the last call as alias and canonical id, oldest first.
    pub fn take_merges(&mut self) -> Vec<(TemplateId, TemplateId)> {
        let merges = std::mem::take(&mut self.merges);
        let mut last = BTreeMap::new();
        for (alias, _) in merges {
            last.insert(alias, self.resolve(alias));
        }
        last.into_iter().filter(|(alias, into)| alias != into).collect()
    }

    /// Returns a number that grows whenever a template may have changed: as long as it stays, ids
    /// resolve to the same ids and those have the same texts.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes in what another shard learnt of the same service.
    pub fn merge(&mut self, other: &Self) {
        self.revision += 1;
        for pattern in other.patterns.iter().filter(|pattern| !pattern.pinned) {
            let (at, _) = self.place(Pattern { parent: None, ..pattern.clone() });
            if let Some(parent) = pattern.parent {
                let parent = &other.patterns[parent as usize];
                let (above, _) = self.place(Pattern { parent: None, ..parent.clone() });
                self.unite(at, above);
            }
        }
        let mut skeletons: Vec<_> = other.skeletons.iter().collect();
        skeletons.sort_unstable();
        for (&hash, &at) in skeletons {
            let target = self.by_hash.get(&other.patterns[at as usize].hash).copied();
            if let Some(target) = target
                && self.skeletons.len() < self.limits.skeletons_max
            {
                self.skeletons.entry(hash).or_insert(target);
            }
        }
        self.skeletons_overflowed = self.skeletons_overflowed.max(other.skeletons_overflowed);
    }

    /// Returns the values that content has at the wildcards of a template.
    pub fn variables<'a>(
        &self,
        id: TemplateId,
        content: &'a [u8],
    ) -> Vec<std::borrow::Cow<'a, str>> {
        extract::values(&self.text(id), content)
    }

    /// Returns the service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the number of skeletons remembered.
    pub fn skeletons(&self) -> usize {
        self.skeletons.len()
    }

    /// Returns the number of templates.
    pub fn len(&self) -> usize {
        self.roots
    }

    /// Reports whether nothing was learnt yet.
    pub fn is_empty(&self) -> bool {
        self.roots == 0
    }

    /// Returns the templates in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (TemplateId, String)> + '_ {
        self.by_id.iter().filter_map(|(&id, &at)| {
            let pattern = &self.patterns[at as usize];
            pattern.parent.is_none().then(|| (id, pattern.text()))
        })
    }

    /// Returns the aliases in the order of their ids, each with the template that took it in.
    pub fn aliases(&self) -> impl Iterator<Item = (TemplateId, TemplateId)> + '_ {
        self.by_id.iter().filter_map(|(&id, &at)| {
            let root = self.root(at);
            (root != at).then(|| (id, self.patterns[root as usize].id))
        })
    }

    /// Returns the bytes held, near enough.
    pub fn bytes_used(&self) -> usize {
        let patterns: usize = self.patterns.iter().map(Pattern::bytes_used).sum();
        let slots: usize =
            self.slots.values().map(|slot| slot.bytes_used() + MAP_ENTRY_BYTES).sum();
        let entries = self.skeletons.len() + 4 * self.patterns.len() + self.uppers.len();
        patterns + slots + entries * MAP_ENTRY_BYTES
    }

    /// Returns how many skeletons came after the limit on templates was reached.
    pub fn overflowed(&self) -> u64 {
        self.skeletons_overflowed
    }

    /// Finds or makes the pattern, or a coarser one beyond the limits.
    fn place(&mut self, pattern: Pattern) -> (u32, bool) {
        if let Some(&at) = self.by_hash.get(&pattern.hash) {
            self.spell(at, &pattern);
            return (at, false);
        }
        if let Some(at) = self.seed_of(&pattern).or_else(|| self.absorbed(&pattern)) {
            return (at, false);
        }
        if self.has_room() {
            return (self.insert(pattern), false);
        }
        self.skeletons_overflowed += 1;
        (self.place_coarsely(&pattern), true)
    }

    /// Returns the outline of a skeleton where there is no room for more templates.
    fn outline(&mut self, skeleton: &str) -> Option<u64> {
        if self.has_room() {
            return None;
        }
        let crowded = self.crowded.get_or_insert_with(|| Crowded::new(&self.patterns));
        Some(crowded.outline(skeleton))
    }

    fn has_room(&self) -> bool {
        self.roots < self.limits.templates_max
            && self.patterns.len() < self.limits.patterns_max()
            && self.tokens < limits::TOKENS_MAX
    }

    fn place_coarsely(&mut self, pattern: &Pattern) -> u32 {
        let coarse = Pattern::parse(&limits::coarse_text(pattern), self.seed);
        if let Some(&at) = self.by_hash.get(&coarse.hash) {
            return at;
        }
        let coarse = if self.roots < self.limits.roots_max() {
            coarse
        } else {
            Pattern::parse(limits::OVERFLOW_TEXT, self.seed)
        };
        self.by_hash.get(&coarse.hash).copied().unwrap_or_else(|| self.store(coarse))
    }

    /// Adds the spellings of an equal pattern, there and everywhere above.
    fn spell(&mut self, at: u32, pattern: &Pattern) {
        let mut at = Some(at);
        while let Some(here) = at.filter(|&here| !self.patterns[here as usize].pinned) {
            self.patterns[here as usize].absorb(pattern);
            at = self.patterns[here as usize].parent;
        }
    }

    /// Puts a new pattern under slots that have seen their fill of values, or where there is no room
    /// for it, without keeping it.
    fn absorbed(&mut self, pattern: &Pattern) -> Option<u32> {
        let (values_max, has_room) = (self.limits.values_per_position_max, self.has_room());
        let fits: Vec<u32> = Witness::of(pattern, 0)
            .iter()
            .filter_map(|witness| {
                let slot = self.slots.get(&witness.slot)?;
                let native = self.by_hash.contains_key(&witness.slot);
                let wants = slot.is_full(values_max) || !has_room;
                let takes = wants && slot.takes(witness, native);
                slot.promoted.filter(|_| takes)
            })
            .filter(|&at| self.patterns[at as usize].tokens.len() == pattern.tokens.len())
            .collect();
        let (&first, others) = fits.split_first()?;
        self.spell(first, pattern);
        for &other in others.iter().filter(|_| has_room) {
            self.unite(first, other);
        }
        Some(self.root(first))
    }

    fn store(&mut self, pattern: Pattern) -> u32 {
        let at = self.patterns.len() as u32;
        self.by_hash.insert(pattern.hash, at);
        self.by_id.insert(pattern.id, at);
        self.by_length.entry(pattern.tokens.len()).or_default().push(at);
        self.tokens += pattern.tokens.len();
        self.patterns.push(pattern);
        self.sizes.push(1);
        self.roots += 1;
        at
    }

    /// Stores a pattern and follows every promotion that it causes.
    fn insert(&mut self, pattern: Pattern) -> u32 {
        let at = self.store(pattern);
        self.follow(VecDeque::from([at]));
        at
    }

    /// Registers a pattern at the slots it fits; returns the slots to look at again.
    fn witness(&mut self, at: u32) -> Vec<u64> {
        let pattern = &self.patterns[at as usize];
        let mut touched = vec![pattern.hash];
        for witness in Witness::of(pattern, at) {
            let slot = self.slots.entry(witness.slot).or_default();
            touched.push(witness.slot);
            slot.add(witness, self.limits.values_per_position_max);
        }
        touched
    }

    fn root(&self, mut at: u32) -> u32 {
        while let Some(parent) = self.patterns[at as usize].parent {
            at = parent;
        }
        at
    }
}
