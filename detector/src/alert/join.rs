//! Which cluster something belongs to, by the strongest bond there is.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::anomaly::Anomaly;
use crate::time::Timestamp;

use super::cluster::Cluster;
use super::external::Incoming;
use super::weight::{fingerprint_of, tokens_of};
use super::{Alert, Reason};

/// Alerts of other systems that are news belong to what began within `FORMING` and had news within
/// `NEAR` on the same host; elsewhere, to what had news within `NEXT`.
const FORMING: Duration = Duration::from_secs(30);
const NEAR: Duration = Duration::from_secs(10);
const NEXT: Duration = Duration::from_secs(2);

/// A cluster and the bond to it; of equal bonds, an open and a recent one is greater.
type Bond = (Reverse<Reason>, bool, Timestamp, u64);

impl Alert {
    /// Finds the active cluster that an anomaly belongs to.
    pub(super) fn find(&self, anomaly: &Anomaly) -> Option<(u64, Reason)> {
        let fingerprint = fingerprint_of(anomaly);
        let among = |serials: &mut dyn Iterator<Item = u64>| {
            let bonds = serials.filter_map(|serial| {
                let cluster = &self.state.clusters[&serial];
                Some(rank(self.bond(cluster, anomaly, &fingerprint)?, cluster, serial))
            });
            bonds.max()
        };
        let text = anomaly.template.as_ref().map(|template| template.text.as_str());
        let host = anomaly.host.as_deref();
        among(&mut self.index.with_fingerprint(&fingerprint))
            .or_else(|| among(&mut self.index.with_service(&anomaly.service)))
            .into_iter()
            .chain(text.and_then(|text| among(&mut self.index.with_words_of(text).into_iter())))
            .chain(host.and_then(|host| among(&mut self.index.with_host(host))))
            .chain(among(
                &mut self.index.latest_since(anomaly.at - self.settings.join_gap).into_iter(),
            ))
            .max()
            .map(|(reason, _, _, serial)| (serial, reason.0))
    }

    /// Tells what binds an anomaly to a cluster.
    pub(super) fn bond(
        &self,
        cluster: &Cluster,
        anomaly: &Anomaly,
        fingerprint: &str,
    ) -> Option<Reason> {
        let gap = anomaly.at.since(cluster.last_at);
        if cluster.holds(fingerprint) {
            return Some(Reason::SameFingerprint);
        }
        // One that only waits for what was missed does not take in what else goes wrong meanwhile.
        let is_same_wait = cluster.lasts_until().is_some() && anomaly.lasts_until.is_some();
        let is_alive =
            anomaly.at <= cluster.last_at + cluster.quiet(&self.settings) || is_same_wait;
        if is_alive && cluster.services.contains_key(&anomaly.service) {
            return Some(Reason::SameService);
        }
        let text = anomaly.template.as_ref().map(|template| template.text.as_str());
        if is_alive && text.is_some_and(|text| cluster.resembles(text)) {
            return Some(Reason::SimilarTemplate);
        }
        let same_host = anomaly.host.as_ref().is_some_and(|host| cluster.hosts.contains(host));
        if same_host && gap <= self.settings.join_gap * 2 {
            return Some(Reason::SameHost);
        }
        (gap <= self.settings.join_gap).then_some(Reason::CloseInTime)
    }

    /// Keeps a cluster to be found by what an anomaly brought.
    pub(super) fn index_anomaly(&mut self, serial: u64, anomaly: &Anomaly) {
        let Some(cluster) = self.state.clusters.get(&serial) else { return };
        let fingerprint = fingerprint_of(anomaly);
        if cluster.holds(&fingerprint) {
            self.index.hold_fingerprint(serial, &fingerprint);
        }
        self.index.hold_service(serial, &anomaly.service);
        if let Some(host) = anomaly.host.as_ref().filter(|host| cluster.hosts.contains(*host)) {
            self.index.hold_host(serial, host);
        }
        let tokens = anomaly.template.as_ref().map(|template| tokens_of(&template.text));
        if let Some(tokens) = tokens.filter(|tokens| cluster.tokens.contains(tokens)) {
            self.index.hold_tokens(serial, &tokens);
        }
    }

    /// Finds the active cluster that an alert of another system belongs to which is news.
    pub(super) fn find_for(&self, incoming: &Incoming<'_>) -> Option<(u64, Reason)> {
        let (place, host) = (incoming.alert.place(), incoming.alert.host.as_deref().unwrap_or(""));
        let with = self.index.with_service(place).chain(self.index.with_host(host));
        let elsewhere = &self.state.elsewhere;
        let partners = elsewhere.together.partners(incoming.name, incoming.at);
        let name = elsewhere.by_name.get(&incoming.name).copied();
        let recent = self.index.news_since(incoming.at - self.settings.join_gap);
        let bonds = with.chain(name).chain(recent).filter_map(|serial| {
            let cluster = self.state.clusters.get(&serial)?;
            Some(rank(self.bond_with(cluster, incoming, &partners)?, cluster, serial))
        });
        bonds.max().map(|(reason, _, _, serial)| (serial, reason.0))
    }

    /// Tells what binds an alert of another system that is news to a cluster.
    pub(super) fn bond_with(
        &self,
        cluster: &Cluster,
        incoming: &Incoming<'_>,
        partners: &BTreeSet<u64>,
    ) -> Option<Reason> {
        let (alert, at, known) = (incoming.alert, incoming.at, &cluster.externals);
        let quiet = at.since(cluster.last_at);
        let is_here = cluster.services.contains_key(alert.place());
        let host = alert.host.as_deref().unwrap_or("");
        let same_host = is_here || cluster.hosts.contains(host);
        let is_told = cluster.has_logs() && quiet <= cluster.quiet(&self.settings);
        let names_service = !alert.service.is_empty();
        if is_here && (is_told || (names_service && quiet <= self.settings.join_gap)) {
            return Some(Reason::SameService);
        }
        if same_host && is_told {
            return Some(Reason::SameHost);
        }
        if known.count == 0 {
            let gap = self.settings.join_gap;
            let is_bound = quiet <= gap && self.depend_on_each_other(cluster, alert.place());
            return is_bound.then_some(Reason::DependencyFails);
        }
        let (gap, age) = (at.since(known.news_at), at.since(known.formed_at));
        if same_host && gap <= NEAR && age <= FORMING {
            return Some(Reason::SameHost);
        }
        if quiet <= self.settings.resolve_after && self.had_it_last(cluster, incoming.name) {
            return Some(Reason::SameName);
        }
        let is_near = gap <= self.settings.join_gap;
        if is_near && partners.iter().any(|partner| known.names.contains(partner)) {
            return Some(Reason::ComeTogether);
        }
        if is_near && self.depend_on_each_other(cluster, alert.place()) {
            return Some(Reason::DependencyFails);
        }
        (gap <= NEXT && age <= self.settings.join_gap).then_some(Reason::CloseInTime)
    }

    /// Tells whether the last alert of a name went to this cluster.
    fn had_it_last(&self, cluster: &Cluster, name: u64) -> bool {
        let serial = self.state.elsewhere.by_name.get(&name);
        serial
            .and_then(|serial| self.state.clusters.get(serial))
            .is_some_and(|last| last.id == cluster.id)
    }

    fn depend_on_each_other(&self, cluster: &Cluster, place: &str) -> bool {
        if self.topology.is_empty() {
            return false;
        }
        let (below, above) = (self.topology.below(place), self.topology.above(place));
        let mut services = cluster.services.keys().map(String::as_str);
        services.any(|service| below.contains(service) || above.contains(service))
    }

    /// The open alert that was active where news comes up which is not held to belong to it.
    pub(super) fn followed_by(&self, incoming: &Incoming<'_>) -> Option<String> {
        let (place, host) = (incoming.alert.place(), incoming.alert.host.as_deref().unwrap_or(""));
        let since = incoming.at - self.settings.resolve_after;
        let mut lately = self.index.news_since(since).map(|serial| &self.state.clusters[&serial]);
        let is_there = |cluster: &&Cluster| {
            cluster.is_open
                && (cluster.services.contains_key(place) || cluster.hosts.contains(host))
        };
        lately.find(is_there).map(|cluster| cluster.id.clone())
    }
}

fn rank(reason: Reason, cluster: &Cluster, serial: u64) -> Bond {
    (Reverse(reason), cluster.is_open, cluster.last_at, serial)
}

impl Cluster {
    /// Tells whether a template shares at least three fifths of its words with one of the cluster.
    fn resembles(&self, text: &str) -> bool {
        let tokens = tokens_of(text);
        self.tokens.iter().any(|known| {
            let shared = known.intersection(&tokens).count();
            let all = known.union(&tokens).count();
            shared >= 3 && shared * 5 >= all * 3
        })
    }
}
