#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use logwake_models::template::TemplateId;
use proptest::prelude::*;

use super::*;
use crate::anomaly::{AnomalyKind, Evidence, Severity, TemplateRef};
use crate::record::{Level, Source};
use crate::tally::Exemplar;

mod arrivals;

const SETTINGS: AlertSettings = AlertSettings {
    open_weight: 3.0,
    join_gap: Duration::from_secs(60),
    resolve_after: Duration::from_secs(300),
    update_every: Duration::from_secs(120),
    clusters_max: 4,
    ..AlertSettings::DEFAULT
};

/// Makes an anomaly from `AT SERVICE KIND SEVERITY TEXT`; `SERVICE~60` is one that lasts for 60 s.
pub(crate) fn anomaly(line: &str) -> Anomaly {
    let words: Vec<&str> = line.split(' ').collect();
    let at = Timestamp::from_secs(words[0].parse().unwrap());
    let (service, lasts) = match words[1].split_once('~') {
        Some((service, secs)) => (service, Some(Duration::from_secs(secs.parse().unwrap()))),
        None => (words[1], None),
    };
    let kind = AnomalyKind::ALL.into_iter().find(|kind| kind.as_str() == words[2]).unwrap();
    let severity = Severity::ALL.into_iter().find(|one| one.as_str() == words[3]).unwrap();
    let text = words[4..].join(" ");
    let whole = lasts.is_none() && kind == AnomalyKind::Silence || kind == AnomalyKind::LevelShift;
    let id = TemplateId(xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
    let level = if severity >= Severity::Error { Level::Error } else { Level::Info };
    let exemplar =
        Exemplar { offset: 0, time: at, at, host: String::new(), level, text: text.clone() };
    Anomaly {
        id: id_of("a", &[line]),
        kind,
        at,
        service: service.to_owned(),
        host: None,
        level,
        severity,
        window_start: at.window_start(Duration::from_secs(10)),
        window_end: at.window_start(Duration::from_secs(10)) + Duration::from_secs(10),
        template: Some(TemplateRef { id, text: text.clone() }).filter(|_| !whole),
        score: 0.5,
        p_value: 1e-6,
        actual: 1.0,
        typical: 0.0,
        lower: 0.0,
        upper: 0.0,
        contributions: Vec::new(),
        exemplars: vec![Evidence { source: Source::File { path: "a.log".into() }, exemplar }],
        reason: format!("{service}: {text}"),
        incomplete: false,
        session: None,
        lasts_until: lasts.map(|lasts| at + lasts),
    }
}

fn findings(shard: u32, shards: u32, seq: u64, progress: i64, lines: &[&str]) -> Findings {
    let (progress, wall) = (Some(Timestamp::from_secs(progress)), Timestamp::from_secs(progress));
    let anomalies = lines.iter().map(|line| anomaly(line)).collect();
    Findings { shard, shards, seq, progress, wall, anomalies }
}

fn print(out: &[AlertOutput]) -> String {
    let mut text = String::new();
    let mut names = BTreeMap::new();
    for output in out {
        let alert = match output {
            AlertOutput::Change(change) => &change.id,
            AlertOutput::Decision(decision) => &decision.alert,
        };
        let number = names.len() + 1;
        let name = *names.entry(alert.clone()).or_insert(number);
        match output {
            AlertOutput::Change(change) => {
                let AlertChange { state, severity, title, anomaly_count, .. } = change.as_ref();
                let at = change.at.as_nanos() / 1_000_000_000;
                let (state, severity) = (state.as_str(), severity.as_str());
                writeln!(text, "{at} {state} #{name} {severity} of {anomaly_count}: {title}")
            }
            AlertOutput::Decision(Decision { at, action, reason, weight, .. }) => {
                let at = at.as_nanos() / 1_000_000_000;
                let (action, reason) = (action.as_str(), reason.as_str());
                writeln!(text, "{at}   {action} #{name} {reason} {weight:.2}")
            }
        }
        .unwrap();
    }
    text
}

/// Takes anomalies in one shard, and lets time go on to `end`.
fn check(script: &str, end: i64, expected: Expect) {
    let lines: Vec<&str> = script.lines().map(str::trim).collect();
    expected.assert_eq(&print(&run(&lines, end)));
}

fn run(lines: &[&str], end: i64) -> Vec<AlertOutput> {
    run_with(SETTINGS, lines, end)
}

fn run_with(settings: AlertSettings, lines: &[&str], end: i64) -> Vec<AlertOutput> {
    let mut alert = Alert::new(settings);
    let mut out = Vec::new();
    for (seq, line) in lines.iter().enumerate() {
        let at = line.split(' ').next().unwrap().parse().unwrap();
        alert.step(findings(0, 1, seq as u64, at, &[line]), &mut out);
    }
    alert.step(findings(0, 1, lines.len() as u64, end, &[]), &mut out);
    out
}

#[test]
fn what_is_missed_stays_open_until_it_comes() {
    check(
        "100 backup~9000 silence error dump started
         400 backup~9000 silence error dump finished
         800 backup new_template error disk failed
         810 backup new_template error cannot write
         2000 backup~0 silence info dump started
         2100 backup~0 silence info dump finished",
        20_000,
        expect![[r#"
            100   merge #1 first_evidence 4.00
            100 open #1 error of 1: backup: dump started
            100   send #1 enough_evidence 4.00
            400   merge #1 same_service 8.00
            400 updated #1 error of 2: backup: dump started
            400   send #1 more_evidence 8.00
            800   merge #2 first_evidence 2.00
            810   merge #2 same_service 4.00
            810 open #2 error of 2: backup: new: disk failed
            810   send #2 enough_evidence 4.00
            1110 resolved #2 error of 2: backup: new: disk failed
            1110   send #2 quiet_again 4.00
            2000   merge #1 same_fingerprint 8.25
            2000 updated #1 error of 3: backup: dump started
            2000   send #1 more_evidence 8.25
            2100   merge #1 same_fingerprint 8.50
            2120 updated #1 error of 4: backup: dump started
            2120   send #1 more_evidence 8.50
            2400 resolved #1 error of 4: backup: dump started
            2400   send #1 quiet_again 8.50
        "#]],
    );
}

#[test]
fn what_never_comes_is_given_up() {
    check(
        "100 backup~9000 silence error no dump started",
        20_000,
        expect![[r#"
            100   merge #1 first_evidence 4.00
            100 open #1 error of 1: backup: no dump started
            100   send #1 enough_evidence 4.00
            9100 resolved #1 error of 1: backup: no dump started
            9100   send #1 quiet_again 4.00
        "#]],
    );
}

#[test]
fn one_cause_over_three_services_is_one_alert() {
    check(
        "100 payments new_template error connection to db-1 refused
         105 checkout new_template error payment service unavailable
         112 checkout rate_spike info retry of payment
         115 cart level_shift error 14 records of level error or above in 10 s, expected none
         140 payments silence error no records for 20 s, usually 30 in 10 s",
        1000,
        expect![[r#"
            100   merge #1 first_evidence 2.00
            105   merge #1 close_in_time 4.00
            105 open #1 error of 2: payments: new: connection to db-1 refused (also checkout)
            105   send #1 enough_evidence 4.00
            112   merge #1 same_service 4.25
            115   merge #1 close_in_time 6.25
            115 updated #1 critical of 4: payments: new: connection to db-1 refused (also checkout, cart)
            115   send #1 severity_raised 6.25
            140   merge #1 same_service 10.25
            235 updated #1 critical of 5: payments: new: connection to db-1 refused (also checkout, cart)
            235   send #1 more_evidence 10.25
            440 resolved #1 critical of 5: payments: new: connection to db-1 refused (also checkout, cart)
            440   send #1 quiet_again 10.25
        "#]],
    );
}

#[test]
fn weak_anomalies_of_services_that_have_nothing_in_common_never_open() {
    check(
        "100 a new_template info cache warmed
         400 b rate_spike info request served
         900 c new_template warning slow query
         1000 d forest info these 10 s as a whole are unusual",
        2000,
        expect![[r#"
            100   merge #1 first_evidence 0.25
            220   suppress #1 not_enough_evidence 0.25
            400   merge #2 first_evidence 0.25
            520   suppress #2 not_enough_evidence 0.25
            900   merge #3 first_evidence 1.00
            1000   merge #4 first_evidence 0.25
            1020   suppress #3 not_enough_evidence 1.00
            1120   suppress #4 not_enough_evidence 0.25
        "#]],
    );
    let many: Vec<String> =
        (0..200).map(|n| format!("{} s{n} new_template info hello w{n}", 100 + n * 20)).collect();
    let lines: Vec<&str> = many.iter().map(String::as_str).collect();
    let sent = run(&lines, 9000).into_iter().filter(|o| matches!(o, AlertOutput::Change(_)));
    assert_eq!(sent.count(), 0);
}

#[test]
fn updates_that_bring_more_of_the_same_keep_their_distance() {
    let lines: Vec<String> = (0..60)
        .map(|n| {
            format!("{} a level_shift error {n} records of level error or above", 100 + n * 10)
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let out = run(&lines, 2000);
    let sent: Vec<i64> = out
        .iter()
        .filter_map(|output| match output {
            AlertOutput::Change(change) => Some(change.at.as_nanos() / 1_000_000_000),
            AlertOutput::Decision(_) => None,
        })
        .collect();
    expect!["[110, 230, 350, 470, 590, 710, 990]"].assert_eq(&format!("{sent:?}"));
}

#[test]
fn a_new_service_is_told_though_its_evidence_is_older_than_the_last_update() {
    let mut out = Vec::new();
    let mut alert = Alert::new(SETTINGS);
    let first = ["100 a silence error no records for 20 s"];
    alert.step(findings(0, 1, 0, 100, &first), &mut out);
    let mut late = anomaly("140 b new_template warning upstream a is gone");
    late.exemplars[0].exemplar.time = Timestamp::from_secs(95);
    let mut next = findings(0, 1, 1, 140, &[]);
    next.anomalies.push(late);
    alert.step(next, &mut out);
    assert!(out.iter().any(|output| matches!(output,
        AlertOutput::Decision(decision) if decision.reason == Reason::NewService)));
}

#[test]
fn at_the_limit_the_lightest_unsent_cluster_gives_way_and_then_the_oldest() {
    let script = "100 a new_template warning slow query
165 b new_template info rotated keys
230 c silence error no records for 20 s, usually 30 in 10 s
295 d new_template warning disk almost full";
    let lines: Vec<&str> = script.lines().collect();
    let out = run_with(AlertSettings { clusters_max: 1, ..SETTINGS }, &lines, 295);
    expect![[r#"
        100   merge #1 first_evidence 1.00
        165   suppress #1 limit_reached 1.00
        165   merge #2 first_evidence 0.25
        230   suppress #2 limit_reached 0.25
        230   merge #3 first_evidence 4.00
        230 open #3 error of 1: c: no records for 20 s, usually 30 in 10 s
        230   send #3 enough_evidence 4.00
        295 resolved #3 error of 1: c: no records for 20 s, usually 30 in 10 s
        295   send #3 limit_reached 4.00
        295   merge #4 first_evidence 1.00
    "#]]
    .assert_eq(&print(&out));
    let none = AlertSettings { clusters_max: 0, ..SETTINGS };
    assert_eq!(print(&run_with(none, &lines, 295)), print(&out));
}

#[derive(Clone, Debug)]
struct Told {
    shard: u32,
    at: i64,
    line: String,
}

/// Anomalies of shards, each in order of time within its shard.
fn stories() -> impl Strategy<Value = Vec<Told>> {
    let one = (0u32..3, -40i64..120, 0usize..3, 0usize..6, 0usize..4, 0usize..5);
    prop::collection::vec(one, 1..60).prop_map(|parts| {
        let mut at = 100;
        let mut stories = Vec::new();
        for (n, (shard, ahead, service, kind, severity, word)) in parts.into_iter().enumerate() {
            at += ahead.max(0);
            let kind = AnomalyKind::ALL[kind].as_str();
            let severity = Severity::ALL[severity].as_str();
            let line = format!("{at} s{shard}{service} {kind} {severity} w{word} x{n}");
            stories.push(Told { shard, at, line });
        }
        stories
    })
}

/// The findings of each shard: one for each anomaly, and one at the end of time.  A shard may have
/// more to tell of the newest instant, so it has told all only up to the one before.
fn by_shard(stories: &[Told]) -> Vec<Vec<Findings>> {
    let end = stories.last().map_or(0, |last| last.at) + 10_000;
    let shard = |shard: u32| {
        let own = stories.iter().filter(|told| told.shard == shard);
        let mut all: Vec<Findings> = own
            .enumerate()
            .map(|(seq, told)| findings(shard, 3, seq as u64, told.at, &[&told.line]))
            .map(|one| Findings {
                progress: one.progress.map(|progress| progress - Duration::from_nanos(1)),
                ..one
            })
            .collect();
        all.push(findings(shard, 3, all.len() as u64, end, &[]));
        all
    };
    (0..3).map(shard).collect()
}

/// Feeds the findings of shards in the order that `picks` says.
fn feed(mut shards: Vec<Vec<Findings>>, picks: &[usize], restoring: bool) -> Vec<AlertOutput> {
    let (mut alert, mut out, mut picks) = (Alert::new(SETTINGS), Vec::new(), picks.iter().cycle());
    shards.iter_mut().for_each(|shard| shard.reverse());
    while shards.iter().any(|shard| !shard.is_empty()) {
        let ready: Vec<usize> = (0..3).filter(|shard| !shards[*shard].is_empty()).collect();
        let shard = ready[picks.next().unwrap() % ready.len()];
        let next = shards[shard].pop().unwrap();
        alert.step(next.clone(), &mut out);
        alert.step(next, &mut out);
        if restoring {
            let bytes = postcard::to_allocvec(alert.state()).unwrap();
            alert = Alert::new(SETTINGS);
            alert.restore(postcard::from_bytes(&bytes).unwrap());
        }
    }
    out
}

proptest! {
    #[test]
    fn shards_may_interleave_in_any_order_and_a_restored_machine_goes_on(
        stories in stories(),
        picks in prop::collection::vec(0usize..6, 1..50),
    ) {
        let steady = feed(by_shard(&stories), &[0], false);
        prop_assert_eq!(&feed(by_shard(&stories), &picks, false), &steady);
        prop_assert_eq!(&feed(by_shard(&stories), &picks, true), &steady);
    }

    #[test]
    fn every_anomaly_is_merged_once_and_every_alert_ends_once(stories in stories()) {
        let out = feed(by_shard(&stories), &[0], false);
        let mut merged = BTreeMap::<String, u32>::new();
        let (mut ends, mut opened) = (BTreeMap::<String, u32>::new(), BTreeMap::new());
        let mut ids = std::collections::BTreeSet::new();
        for output in &out {
            match output {
                AlertOutput::Decision(decision) => {
                    prop_assert!(ids.insert(decision.id.clone()));
                    let end = ends.entry(decision.alert.clone()).or_default();
                    if let Some(anomaly) = &decision.anomaly {
                        prop_assert_eq!(*end, 0);
                        *merged.entry(anomaly.clone()).or_default() += 1;
                    }
                    *end += u32::from(decision.action == Action::Suppress);
                }
                AlertOutput::Change(change) => match change.state {
                    AlertState::Open => {
                        prop_assert_eq!(opened.insert(change.id.clone(), false), None);
                    }
                    AlertState::Resolved => {
                        prop_assert_eq!(opened.insert(change.id.clone(), true), Some(false));
                        *ends.entry(change.id.clone()).or_default() += 1;
                    }
                    _ => prop_assert_eq!(opened.get(&change.id), Some(&false)),
                },
            }
        }
        prop_assert_eq!(merged.len(), stories.len());
        prop_assert!(merged.values().all(|count| *count == 1));
        prop_assert!(ends.values().all(|count| *count == 1));
    }
}
