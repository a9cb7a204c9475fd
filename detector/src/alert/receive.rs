//! What comes from elsewhere, one arrival at a time: alerts of other systems, silences, hands.
//!
//! **The rule of time.** The clock of arrivals is the latest wall time that they told; it never
//! goes back. An alert is taken at its own time, but never after the clock, and at most `join_gap`
//! before it: a clock that is wrong elsewhere moves neither ours nor the life of other clusters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::anomaly::Severity;
use crate::time::Timestamp;

use super::arrival::{Arrival, Arrivals, ExternalAlert, ExternalState, Silence};
use super::external::Incoming;
use super::familiar::{Meeting, News};
use super::mute::Subject;
use super::{About, Action, Alert, AlertOutput, AlertState, Clock, Cluster, Reason, STALL, weight};

/// Alerts that may wait until they have come often or lasted long enough; beyond, they count at once.
const RIPENING_MAX: usize = 10_000;
/// Sources of arrivals told apart.
const SOURCES_MAX: usize = 10_000;

/// Alerts of other systems that have not come often or lasted long enough to count, by key.
pub(super) type Ripening = BTreeMap<u64, Unripe>;

/// An alert of another system that does not count yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Unripe {
    alert: ExternalAlert,
    first: Timestamp,
    count: u32,
}

impl Alert {
    /// Takes in what came from elsewhere; appends what follows from it.
    pub fn receive(&mut self, arrivals: Arrivals, out: &mut Vec<AlertOutput>) {
        let elsewhere = &mut self.state.elsewhere;
        if elsewhere.next_seq.len() >= SOURCES_MAX {
            elsewhere.next_seq.pop_first();
        }
        let next = elsewhere.next_seq.entry(arrivals.source).or_default();
        if arrivals.seq < *next {
            self.state.repeated += 1;
            return;
        }
        *next = arrivals.seq + 1;
        elsewhere.clock = elsewhere.clock.max(arrivals.wall);
        self.pass_wall(out);
        if let Some(now_on) = arrivals.maintenance {
            for name in self.state.elsewhere.mutes.maintain(now_on) {
                self.release(&name, out);
            }
        }
        for arrival in &arrivals.items {
            self.arrive(arrival, out);
        }
    }

    /// Does what falls due by wall time.
    fn pass_wall(&mut self, out: &mut Vec<AlertOutput>) {
        let now = self.state.elsewhere.clock;
        self.pass_time(Clock::Wall, now, out);
        let progress = self.state.progress();
        let moved = *self.state.elsewhere.moved_at.get_or_insert(now);
        match progress {
            Some(progress) if now.since(moved) > STALL => {
                self.pass_time(Clock::Logs, progress + (now.since(moved) - STALL), out);
            }
            Some(progress) => self.pass_time(Clock::Logs, progress, out),
            None if self.state.shards.is_empty() => self.pass_time(Clock::Logs, now, out),
            None => {}
        }
        while let Some(id) = self.state.elsewhere.mutes.expire(now) {
            self.decide(None, now, Action::Mute, Reason::SilenceOver, About::mute(&id), out);
            self.release(&id, out);
        }
        while let Some(name) = self.state.elsewhere.mutes.end_maintenance(now) {
            self.release(&name, out);
        }
        self.ripen(now, out);
        self.forget_ended(now);
    }

    /// Takes what was held back and is held back no more.
    pub(super) fn release(&mut self, by: &str, out: &mut Vec<AlertOutput>) {
        let now = self.state.elsewhere.clock;
        for alert in self.state.elsewhere.mutes.release(by) {
            if alert.ends_at.is_none_or(|end| end > now) {
                self.trigger(&alert, now, true, out);
            }
        }
    }

    fn arrive(&mut self, arrival: &Arrival, out: &mut Vec<AlertOutput>) {
        let now = self.state.elsewhere.clock;
        match arrival {
            Arrival::Alert(alert) => self.hear(alert, out),
            Arrival::Silence(silence) => self.silence(silence, out),
            Arrival::Unsilence { id, .. } => {
                let was_there = self.state.elsewhere.mutes.unsilence(id);
                let reason = if was_there { Reason::SilenceLifted } else { Reason::NothingOpen };
                self.decide(None, now, Action::Mute, reason, About::mute(id), out);
                self.release(id, out);
            }
            Arrival::Acknowledge { alert, by, .. } => {
                let named = |(serial, cluster): (&u64, &Cluster)| {
                    (cluster.is_open && cluster.id == *alert).then_some(*serial)
                };
                match self.state.clusters.iter().find_map(named) {
                    Some(serial) => self.acknowledge(serial, by, out),
                    None => {
                        let (action, about) = (Action::Suppress, About::default());
                        self.decide(None, now, action, Reason::NothingOpen, about, out);
                    }
                }
            }
        }
    }

    fn silence(&mut self, silence: &Silence, out: &mut Vec<AlertOutput>) {
        let now = self.state.elsewhere.clock;
        let is_over = silence.ends_at <= now;
        let has_room = is_over || self.state.elsewhere.mutes.silence(silence.clone());
        let reason = match (is_over, has_room) {
            (true, _) => Reason::SilenceOver,
            (false, true) => Reason::SilenceAsked,
            (false, false) => Reason::LimitReached,
        };
        self.decide(None, now, Action::Mute, reason, About::mute(&silence.id), out);
    }

    fn acknowledge(&mut self, serial: u64, by: &str, out: &mut Vec<AlertOutput>) {
        let now = self.state.elsewhere.clock;
        self.change(serial, |cluster| cluster.acknowledged_by = Some(by.to_owned()));
        self.send(serial, AlertState::Acknowledged, now, Reason::TakenInHand, out);
    }

    /// Takes an alert of another system.
    fn hear(&mut self, alert: &ExternalAlert, out: &mut Vec<AlertOutput>) {
        let clock = self.state.elsewhere.clock;
        let at = alert.at.clamp(clock - self.settings.join_gap, clock);
        match alert.state {
            ExternalState::Trigger => self.trigger(alert, at, false, out),
            ExternalState::Resolve => self.told_over(alert, at, out),
            ExternalState::Acknowledge => {
                let incoming = Incoming::new(alert, at);
                let serial =
                    self.cluster_of(&incoming).filter(|serial| self.state.clusters[serial].is_open);
                let (action, reason) = match serial {
                    Some(_) => (Action::Merge, Reason::TakenInHand),
                    None => (Action::Suppress, Reason::NothingOpen),
                };
                self.decide(serial, at, action, reason, About::external(alert), out);
                if let Some(serial) = serial {
                    self.acknowledge(serial, &alert.from, out);
                }
            }
        }
    }

    fn told_over(&mut self, alert: &ExternalAlert, at: Timestamp, out: &mut Vec<AlertOutput>) {
        let incoming = Incoming::new(alert, at);
        let elsewhere = &mut self.state.elsewhere;
        let was_held = elsewhere.mutes.let_go(incoming.key);
        let was_unripe = elsewhere.ripening.remove(&incoming.key).is_some();
        let hold = elsewhere.familiar.hold(incoming.here, at, &self.settings);
        let serial = elsewhere.by_key.get(&incoming.key).copied();
        let serial = serial.filter(|serial| self.state.clusters.contains_key(serial));
        let (action, reason) = match serial {
            Some(serial) => {
                let settings = self.settings;
                self.change(serial, |cluster| cluster.externals.hear(&incoming, hold, &settings));
                (Action::Merge, Reason::ToldOver)
            }
            None if was_held || was_unripe => (Action::Suppress, Reason::OverBeforeSent),
            None => (Action::Suppress, Reason::NothingOpen),
        };
        self.decide(serial, at, action, reason, About::external(alert), out);
    }

    /// Takes an alert that something is wrong, at once or when what held it back is over.
    fn trigger(
        &mut self,
        alert: &ExternalAlert,
        at: Timestamp,
        is_freed: bool,
        out: &mut Vec<AlertOutput>,
    ) {
        let incoming = Incoming::new(alert, at);
        let subject = Subject {
            service: alert.place(),
            host: alert.host.as_deref(),
            name: &alert.name,
            severity: incoming.severity(),
        };
        let about = About::external(alert);
        if let Some(by) = self.mute(&subject, at, about, out) {
            self.state.elsewhere.mutes.hold(incoming.key, alert, &by);
            return;
        }
        if self.is_inhibited(&incoming, out) {
            return;
        }
        if !is_freed && self.is_unripe(&incoming) {
            self.decide(None, at, Action::Delay, Reason::NotYet, about, out);
            return;
        }
        let (elsewhere, settings) = (&mut self.state.elsewhere, self.settings);
        let meeting = elsewhere.familiar.meet(incoming.name, incoming.here, at, &settings);
        if meeting.begins {
            elsewhere.together.begins(incoming.name, at);
        }
        let known = self.cluster_of(&incoming);
        let is_repeated = known
            .is_some_and(|serial| self.state.clusters[&serial].externals.is_repeated(&incoming));
        let is_usual = meeting.news == News::Usual && !is_freed;
        let is_graver = known.is_some_and(|serial| {
            self.state.clusters[&serial].said.is_some_and(|said| said < incoming.severity())
        });
        match known {
            Some(serial) if is_repeated || (is_usual && !is_graver) => {
                let reason =
                    if meeting.begins { Reason::KeepsComing } else { Reason::SameFingerprint };
                self.repeat(serial, &incoming, meeting, reason, out);
            }
            None if is_usual && incoming.severity() < Severity::Critical => {
                self.decide(None, at, Action::Suppress, Reason::KeepsComing, about, out);
            }
            _ => self.add_news(&incoming, meeting, known.filter(|_| is_graver), out),
        }
    }

    /// Takes what says again what a cluster knows.
    #[allow(clippy::too_many_arguments, reason = "the parts of one repetition, named at each call")]
    fn repeat(
        &mut self,
        serial: u64,
        incoming: &Incoming<'_>,
        meeting: Meeting,
        reason: Reason,
        out: &mut Vec<AlertOutput>,
    ) {
        let settings = self.settings;
        self.change(serial, |cluster| cluster.externals.hear(incoming, meeting.hold, &settings));
        self.state.elsewhere.by_key.insert(incoming.key, serial);
        let about = About::external(incoming.alert);
        self.decide(Some(serial), incoming.at, Action::Merge, reason, about, out);
        if self.state.clusters[&serial].is_open {
            self.send_if_due(serial, incoming.at, out);
        }
    }

    /// Takes what is news: into a cluster that it belongs to, one that it reopens, or its own.
    fn add_news(
        &mut self,
        incoming: &Incoming<'_>,
        meeting: Meeting,
        graver_than: Option<u64>,
        out: &mut Vec<AlertOutput>,
    ) {
        let (at, alert) = (incoming.at, incoming.alert);
        let known = graver_than.map(|serial| (serial, Reason::SameFingerprint));
        let (serial, reason) = match known.or_else(|| self.find_for(incoming)) {
            Some(found) => found,
            None => match self.come_back(incoming, out) {
                Some(serial) => (serial, Reason::SameFingerprint),
                None => (self.begin(incoming, out), Reason::FirstEvidence),
            },
        };
        let why = match (incoming.severity(), meeting.news) {
            (Severity::Critical, _) => Reason::SaidCritical,
            (_, News::Never) => Reason::NeverSeen,
            (_, News::Back | News::Usual) => Reason::CameBack,
        };
        let (weight, settings) = (self.weigh(incoming), self.settings);
        self.change(serial, |cluster| {
            cluster.why.get_or_insert(why);
            cluster.add_news(incoming, weight);
            cluster.externals.hear(incoming, meeting.hold, &settings);
        });
        self.index_news(serial, incoming);
        self.decide(Some(serial), at, Action::Merge, reason, About::external(alert), out);
        let cluster = &self.state.clusters[&serial];
        if cluster.is_returning {
            self.change(serial, |cluster| cluster.is_returning = false);
            self.send(serial, AlertState::Reopened, at, why, out);
        } else {
            self.send_if_due(serial, at, out);
        }
    }

    fn begin(&mut self, incoming: &Incoming<'_>, out: &mut Vec<AlertOutput>) -> u64 {
        self.make_room(incoming.at, out);
        let follows = self.followed_by(incoming);
        let mut cluster = Cluster::begin(&incoming.alert.id, incoming.since(), incoming.at);
        cluster.follows = follows;
        self.push(cluster)
    }

    /// Takes a cluster that has ended up again, if the alert was in one.
    fn come_back(&mut self, incoming: &Incoming<'_>, out: &mut Vec<AlertOutput>) -> Option<u64> {
        if incoming.severity() == Severity::Info {
            return None;
        }
        let elsewhere = &mut self.state.elsewhere;
        let serial = *elsewhere.by_here.get(&incoming.here)?;
        let mut cluster = elsewhere.ended.remove(&serial)?;
        elsewhere.ended_at.retain(|(_, ended)| *ended != serial);
        self.make_room(incoming.at, out);
        cluster.come_back(incoming.at);
        self.index.restore(serial, &cluster, &self.settings);
        self.state.clusters.insert(serial, cluster);
        Some(serial)
    }

    /// What is news weighs enough to wake somebody, unless it is for information alone.
    fn weigh(&self, incoming: &Incoming<'_>) -> f64 {
        let own = weight(incoming.severity());
        if incoming.severity() == Severity::Info { own } else { own.max(self.settings.open_weight) }
    }

    fn index_news(&mut self, serial: u64, incoming: &Incoming<'_>) {
        let cluster = &self.state.clusters[&serial];
        let (alert, elsewhere) = (incoming.alert, &mut self.state.elsewhere);
        if cluster.services.contains_key(alert.place()) {
            self.index.hold_service(serial, alert.place());
        }
        if let Some(host) = alert.host.as_ref().filter(|host| cluster.hosts.contains(*host)) {
            self.index.hold_host(serial, host);
        }
        if cluster.externals.holds(incoming.key) {
            elsewhere.by_key.insert(incoming.key, serial);
        }
        if cluster.externals.heres.contains(&incoming.here) {
            elsewhere.by_here.insert(incoming.here, serial);
            elsewhere.by_name.insert(incoming.name, serial);
        }
    }

    /// The active cluster that holds a condition, or the name at its place.
    fn cluster_of(&self, incoming: &Incoming<'_>) -> Option<u64> {
        let elsewhere = &self.state.elsewhere;
        let is_active = |serial: &&u64| self.state.clusters.contains_key(serial);
        let by_key = elsewhere.by_key.get(&incoming.key).filter(is_active);
        by_key.or_else(|| elsewhere.by_here.get(&incoming.here).filter(is_active)).copied()
    }

    /// Decides about something that is muted, and about the silence that it breaks; returns what
    /// mutes it.
    pub(super) fn mute(
        &mut self,
        subject: &Subject<'_>,
        at: Timestamp,
        about: About<'_>,
        out: &mut Vec<AlertOutput>,
    ) -> Option<String> {
        let (muted, broken) = self.state.elsewhere.mutes.judge(subject, at);
        if let Some(id) = broken {
            self.state.elsewhere.mutes.unsilence(&id);
            self.decide(None, at, Action::Mute, Reason::RateExceeded, About::mute(&id), out);
            self.release(&id, out);
        }
        let muted = muted?;
        let about = About { mute: Some(&muted.by), ..about };
        self.decide(None, at, Action::Suppress, muted.reason, about, out);
        Some(muted.by)
    }

    /// Holds back a warning of a service that depends on one with a critical alert.
    fn is_inhibited(&mut self, incoming: &Incoming<'_>, out: &mut Vec<AlertOutput>) -> bool {
        if incoming.severity() > Severity::Warning || self.topology.is_empty() {
            return false;
        }
        let below = self.topology.below(incoming.alert.place());
        let cause = below.into_iter().find_map(|on| {
            self.index.with_service(on).find(|serial| {
                let cluster = &self.state.clusters[serial];
                let is_critical = cluster.services.get(on).map(|share| share.severity)
                    == Some(Severity::Critical);
                cluster.is_open && is_critical
            })
        });
        let Some(cause) = cause else { return false };
        let id = self.state.clusters[&cause].id.clone();
        self.state.elsewhere.mutes.hold(incoming.key, incoming.alert, &id);
        let about = About::external(incoming.alert);
        self.decide(Some(cause), incoming.at, Action::Suppress, Reason::Inhibited, about, out);
        true
    }

    /// Tells whether an alert has not come often or lasted long enough to count yet.
    fn is_unripe(&mut self, incoming: &Incoming<'_>) -> bool {
        let settings = &self.settings;
        let counts_at_once = settings.count_min <= 1 && settings.duration_min.is_zero();
        if counts_at_once || incoming.severity() == Severity::Critical {
            return false;
        }
        if self.cluster_of(incoming).is_some() {
            return false;
        }
        let ripening = &mut self.state.elsewhere.ripening;
        if ripening.len() >= RIPENING_MAX && !ripening.contains_key(&incoming.key) {
            return false;
        }
        let (alert, first) = (incoming.alert.clone(), incoming.since());
        let unripe = ripening.entry(incoming.key).or_insert(Unripe { alert, first, count: 0 });
        unripe.count += 1;
        let is_ripe = unripe.count >= settings.count_min
            && incoming.at.since(unripe.first) >= settings.duration_min;
        if is_ripe {
            ripening.remove(&incoming.key);
        }
        !is_ripe
    }

    /// Takes what has lasted long enough by now, and forgets what has ended.
    fn ripen(&mut self, now: Timestamp, out: &mut Vec<AlertOutput>) {
        let settings = self.settings;
        let ripening = &mut self.state.elsewhere.ripening;
        if ripening.is_empty() {
            return;
        }
        let (mut ripe, mut over) = (Vec::new(), Vec::new());
        ripening.retain(|_, unripe| {
            let is_over = unripe.alert.ends_at.is_some_and(|end| end < now)
                || now.since(unripe.alert.at) > settings.forget_after;
            let is_ripe = unripe.count >= settings.count_min
                && now.since(unripe.first) >= settings.duration_min;
            if is_over {
                over.push(unripe.alert.clone());
            } else if is_ripe {
                ripe.push(unripe.alert.clone());
            }
            !is_ripe && !is_over
        });
        for alert in ripe {
            self.trigger(&alert, now, true, out);
        }
        for alert in over {
            let (action, about) = (Action::Suppress, About::external(&alert));
            self.decide(None, now, action, Reason::NotEnoughEvidence, about, out);
        }
    }
}
