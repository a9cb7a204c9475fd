#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use logwake_detector::alert::{Arrival, Arrivals, ExternalAlert, ExternalState};
use logwake_detector::record::Source;
use logwake_detector::tally::{LineCounts, TallyBatch};
use logwake_detector::time::Timestamp;

use super::{Arrived, Problems, Tiles};

fn batch(seq: u64, from: u64, to: u64) -> TallyBatch {
    TallyBatch {
        source: Source::Partition { topic: "logs".into(), partition: 0 },
        sources: 1,
        seq,
        from,
        to,
        newest: None,
        idle: false,
        wall: Timestamp::default(),
        lines: LineCounts { tallied: to - from, ..LineCounts::default() },
        services: Vec::new(),
    }
}

/// Feeds batches as `(seq, from, to)`; returns the offsets covered and the problems.
fn check(may_repeat: bool, batches: &[(u64, u64, u64)]) -> ((u64, u64), Vec<String>) {
    let (mut tiles, mut problems) = (Tiles::new(may_repeat), Problems::default());
    for &(seq, from, to) in batches {
        tiles.see(0, &batch(seq, from, to), &mut problems);
    }
    let sums = tiles.sources();
    ((sums[0].from, sums[0].to), problems.kept().to_vec())
}

#[test]
fn ranges_that_tile_are_no_problem() {
    let whole = check(false, &[(0, 0, 10), (1, 10, 10), (2, 10, 25)]);
    assert_eq!(whole, ((0, 25), vec![]));
    let trimmed = check(false, &[(7, 70, 80), (8, 80, 90)]);
    assert_eq!(trimmed, ((70, 90), vec![]));
}

#[test]
fn a_gap_is_found() {
    let (_, problems) = check(false, &[(0, 0, 10), (1, 12, 20)]);
    assert_eq!(problems, ["batch 1 of logs/0 in shard 0 leaves offsets 10 to 12 out"]);
    let (_, problems) = check(false, &[(0, 0, 10), (2, 10, 20)]);
    assert_eq!(problems, ["batch 2 of logs/0 in shard 0 follows 1 batches too late"]);
}

#[test]
fn an_overlap_is_found() {
    let (_, problems) = check(true, &[(0, 0, 10), (1, 8, 20)]);
    assert_eq!(problems, ["batch 1 of logs/0 in shard 0 counts offsets 8 to 10 again"]);
}

#[test]
fn a_repetition_is_a_problem_with_exactly_once_alone() {
    let (_, problems) = check(false, &[(0, 0, 10), (1, 10, 20), (1, 10, 20)]);
    assert_eq!(problems, ["batch 1 of logs/0 in shard 0 came twice"]);
    let (_, problems) = check(true, &[(0, 0, 10), (1, 10, 20), (1, 10, 20)]);
    assert!(problems.is_empty());
}

#[test]
fn a_repetition_that_reaches_further_counts_twice() {
    let (_, problems) = check(true, &[(0, 0, 10), (1, 10, 20), (1, 10, 23)]);
    assert_eq!(
        problems,
        ["batch 1 of logs/0 in shard 0 came again cut elsewhere: offsets 10 to 23 may count \
             twice"]
    );
}

#[test]
fn a_source_is_proven_as_far_as_its_slowest_shard() {
    let (mut tiles, mut problems) = (Tiles::new(false), Problems::default());
    tiles.see(0, &batch(0, 0, 10), &mut problems);
    tiles.see(1, &batch(0, 0, 10), &mut problems);
    tiles.see(1, &batch(1, 10, 15), &mut problems);
    assert_eq!(tiles.sources()[0].to, 10);
    assert_eq!(problems.count(), 0);
}

fn arrivals(seq: u64, ids: &[&str]) -> Arrivals {
    let alert = |id: &&str| {
        Arrival::Alert(Box::new(ExternalAlert {
            id: (*id).to_owned(),
            from: "shop".to_owned(),
            key: "k".to_owned(),
            state: ExternalState::Trigger,
            at: Timestamp::default(),
            started_at: None,
            ends_at: None,
            name: String::new(),
            summary: String::new(),
            severity: None,
            service: String::new(),
            host: None,
            labels: BTreeMap::new(),
            url: None,
        }))
    };
    let items = ids.iter().map(alert).collect();
    Arrivals { source: "external/0".to_owned(), seq, items, ..Arrivals::default() }
}

/// Feeds arrivals after what was accepted; returns the problems.
fn arrive(accepted: &[&str], arrived: &[Arrivals]) -> Vec<String> {
    let (mut check, mut problems) = (Arrived::new(false), Problems::default());
    accepted.iter().for_each(|id| check.accept(id));
    arrived.iter().for_each(|arrivals| check.arrive(arrivals, &mut problems));
    check.close(&mut problems);
    problems.kept().to_vec()
}

#[test]
fn what_was_accepted_is_handed_on_once() {
    assert!(
        arrive(&["a", "b"], &[arrivals(0, &["a"]), arrivals(1, &[]), arrivals(2, &["b", "c"])])
            .is_empty()
    );
    assert_eq!(
        arrive(&["a", "b"], &[arrivals(0, &["a"])]),
        ["1 external alerts were accepted and not handed on"]
    );
    assert!(arrive(&["a"], &[arrivals(7, &["b"])]).is_empty(), "deleted by retention");
    assert_eq!(
        arrive(&[], &[arrivals(0, &["a"]), arrivals(2, &["a"])]),
        ["arrivals 1 to 2 of external/0 are missing", "external alert a was handed on twice"]
    );
    assert_eq!(
        arrive(&[], &[arrivals(0, &["a"]), arrivals(0, &["a"])]),
        ["arrivals 0 of external/0 came twice"]
    );
}
