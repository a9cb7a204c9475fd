//! What processes leave behind, in the group's own offsets, for whoever reads a partition next.
//!
//! A payload that ends the process would end every process that reads it after that.
//! So each offset is committed with a note: who committed it, and how many processes seem to have
//! died since then without a commit of their own.
//! After two deaths at the same offset the partition is read with caution: few payloads at a time, a
//! commit after each few, and a note before them that they are begun.
//! If a process dies within few, the next one reads them alone.
//! A payload at which two processes died while they handled that one alone is set aside: it goes to
//! the dead-letter topic and counts as rejected.
//!
//! **A process that lost its partitions looks like one that died**, unless it comes back under its
//! name: then it knows whether it is another process than before. So a death that is certain weighs
//! as much as three that are not.
//! An ordinary commit begins the count anew, and who gives a partition up in good order leaves no
//! name, so restarts of a healthy process are no deaths. Only what was begun can be set aside, so
//! kills of an idle process set nothing aside.
//! While payloads are begun with caution the process reads nothing else, lest it die of that.

use std::fmt::Write;

/// Weight of a death of which the process that is restarted under the same name is the proof.
const CERTAIN: u32 = 3;
/// Weight of an owner that is gone, dead or alive.
const UNCERTAIN: u32 = 1;
/// Weight of two certain deaths.
const DEATHS_MAX: u32 = 2 * CERTAIN;
/// Payloads read at a time where more than so many wait.
const FEW: u32 = 256;
/// Times that few payloads are read before the partition counts as healthy again: a process dies
/// within what it reads in a commit interval. Few in tests, where each is a turn of a simulation.
const TIMES: u32 = if cfg!(test) { 8 } else { 256 };

/// A process as the others know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Its name, which it keeps when it is restarted; empty where a partition was given up in good
    /// order.
    pub name: String,
    /// Tells it from the processes before it under the same name.
    pub birth: u64,
}

/// What is committed with the offset of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// Who committed it.
    pub by: Owner,
    /// How carefully it is read.
    pub caution: Caution,
}

/// How carefully a partition is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caution {
    /// Weight of the deaths at the committed offset.
    deaths: u32,
    /// Weight of those while the payload there was handled alone.
    deaths_alone: u32,
    /// Payloads that are handled between two commits, 0 for any number.
    within: u32,
    /// Whether the next of them are begun.
    is_begun: bool,
    /// How many times few are still read; not in the note.
    times_left: u32,
}

/// What to do with the payload at the committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handle it.
    Handle,
    /// Set it aside: processes died while they handled it alone.
    SetAside,
}

impl Note {
    /// Reads a note; what has no numbers is a name alone.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.rsplitn(6, '|');
        let mut number = || parts.next().and_then(|part| part.parse().ok());
        let numbers = [number(), number(), number(), number(), number()];
        let ([Some(begun), Some(alone), Some(within), Some(deaths), Some(birth)], Some(name)) =
            (numbers, parts.next())
        else {
            return Self { by: Owner { name: text.to_owned(), birth: 0 }, ..Self::default() };
        };
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let caution = Caution {
            deaths: small(deaths),
            deaths_alone: small(alone),
            within: small(within),
            is_begun: begun > 0,
            times_left: 0,
        };
        Self { by: Owner { name: name.to_owned(), birth }, caution }
    }

    /// Writes it for the group's offsets.
    pub fn text(&self) -> String {
        let Caution { deaths, deaths_alone, within, is_begun, .. } = self.caution;
        let mut text = self.by.name.clone();
        if !text.is_empty() || self.caution != Caution::default() {
            let (birth, begun) = (self.by.birth, u32::from(is_begun));
            // Writing into a string does not fail.
            let _ = write!(text, "|{birth}|{deaths}|{within}|{deaths_alone}|{begun}");
        }
        text
    }

    /// Returns how a process goes on after it, where so many payloads wait, and what it does with
    /// the first.
    pub fn go_on(&self, own: &Owner, waiting: i64) -> (Caution, Verdict) {
        let weight = match (self.by.name == own.name, self.by.birth == own.birth) {
            _ if self.by.name.is_empty() => 0,
            (true, true) => 0,
            (true, false) => CERTAIN,
            (false, _) => UNCERTAIN,
        };
        let before = self.caution;
        let deaths = before.deaths.saturating_add(weight);
        if deaths < DEATHS_MAX && before.within == 0 {
            return (Caution { deaths, ..Caution::default() }, Verdict::Handle);
        }
        let within = match before.within {
            0 if waiting > i64::from(FEW) => FEW,
            within if within > 1 && !before.is_begun => within,
            _ => 1,
        };
        let is_alone = before.within == 1 && before.is_begun;
        let deaths_alone = before.deaths_alone + if is_alone { weight } else { 0 };
        let caution = Caution { deaths, deaths_alone, within, is_begun: false, times_left: TIMES };
        let is_deadly = deaths_alone >= DEATHS_MAX;
        (caution, if is_deadly { Verdict::SetAside } else { Verdict::Handle })
    }
}

impl Caution {
    /// Returns how many payloads may be handled before the next commit, where there is a bound.
    pub fn within(&self) -> Option<usize> {
        (self.within > 0).then_some(self.within as usize)
    }

    /// Whether payloads are handled one by one.
    #[cfg(test)]
    pub fn is_alone(&self) -> bool {
        self.within == 1
    }

    /// Whether payloads were begun that are not committed.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Notes that payloads are about to be handled.
    pub fn begin(&mut self) {
        self.is_begun = true;
    }

    /// Returns how to go on once everything handled is committed.
    pub fn after_commit(self) -> Self {
        let times_left = self.times_left.saturating_sub(u32::from(self.is_begun));
        if self.within == 0 || times_left == 0 {
            return Self::default();
        }
        Self { within: self.within, times_left, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str, birth: u64) -> Owner {
        Owner { name: name.to_owned(), birth }
    }

    /// Lets processes die one after the other at one offset where so many payloads wait, under the
    /// same name or by turns under three; returns how each read and what it did.
    fn deaths(names: &[&str], waiting: i64, begins: bool) -> Vec<(Option<usize>, Verdict)> {
        let mut note = Note::default();
        let mut seen = Vec::new();
        for (birth, name) in (1..30).zip(names.iter().cycle()) {
            let own = owner(name, birth);
            let (mut caution, verdict) = Note::parse(&note.text()).go_on(&own, waiting);
            seen.push((caution.within(), verdict));
            if verdict == Verdict::SetAside {
                break;
            }
            if begins && caution.within().is_some() {
                caution.begin();
            }
            note = Note { by: own, caution };
        }
        seen
    }

    #[test]
    fn a_payload_at_which_processes_die_is_read_alone_and_set_aside() {
        use Verdict::{Handle, SetAside};
        let alone = [(Some(1), Handle), (Some(1), Handle), (Some(1), SetAside)];
        let full = [(None, Handle), (None, Handle)];
        assert_eq!(deaths(&["a"], 9, true), [&full[..], &alone].concat());
        let few = [(Some(256), Handle)];
        assert_eq!(deaths(&["a"], 1_000, true), [&full[..], &few, &alone].concat());
    }

    #[test]
    fn processes_of_several_names_take_longer_to_be_sure() {
        let seen = deaths(&["a", "b", "c"], 9, true);
        assert_eq!(seen.last(), Some(&(Some(1), Verdict::SetAside)));
        assert_eq!(seen.len(), 13);
    }

    #[test]
    fn kills_of_an_idle_process_set_nothing_aside() {
        assert!(deaths(&["a"], 0, false).iter().all(|(_, verdict)| *verdict == Verdict::Handle));
    }

    #[test]
    fn a_process_that_lost_its_partitions_and_comes_back_has_not_died() {
        let note = Note { by: owner("a", 7), caution: Caution::default() };
        assert_eq!(note.go_on(&owner("a", 7), 9).0, Caution::default());
    }

    #[test]
    fn who_gives_a_partition_up_unread_hands_the_count_on() {
        let own = owner("a", 7);
        let note = Note::parse("|0|6|1|3|0");
        let (caution, _) = note.go_on(&own, 9);
        assert_eq!((caution.deaths, caution.deaths_alone, caution.within), (6, 3, 1));
        assert_eq!(Note { by: Owner::default(), caution }.text(), "|0|6|1|3|0");
    }

    #[test]
    fn a_clean_stop_and_a_commit_begin_the_count_anew() {
        let own = owner("a", 7);
        assert_eq!(Note::parse("").go_on(&own, 9), (Caution::default(), Verdict::Handle));
        let (died_once, _) = Note::parse("a").go_on(&own, 9);
        assert_eq!(died_once.deaths, CERTAIN);
        assert_eq!(died_once.after_commit(), Caution::default());
    }

    #[test]
    fn caution_ends_after_a_while() {
        let (mut caution, _) = Note::parse("a|1|3|0|0|0").go_on(&owner("a", 2), 9);
        for _ in 0..TIMES {
            assert_eq!(caution.within(), Some(1));
            caution.begin();
            caution = caution.after_commit();
        }
        assert_eq!(caution, Caution::default());
    }

    #[test]
    fn a_note_comes_back_as_it_was_written() {
        for text in
            ["", "logwake-tally-a-0|0|0|0|0|0", "a|b|5|2|1|3|1", "a|18446744073709551615|0|0|0|0"]
        {
            assert_eq!(Note::parse(text).text(), text);
        }
        assert_eq!(Note::parse("a|b|5|2|1|3|1").by, owner("a|b", 5));
        assert_eq!(Note::parse("logwake-tally-a-0").by.name, "logwake-tally-a-0");
    }
}
