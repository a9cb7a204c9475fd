//! What becomes of an alert at a sink: it changes while it waits or flies, and its flight ends.

use crate::alert::{Action, AlertState, Reason};

use super::owed::{Attempts, Due, Flight, Owed, Told};
use super::{Answer, Content, Notice, Turn};

impl Owed {
    /// Follows an alert that the sink has or is to get; reports whether it can be forgotten.
    pub(super) fn follow(&mut self, notice: &Notice, turn: &mut Turn<'_>) -> bool {
        let is_over = notice.state == AlertState::Resolved;
        // What a lost answer leaves open counts as told, so that the end is sent.
        let is_unknown = self.told.is_none() && self.flight.is_none();
        let is_waiting = self.due.as_ref().is_some_and(|due| !due.is_reminder);
        let is_news = is_waiting || self.is_news(notice);
        let old = std::mem::replace(&mut self.notice, notice.clone());
        if is_waiting {
            turn.decide(Action::Merge, Reason::NewerState, &old);
        }
        if is_over && is_unknown {
            turn.decide(Action::Suppress, Reason::OverBeforeSent, notice);
            return true;
        }
        if is_over && !turn.settings.sends_resolved {
            turn.decide(Action::Suppress, Reason::EndNotWanted, notice);
            self.due = None;
            return self.flight.is_none();
        }
        if !is_news {
            turn.decide(Action::Suppress, Reason::MoreOfTheSame, notice);
            return false;
        }
        let since = self.due.as_ref().filter(|_| is_waiting).map_or(turn.now, |due| due.since);
        self.due = Some(Due { since, ..Due::now(turn.now) });
        false
    }

    /// Ends the flight of an alert; reports whether the alert can be forgotten.
    pub(super) fn land(&mut self, answer: Option<&Answer>, turn: &mut Turn<'_>) -> bool {
        let Some(flight) = self.flight.take() else { return false };
        if let Some(Answer::Later(wait) | Answer::TooMany(wait) | Answer::Unknown(wait)) = answer {
            self.attempts.put_off(turn.now, *wait);
        }
        match answer {
            Some(Answer::Accepted) => self.accepted(&flight, turn),
            Some(Answer::Refused(why)) => self.refused(&flight, why, turn),
            Some(Answer::Later(_) | Answer::TooMany(_)) => {
                self.fly_again(flight, Reason::SinkFailing, turn)
            }
            Some(Answer::Unknown(_)) => {
                self.told.get_or_insert_with(|| Told::of(&flight.notice));
                self.fly_again(flight, Reason::SinkFailing, turn)
            }
            None => {
                self.told.get_or_insert_with(|| Told::of(&flight.notice));
                self.fly_again(flight, Reason::AnswerLost, turn)
            }
        }
    }

    fn accepted(&mut self, flight: &Flight, turn: &mut Turn<'_>) -> bool {
        if !flight.due.is_reminder {
            turn.decide(Action::Deliver, Reason::Delivered, &flight.notice);
        }
        self.told = Some(Told::of(&flight.notice));
        self.told_at = turn.now;
        self.attempts = Attempts::default();
        if self.due.is_none() && turn.settings.resend_every.is_none() {
            self.notice.event = Vec::new();
        }
        self.due.is_none() && self.is_over()
    }

    fn refused(&mut self, flight: &Flight, why: &str, turn: &mut Turn<'_>) -> bool {
        if !flight.due.is_reminder {
            turn.decide(Action::Suppress, Reason::NotTaken, &flight.notice);
            turn.bury(Content::Alert(flight.notice.clone()), why);
        }
        self.told_at = turn.now;
        self.due.is_none() && (self.told.is_none() || self.is_over())
    }

    /// Makes what was in flight due again, unless a newer state takes its place or it is too late.
    fn fly_again(&mut self, flight: Flight, reason: Reason, turn: &mut Turn<'_>) -> bool {
        let is_old = turn.now.since(flight.due.since) >= turn.settings.give_up_after;
        let is_over = self.is_over() && self.due.is_none();
        if flight.due.is_reminder {
            if is_over {
                return true;
            }
        } else if self.due.is_some() {
            turn.decide(Action::Merge, Reason::NewerState, &flight.notice);
        } else if is_over && flight.notice.state != AlertState::Resolved {
            turn.decide(Action::Suppress, Reason::OverBeforeSent, &flight.notice);
            return true;
        } else if is_old {
            return self.refused(&flight, "not taken in time", turn);
        } else {
            turn.decide(Action::Delay, reason, &flight.notice);
            // What came meanwhile was no news and has its decision: this is what is still owed.
            self.notice = flight.notice;
        }
        self.due.get_or_insert(flight.due);
        false
    }
}
