//! What a storm does, and when: a function of its seed.

use std::fmt;
use std::time::Duration;

use crate::support::lines::Seeded;

/// A member that hears nothing for this long is out; `Kafka::config` sets it.
const SESSION_MS: u64 = 1500;
/// Broker faults in one storm: each takes the brokers some seconds to get over.
const BROKER_FAULTS_MAX: usize = 2;
/// Commit intervals; a planned move meets a long open transaction with the last.
const COMMITS: [&str; 3] = ["50ms", "200ms", "3s"];

/// One fault. A process is named by a number that is taken modulo those that can suffer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `SIGKILL`; comes back under its name after a while, or never.
    Kill { who: u64, back: Option<Duration> },
    /// `SIGSTOP`, and `SIGCONT` after a while: often when others have taken over.
    Pause { who: u64, span: Duration },
    /// One more process.
    Join { commit: &'static str },
    /// `SIGTERM`.
    Leave { who: u64 },
    /// A broker is killed or stopped, and started again after a while.
    Broker { node: u64, is_killed: bool, down: Duration },
}

/// A fault and how long after the one before it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub after: Duration,
    pub fault: Fault,
}

/// A whole storm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub seed: u64,
    /// Partitions of the log topic.
    pub partitions: usize,
    /// Slots of a process.
    pub slots: u64,
    /// Commit intervals of the processes that are there from the start.
    pub commits: Vec<&'static str>,
    pub steps: Vec<Step>,
    /// What happens when everything is read and only heartbeats go on.
    pub last: Fault,
}

impl Schedule {
    /// Draws a storm; `with_brokers` says whether brokers may be touched.
    pub fn new(seed: u64, with_brokers: bool) -> Self {
        let mut rng = Seeded::new(seed);
        for _ in 0..8 {
            rng.below(2);
        }
        let partitions = 3 + rng.below(4) as usize;
        let slots = 1 + rng.below(2);
        let commits = (0..2 + rng.below(2)).map(|_| commit(&mut rng)).collect();
        let mut brokers = 0;
        let mut steps = Vec::new();
        for _ in 0..6 + rng.below(5) {
            let after = Duration::from_millis(200 + rng.below(1800));
            let mut fault = draw(&mut rng);
            let is_broker = matches!(fault, Fault::Broker { .. });
            if is_broker && (!with_brokers || brokers == BROKER_FAULTS_MAX) {
                fault = pause(&mut rng);
            } else if is_broker {
                brokers += 1;
            }
            steps.push(Step { after, fault });
        }
        let last = match rng.below(3) {
            0 => kill(&mut rng),
            _ => Fault::Pause { who: rng.below(8), span: Duration::from_millis(2 * SESSION_MS) },
        };
        Self { seed, partitions, slots, commits, steps, last }
    }
}

fn commit(rng: &mut Seeded) -> &'static str {
    COMMITS[rng.below(COMMITS.len() as u64) as usize]
}

fn draw(rng: &mut Seeded) -> Fault {
    match rng.below(100) {
        0..30 => kill(rng),
        30..52 => pause(rng),
        52..72 => Fault::Join { commit: commit(rng) },
        72..86 => Fault::Leave { who: rng.below(8) },
        _ => Fault::Broker {
            node: 1 + rng.below(3),
            is_killed: rng.below(2) == 0,
            down: Duration::from_millis(rng.below(3000)),
        },
    }
}

fn kill(rng: &mut Seeded) -> Fault {
    let (who, back) = (rng.below(8), Duration::from_millis(rng.below(2 * SESSION_MS)));
    Fault::Kill { who, back: (rng.below(4) > 0).then_some(back) }
}

fn pause(rng: &mut Seeded) -> Fault {
    let span = Duration::from_millis(100 + rng.below(3 * SESSION_MS));
    Fault::Pause { who: rng.below(8), span }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, partitions, slots, commits, steps, last } = self;
        writeln!(f, "storm {seed}: {partitions} partitions, {slots} slots, commits {commits:?}")?;
        for Step { after, fault } in steps {
            writeln!(f, "  after {} ms: {fault:?}", after.as_millis())?;
        }
        writeln!(f, "  at the end: {last:?}")
    }
}

#[test]
fn a_seed_gives_one_schedule() {
    assert_eq!(Schedule::new(7, true), Schedule::new(7, true));
    assert_ne!(Schedule::new(7, true), Schedule::new(8, true));
}
