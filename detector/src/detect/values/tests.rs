#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use logwake_models::template::{Catalogue, CatalogueLimits, Masks};
use proptest::prelude::*;

use super::Forms;
use crate::anomaly::{Anomaly, AnomalyKind, Severity};
use crate::detect::Detect;
use crate::record::{Level, Record, Source};
use crate::tally::{SkeletonTally, Tally, TallyBatch, TallyInput};
use crate::testing::{CLOCK, Dice, WALL, settings};
use crate::time::Timestamp;

const HOUR: i64 = 3600;

/// A record: milliseconds, service, content.
type Line = (i64, &'static str, String);

/// Four requests a second until second `to`, as `write` puts them.
fn requests(to: i64, write: impl FnMut(&mut Dice, i64) -> String) -> Vec<Line> {
    requests_every(250, to, write)
}

/// A request every so many milliseconds until second `to`, as `write` puts them.
fn requests_every(
    millis: usize,
    to: i64,
    mut write: impl FnMut(&mut Dice, i64) -> String,
) -> Vec<Line> {
    let mut dice = Dice(7);
    let times = (0..to * 1000).step_by(millis);
    times.map(|millis| (millis, "shop", write(&mut dice, millis / 1000))).collect()
}

/// Tallies lines as one of `sources`, with a cut after each number in `cut_every`.
fn tally(source: &str, sources: u32, lines: &[Line], cut_every: usize) -> Vec<TallyBatch> {
    let source = Source::File { path: source.into() };
    let mut tally = Tally::new(source, sources, CLOCK, Masks::default(), WALL);
    let mut out = Vec::new();
    for (at, (millis, service, content)) in lines.iter().enumerate() {
        let record = Record {
            offset: at as u64,
            lines: 1,
            time: Some(Timestamp::from_millis(*millis)),
            service,
            host: "",
            level: Level::Info,
            content: content.as_bytes(),
            template: None,
            session: None,
        };
        tally.step(TallyInput::Record(&record), &mut out);
        if at % cut_every == 0 {
            let to = at as u64 + 1;
            tally.step(TallyInput::Cut { to, wall: WALL, idle: false }, &mut out);
        }
    }
    tally.step(TallyInput::Cut { to: lines.len() as u64, wall: WALL, idle: true }, &mut out);
    out
}

fn detect(batches: &[TallyBatch], shards: u32, restore_every: usize) -> Vec<Anomaly> {
    let is_value = |kind| matches!(kind, AnomalyKind::ValueOutlier | AnomalyKind::NewValue);
    run(batches, shards, restore_every, is_value)
}

fn told(batches: &[TallyBatch], wanted: impl Fn(AnomalyKind) -> bool) -> Vec<Anomaly> {
    run(batches, 1, usize::MAX, wanted)
}

/// Detects in `shards` shards, each restored from its state after every `restore_every` batches.
fn run(
    batches: &[TallyBatch],
    shards: u32,
    restore_every: usize,
    wanted: impl Fn(AnomalyKind) -> bool,
) -> Vec<Anomaly> {
    let mut machines: Vec<Detect> =
        (0..shards).map(|shard| Detect::new(settings(), shard, shards)).collect();
    let mut findings = Vec::new();
    for (at, batch) in batches.iter().enumerate() {
        for (part, machine) in batch.clone().split(shards).into_iter().zip(&mut machines) {
            machine.step(part, &mut findings);
            if at % restore_every == restore_every - 1 {
                let bytes = postcard::to_allocvec(machine.state()).unwrap();
                machine.restore(postcard::from_bytes(&bytes).unwrap());
            }
        }
    }
    let mut found: Vec<Anomaly> = findings.into_iter().flat_map(|f| f.anomalies).collect();
    found.retain(|anomaly| wanted(anomaly.kind));
    found.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    found
}

fn found(lines: &[Line]) -> Vec<Anomaly> {
    detect(&tally("log", 1, lines, 100), 1, usize::MAX)
}

fn slow_requests() -> Vec<Line> {
    requests(HOUR + 120, |dice, second| {
        let slow = second >= HOUR && dice.next() < 0.3;
        let took = dice.latency(80.0) * if slow { 10.0 } else { 1.0 };
        format!(
            "request {} served to user {} took={took:.1}ms",
            dice.below(1 << 40),
            dice.below(50)
        )
    })
}

#[test]
fn a_latency_that_jumps_in_a_third_of_the_requests_is_told_within_two_windows() {
    let found = found(&slow_requests());
    let first = &found[0];
    assert_eq!(first.kind, AnomalyKind::ValueOutlier);
    assert_eq!(first.window_end, Timestamp::from_secs(HOUR + 20));
    assert!(first.reason.contains("values of `took` above"), "{}", first.reason);
    assert!(first.exemplars[0].exemplar.text.contains("took="), "{:?}", first.exemplars);
    assert!(first.severity <= Severity::Warning);
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn a_status_that_was_never_there_is_told_after_an_hour() {
    let lines = requests(HOUR + 120, |dice, second| {
        let status = match dice.below(20) {
            0 => 404,
            1 if second >= HOUR => 503,
            _ => 200,
        };
        format!(
            "answered {} with status={status} bytes=7 in {:.1} ms",
            dice.below(9999),
            dice.latency(9.0)
        )
    });
    let found = found(&lines);
    let [one] = &found[..] else { panic!("{found:#?}") };
    assert_eq!((one.kind, one.severity), (AnomalyKind::NewValue, Severity::Warning));
    assert!(one.reason.contains("`status` is `503` for the first time"), "{}", one.reason);
    assert!(one.exemplars[0].exemplar.text.contains("status=503"), "{:?}", one.exemplars);
    assert!(one.at <= Timestamp::from_secs(HOUR + 60), "{:?}", one.at);
}

#[test]
fn most_requests_slow_are_an_error_each_minute_for_as_long_as_it_lasts() {
    let lines = requests(HOUR + 200, |dice, second| {
        let median = if second >= HOUR { 900.0 } else { 12.0 };
        format!("request took {:.0} ms", dice.latency(median))
    });
    let found = found(&lines);
    let kinds: Vec<_> = found.iter().map(|one| (one.kind, one.severity)).collect();
    assert_eq!(kinds, [(AnomalyKind::ValueOutlier, Severity::Error); 3], "{found:#?}");
    assert!(
        found[0].reason.contains("; usually about 11 ms, 95 % up to 26 ms; by chance"),
        "{}",
        found[0].reason
    );
}

#[test]
fn a_crowd_of_users_and_addresses_that_were_never_there_is_told() {
    let lines = requests(HOUR + 120, |dice, second| {
        let users = if second >= HOUR { 1 << 20 } else { 40 };
        format!("login of user u{} from 10.1.{}.7:{}", dice.below(users), dice.below(250), {
            1024 + dice.below(60_000)
        })
    });
    let found = found(&lines);
    let kinds: Vec<_> = found.iter().map(|one| (one.kind, one.severity)).collect();
    assert_eq!(kinds, [(AnomalyKind::ValueOutlier, Severity::Info)], "{found:#?}");
    assert!(found[0].reason.contains("were never seen before"), "{}", found[0].reason);
}

#[test]
fn a_word_of_a_template_that_was_never_there_is_told_too() {
    let relays = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"];
    let lines = requests(HOUR + 120, |dice, second| {
        let relay = match dice.below(9) {
            0 if second >= HOUR => "hotel",
            n => relays[n as usize % 6],
        };
        format!("mail sent through relay {relay} in {:.1} ms", dice.latency(30.0))
    });
    let found = found(&lines);
    let kinds: Vec<_> = found.iter().map(|one| (one.kind, one.severity)).collect();
    assert_eq!(kinds, [(AnomalyKind::NewValue, Severity::Info)], "{found:#?}");
    assert!(found[0].exemplars[0].exemplar.text.contains(" hotel "), "{:?}", found[0].exemplars);
}

#[test]
fn identifiers_sequences_clocks_and_a_stable_day_tell_nothing() {
    let mut pid = 4000;
    let lines = requests_every(800, 24 * HOUR, |dice, second| {
        if dice.next() < 0.001 {
            pid = 300 + dice.below(60_000);
        }
        let (id, unix, bytes) = (dice.below(1 << 45), 1_750_000_000 + second, dice.latency(3000.0));
        let status = [200, 200, 200, 304, 404][dice.below(5) as usize];
        format!(
            "[{pid}] seq={second} order={id} at={unix} port={} status={status} size={bytes:.0} \
             took {:.1} ms for user {}",
            1024 + dice.below(60_000),
            dice.latency(30.0),
            dice.below(400)
        )
    });
    let found = found(&lines);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn cuts_shards_and_restarts_do_not_matter() {
    let mut lines = slow_requests();
    lines.retain(|(millis, _, _)| *millis >= (HOUR - 1800) * 1000);
    let others = lines.clone().into_iter().map(|(millis, _, text)| (millis, "cart", text));
    let mut both: Vec<Line> = lines.iter().cloned().chain(others).collect();
    both.sort_by_key(|line| line.0);
    let expected = detect(&tally("log", 1, &both, usize::MAX), 1, usize::MAX);
    assert!(expected.len() >= 2, "{expected:#?}");
    for (cut_every, shards, restore_every) in [(1, 1, 7), (13, 3, 50), (1000, 2, usize::MAX)] {
        let batches = tally("log", 1, &both, cut_every);
        assert_eq!(detect(&batches, shards, restore_every), expected, "{cut_every} {shards}");
    }
}

#[test]
fn a_template_that_grows_keeps_what_is_known_of_its_variables() {
    // The relays become a variable after the latency was known; the new one is told all the same.
    let relays = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"];
    let lines = requests(HOUR + 60, |dice, second| {
        let relay = relays[dice.below(if second < 600 { 1 } else { 6 }) as usize];
        let slow = if second >= HOUR && dice.next() < 0.5 { 20.0 } else { 1.0 };
        format!("mail sent through relay {relay} in {:.1} ms", dice.latency(30.0) * slow)
    });
    let found = found(&lines);
    let [one] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(one.kind, AnomalyKind::ValueOutlier);
    assert!(one.reason.contains("`in <*> ms`"), "{}", one.reason);
}

#[test]
fn a_failure_that_was_away_for_a_day_is_back() {
    let mut lines = requests_every(5000, 26 * HOUR, |_, _| "all is well".to_owned());
    for second in [700, 25 * HOUR] {
        lines.push((second * 1000 + 1, "shop", "backup failed: no space left".to_owned()));
        lines.push((second * 1000 + 2, "shop", "backup begun".to_owned()));
    }
    lines.sort_by_key(|line| line.0);
    let found = told(&tally("log", 1, &lines, 100), |kind| kind == AnomalyKind::RareTemplate);
    let [one] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(one.severity, Severity::Info);
    assert_eq!(one.reason, "shop: back after 24 h: `backup failed: no space left`, once");
}

#[test]
fn watches_are_bounded() {
    let id = |n: u64| {
        Catalogue::new(&n.to_string(), CatalogueLimits::default()).assign(1, "some text").id
    };
    let mut watches = super::Watches::default();
    for n in 0..3000 {
        watches.count(id(n), 200, 1);
    }
    assert_eq!(watches.len(), super::WATCHED_MAX);
    let late = id(9999);
    assert!(watches.count(late, 200, 20).is_none());
    assert!(watches.count(late, 1, 20 + super::IDLE_WINDOWS).is_some(), "an idle one gives way");
    assert_eq!(watches.len(), super::WATCHED_MAX);
}

/// A tally of some records, as of one batch.
fn one_tally(source: u8, offsets: &[u16]) -> (Source, SkeletonTally) {
    let lines: Vec<Line> = offsets
        .iter()
        .map(|offset| (i64::from(*offset), "shop", format!("took {offset} ms")))
        .collect();
    let name = format!("log-{source}");
    let batches = tally(&name, 1, &lines, usize::MAX);
    let services = batches.into_iter().flat_map(|batch| batch.services);
    let tally = services.flat_map(|service| service.skeletons).last().unwrap();
    (Source::File { path: name.as_str().into() }, tally)
}

fn forms(parts: &[(u8, Vec<u16>)]) -> Forms {
    let mut sum = Forms::default();
    for (source, offsets) in parts {
        let (source, mut tally) = one_tally(*source, offsets);
        sum.merge(Forms::of(&mut tally, &source));
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn forms_merge_in_any_order_and_grouping(
        parts in prop::collection::vec((0u8..4, prop::collection::vec(0u16..9000, 1..80)), 1..6),
        turn in 0usize..6,
    ) {
        // Each source once, as its batches of one window have different records.
        let mut parts = parts;
        parts.sort_by_key(|part| part.0);
        parts.dedup_by_key(|part| part.0);
        let whole = forms(&parts);
        let mut turned = parts.clone();
        turned.rotate_left(turn % parts.len());
        prop_assert_eq!(&forms(&turned), &whole);
        let (left, right) = parts.split_at(parts.len() / 2);
        let mut grouped = forms(right);
        grouped.merge(forms(left));
        prop_assert_eq!(&grouped, &whole);
    }
}
