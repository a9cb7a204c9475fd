//! States that another version wrote: the run goes on, and what they knew is learned again.

use logwake_emit::wire::{decode_outputs, encode_outputs, snapshot};

use crate::crash::SLOW;
use crate::pipeline::Pipeline;
use crate::support::kafka::{Kafka, Record};
use crate::support::lines::busy_shop;
use crate::support::tallies::cover;

/// Puts the version of the newest state of an input partition one back.
fn age(pipeline: &Pipeline, suffix: &str, input: &str, number: i32) {
    let records: Vec<Record> = pipeline.read(suffix);
    let pairs = records.iter().map(|record| (record.key.as_str(), record.payload.as_slice()));
    let key = snapshot::manifest_key(input, number);
    let found = snapshot::assemble(&key, pairs).unwrap().expect("a state was written");
    let state = match suffix {
        "state.tally" => {
            let (outputs, mut state) = decode_outputs(&found.state).unwrap();
            state[0] -= 1;
            encode_outputs(&outputs, &state)
        }
        _ => {
            let mut state = found.state;
            state[0] -= 1;
            state
        }
    };
    let (_, pairs) = snapshot::split(&key, found.manifest.offset, &state);
    let place = records.iter().find(|record| record.key == key).unwrap().partition;
    let pairs = pairs.iter().map(|(key, value)| (Some(key.as_str()), value.as_slice()));
    pipeline.kafka.producer(100).send(&pipeline.kafka.name(suffix), place, pairs);
}

#[test]
fn a_run_goes_on_over_states_of_another_version() {
    let Some(kafka) = Kafka::from_env() else { return };
    let pipeline = Pipeline::new(kafka, &busy_shop(47, 40), 1, SLOW);
    let expected = pipeline.replay();
    let (topic, part) = (pipeline.kafka.logs(), &pipeline.parts[0]);
    let (first, rest) = part.split_at(part.len() / 2);
    pipeline.kafka.produce(&topic, 0, first);
    let mut service = pipeline.start("a");
    service.wait_for_log("running");
    pipeline.wait_for_all(&mut pipeline.tallies(), first.len() as u64);
    service.stop();
    age(&pipeline, "state.tally", &topic, 0);
    for shard in 0..2 {
        age(&pipeline, "state.detect", &pipeline.kafka.name("tallies"), shard);
    }
    age(&pipeline, "state.alert", &pipeline.kafka.name("findings"), 0);

    let service = pipeline.start("a");
    pipeline.kafka.produce(&topic, 0, rest);
    pipeline.wait_for_all(&mut pipeline.tallies(), pipeline.lines());
    pipeline.wait_for_results(&expected);
    let log = service.log();
    service.stop();
    // Tallies and findings were all there still, so nothing that was learned is lost.
    assert_eq!(cover(&pipeline.read("tallies")).lines.total(), pipeline.lines());
    pipeline.check_ids(&expected);
    assert_eq!(pipeline.texts("alerts"), expected.alerts);
    assert_eq!(log.matches("cannot be read").count(), 4, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}
