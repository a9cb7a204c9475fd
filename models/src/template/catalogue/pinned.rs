//! Templates that no rule changes or takes in: seeds, which a team has written down, and those
//! that an upstream collector has found.
//!
//! A seed is looked at before the rules are: a skeleton that fits it belongs to it and leaves no
//! other trace, so seeds do not disturb what is learnt beside them, in whatever order it comes.
//! Of several that fit, the one with most constants counts, of those the least id.

use std::cmp::Reverse;

use xxhash_rust::xxh3::xxh3_64;

use super::{Assignment, Catalogue, Kind};
use crate::template::pattern::{Pattern, Token, TokenKind};
use crate::template::{Skeleton, TemplateId, WILDCARD, mask};

/// Why a text cannot be a seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// It holds what is masked in every line.
    #[error("no line has the template `{text}`: it is masked to `{masked}`")]
    Unreachable {
        /// The text as given.
        text: String,
        /// What lines like it become.
        masked: String,
    },
    /// Another template has the id.
    #[error("id {id} belongs to `{text}` already")]
    Taken {
        /// The id.
        id: TemplateId,
        /// The text of the other template.
        text: String,
    },
    /// The same shape is a seed under another id.
    #[error("the template `{text}` is given twice, as {first} and as {second}")]
    Twice {
        /// The text.
        text: String,
        /// Id that it has.
        first: TemplateId,
        /// Id that it was to get.
        second: TemplateId,
    },
}

impl Catalogue {
    /// Makes a text a template for good, under the given id or the one that its shape gives.
    /// What is known already and fits it becomes an alias of it. Doing it again changes nothing.
    ///
    /// # Errors
    /// Where no line could ever have the template, or its id or shape is taken.
    pub fn seed(&mut self, id: Option<TemplateId>, text: &str) -> Result<TemplateId, SeedError> {
        let pattern = Pattern::parse(text, self.seed);
        check_reachable(&pattern, text, self.seed)?;
        let id = id.unwrap_or(pattern.id);
        let same = |at: &u32| self.patterns[*at as usize].hash == pattern.hash;
        let alike = self.seeds.get(&pattern.tokens.len()).into_iter().flatten();
        if let Some(&at) = alike.clone().find(|at| same(at)) {
            let first = self.patterns[at as usize].id;
            let text = text.to_owned();
            return match first == id {
                true => Ok(id),
                false => Err(SeedError::Twice { text, first, second: id }),
            };
        }
        let known = self.by_id.get(&id).map(|&at| &self.patterns[at as usize]);
        if let Some(known) = known.filter(|known| known.hash != pattern.hash || known.pinned) {
            return Err(SeedError::Taken { id, text: known.text() });
        }
        let at = self.store_pinned(Pattern { id, ..pattern });
        self.take_in(at);
        Ok(id)
    }

    /// Reports whether a template was written down as a seed.
    pub fn is_seed(&self, id: TemplateId) -> bool {
        self.by_id.get(&id).is_some_and(|at| {
            let tokens = self.patterns[*at as usize].tokens.len();
            self.seeds.get(&tokens).is_some_and(|seeds| seeds.contains(at))
        })
    }

    /// Returns the template of a text that an upstream collector has found: that text as it is.
    pub fn assign_given(&mut self, hash: u64, text: &str) -> Assignment {
        if let Some(id) = self.find(hash) {
            return Assignment { id, kind: Kind::Known };
        }
        if !self.has_room() {
            return self.assign(hash, text);
        }
        let token = Token { hash: xxh3_64(text.as_bytes()), ..Token::word(text, false) };
        let pattern = Pattern::whole(token, self.seed);
        let known = self.by_id.get(&pattern.id).copied();
        let at = known.unwrap_or_else(|| self.store_pinned(pattern));
        if self.skeletons.len() < self.limits.skeletons_max {
            self.skeletons.insert(hash, at);
        }
        let kind = if known.is_some() { Kind::NewSkeleton } else { Kind::NewTemplate };
        Assignment { id: self.patterns[at as usize].id, kind }
    }

    /// Finds the seed that a pattern fits.
    pub(super) fn seed_of(&self, pattern: &Pattern) -> Option<u32> {
        let seeds = self.seeds.get(&pattern.tokens.len())?.iter();
        let fits = seeds.filter(|&&at| fits(pattern, &self.patterns[at as usize]));
        fits.copied().min_by_key(|&at| {
            let seed = &self.patterns[at as usize];
            (Reverse(constants(seed)), seed.id)
        })
    }

    fn store_pinned(&mut self, pattern: Pattern) -> u32 {
        self.revision += 1;
        let at = self.patterns.len() as u32;
        self.by_id.insert(pattern.id, at);
        self.tokens += pattern.tokens.len();
        self.patterns.push(Pattern { pinned: true, ..pattern });
        self.sizes.push(1);
        self.roots += 1;
        at
    }

    /// Makes a pinned pattern a seed, above what is known already and fits.
    fn take_in(&mut self, at: u32) {
        let seed = self.patterns[at as usize].clone();
        self.seeds.entry(seed.tokens.len()).or_default().push(at);
        for other in 0..at {
            let known = &self.patterns[other as usize];
            let above = known.parent.map(|parent| &self.patterns[parent as usize]);
            let is_settled = above.is_some_and(|above| above.pinned || fits(above, &seed));
            if known.pinned || is_settled || !fits(known, &seed) {
                continue;
            }
            if known.parent.is_none() {
                self.merges.push((known.id, seed.id));
                self.roots -= 1;
            }
            let (size, mut above) = (self.sizes[other as usize], known.parent);
            while let Some(here) = above {
                self.sizes[here as usize] -= size;
                above = self.patterns[here as usize].parent;
            }
            self.patterns[other as usize].parent = Some(at);
            self.count(other, size);
        }
    }
}

fn fits(pattern: &Pattern, seed: &Pattern) -> bool {
    pattern.tokens.len() == seed.tokens.len()
        && pattern
            .tokens
            .iter()
            .zip(&seed.tokens)
            .all(|(token, seed)| seed.kind == TokenKind::Wild || seed.hash == token.hash)
}

fn constants(pattern: &Pattern) -> usize {
    pattern.tokens.iter().filter(|token| token.kind != TokenKind::Wild).count()
}

/// A line with a word at each wildcard must be masked to something that fits.
fn check_reachable(pattern: &Pattern, text: &str, seed: u64) -> Result<(), SeedError> {
    let mut skeleton = Skeleton::new();
    mask(text.as_bytes(), &mut skeleton);
    let masked = skeleton.text().to_owned();
    if masked == text || fits(&Pattern::parse(&masked, seed), pattern) {
        return Ok(());
    }
    let line = text.replace(WILDCARD, "7");
    mask(line.as_bytes(), &mut skeleton);
    if fits(&Pattern::parse(skeleton.text(), seed), pattern) {
        return Ok(());
    }
    Err(SeedError::Unreachable { text: text.to_owned(), masked })
}

#[cfg(test)]
mod tests;
