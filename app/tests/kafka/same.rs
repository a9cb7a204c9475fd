//! `run` of records in one partition and `replay` of a capture of it: the same bytes.

use crate::pipeline::Pipeline;
use crate::support::kafka::Kafka;
use crate::support::lines::shop;
use crate::support::schema;

fn same(seed: u64, more: &str) -> Option<Pipeline> {
    let pipeline = Pipeline::new(Kafka::from_env()?, &shop(seed), 1, more);
    let expected = pipeline.replay();
    pipeline.produce();
    let service = pipeline.start("a");
    pipeline.wait_for_all(&mut pipeline.tallies(), pipeline.lines());
    pipeline.wait_for_results(&expected);
    service.stop();
    pipeline.check_lines();
    assert!(schema::check_all("anomaly", pipeline.texts("anomalies").iter().map(|s| &**s)) > 0);
    assert!(schema::check_all("alert", pipeline.texts("alerts").iter().map(|s| &**s)) > 0);
    assert!(schema::check_all("decision", pipeline.texts("decisions").iter().map(|s| &**s)) > 0);
    pipeline.check_ids(&expected);
    if more.contains("detect_partitions = 1") {
        pipeline.check_same(&expected);
    } else {
        assert_eq!(pipeline.texts("alerts"), expected.alerts);
    }
    Some(pipeline)
}

#[test]
fn run_and_replay_give_the_same_bytes() {
    same(11, "detect_partitions = 1");
}

#[test]
fn shards_change_no_alert() {
    same(12, "detect_partitions = 4");
}

#[test]
fn at_least_once_gives_the_same_bytes_where_nothing_fails() {
    same(13, "detect_partitions = 1\ndelivery = \"at_least_once\"");
}
