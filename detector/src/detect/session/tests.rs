#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use logwake_models::template::Masks;
use proptest::prelude::*;

use crate::anomaly::{Anomaly, AnomalyKind, Severity};
use crate::detect::{Detect, DetectSettings, Findings};
use crate::record::{Level, Record, Source};
use crate::tally::{Tally, TallyBatch, TallyInput};
use crate::testing::{self, CLOCK, WALL};
use crate::time::Timestamp;

/// Sessions of a minute, without values.
fn settings(sessions_max: usize) -> DetectSettings {
    let mut settings = testing::settings();
    settings.sessions.sessions_max = sessions_max;
    settings.values.enabled = false;
    settings
}

/// A record: seconds, session, content.
type Line = (i64, String, &'static str);

/// Orders, one a second, each taken, packed and sent within three seconds.
fn orders(numbers: std::ops::Range<i64>) -> Vec<Line> {
    let steps = [(0, "order taken from the queue"), (1, "goods packed"), (3, "parcel handed over")];
    let mut lines: Vec<Line> = numbers
        .flat_map(|n| steps.map(|(after, what)| (1000 + n + after, format!("o{n}"), what)))
        .collect();
    lines.sort_by_key(|line| line.0);
    lines
}

/// Tallies of the lines, dealt to so many sources, in order of time.
fn tally(lines: &[Line], sources: usize, cut_every: usize) -> Vec<TallyBatch> {
    let mut out = Vec::new();
    let mut tallies: Vec<Tally> = (0..sources)
        .map(|partition| {
            let partition = i32::try_from(partition).unwrap();
            let source = Source::Partition { topic: "logs".into(), partition };
            let of = u32::try_from(sources).unwrap();
            Tally::new(source, of, CLOCK, Masks::default(), WALL)
        })
        .collect();
    for (number, (secs, session, content)) in lines.iter().enumerate() {
        let record = Record {
            offset: number as u64,
            lines: 1,
            time: Some(Timestamp::from_secs(*secs)),
            service: "shop",
            host: "",
            level: Level::Info,
            content: content.as_bytes(),
            template: None,
            session: Some(session),
        };
        tallies[number % sources].step(TallyInput::Record(&record), &mut out);
        if number % cut_every == cut_every - 1 {
            let cut = TallyInput::Cut { to: number as u64 + 1, wall: WALL, idle: false };
            tallies.iter_mut().for_each(|tally| tally.step(cut, &mut out));
        }
    }
    let end = TallyInput::Cut { to: lines.len() as u64, wall: WALL, idle: true };
    tallies.iter_mut().for_each(|tally| tally.step(end, &mut out));
    out
}

fn detect(settings: DetectSettings, batches: Vec<TallyBatch>) -> (Detect, Vec<Anomaly>) {
    let (mut detect, mut findings) = (Detect::new(settings, 0, 1), Vec::new());
    batches.into_iter().for_each(|batch| detect.step(batch, &mut findings));
    (detect, sessions_of(findings))
}

fn sessions_of(findings: Vec<Findings>) -> Vec<Anomaly> {
    let found = findings.into_iter().flat_map(|findings| findings.anomalies);
    found.filter(|anomaly| anomaly.kind == AnomalyKind::Session).collect()
}

fn without(lines: &mut Vec<Line>, session: &str, content: &str) {
    lines.retain(|line| line.1 != session || line.2 != content);
}

#[test]
fn an_order_that_was_never_sent_is_told_with_what_it_lacks() {
    let mut lines = orders(0..900);
    without(&mut lines, "o700", "parcel handed over");
    let (detect, found) = detect(settings(10_000), tally(&lines, 1, 50));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].session.as_deref(), Some("o700"));
    assert_eq!(found[0].severity, Severity::Info);
    assert!(
        found[0].reason.starts_with("shop: session o700 never logged `parcel handed over` after `"),
        "{}",
        found[0].reason
    );
    let end = 1000 + 700 + 1 + 60;
    let at = found[0].at.as_nanos() / 1_000_000_000;
    assert!((end..end + 20).contains(&at), "{at} for {end}");
    let counts = detect.state().session_counts();
    assert_eq!((counts.broken, counts.given_up, counts.records_dropped), (1, 0, 0));
    assert!(counts.judged > 800);
}

#[test]
fn what_comes_after_the_session_had_ended_is_a_further_part() {
    let mut lines = orders(0..900);
    lines.push((1500, "o10".to_owned(), "parcel handed over"));
    lines.sort_by_key(|line| line.0);
    let (detect, found) = detect(settings(10_000), tally(&lines, 1, 50));
    assert!(found.is_empty(), "{found:?}");
    let counts = detect.state().session_counts();
    assert!(counts.judged > 800);
}

#[test]
fn open_sessions_are_bounded_and_those_given_up_counted() {
    let lines: Vec<Line> =
        (0..500).map(|n| (1000 + n / 10, format!("o{n}"), "order taken from the queue")).collect();
    let (detect, _) = detect(settings(20), tally(&lines, 1, 50));
    let counts = detect.state().session_counts();
    assert!(detect.state().open_sessions() <= 20);
    assert!(counts.given_up + counts.records_dropped > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn sources_cuts_and_order_inside_lateness_do_not_matter(
        sources in 1..4_usize, cut_every in 1..200_usize, shuffle in 0..1000_u64, gone in 500..800_i64,
    ) {
        let mut lines = orders(0..900);
        without(&mut lines, &format!("o{gone}"), "goods packed");
        let (_, expected) = detect(settings(10_000), tally(&lines, 1, 50));
        let mut mixed = lines.clone();
        mixed.sort_by_key(|line| {
            let noise = xxhash_rust::xxh3::xxh3_64_with_seed(line.1.as_bytes(), shuffle) % 3;
            line.0 + i64::try_from(noise).unwrap()
        });
        let (_, found) = detect(settings(10_000), tally(&mixed, sources, cut_every));
        let told = |found: &[Anomaly]| -> Vec<_> {
            found.iter().map(|one| (one.id.clone(), one.reason.clone(), one.at)).collect()
        };
        prop_assert_eq!(told(&expected), told(&found));
    }

    #[test]
    fn snapshot_restore_continue_equals_never_stopping(at in 0..400_usize) {
        let mut lines = orders(0..900);
        without(&mut lines, "o650", "goods packed");
        let batches = tally(&lines, 2, 20);
        let (whole, expected) = detect(settings(10_000), batches.clone());
        let (mut one, mut findings) = (Detect::new(settings(10_000), 0, 1), Vec::new());
        for (number, batch) in batches.into_iter().enumerate() {
            if number == at {
                let bytes = postcard::to_allocvec(one.state()).unwrap();
                one = Detect::new(settings(10_000), 0, 1);
                one.restore(postcard::from_bytes(&bytes).unwrap());
            }
            one.step(batch, &mut findings);
        }
        prop_assert_eq!(sessions_of(findings), expected);
        prop_assert_eq!(one.state(), whole.state());
    }
}
