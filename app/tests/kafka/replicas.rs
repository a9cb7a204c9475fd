//! Several processes over several partitions, whose producer gives no keys.

use crate::pipeline::Pipeline;
use crate::support::kafka::Kafka;
use crate::support::lines::shop;
use crate::support::tallies::cover;

#[test]
fn processes_that_join_leave_and_die_find_what_one_finds() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &shop(31), 4, "detect_partitions = 4\nslots = 2");
    let expected = pipeline.replay();
    let topic = pipeline.kafka.logs();
    let part = |from: usize, to: usize| {
        for (lines, number) in pipeline.parts.iter().zip(0..) {
            let at = |share: usize| lines.len() * share / 4;
            pipeline.kafka.produce(&topic, number, &lines[at(from)..at(to)]);
        }
        pipeline.parts.iter().map(|lines| (lines.len() * to / 4) as u64).sum::<u64>()
    };
    let mut first = pipeline.start("a");
    first.wait_for_log("running");
    let mut tallies = pipeline.tallies();
    let produced = part(0, 1);
    tallies.wait("a alone", |records| cover(records).lines.total() >= produced / 2);
    let second = pipeline.start("b");
    let produced = part(1, 2);
    tallies.wait("a and b", |records| cover(records).lines.total() >= produced);
    let third = pipeline.start("c");
    let produced = part(2, 3);
    first.stop();
    tallies.wait("b and c", |records| cover(records).lines.total() >= produced);
    let produced = part(3, 4);
    third.kill();
    pipeline.wait_for_all(&mut tallies, produced);
    pipeline.wait_for_results(&expected);
    second.stop();
    pipeline.check_lines();
    pipeline.check_ids(&expected);
}
