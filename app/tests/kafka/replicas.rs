//! Several processes over several partitions, whose producer gives no keys.

use crate::crash::{SLOW, wait_for_share};
use crate::pipeline::Pipeline;
use crate::support::kafka::Kafka;
use crate::support::lines::busy_shop;

#[test]
fn processes_that_join_leave_and_die_find_what_one_finds() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &busy_shop(31, 80), 4, &format!("slots = 2\n{SLOW}"));
    let expected = pipeline.replay();
    pipeline.produce();
    let lines = pipeline.lines();
    let mut first = pipeline.start("a");
    first.wait_for_log("running");
    let mut tallies = pipeline.tallies();
    wait_for_share(&mut tallies, lines / 20);
    let mut second = pipeline.start("b");
    second.wait_for_log("running");
    wait_for_share(&mut tallies, lines / 3);
    let third = pipeline.start("c");
    first.stop();
    wait_for_share(&mut tallies, lines * 2 / 3);
    third.kill();
    pipeline.wait_for_all(&mut tallies, lines);
    pipeline.wait_for_results(&expected);
    second.stop();
    pipeline.check_lines();
    pipeline.check_ids(&expected);
}
