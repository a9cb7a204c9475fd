//! Whether the stages do their work: each commits what it reads within a minute.
//!
//! A stage has one loop for each of its slots, and one that is stuck is not hidden by others that go
//! on, so progress is kept by loop.
//! **A pager that is down changes nothing here**: the notify stage commits whatever sinks answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::lock;
use crate::telemetry::Stage;

/// Longest time that input waits for a commit, beyond the interval between commits.
const COMMIT_WITHIN: Duration = Duration::from_secs(60);
/// How long an error says that input waits although none was read: what a partition cannot be read
/// for is reported again every few seconds.
const ERROR_HOLDS: Duration = Duration::from_secs(30);
/// Characters of an error that are shown.
const ERROR_CHARS_MAX: usize = 200;

/// What the loops of all stages report.
#[derive(Debug, Default)]
pub(super) struct Loops {
    commit_interval: Mutex<Duration>,
    loops: Mutex<Vec<Weak<StageProgress>>>,
}

/// The progress of one loop of a stage, reported by it; forgotten when it is dropped.
#[derive(Debug)]
pub struct StageProgress {
    stage: Stage,
    state: Mutex<Progress>,
}

/// How far a loop is.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// Since when input waits that no commit covers.
    waiting_since: Option<Instant>,
    error: Option<(Instant, String)>,
}

/// Whether the process is ready, as a list of checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness(Vec<Check>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The stage that it is about; `None` for the start of all.
    pub stage: Option<Stage>,
    /// What is wrong, as a sentence.
    pub fault: Option<String>,
}

impl Loops {
    pub(super) fn set_commit_interval(&self, interval: Duration) {
        *lock(&self.commit_interval) = interval;
    }

    pub(super) fn add(&self, stage: Stage) -> Arc<StageProgress> {
        let progress = Arc::new(StageProgress { stage, state: Mutex::default() });
        let mut loops = lock(&self.loops);
        loops.retain(|known| known.strong_count() > 0);
        loops.push(Arc::downgrade(&progress));
        progress
    }

    /// Judges every stage by its worst loop.
    pub(super) fn readiness(&self, has_started: bool, now: Instant) -> Readiness {
        let patience = COMMIT_WITHIN + *lock(&self.commit_interval);
        let mut worst: BTreeMap<Stage, Option<(Duration, String)>> = BTreeMap::new();
        for progress in lock(&self.loops).iter().filter_map(Weak::upgrade) {
            let stuck = lock(&progress.state).stuck(patience, now);
            let entry = worst.entry(progress.stage).or_default();
            *entry = std::mem::take(entry).max(stuck);
        }
        let start = (!has_started).then(|| "The stages have not started.".to_owned());
        let stage = |(stage, stuck): (Stage, Option<(Duration, String)>)| Check {
            stage: Some(stage),
            fault: stuck.map(|(span, error)| sentence(stage, span, &error)),
        };
        let start = Check { stage: None, fault: start };
        Readiness([start].into_iter().chain(worst.into_iter().map(stage)).collect())
    }
}

impl StageProgress {
    /// Input is about to be read or worked on.
    pub fn waits(&self) {
        self.at(Progress::waits);
    }

    /// Everything that was read is committed: so many messages.
    pub fn committed(&self, inputs: u64) {
        self.at(|progress, now| progress.committed(inputs, now));
    }

    /// There is nothing to commit and nothing to read.
    pub fn rests(&self) {
        self.at(Progress::rests);
    }

    /// It could not read, commit or start.
    pub fn failed(&self, error: &str) {
        self.at(|progress, now| progress.failed(error, now));
    }

    /// It reads no partition any more: another process has them.
    pub fn has_none(&self) {
        self.at(|progress, _| *progress = Progress::default());
    }

    fn at(&self, change: impl FnOnce(&mut Progress, Instant)) {
        change(&mut lock(&self.state), Instant::now());
    }
}

impl Progress {
    fn waits(&mut self, now: Instant) {
        self.waiting_since.get_or_insert(now);
    }

    /// A commit without input, such as a heartbeat, does not show that input can be read.
    fn committed(&mut self, inputs: u64, now: Instant) {
        if inputs == 0 {
            self.rests(now);
        } else {
            *self = Self::default();
        }
    }

    fn rests(&mut self, now: Instant) {
        let holds = |(at, _): &(Instant, String)| now.saturating_duration_since(*at) < ERROR_HOLDS;
        if !self.error.as_ref().is_some_and(holds) {
            *self = Self::default();
        }
    }

    fn failed(&mut self, error: &str, now: Instant) {
        self.waits(now);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let mut text: String = error.chars().take(ERROR_CHARS_MAX).map(plain).collect();
        if text.len() < error.len() {
            text.push('…');
        }
        self.error = Some((now, text));
    }

    /// Returns for how long no commit covered what waits, if that is too long, and the last error.
    fn stuck(&self, patience: Duration, now: Instant) -> Option<(Duration, String)> {
        let span = now.saturating_duration_since(self.waiting_since?);
        let error = self.error.as_ref().map_or_else(String::new, |(_, error)| error.clone());
        (span >= patience).then_some((span, error))
    }
}

fn sentence(stage: Stage, span: Duration, error: &str) -> String {
    let stage = stage.as_str();
    let (secs, mins) = (span.as_secs(), span.as_secs() / 60);
    let span = if secs < 120 { format!("{secs} s") } else { format!("{mins} min") };
    match error {
        "" => format!("Stage {stage} has not committed for {span} although it has input."),
        error => {
            let end = if error.ends_with(['.', '…']) { "" } else { "." };
            format!("Stage {stage} has not committed for {span}: {error}{end}")
        }
    }
}

impl Readiness {
    /// Whether every check passes.
    pub fn is_ready(&self) -> bool {
        self.faults().next().is_none()
    }

    /// Returns what is wrong, a sentence each.
    pub fn faults(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|check| check.fault.as_deref())
    }

    /// Returns every check.
    pub fn checks(&self) -> &[Check] {
        &self.0
    }

    /// Tells whether a stage is ready; `None` where it does not run here.
    pub fn of(&self, stage: Stage) -> Option<bool> {
        let check = |of: Option<Stage>| self.0.iter().find(|check| check.stage == of);
        let has_started = check(None).is_some_and(|check| check.fault.is_none());
        match check(Some(stage)) {
            Some(check) => Some(has_started && check.fault.is_none()),
            // Which others run depends on the configuration.
            None if matches!(stage, Stage::Tally | Stage::Detect | Stage::Alert) => {
                (!has_started).then_some(false)
            }
            None => None,
        }
    }

    /// Returns what is wrong with a stage.
    pub fn fault_of(&self, stage: Stage) -> Option<&str> {
        self.0.iter().find(|check| check.stage == Some(stage))?.fault.as_deref()
    }
}

impl Check {
    /// Returns its name.
    pub fn name(&self) -> String {
        self.stage.map_or_else(|| "start".to_owned(), |stage| format!("stage {}", stage.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    use super::*;

    /// Runs a script of `SECS EVENT [ERROR]` lines against one loop of the alert stage.
    fn check(script: &str, expected: Expect) {
        let begin = Instant::now();
        let mut progress = Progress::default();
        let mut text = String::new();
        for line in script.lines().map(str::trim) {
            let mut words = line.splitn(3, ' ');
            let secs: u64 = words.next().unwrap().parse().unwrap();
            let now = begin + Duration::from_secs(secs);
            match (words.next().unwrap(), words.next()) {
                ("waits", _) => progress.waits(now),
                ("committed", _) => progress.committed(7, now),
                ("heartbeat", _) => progress.committed(0, now),
                ("rests", _) => progress.rests(now),
                ("failed", error) => progress.failed(error.unwrap_or_default(), now),
                _ => {}
            }
            let stuck = progress.stuck(COMMIT_WITHIN, now);
            let told = stuck.map(|(span, error)| sentence(Stage::Alert, span, &error));
            writeln!(text, "{line} -> {}", told.as_deref().unwrap_or("ready")).unwrap();
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn a_stage_without_input_is_ready_for_ever() {
        check(
            "0 rests
             59 waits
             60 committed
             4000 rests",
            expect![[r#"
                0 rests -> ready
                59 waits -> ready
                60 committed -> ready
                4000 rests -> ready
            "#]],
        );
    }

    #[test]
    fn input_that_is_not_committed_for_a_minute_makes_it_unready_until_a_commit() {
        check(
            "0 waits
             59 waits
             60 look
             150 waits
             151 committed",
            expect![[r#"
                0 waits -> ready
                59 waits -> ready
                60 look -> Stage alert has not committed for 60 s although it has input.
                150 waits -> Stage alert has not committed for 2 min although it has input.
                151 committed -> ready
            "#]],
        );
    }

    #[test]
    fn commits_that_only_fail_do_not_count_and_the_last_error_is_named() {
        check(
            "0 waits
             1 failed commit: MessageSizeTooLarge
             40 failed commit: MessageSizeTooLarge
             61 failed commit: MessageSizeTooLarge",
            expect![[r#"
                0 waits -> ready
                1 failed commit: MessageSizeTooLarge -> ready
                40 failed commit: MessageSizeTooLarge -> ready
                61 failed commit: MessageSizeTooLarge -> Stage alert has not committed for 61 s: commit: MessageSizeTooLarge.
            "#]],
        );
    }

    #[test]
    fn a_partition_that_cannot_be_read_is_not_taken_for_one_without_input() {
        check(
            "0 failed BadCompression
             5 rests
             20 failed BadCompression
             25 heartbeat
             45 failed BadCompression
             60 heartbeat
             80 rests",
            expect![[r#"
                0 failed BadCompression -> ready
                5 rests -> ready
                20 failed BadCompression -> ready
                25 heartbeat -> ready
                45 failed BadCompression -> ready
                60 heartbeat -> Stage alert has not committed for 60 s: BadCompression.
                80 rests -> ready
            "#]],
        );
    }

    #[test]
    fn one_loop_that_is_stuck_is_not_hidden_by_another_of_its_stage() {
        let loops = Loops::default();
        let (stuck, fine) = (loops.add(Stage::Tally), loops.add(Stage::Tally));
        let alert = loops.add(Stage::Alert);
        stuck.failed("x\n".repeat(300).as_str());
        fine.committed(1);
        let later = Instant::now() + Duration::from_secs(61);
        let readiness = loops.readiness(true, later);
        let fault = readiness.fault_of(Stage::Tally).unwrap();
        assert!(fault.starts_with("Stage tally has not committed for 61 s"), "{fault}");
        assert!(fault.len() < 300 && fault.ends_with("x x …"), "{fault}");
        assert_eq!(readiness.fault_of(Stage::Alert), None);
        assert_eq!(readiness.checks().len(), 3);
        drop((stuck, alert));
        let readiness = loops.readiness(true, later);
        assert!(readiness.is_ready() && readiness.checks().len() == 2, "{readiness:?}");
        let readiness = loops.readiness(false, later);
        assert!(!readiness.is_ready(), "nothing has started");
        assert_eq!((readiness.of(Stage::Detect), readiness.of(Stage::Notify)), (Some(false), None));
    }

    #[test]
    fn the_interval_between_commits_is_waited_for_too() {
        let loops = Loops::default();
        loops.set_commit_interval(Duration::from_secs(60));
        let progress = loops.add(Stage::Tally);
        progress.waits();
        let after = |secs| Instant::now() + Duration::from_secs(secs);
        assert!(loops.readiness(true, after(110)).is_ready());
        assert!(!loops.readiness(true, after(121)).is_ready());
    }
}
