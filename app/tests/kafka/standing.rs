//! Static membership: a restart within the session moves no partition.

use std::time::{Duration, Instant};

use crate::crash::SLOW;
use crate::pipeline::Pipeline;
use crate::support::kafka::{DEADLINE, Kafka};
use crate::support::lines::busy_shop;
use crate::support::program::Service;

#[test]
fn a_restart_of_a_static_member_moves_nothing() {
    let Some(kafka) = Kafka::from_env() else { return };
    let more = format!("static_membership = true\nslots = 1\n{SLOW}");
    let pipeline = Pipeline::new(kafka, &busy_shop(43, 40), 4, &more);
    let start = |name: &str| {
        pipeline.start_with(name, |config| config.replacen("\"1500\"", "\"20000\"", 1))
    };
    let (mut first, mut second) = (start("a"), start("b"));
    first.wait_for_log("running");
    let begin = Instant::now();
    while !are_settled(&first, &second) {
        assert!(begin.elapsed() < DEADLINE, "{}", first.log());
        std::thread::sleep(Duration::from_millis(20));
        assert!(first.ended().is_none() && second.ended().is_none());
    }
    let moves = |service: &Service| service.log().matches("partitions assigned").count();
    let before = moves(&first);
    second.stop();
    let second = start("b");
    pipeline.produce();
    let mut tallies = pipeline.tallies();
    pipeline.wait_for_all(&mut tallies, pipeline.lines());
    assert_eq!(moves(&first), before, "{}", first.log());
    first.stop();
    second.stop();
    pipeline.check_lines();
}

/// Tells whether every stage has spread its partitions over both: four of the tally stage, two of
/// the detect stage, and the one of the alert stage is with either.
fn are_settled(first: &Service, second: &Service) -> bool {
    let (first, second) = (first.log(), second.log());
    let both = |line| first.contains(line) && second.contains(line);
    let either = |line| first.contains(line) || second.contains(line);
    both("stage=\"tally\" partitions=2")
        && both("stage=\"detect\" partitions=1")
        && either("stage=\"alert\" partitions=1")
}
