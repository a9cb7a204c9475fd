//! A catalogue on disk and on the wire: its patterns and skeletons, without the indexes.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::TemplateId;
use super::super::pattern::Pattern;
use super::crowded::{Crowded, SavedCrowded};
use super::{Catalogue, CatalogueLimits};

#[derive(Serialize, Deserialize)]
struct Saved {
    service: String,
    limits: CatalogueLimits,
    patterns: Vec<Pattern>,
    /// Skeleton hash and index of its pattern, sorted.
    skeletons: Vec<(u64, u32)>,
    merges: Vec<(TemplateId, TemplateId)>,
    skeletons_overflowed: u64,
    seeds: BTreeMap<usize, Vec<u32>>,
    crowded: Option<SavedCrowded>,
}

impl Catalogue {
    fn to_saved(&self) -> Saved {
        let mut skeletons: Vec<_> = self.skeletons.iter().map(|(&hash, &at)| (hash, at)).collect();
        skeletons.sort_unstable();
        Saved {
            service: self.service.clone(),
            limits: self.limits,
            patterns: self.patterns.clone(),
            skeletons,
            merges: self.merges.clone(),
            skeletons_overflowed: self.skeletons_overflowed,
            seeds: self.seeds.clone(),
            crowded: self.crowded.as_ref().map(Crowded::save),
        }
    }

    fn from_saved(saved: Saved) -> Result<Self, &'static str> {
        let count = saved.patterns.len() as u32;
        let above = |(at, pattern): (usize, &Pattern)| {
            pattern.parent.is_none_or(|parent| parent < count && parent != at as u32)
        };
        if !saved.patterns.iter().enumerate().all(above) {
            return Err("a template points to an alias that is not there");
        }
        if saved.seeds.values().flatten().any(|&at| at >= count) {
            return Err("a seed is not there");
        }
        if saved.skeletons.iter().any(|&(_, at)| at >= count) {
            return Err("a skeleton points to a template that is not there");
        }
        let mut catalogue = Self::new(&saved.service, saved.limits);
        for pattern in saved.patterns {
            let at = catalogue.patterns.len() as u32;
            if !pattern.pinned {
                catalogue.by_hash.insert(pattern.hash, at);
            }
            catalogue.by_id.insert(pattern.id, at);
            catalogue.roots += usize::from(pattern.parent.is_none());
            catalogue.tokens += pattern.tokens.len();
            catalogue.patterns.push(pattern);
        }
        catalogue.skeletons = saved.skeletons.into_iter().collect();
        catalogue.skeletons_overflowed = saved.skeletons_overflowed;
        catalogue.seeds = saved.seeds;
        let patterns = &catalogue.patterns;
        catalogue.crowded = saved.crowded.map(|saved| Crowded::restore(saved, patterns));
        catalogue.index();
        catalogue.merges = saved.merges;
        Ok(catalogue)
    }

    /// Rebuilds what is known of slots and of the patterns right above each, in which every rule
    /// was already followed.
    fn index(&mut self) {
        let count = self.patterns.len() as u32;
        self.sizes = vec![1; self.patterns.len()];
        (0..count).for_each(|at| self.count(at, 1));
        let pinned = |at: u32| self.patterns[at as usize].pinned;
        let learnt: Vec<u32> = (0..count).filter(|&at| !pinned(at)).collect();
        for &at in &learnt {
            let pattern = &self.patterns[at as usize];
            self.by_length.entry(pattern.tokens.len()).or_default().push(at);
            if let Some(above) = pattern.parent.filter(|&above| !pinned(above)) {
                self.uppers.insert(at, vec![above]);
            }
        }
        let touched: Vec<u64> = learnt.into_iter().flat_map(|at| self.witness(at)).collect();
        let mut fresh = VecDeque::new();
        for hash in touched {
            self.promote(hash, &mut fresh);
        }
        self.follow(fresh);
    }
}

impl Serialize for Catalogue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_saved().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Catalogue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_saved(Saved::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl PartialEq for Catalogue {
    fn eq(&self, other: &Self) -> bool {
        self.service == other.service
            && self.limits == other.limits
            && self.patterns == other.patterns
            && self.skeletons == other.skeletons
            && self.merges == other.merges
            && self.seeds == other.seeds
            && self.crowded == other.crowded
            && self.skeletons_overflowed == other.skeletons_overflowed
    }
}
