#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::testing::Dice;

const SETTINGS: ClockSettings = ClockSettings {
    window: Duration::from_secs(10),
    lateness: Duration::from_secs(5),
    future_max: Duration::from_secs(600),
    jump_max: Duration::from_secs(3600),
};

fn tally(sources: u32) -> Tally {
    let source = Source::Partition { topic: "logs".into(), partition: 0 };
    Tally::new(source, sources, SETTINGS, Masks::default(), Timestamp::from_secs(1000))
}

fn millis(secs: &str) -> Timestamp {
    Timestamp::from_millis((secs.parse::<f64>().unwrap() * 1000.0) as i64)
}

fn secs(time: Timestamp) -> String {
    match time.as_nanos() {
        i64::MIN => "min".to_owned(),
        nanos => format!("{}", nanos as f64 / 1e9),
    }
}

/// Runs a script; a line is `TIME SERVICE LEVEL CONTENT` (`-` for no time), `rejected N`, or
/// `cut TO [idle] [at WALL]`.
fn check(script: &str, expected: Expect) {
    let mut tally = tally(1);
    let mut batches = Vec::new();
    let (mut offset, mut wall) = (0, 1000);
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "cut" => {
                if let Some(at) = words.iter().position(|word| *word == "at") {
                    wall = words[at + 1].parse().unwrap();
                }
                let to = words[1].parse().unwrap();
                let idle = words.contains(&"idle");
                let wall = Timestamp::from_secs(wall);
                tally.step(TallyInput::Cut { to, wall, idle }, &mut batches);
            }
            "rejected" => {
                let lines = words[1].parse().unwrap();
                offset += u64::from(lines);
                tally.step(TallyInput::Rejected { lines }, &mut batches);
            }
            time => {
                let time = Some(time).filter(|time| *time != "-").map(millis);
                let content = words[3..].join(" ");
                let record = record(offset, time, words[1], level(words[2]), &content);
                tally.step(TallyInput::Record(&record), &mut batches);
                offset += 1;
            }
        }
    }
    expected.assert_eq(&batches.iter().map(print).collect::<String>());
}

fn level(name: &str) -> Level {
    Level::ALL.into_iter().find(|level| level.as_str() == name).unwrap()
}

fn record<'a>(
    offset: u64,
    time: Option<Timestamp>,
    service: &'a str,
    level: Level,
    content: &'a str,
) -> Record<'a> {
    let content = content.as_bytes();
    let (template, session) = (None, None);
    Record { offset, lines: 1, time, service, host: "", level, content, template, session }
}

fn print(batch: &TallyBatch) -> String {
    let mut out = format!("#{} [{}, {})", batch.seq, batch.from, batch.to);
    let newest = batch.newest.map_or("none".to_owned(), secs);
    write!(out, " newest {newest}{}", if batch.idle { " idle" } else { "" }).unwrap();
    let LineCounts { tallied, late, rejected, corrected } = batch.lines;
    writeln!(out, " lines {tallied} late {late} rejected {rejected} corrected {corrected}")
        .unwrap();
    for service in &batch.services {
        for tally in &service.skeletons {
            let (count, window) = (tally.count(), secs(tally.window));
            let at = secs(tally.first.time);
            writeln!(out, "  {} {window}: {count} {} ({at})", service.name, tally.skeleton)
                .unwrap();
        }
        for tally in &service.late {
            let (count, window) = (tally.count(), secs(tally.window));
            writeln!(out, "  {} {window}: {count} {} (late)", service.name, tally.skeleton)
                .unwrap();
        }
    }
    out
}

#[test]
fn records_are_counted_by_service_window_and_skeleton() {
    check(
        "12.5 checkout error connection refused by 10.0.0.7
         13 checkout error connection refused by 10.0.0.8
         13 cart info 3 items
         14 checkout info paid
         9.5 checkout info paid
         cut 5",
        expect![[r#"
            #0 [0, 5) newest 14 lines 5 late 0 rejected 0 corrected 0
              checkout 10: 2 connection refused by <*> (12.5)
              checkout 10: 1 paid (14)
              checkout 0: 1 paid (9.5)
              cart 10: 1 <*> items (13)
        "#]],
    );
}

#[test]
fn the_record_that_moves_the_watermark_to_the_next_window_ends_its_batch() {
    check(
        "12 a info one
         24.9 a info two
         25 a info three
         26 a info four
         9 a info late
         cut 5",
        expect![[r#"
            #0 [0, 2) newest 24.9 lines 2 late 0 rejected 0 corrected 0
              a 10: 1 one (12)
              a 20: 1 two (24.9)
            #1 [2, 3) newest 25 lines 1 late 0 rejected 0 corrected 0
              a 20: 1 three (25)
            #2 [3, 5) newest 26 lines 1 late 1 rejected 0 corrected 0
              a 20: 1 four (26)
              a 0: 1 late (late)
        "#]],
    );
}

#[test]
fn a_clock_in_2099_takes_the_time_of_its_source() {
    check(
        "500 a info one
         4073000000 a info far future
         510 a info two
         cut 3
         1500 a info inside the bound, and the jump is small
         cut 4",
        expect![[r#"
            #0 [0, 3) newest 510 lines 3 late 0 rejected 0 corrected 1
              a 500: 1 one (500)
              a 500: 1 far future (500)
              a 510: 1 two (510)
            #1 [3, 4) newest 1500 lines 1 late 0 rejected 0 corrected 0
              a 1500: 1 inside the bound, and the jump is small (1500)
        "#]],
    );
}

#[test]
fn records_before_any_stated_time_wait_for_one_and_take_wall_time_at_a_cut() {
    check(
        "- a info starting
         - a info starting
         12 a info ready
         - a info working
         cut 4",
        expect![[r#"
            #0 [0, 4) newest 12 lines 4 late 0 rejected 0 corrected 3
              a 10: 2 starting (12)
              a 10: 1 ready (12)
              a 10: 1 working (12)
        "#]],
    );
    check(
        "- a info starting
         cut 1 at 1004
         12 a info ready
         cut 2 at 1004",
        expect![[r#"
            #0 [0, 1) newest none lines 1 late 0 rejected 0 corrected 1
              a 1000: 1 starting (1004)
            #1 [1, 2) newest 12 lines 1 late 0 rejected 0 corrected 0
              a 10: 1 ready (12)
        "#]],
    );
}

#[test]
fn a_source_without_news_beats_once_a_second_and_when_it_falls_idle() {
    check(
        "cut 0 at 1000
         cut 0 at 1000
         cut 0 idle at 1000
         cut 0 idle at 1000
         cut 0 idle at 1001
         rejected 2
         cut 2 idle at 1001",
        expect![[r#"
            #0 [0, 0) newest none lines 0 late 0 rejected 0 corrected 0
            #1 [0, 0) newest none idle lines 0 late 0 rejected 0 corrected 0
            #2 [0, 0) newest none idle lines 0 late 0 rejected 0 corrected 0
            #3 [0, 2) newest none idle lines 0 late 0 rejected 2 corrected 0
        "#]],
    );
}

#[test]
fn without_its_state_a_source_goes_on_where_it_was_and_above_its_numbers() {
    let mut tally = tally(1);
    let wall = Timestamp::from_secs(2000);
    tally.begin(500, wall);
    let mut batches = Vec::new();
    tally.step(TallyInput::Cut { to: 510, wall, idle: true }, &mut batches);
    let numbered: Vec<_> = batches.iter().map(|b| (b.seq, b.from, b.to)).collect();
    assert_eq!(numbered, [(2_000_000, 500, 510)]);
}

#[test]
fn joined_lines_of_a_file_are_covered_by_their_batch() {
    let source = Source::File { path: "a.log".into() };
    let mut tally = Tally::new(source, 1, SETTINGS, Masks::default(), Timestamp::from_secs(1000));
    let mut batches = Vec::new();
    for (offset, lines, time) in [(0, 1, 10), (1, 4, 30), (5, 1, 31)] {
        let mut record = record(offset, Some(Timestamp::from_secs(time)), "a", Level::Info, "boom");
        record.lines = lines;
        tally.step(TallyInput::Record(&record), &mut batches);
    }
    tally.step(
        TallyInput::Cut { to: 6, wall: Timestamp::from_secs(1000), idle: true },
        &mut batches,
    );
    let ranges: Vec<_> = batches.iter().map(|b| (b.from, b.to, b.lines.tallied)).collect();
    assert_eq!(ranges, [(0, 5, 5), (5, 6, 1)]);
}

#[test]
fn lines_that_are_all_different_end_a_batch_early() {
    let mut tally = tally(1);
    let mut batches = Vec::new();
    let word = |n: usize| {
        let letter = |k: usize| char::from(b'g' + (n / 20usize.pow(k as u32) % 20) as u8);
        (0..4).map(letter).collect::<String>()
    };
    for offset in 0..25_000 {
        let content = format!("qua{} zu", word(offset));
        let record = record(offset as u64, Some(millis("1")), "a", Level::Info, &content);
        tally.step(TallyInput::Record(&record), &mut batches);
    }
    assert!(batches.len() >= 2);
    assert!(batches.iter().all(|batch| batch.lines.tallied <= PLACES_MAX as u64));
    let longest = batches.iter().map(|batch| {
        let tallies = batch.services.iter().flat_map(|service| &service.skeletons);
        tallies.map(|tally| tally.skeleton.len() + tally.first.text.len()).sum::<usize>()
    });
    assert!(longest.max().unwrap() <= BATCH_BYTES_MAX);
}

/// Bytes that nothing compresses, and that JSON writes as six each.
fn noise(dice: &mut Dice, bytes: usize) -> String {
    (0..bytes).map(|_| char::from(1 + dice.below(31) as u8)).collect()
}

#[test]
fn no_batch_is_larger_than_a_message_however_long_its_texts_are() {
    let mut dice = Dice(3);
    for (names, hosts) in [(1, 1), (1, 4_000), (4_000, 1), (4_000, 4_000)] {
        let mut tally = tally(1);
        let mut batches = Vec::new();
        let names: Vec<String> = (0..names).map(|_| noise(&mut dice, 10_000)).collect();
        let hosts: Vec<String> = (0..hosts).map(|_| noise(&mut dice, 10_000)).collect();
        let text = noise(&mut dice, 70_000);
        for offset in 0..4_000 {
            let start = offset * 7 % 30_000;
            let record = Record {
                host: &hosts[offset % hosts.len()],
                template: (offset % 3 == 0).then_some(&text[start..start + 20_000]),
                session: Some(&text[start..start + 500]),
                ..record(
                    offset as u64,
                    Some(millis("1")),
                    &names[offset % names.len()],
                    [Level::Info, Level::Error][offset % 2],
                    &text[start..start + 30_000],
                )
            };
            tally.step(TallyInput::Record(&record), &mut batches);
        }
        cut(&mut tally, 4_000, &mut batches);
        assert!(batches.len() > 1);
        for batch in &batches {
            let bytes = postcard::to_allocvec(batch).unwrap().len();
            assert!(bytes < 1_000_000, "{bytes} bytes");
        }
        assert_eq!(batches.iter().map(|batch| batch.lines.tallied).sum::<u64>(), 4_000);
    }
}

#[test]
fn hosts_beyond_the_cap_are_counted_together() {
    let mut hosts = Vec::new();
    for n in 0..40 {
        count_host(&mut hosts, &format!("h{}", n % 20));
    }
    assert_eq!(hosts.len(), HOSTS_MAX + 1);
    assert_eq!(hosts.iter().map(|(_, count)| count).sum::<u32>(), 40);
}

#[derive(Clone, Debug)]
enum Step {
    Record { service: u8, time: i64, word: u8 },
    Rejected,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let record = |start: i64| {
        (0u8..3, 0i64..30, 0u8..4).prop_map(move |(service, late, word)| Step::Record {
            service,
            time: start - late,
            word,
        })
    };
    prop::collection::vec((0i64..8, any::<prop::sample::Index>()), 1..80).prop_flat_map(
        move |moves| {
            let mut now = 100;
            let steps: Vec<BoxedStrategy<Step>> = moves
                .iter()
                .map(|(ahead, _)| {
                    now += ahead;
                    prop_oneof![9 => record(now), 1 => Just(Step::Rejected)].boxed()
                })
                .collect();
            steps
        },
    )
}

/// Plays steps with a cut after each offset of `cuts`, restoring from the state there if asked to.
fn play(steps: &[Step], cuts: &[usize], restoring: bool) -> Vec<TallyBatch> {
    let mut tally = tally(1);
    let mut out = Vec::new();
    let services = ["a", "b", "c"];
    let words = ["open file", "close file", "read block", "write block"];
    for (offset, step) in steps.iter().enumerate() {
        match step {
            Step::Record { service, time, word } => {
                let service = services[usize::from(*service)];
                let time = Some(Timestamp::from_secs(*time));
                let word = words[usize::from(*word)];
                let record = record(offset as u64, time, service, Level::Info, word);
                tally.step(TallyInput::Record(&record), &mut out);
            }
            Step::Rejected => tally.step(TallyInput::Rejected { lines: 1 }, &mut out),
        }
        if cuts.contains(&offset) {
            cut(&mut tally, offset + 1, &mut out);
            if restoring {
                let bytes = postcard::to_allocvec(&tally.state()).unwrap();
                tally = self::tally(1);
                tally.restore(postcard::from_bytes(&bytes).unwrap());
            }
        }
    }
    cut(&mut tally, steps.len(), &mut out);
    out
}

fn cut(tally: &mut Tally, to: usize, out: &mut Vec<TallyBatch>) {
    let cut = TallyInput::Cut { to: to as u64, wall: Timestamp::from_secs(1000), idle: false };
    tally.step(cut, out);
}

type Sums = BTreeMap<(String, Timestamp, u64), u64>;

/// Sums by service, window and skeleton, and the order in which a service's skeletons appeared.
fn sums(batches: &[TallyBatch]) -> (Sums, BTreeMap<String, Vec<u64>>, LineCounts) {
    let (mut sums, mut order, mut lines) =
        (Sums::new(), BTreeMap::<String, Vec<u64>>::new(), LineCounts::default());
    for batch in batches {
        lines.add(&batch.lines);
        for service in &batch.services {
            for tally in &service.skeletons {
                let key = (service.name.clone(), tally.window, tally.hash);
                *sums.entry(key).or_default() += tally.count();
                let seen = order.entry(service.name.clone()).or_default();
                if !seen.contains(&tally.hash) {
                    seen.push(tally.hash);
                }
            }
        }
    }
    (sums, order, lines)
}

proptest! {
    #[test]
    fn cuts_change_nothing_that_is_counted(
        steps in steps(),
        cuts in prop::collection::vec(0usize..80, 0..12),
    ) {
        let (once, often) = (play(&steps, &[], false), play(&steps, &cuts, false));
        prop_assert_eq!(sums(&once), sums(&often));
        let lines = sums(&once).2;
        prop_assert_eq!(lines.total(), steps.len() as u64);
        for batches in [&once, &often] {
            let mut to = 0;
            for (seq, batch) in batches.iter().enumerate() {
                prop_assert_eq!((batch.seq, batch.from), (seq as u64, to));
                to = batch.to;
            }
            prop_assert_eq!(to, steps.len() as u64);
        }
    }

    #[test]
    fn a_state_restored_at_a_cut_goes_on_as_if_never_stopped(
        steps in steps(),
        cuts in prop::collection::vec(0usize..80, 0..6),
    ) {
        prop_assert_eq!(play(&steps, &cuts, true), play(&steps, &cuts, false));
    }

    #[test]
    fn a_batch_never_spans_a_slot_of_the_watermark(steps in steps()) {
        let slot = |newest: Timestamp| (newest - SETTINGS.lateness).window_start(SETTINGS.window);
        for batch in play(&steps, &[], false) {
            let reached = batch.services.iter().flat_map(|service| &service.skeletons);
            let earliest = reached.map(|tally| tally.first.at).min();
            let Some((earliest, newest)) = earliest.zip(batch.newest) else { continue };
            if slot(earliest) != slot(newest) {
                let at_end = batch.services.iter().flat_map(|service| &service.skeletons);
                let after = at_end.filter(|tally| slot(tally.first.at) == slot(newest)).count();
                prop_assert!(after <= 1);
            }
        }
    }
}
