//! Which relations a session breaks.

use crate::template::TemplateId;

use super::share::upper;
use super::{Breach, Habits, REPEATS, Relation, Seen, SessionBounds, SessionModel, Violation};

impl SessionModel {
    pub(super) fn judge(&self, seen: &[Seen], bounds: &SessionBounds) -> Vec<Violation> {
        let mut found = Vec::new();
        for one in seen.iter().filter(|one| one.count > 0) {
            let Some(habits) = self.templates.get(&one.template) else {
                found.extend(self.unknown(one.template, bounds));
                continue;
            };
            let mut presence = habits.presence;
            presence.skip(self.sessions() - habits.presence_at);
            if presence.is_below(bounds.rarity, bounds.change) {
                found.push(violation(Breach::Rare { template: one.template }, &presence));
            }
            found.extend(habits.repeated(one, bounds));
            for (other, relation) in &habits.partners {
                match find(seen, *other) {
                    Some(other) => relation.compare(one, other, bounds, &mut found),
                    None => found.extend(relation.missing(one.template, *other, bounds)),
                }
            }
        }
        found.sort_by(|a, b| {
            a.share.total_cmp(&b.share).then(a.breach.template().cmp(&b.breach.template()))
        });
        found
    }

    /// A template that no session had before.
    fn unknown(&self, template: TemplateId, bounds: &SessionBounds) -> Option<Violation> {
        let never = super::Share::uniform(self.sessions(), false);
        let is_full = self.templates.len() >= super::TEMPLATES_MAX;
        (!is_full && never.is_below(bounds.rarity, bounds.change))
            .then(|| violation(Breach::Rare { template }, &never))
    }
}

impl Habits {
    /// Judges a number of records four times and more above what nearly all sessions have.
    fn repeated(&self, one: &Seen, bounds: &SessionBounds) -> Option<Violation> {
        let power = power_of(one.count);
        if power < 2 {
            return None;
        }
        let sessions: f64 = self.repeats.iter().sum();
        let near: f64 = self.repeats[power - 1..].iter().sum();
        let share = (near + 1.0) / (sessions + 1.0);
        let breach = Breach::Repeated {
            template: one.template,
            count: one.count,
            usual: (1 << (power - 1)) - 1,
        };
        (upper(near, sessions) < bounds.rarity).then_some(Violation { breach, share, sessions })
    }
}

impl Relation {
    /// Judges what did not come, neither in this part of the session nor in one before.
    fn missing(
        &self,
        after: TemplateId,
        template: TemplateId,
        bounds: &SessionBounds,
    ) -> Option<Violation> {
        let breach = Breach::Missing { after, template };
        self.lacking
            .is_below(bounds.lacking, bounds.change)
            .then(|| violation(breach, &self.lacking))
    }

    /// Judges proportion and order of two templates that both came.
    fn compare(&self, one: &Seen, other: &Seen, bounds: &SessionBounds, out: &mut Vec<Violation>) {
        if one.count == 0 || other.count == 0 {
            return;
        }
        let whole = (one.before + one.count, other.before + other.count);
        let is_first = one.template < other.template;
        if is_first
            && proportion_of(one.count, other.count) != self.proportion
            && proportion_of(whole.0, whole.1) != self.proportion
            && self.unequal.is_below(bounds.rarity, bounds.change)
        {
            let breach = Breach::Unequal {
                template: one.template,
                other: other.template,
                counts: (one.count, other.count),
                usual: self.proportion,
            };
            out.push(violation(breach, &self.unequal));
        }
        let is_whole = one.before == 0 && other.before == 0;
        if is_whole
            && other.first < one.first
            && self.reversed.is_below(bounds.rarity, bounds.change)
        {
            let breach = Breach::Disordered { template: other.template, other: one.template };
            out.push(violation(breach, &self.reversed));
        }
    }
}

fn violation(breach: Breach, share: &super::Share) -> Violation {
    Violation { breach, share: share.with_one_more(), sessions: share.trials() }
}

pub(super) fn find(seen: &[Seen], template: TemplateId) -> Option<&Seen> {
    seen.binary_search_by_key(&template, |one| one.template).ok().map(|idx| &seen[idx])
}

/// The power of two that a count lies at, from 0.
pub(super) fn power_of(count: u32) -> usize {
    (count.max(1).ilog2() as usize).min(REPEATS - 1)
}

/// Two counts divided by what divides both.
pub(super) fn proportion_of(a: u32, b: u32) -> (u32, u32) {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1), b / x.max(1))
}
