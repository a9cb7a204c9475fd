//! What a session adds to the relations.

use crate::template::TemplateId;

use super::judge::{find, power_of, proportion_of};
use super::{Habits, PARTNERS_MAX, REPEATS, Relation, Seen, SessionModel, Share, TEMPLATES_MAX};

/// Factor by which earlier repetitions fade with each further session.
const FADE: f64 = 1.0 - 1.0 / 8192.0;

impl SessionModel {
    pub(super) fn learn(&mut self, seen: &[Seen]) {
        let number = self.sessions.total();
        self.sessions.add(true);
        let mut overflows = false;
        for one in seen.iter().filter(|one| one.count > 0) {
            let is_full = self.templates.len() >= TEMPLATES_MAX;
            if is_full && !self.templates.contains_key(&one.template) {
                overflows = true;
                continue;
            }
            let habits = self.templates.entry(one.template).or_default();
            habits.presence.skip(number - habits.presence_at);
            habits.presence.add(true);
            habits.presence_at = number + 1;
            habits.learn(one, seen);
        }
        self.overflowed += u64::from(overflows);
    }

    /// Moves what is known of an alias to the template that it became part of.
    pub fn fold(&mut self, alias: TemplateId, into: TemplateId) {
        let folded = self.templates.remove(&alias);
        for (id, habits) in &mut self.templates {
            let Some(relation) = habits.partners.remove(&alias) else { continue };
            if *id != into {
                habits.partners.entry(into).or_insert(relation);
            }
        }
        let Some(mut folded) = folded else { return };
        folded.partners.remove(&into);
        match self.templates.get_mut(&into) {
            Some(habits) => habits.fold(folded, self.sessions.total()),
            None => {
                self.templates.insert(into, folded);
            }
        }
    }
}

impl Habits {
    fn learn(&mut self, one: &Seen, seen: &[Seen]) {
        let before = self.own.total();
        self.own.add(true);
        for other in seen {
            let is_new = other.template != one.template
                && other.count > 0
                && !self.partners.contains_key(&other.template);
            if is_new && self.partners.len() < PARTNERS_MAX {
                let lacking = Share::uniform(before, true);
                self.partners.insert(other.template, Relation { lacking, ..Relation::default() });
            }
        }
        self.repeats.iter_mut().for_each(|sessions| *sessions *= FADE);
        self.repeats[power_of(one.count)] += 1.0;
        for (id, relation) in &mut self.partners {
            let other = find(seen, *id).filter(|other| other.count > 0);
            relation.lacking.add(other.is_none());
            if let Some(other) = other {
                relation.learn(one, other);
            }
        }
    }

    /// Two that never were apart: sessions with either are sessions with the one.
    fn fold(&mut self, other: Self, sessions: u64) {
        let mut presence = other.presence;
        presence.skip(sessions - other.presence_at);
        self.presence.skip(sessions - self.presence_at);
        self.presence_at = sessions;
        self.presence.join(&presence);
        self.own.merge(&other.own);
        for idx in 0..REPEATS {
            self.repeats[idx] += other.repeats[idx];
        }
        for (id, relation) in other.partners {
            if let Some(known) = self.partners.get_mut(&id) {
                known.fold(&relation);
            } else if self.partners.len() < PARTNERS_MAX {
                self.partners.insert(id, relation);
            }
        }
    }
}

impl Relation {
    fn learn(&mut self, one: &Seen, other: &Seen) {
        if one.first != other.first {
            self.reversed.add(other.first < one.first);
        }
        let proportion = proportion_of(one.count, other.count);
        if self.votes == 0 && proportion != self.proportion {
            self.proportion = proportion;
            // What came before was of many proportions.
            self.unequal = Share::uniform(self.unequal.total(), true);
        }
        let is_equal = proportion == self.proportion;
        self.votes = if is_equal { self.votes.saturating_add(1) } else { self.votes - 1 };
        self.unequal.add(!is_equal);
    }

    fn fold(&mut self, other: &Self) {
        self.lacking.merge(&other.lacking);
        self.reversed.merge(&other.reversed);
        if self.proportion == other.proportion {
            self.unequal.merge(&other.unequal);
        } else {
            *self = Self { votes: 0, unequal: Share::default(), ..self.clone() };
        }
    }
}
