//! Other programs at the topics.

use std::process::Command;

use crate::pipeline::Pipeline;
use crate::support::kafka::Kafka;
use crate::support::lines::shop;
use crate::support::schema;

#[test]
fn kcat_reads_the_anomalies() {
    let Some(kafka) = Kafka::from_env() else { return };
    if Command::new("kcat").arg("-V").output().is_err() {
        eprintln!("skipped: kcat is not installed");
        return;
    }
    let pipeline = Pipeline::new(kafka, &shop(41), 1, "detect_partitions = 1");
    let expected = pipeline.replay();
    pipeline.produce();
    let service = pipeline.start("a");
    pipeline.wait_for_results(&expected);
    service.stop();
    let topic = pipeline.kafka.name("anomalies");
    let output = Command::new("kcat")
        .args(["-b", &pipeline.kafka.bootstrap, "-C", "-t", &topic, "-e", "-q"])
        .args(["-X", "isolation.level=read_committed"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(schema::check_all("anomaly", text.lines()), expected.anomalies.len());
    assert_eq!(text.lines().collect::<Vec<_>>(), expected.anomalies);
}
