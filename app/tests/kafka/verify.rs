//! `logwake verify`: what the topics prove, and what it finds when they are tampered with.

use crate::crash::{SLOW, wait_for_share};
use crate::pipeline::Pipeline;
use crate::support::kafka::Kafka;
use crate::support::lines::shop;
use crate::support::program::{Ran, logwake};

fn verify(pipeline: &Pipeline) -> Ran {
    let config = pipeline.dir.path().join("a.toml");
    logwake(&["verify", "-c", config.to_str().unwrap()])
}

#[test]
fn verify_proves_a_killed_and_restarted_run_and_finds_planted_faults() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &shop(41), 2, SLOW);
    pipeline.produce();
    let service = pipeline.start("a");
    let mut tallies = pipeline.tallies();
    wait_for_share(&mut tallies, pipeline.lines() / 3);
    service.kill();
    let service = pipeline.start("a");
    wait_for_share(&mut tallies, pipeline.lines() / 2);
    verify(&pipeline).done();
    pipeline.wait_for_all(&mut tallies, pipeline.lines());
    service.stop();
    let proof = verify(&pipeline).done();
    assert!(proof.ends_with("nothing lost, nothing twice\n"), "{proof}");
    assert!(proof.contains(", 0 to go"), "{proof}");

    let copy = pipeline.read("tallies").into_iter().find(|record| record.partition == 1).unwrap();
    pipeline.kafka.produce(&pipeline.kafka.name("tallies"), 1, &[copy.payload]);
    let ran = verify(&pipeline);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("in shard 1 came twice"), "{ran:?}");

    let decision = pipeline.texts("decisions").into_iter().next().unwrap();
    pipeline.kafka.produce(&pipeline.kafka.name("decisions"), 0, &[decision]);
    let ran = verify(&pipeline);
    assert!(ran.stdout.contains("PROBLEM decision d_"), "{ran:?}");
    assert!(ran.stdout.ends_with("2 problems\n"), "{ran:?}");
}

#[test]
fn at_least_once_counts_nothing_twice_though_it_is_killed() {
    let Some(kafka) = Kafka::from_env() else { return };
    let more = format!("delivery = \"at_least_once\"\n{SLOW}");
    let pipeline = Pipeline::new(kafka, &shop(43), 2, &more);
    pipeline.produce();
    for part in 1..=4 {
        let service = pipeline.start("a");
        wait_for_share(&mut pipeline.tallies(), pipeline.lines() * part / 6);
        service.kill();
    }
    let service = pipeline.start("a");
    pipeline.wait_for_all(&mut pipeline.tallies(), pipeline.lines());
    service.stop();
    let proof = verify(&pipeline).done();
    let lines = pipeline.lines().to_string();
    assert!(proof.replace(',', "").contains(&format!("lines: {lines} = ")), "{proof}");
}

#[test]
fn verify_says_that_nothing_ever_ran() {
    let Some(kafka) = Kafka::from_env() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.toml");
    std::fs::write(&path, kafka.config("a", "")).unwrap();
    kafka.make_topic(&kafka.logs(), 1, &[]);
    let ran = logwake(&["verify", "-c", path.to_str().unwrap()]);
    ran.failed(1, &[&kafka.name("tallies"), "was `logwake run` ever started"]);
}
