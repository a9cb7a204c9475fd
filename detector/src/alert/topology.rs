//! Which service depends on which, as a file tells it: who is blamed, and who is affected.

use std::collections::{BTreeMap, BTreeSet};

/// What services depend on, directly and through others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    below: BTreeMap<String, BTreeSet<String>>,
}

impl Topology {
    /// Makes it from what each service depends on directly; circles are allowed.
    pub fn new(direct: &BTreeMap<String, Vec<String>>) -> Self {
        let below = direct.keys().map(|service| (service.clone(), reach(direct, service)));
        Self { below: below.collect() }
    }

    /// Tells whether a service depends on another, directly or through others.
    pub fn depends(&self, service: &str, on: &str) -> bool {
        self.below.get(service).is_some_and(|below| below.contains(on))
    }

    /// Returns what a service depends on, directly and through others.
    pub fn below(&self, service: &str) -> impl Iterator<Item = &str> {
        self.below.get(service).into_iter().flatten().map(String::as_str)
    }

    /// Tells whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.below.is_empty()
    }
}

fn reach(direct: &BTreeMap<String, Vec<String>>, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut next = vec![from];
    while let Some(service) = next.pop() {
        for on in direct.get(service).into_iter().flatten() {
            if on != from && found.insert(on.clone()) {
                next.push(on);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependence_reaches_through_others_and_ends_in_circles() {
        let direct = [("shop", vec!["cart"]), ("cart", vec!["db", "shop"])];
        let direct = direct.map(|(service, on)| {
            (service.to_owned(), on.into_iter().map(str::to_owned).collect::<Vec<_>>())
        });
        let topology = Topology::new(&direct.into());
        assert!(topology.depends("shop", "db") && topology.depends("cart", "shop"));
        assert!(!topology.depends("shop", "shop") && !topology.depends("db", "cart"));
        assert_eq!(topology.below("shop").collect::<Vec<_>>(), ["cart", "db"]);
    }
}
