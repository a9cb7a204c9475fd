//! Services that page more than a week has pages for.

use super::*;

fn strict(pages: usize) -> Bench {
    Bench::new(SinkSettings { pages_per_week: Some(pages), ..settings(100) })
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// One alert an hour, each open for ten minutes, in hours from `from` on.
fn hourly(bench: &mut Bench, hours: std::ops::Range<i64>, severity: Severity) {
    for hour in hours {
        bench.go_to(hour * HOUR);
        bench.change(&format!("a{hour}"), AlertState::Open, severity);
        bench.run(600);
        bench.change(&format!("a{hour}"), AlertState::Resolved, severity);
        bench.run(1);
    }
}

fn pages(bench: &Bench) -> usize {
    bench.sent().iter().filter(|line| line.ends_with(" open")).count()
}

fn digests(bench: &Bench) -> Vec<&str> {
    let lines = bench.log.iter().map(String::as_str);
    lines.filter(|line| line.contains(" digest ") && !line.contains("digest 0")).collect()
}

#[test]
fn beyond_its_pages_of_the_week_a_service_gets_one_digest_a_day() {
    let mut bench = strict(3);
    hourly(&mut bench, 0..48, Severity::Error);
    assert_eq!(pages(&bench), 3);
    // The first is told in ten seconds; those that came and went until the next day are told of in
    // the ledger alone.
    assert_eq!(digests(&bench), ["10811 digest 1 of 1", "97211 digest 1 of 1"]);
    let shown: Vec<_> = bench.notify.state().week_of("pager").collect();
    assert_eq!(shown, [("shop", Pages { paged: 3, kept_back: 45 })]);
    assert_eq!(bench.ends.len(), 96);
    assert!(bench.ends.values().all(|ends| ends.len() == 1), "{:?}", bench.ends);
}

#[test]
fn what_is_critical_pages_whatever_the_week_has_cost() {
    let mut bench = strict(1);
    hourly(&mut bench, 0..5, Severity::Critical);
    assert_eq!(pages(&bench), 5);
    bench.change("b", AlertState::Open, Severity::Error);
    bench.run(60);
    assert_eq!(pages(&bench), 5);
    bench.change("b", AlertState::Updated, Severity::Critical);
    bench.run(60);
    assert!(bench.sent().last().unwrap().ends_with("send b updated"), "{:?}", bench.log);
}

#[test]
fn after_a_week_a_service_may_page_again_and_others_always_may() {
    let mut bench = strict(2);
    hourly(&mut bench, 0..4, Severity::Error);
    assert_eq!(pages(&bench), 2);
    let other = Notice {
        services: vec!["mail".to_owned()],
        ..notice("m", AlertState::Open, Severity::Error)
    };
    bench.take(Notice { at: at(bench.now), ..other });
    bench.run(1);
    assert_eq!(pages(&bench), 3);
    bench.go_to(7 * DAY + HOUR);
    bench.change("late", AlertState::Open, Severity::Error);
    bench.run(1);
    assert_eq!(pages(&bench), 4);
}

#[test]
fn alerts_that_come_at_once_share_what_is_left_of_the_week() {
    let mut bench = strict(3);
    bench.answer = |_| None;
    for alert in 0..20 {
        bench.change(&format!("a{alert:02}"), AlertState::Open, Severity::Error);
    }
    bench.run(5);
    assert_eq!(pages(&bench), 3, "{:?}", bench.log);
    bench.restart();
    bench.answer = |_| Some(Answer::Accepted);
    bench.run(30);
    let sent: std::collections::BTreeSet<&str> =
        bench.sent().iter().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert_eq!(digests(&bench), ["10 digest 17 of 17"]);
}
