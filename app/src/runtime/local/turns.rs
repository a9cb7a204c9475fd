//! Whose turn it is among many files: that of the one whose event time is lowest.

use std::collections::BTreeSet;
use std::time::Duration;

use logwake_detector::time::Timestamp;

/// How far one source may run ahead of the next before that has its turn.
const AHEAD: Duration = Duration::from_secs(1);

/// How far a source has come, `None` where that is not known, and its number.
type Place = (Option<Timestamp>, usize);

/// Sources that are not at their end, in the order of their event time and then of their number.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    waiting: BTreeSet<Place>,
    /// The source whose turn it is.
    current: Option<Place>,
}

impl Turns {
    /// Starts with sources that have come so far.
    pub fn of(reached: impl Iterator<Item = Option<Timestamp>>) -> Self {
        Self { waiting: reached.zip(0..).collect(), current: None }
    }

    /// Begins the turn of the source that lags most: returns its number, and the time at which the next one is due.
    pub fn begin(&mut self) -> Option<(usize, Option<Timestamp>)> {
        let current = self.current.take().or_else(|| self.waiting.pop_first())?;
        self.current = Some(current);
        let timed = self.waiting.range((Some(Timestamp::MIN), 0)..).next();
        let due = timed.and_then(|(reached, _)| *reached);
        Some((current.1, due.map(|due| due + AHEAD)))
    }

    /// Ends the turn of that source, which has come so far; `None` where it is at its end.
    pub fn end(&mut self, reached: Option<Option<Timestamp>>) {
        if let (Some((_, idx)), Some(reached)) = (self.current.take(), reached) {
            self.waiting.insert((reached, idx));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_that_lags_most_reads_until_a_second_past_the_next() {
        let at = |secs: i64| Some(Timestamp::from_secs(secs));
        let mut turns = Turns::of([at(9), None, at(5), at(5)].into_iter());
        assert_eq!(turns.begin(), Some((1, at(6))), "one without a time may hold the earliest");
        turns.end(Some(at(7)));
        assert_eq!(turns.begin(), Some((2, at(6))));
        assert_eq!(turns.begin(), Some((2, at(6))), "its turn lasts until it ends");
        turns.end(None);
        assert_eq!(turns.begin(), Some((3, at(8))));
        turns.end(Some(at(20)));
        assert_eq!(turns.begin(), Some((1, at(10))));
        turns.end(None);
        assert_eq!(turns.begin(), Some((0, at(21))));
        turns.end(None);
        assert_eq!(turns.begin(), Some((3, None)));
        turns.end(None);
        assert_eq!(turns.begin(), None);
    }
}
