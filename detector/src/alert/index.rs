//! Where to look for the cluster that something belongs to, without walking through all of them.
//!
//! It is made of the clusters and says nothing that they do not: it is not kept, but made anew
//! after a restart. Whoever changes a cluster takes it out before and puts it in after, as far as
//! its times go; what a cluster holds only grows, until it is dropped.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::time::Timestamp;

use super::cluster::{Clock, Cluster};
use super::external::hash;
use super::settings::AlertSettings;
use super::weight::tokens_of;

type Serials = BTreeSet<u64>;

/// Clusters by what they hold and when something of them is due.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    fingerprints: FxHashMap<u64, Serials>,
    services: FxHashMap<u64, Serials>,
    hosts: FxHashMap<u64, Serials>,
    tokens: FxHashMap<u64, Serials>,
    /// By whether they are open, and the time of their last evidence.
    lasts: [BTreeSet<(Timestamp, u64)>; 2],
    /// By when alerts of other systems last brought news.
    news: BTreeSet<(Timestamp, u64)>,
    /// By clock, and when something of them is due by it.
    due: [BTreeSet<(Timestamp, u64)>; 2],
    times: FxHashMap<u64, Times>,
    unsent: BTreeSet<(u64, u64)>,
}

/// The times under which a cluster is found.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Times {
    last: Timestamp,
    is_open: bool,
    news: Option<Timestamp>,
    due: (Clock, Timestamp),
    weight: u64,
}

impl Index {
    /// Makes the index of clusters.
    pub(super) fn of(clusters: &BTreeMap<u64, Cluster>, settings: &AlertSettings) -> Self {
        let mut index = Self::default();
        for (serial, cluster) in clusters {
            index.restore(*serial, cluster, settings);
        }
        index
    }

    /// Puts a cluster in under its times, in place of those that it had.
    pub(super) fn put(&mut self, serial: u64, cluster: &Cluster, settings: &AlertSettings) {
        let times = Times {
            last: cluster.last_at,
            is_open: cluster.is_open,
            news: (cluster.externals.count > 0).then_some(cluster.externals.news_at),
            due: cluster.due(settings),
            // The bits of a weight, which is not negative, are ordered as it is.
            weight: cluster.weight().to_bits(),
        };
        if self.times.get(&serial) == Some(&times) {
            return;
        }
        self.take(serial);
        self.lasts[usize::from(times.is_open)].insert((times.last, serial));
        if let Some(news) = times.news {
            self.news.insert((news, serial));
        }
        self.due[times.due.0 as usize].insert((times.due.1, serial));
        if !times.is_open {
            self.unsent.insert((times.weight, serial));
        }
        self.times.insert(serial, times);
    }

    fn take(&mut self, serial: u64) {
        let Some(times) = self.times.remove(&serial) else { return };
        self.lasts[usize::from(times.is_open)].remove(&(times.last, serial));
        if let Some(news) = times.news {
            self.news.remove(&(news, serial));
        }
        self.due[times.due.0 as usize].remove(&(times.due.1, serial));
        self.unsent.remove(&(times.weight, serial));
    }

    /// Puts a cluster in that was dropped before.
    pub(super) fn restore(&mut self, serial: u64, cluster: &Cluster, settings: &AlertSettings) {
        self.put(serial, cluster, settings);
        self.hold(serial, cluster);
    }

    /// Finds a cluster by everything that it holds.
    fn hold(&mut self, serial: u64, cluster: &Cluster) {
        for fingerprint in cluster.fingerprints() {
            self.hold_fingerprint(serial, fingerprint);
        }
        cluster.services.keys().for_each(|service| self.hold_service(serial, service));
        cluster.hosts.iter().for_each(|host| self.hold_host(serial, host));
        cluster.tokens.iter().for_each(|tokens| self.hold_tokens(serial, tokens));
    }

    pub(super) fn hold_fingerprint(&mut self, serial: u64, fingerprint: &str) {
        self.fingerprints.entry(hash(&[fingerprint])).or_default().insert(serial);
    }

    pub(super) fn hold_service(&mut self, serial: u64, service: &str) {
        self.services.entry(hash(&[service])).or_default().insert(serial);
    }

    pub(super) fn hold_host(&mut self, serial: u64, host: &str) {
        self.hosts.entry(hash(&[host])).or_default().insert(serial);
    }

    pub(super) fn hold_tokens(&mut self, serial: u64, tokens: &BTreeSet<String>) {
        for token in tokens {
            self.tokens.entry(hash(&[token])).or_default().insert(serial);
        }
    }

    /// Drops a cluster.
    pub(super) fn drop(&mut self, serial: u64, cluster: &Cluster) {
        self.take(serial);
        for fingerprint in cluster.fingerprints() {
            forget(&mut self.fingerprints, fingerprint, serial);
        }
        cluster.services.keys().for_each(|name| forget(&mut self.services, name, serial));
        cluster.hosts.iter().for_each(|name| forget(&mut self.hosts, name, serial));
        cluster.tokens.iter().flatten().for_each(|name| forget(&mut self.tokens, name, serial));
    }

    /// Clusters that hold the condition of an anomaly.
    pub(super) fn with_fingerprint(&self, fingerprint: &str) -> impl Iterator<Item = u64> + '_ {
        named(&self.fingerprints, fingerprint)
    }

    /// Clusters with a service.
    pub(super) fn with_service(&self, service: &str) -> impl Iterator<Item = u64> + '_ {
        named(&self.services, service)
    }

    /// Clusters with a host.
    pub(super) fn with_host(&self, host: &str) -> impl Iterator<Item = u64> + '_ {
        named(&self.hosts, host)
    }

    /// Clusters that may hold a template of which three fifths of the words are those of a text.
    ///
    /// Such a one shares three fifths of the text's words, so of the rarest two fifths and one more
    /// it shares one (prefix filtering; Chaudhuri et al., ICDE 2006).
    pub(super) fn with_words_of(&self, text: &str) -> Serials {
        let words = tokens_of(text);
        let mut found: Vec<Option<&Serials>> =
            words.iter().map(|word| self.tokens.get(&hash(&[word]))).collect();
        found.sort_by_key(|serials| serials.map_or(0, BTreeSet::len));
        let most = words.len() - (words.len() * 3).div_ceil(5) + 1;
        found.into_iter().take(most).flatten().flatten().copied().collect()
    }

    /// The cluster that had evidence last, open ones first, if that is not before a time.
    pub(super) fn latest_since(&self, since: Timestamp) -> Option<u64> {
        let latest = |lasts: &BTreeSet<(Timestamp, u64)>| {
            lasts.last().filter(|(last, _)| *last >= since).map(|(_, serial)| *serial)
        };
        latest(&self.lasts[1]).or_else(|| latest(&self.lasts[0]))
    }

    /// Clusters to which alerts of other systems brought news since a time, the latest first.
    pub(super) fn news_since(&self, since: Timestamp) -> impl Iterator<Item = u64> + '_ {
        self.news.range((since, 0)..).rev().map(|(_, serial)| *serial)
    }

    /// The cluster of which something is due first by a clock, and when.
    pub(super) fn next_due(&self, clock: Clock) -> Option<(Timestamp, u64)> {
        self.due[clock as usize].first().copied()
    }

    /// The lightest cluster that was not sent.
    pub(super) fn lightest_unsent(&self) -> Option<u64> {
        self.unsent.first().map(|(_, serial)| *serial)
    }
}

fn named<'a>(of: &'a FxHashMap<u64, Serials>, name: &str) -> impl Iterator<Item = u64> + 'a {
    of.get(&hash(&[name])).into_iter().flatten().copied()
}

fn forget(of: &mut FxHashMap<u64, Serials>, name: &str, serial: u64) {
    let key = hash(&[name]);
    if let Some(serials) = of.get_mut(&key) {
        serials.remove(&serial);
        if serials.is_empty() {
            of.remove(&key);
        }
    }
}
