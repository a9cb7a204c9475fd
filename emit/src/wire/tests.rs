//! What is encoded comes back, and nothing else is taken.

use logwake_detector::alert::AlertMachineState;
use logwake_detector::detect::{DetectState, Findings};
use logwake_detector::record::{Level, Source};
use logwake_detector::tally::{
    Exemplar, LineCounts, ServiceTally, SessionEvent, SessionTally, SkeletonTally, TallyState,
};
use logwake_detector::time::Timestamp;

use super::*;

fn batch() -> TallyBatch {
    let time = Timestamp::from_secs(1_700_000_000);
    let first = Exemplar {
        offset: 7,
        time,
        at: time,
        host: "web-1".to_owned(),
        level: Level::Warn,
        text: "cache miss for key 81".to_owned(),
    };
    let skeleton = SkeletonTally {
        hash: u64::MAX,
        skeleton: "cache miss for key <*>".to_owned(),
        given: false,
        window: time,
        levels: [0, 0, 0, 0, 3, 0, 0],
        hosts: vec![("web-1".to_owned(), 3)],
        first,
        gravest: None,
        rows: Vec::new(),
    };
    TallyBatch {
        source: Source::Partition { topic: "logs".into(), partition: 2 },
        sources: 4,
        seq: 9,
        from: 5,
        to: 8,
        newest: Some(time),
        idle: false,
        wall: time,
        lines: LineCounts { tallied: 3, ..LineCounts::default() },
        services: vec![ServiceTally {
            name: "shop".to_owned(),
            late: vec![skeleton.clone()],
            skeletons: vec![skeleton],
            sessions: vec![SessionTally {
                key: "order 7".to_owned(),
                events: vec![SessionEvent {
                    skeleton: 0,
                    count: 3,
                    first: time,
                    last: time,
                    offset: 5,
                }],
            }],
        }],
    }
}

#[test]
fn values_come_back() {
    assert_eq!(decode_tally(&encode_tally(&batch())), Ok(batch()));
    let wall = Timestamp::from_secs(1);
    let findings =
        Findings { shard: 1, shards: 2, seq: 3, progress: None, wall, anomalies: Vec::new() };
    let input = AlertInput::Findings(findings);
    assert_eq!(decode_alert_input(&encode_alert_input(&input)), Ok(input));
}

#[test]
fn states_of_every_stage_come_back() {
    fn check<T>()
    where
        T: Default + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        assert_eq!(decode("state", 7, &encode(7, &T::default())), Ok(T::default()));
    }
    check::<TallyState>();
    check::<DetectState>();
    check::<AlertMachineState>();
}

#[test]
fn errors_name_value_version_and_bound() {
    let message = |bytes: &[u8]| decode_tally(bytes).unwrap_err().to_string();
    assert_eq!(message(&[]), "tally has 0 bytes, a version byte is the least");
    let mut bytes = encode_tally(&batch());
    bytes.push(0);
    let len = bytes.len();
    let ours = bytes[0];
    let trailing = format!("tally of version {ours} ends 1 bytes before its {len} bytes do");
    assert_eq!(message(&bytes), trailing);
    bytes[0] = ours + 1;
    let newer = format!("tally has version {}, this program reads {ours} to {ours}", ours + 1);
    assert_eq!(message(&bytes), newer);
}

#[test]
fn no_cut_or_flipped_bytes_bring_it_down() {
    let bytes = encode_tally(&batch());
    for len in 0..bytes.len() {
        assert!(decode_tally(&bytes[..len]).is_err(), "{len} bytes");
    }
    for idx in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[idx] ^= 0xff;
        let _ = decode_tally(&flipped);
    }
}
