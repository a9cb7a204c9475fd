//! What the sessions of a service have in common, and in what one of them differs.
//!
//! A session is what was logged under one key until the key fell silent: which templates, how
//! often, which first.
//! [`SessionModel`] learns relations among them while they come, without labels and in one pass:
//!
//! * which templates are part of a session at all ([`Breach::Rare`]);
//! * which template never stays away where another came ([`Breach::Missing`], the missing successor);
//! * which two come in a fixed proportion ([`Breach::Unequal`], the invariants of Lou, Fu, Yang, Xu
//!   and Li, "Mining invariants from console logs for system problem detection", USENIX ATC 2010,
//!   restricted to two variables `p·a = q·b`, the form that nearly all of theirs have);
//! * which of two comes first ([`Breach::Disordered`], the transitions of a session: of which
//!   template follows which, not only immediately, because writers that run side by side interleave
//!   at random);
//! * how often one comes at most ([`Breach::Repeated`]).
//!
//! **A relation is broken where so few comparable sessions break it that their share is, with a
//! confidence of 99 %, below a stated bound** ([`Share::is_below`]).
//! So warming up needs no setting of its own: a bound of 1 % cannot be undercut with confidence
//! before 536 sessions were seen, one of 5 % not before 103.
//!
//! It knows no key, no time but the order of first sights, and no text.

mod judge;
mod learn;
mod share;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::template::TemplateId;

pub use share::Share;

/// Templates whose relations are learned, for one service.
const TEMPLATES_MAX: usize = 1_000;
/// Templates that one is related to; the first that came with it are taken.
const PARTNERS_MAX: usize = 64;
/// Powers of two by which repetitions are told apart.
const REPEATS: usize = 12;

/// The bounds of what is unusual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionBounds {
    /// Share of sessions below which a template, a proportion, an order or a number is rare.
    pub rarity: f64,
    /// Share of sessions that may lack a template and it still counts as required.
    /// More than [`Self::rarity`], because a session that breaks off lacks the same whatever ended it:
    /// several kinds of failure add up here.
    pub lacking: f64,
    /// Share of the last 256 sessions from which on something is a change of the service and not
    /// of a session.
    pub change: f64,
}

impl Default for SessionBounds {
    /// 1 %, 5 % and 20 %.
    fn default() -> Self {
        Self { rarity: 0.01, lacking: 0.05, change: 0.2 }
    }
}

/// What one template was in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The template.
    pub template: TemplateId,
    /// Its records.
    pub count: u32,
    /// When it came first, in any unit.
    pub first: i64,
    /// Its records under the same key before, in parts that had ended.
    pub before: u32,
}

/// A relation that a session breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Violation {
    /// How.
    pub breach: Breach,
    /// Share of comparable sessions that break it too, this one included, in (0, 1].
    pub share: f64,
    /// How many comparable sessions are remembered.
    pub sessions: f64,
}

/// How a session breaks a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// A template that hardly any session has.
    Rare {
        /// The template.
        template: TemplateId,
    },
    /// A template stayed away that comes where another does.
    Missing {
        /// What came.
        after: TemplateId,
        /// What did not.
        template: TemplateId,
    },
    /// Two templates in an unusual proportion.
    Unequal {
        /// The one.
        template: TemplateId,
        /// The other.
        other: TemplateId,
        /// Their records.
        counts: (u32, u32),
        /// The usual proportion, reduced.
        usual: (u32, u32),
    },
    /// Two templates the other way round.
    Disordered {
        /// What came first.
        template: TemplateId,
        /// What comes first otherwise.
        other: TemplateId,
    },
    /// A template far more often than in nearly all sessions.
    Repeated {
        /// The template.
        template: TemplateId,
        /// Its records.
        count: u32,
        /// A count that nearly all sessions stay below.
        usual: u32,
    },
}

impl Breach {
    /// Returns the template that it is about.
    pub fn template(&self) -> TemplateId {
        match *self {
            Self::Rare { template }
            | Self::Missing { template, .. }
            | Self::Unequal { template, .. }
            | Self::Disordered { template, .. }
            | Self::Repeated { template, .. } => template,
        }
    }

    /// Returns the name of the kind of relation.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rare { .. } => "rare",
            Self::Missing { .. } => "missing",
            Self::Unequal { .. } => "unequal",
            Self::Disordered { .. } => "disordered",
            Self::Repeated { .. } => "repeated",
        }
    }
}

/// What the sessions of one service have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionModel {
    sessions: Share,
    /// Share of sessions that broke a relation.
    broken: Share,
    templates: BTreeMap<TemplateId, Habits>,
    /// Sessions whose templates were too many to learn all of.
    overflowed: u64,
}

/// What is known of one template in sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Habits {
    /// Sessions with it among all.
    presence: Share,
    /// The number of the session that `presence` has come to.
    presence_at: u64,
    /// Sessions with it, so many among themselves.
    own: Share,
    /// How many records it had, by powers of two.
    repeats: [f64; REPEATS],
    partners: BTreeMap<TemplateId, Relation>,
}

/// What is known of a template towards another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Relation {
    /// Sessions without the other, among those with the one.
    lacking: Share,
    /// Sessions in which the other came first, among those with both at different times.
    reversed: Share,
    /// Sessions in another proportion than `proportion`, among those with both.
    unequal: Share,
    /// The proportion held usual.
    proportion: (u32, u32),
    /// Majority vote for it (Boyer and Moore).
    votes: u32,
}

impl SessionModel {
    /// Returns how many sessions were learned.
    pub fn sessions(&self) -> u64 {
        self.sessions.total()
    }

    /// Returns how many templates are known in sessions.
    pub fn templates(&self) -> usize {
        self.templates.len()
    }

    /// Returns the share of the last sessions that broke a relation, and that of all remembered.
    pub fn broken(&self) -> (f64, f64) {
        (self.broken.recent(), self.broken.lasting())
    }

    /// Returns how many sessions had more templates than relations are learned of.
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Judges a session by those before it, then learns from it; `seen` is in order of templates.
    ///
    /// Returns what it breaks, the rarest first; nothing where it is as others are.
    /// Costs the square of its templates, 64 for each at most.
    pub fn step(&mut self, seen: &[Seen], bounds: &SessionBounds) -> Vec<Violation> {
        let violations = self.judge(seen, bounds);
        self.learn(seen);
        self.broken.add(!violations.is_empty());
        violations
    }
}
