//! Which service depends on which, as a file tells it: who is blamed, and who is affected.
//!
//! Only what each service depends on directly is kept; what lies beyond is walked when it is asked
//! for, nearest first and [`REACH_MAX`] services far, so that neither a long chain nor a dense
//! graph takes more memory than its file or more time than that.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

/// Services that one depends on, directly and through others, as far as they are walked: further
/// ones are too far away to tell a cause.
const REACH_MAX: usize = 1_000;

/// What services depend on, directly and through others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    names: Vec<String>,
    /// What each depends on directly, by its place in `names`.
    below: Vec<Vec<u32>>,
    /// What depends on each directly.
    above: Vec<Vec<u32>>,
}

impl Topology {
    /// Makes it from what each service depends on directly; circles are allowed.
    pub fn new(direct: &BTreeMap<String, Vec<String>>) -> Self {
        let names: BTreeSet<&String> =
            direct.iter().flat_map(|(name, on)| on.iter().chain([name])).collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let edges = vec![Vec::new(); names.len()];
        let mut topology = Self { names, below: edges.clone(), above: edges };
        for (service, on) in direct {
            let Some(from) = topology.find(service) else { continue };
            for to in on.iter().filter_map(|on| topology.find(on)).collect::<BTreeSet<u32>>() {
                topology.below[from as usize].push(to);
                topology.above[to as usize].push(from);
            }
        }
        topology
    }

    /// Tells whether a service depends on another, directly or through others.
    pub fn depends(&self, service: &str, on: &str) -> bool {
        match (self.find(service), self.find(on)) {
            (Some(from), Some(to)) => reach(&self.below, from).contains(&to),
            _ => false,
        }
    }

    /// Returns what a service depends on, directly and through others, in the order of names.
    pub fn below(&self, service: &str) -> BTreeSet<&str> {
        self.named(&self.below, service)
    }

    /// Returns what depends on a service, directly and through others, in the order of names.
    pub fn above(&self, service: &str) -> BTreeSet<&str> {
        self.named(&self.above, service)
    }

    /// Tells whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn find(&self, name: &str) -> Option<u32> {
        let at = self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()?;
        u32::try_from(at).ok()
    }

    fn named(&self, edges: &[Vec<u32>], service: &str) -> BTreeSet<&str> {
        let reached = self.find(service).map(|from| reach(edges, from)).unwrap_or_default();
        reached.into_iter().map(|at| self.names[at as usize].as_str()).collect()
    }
}

/// Walks from a service, nearest first; returns what was reached in this order, without itself.
fn reach(edges: &[Vec<u32>], from: u32) -> Vec<u32> {
    let mut reached = vec![from];
    let mut seen = FxHashSet::from_iter([from]);
    let mut next = 0;
    while next < reached.len() && reached.len() <= REACH_MAX {
        let room = REACH_MAX + 1 - reached.len();
        let found = edges[reached[next] as usize].iter().filter(|to| seen.insert(**to)).take(room);
        let found: Vec<u32> = found.copied().collect();
        reached.extend(found);
        next += 1;
    }
    reached.remove(0);
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology(direct: impl IntoIterator<Item = (String, Vec<String>)>) -> Topology {
        Topology::new(&direct.into_iter().collect())
    }

    #[test]
    fn dependence_reaches_through_others_and_ends_in_circles() {
        let direct = [("shop", vec!["cart"]), ("cart", vec!["db", "shop"])];
        let topology = topology(direct.map(|(service, on)| {
            (service.to_owned(), on.into_iter().map(str::to_owned).collect::<Vec<_>>())
        }));
        assert!(topology.depends("shop", "db") && topology.depends("cart", "shop"));
        assert!(!topology.depends("shop", "shop") && !topology.depends("db", "cart"));
        assert_eq!(topology.below("shop"), BTreeSet::from(["cart", "db"]));
        assert_eq!(topology.above("db"), BTreeSet::from(["cart", "shop"]));
    }

    #[test]
    fn a_long_chain_takes_no_more_than_its_links_and_is_walked_so_far() {
        let name = |n: usize| format!("s{n:06}");
        let topology = topology((0..50_000).map(|n| (name(n), vec![name(n + 1)])));
        let links: usize = topology.below.iter().map(Vec::len).sum();
        assert_eq!(links, 50_000);
        assert_eq!(topology.below(&name(0)).len(), REACH_MAX);
        assert!(topology.depends(&name(7), &name(900)));
        assert!(!topology.depends(&name(900), &name(7)));
    }

    #[test]
    fn of_a_service_with_many_dependences_the_nearest_are_walked() {
        let leaves = |of: &str| (0..2_000).map(|n| format!("{of}-{n:04}")).collect::<Vec<_>>();
        let hub = [("hub".to_owned(), leaves("a")), ("a-0000".to_owned(), leaves("b"))];
        let topology = topology(hub);
        let below = topology.below("hub");
        assert!(below.len() == REACH_MAX && below.iter().all(|name| name.starts_with("a-")));
    }
}
