//! More alerts than a minute has requests for.

use super::*;

#[test]
fn a_storm_spends_the_budget_on_what_is_critical_and_one_digest() {
    let mut bench = Bench::new(settings(50));
    for number in 0..1_000 {
        let severity = if number % 50 == 7 { Severity::Critical } else { Severity::Error };
        bench.change(&format!("a{number:03}"), AlertState::Open, severity);
    }
    bench.run(120);
    let critical = |line: &&&str| {
        let number: usize = line.split(['a', ' ']).nth(3).unwrap().parse().unwrap();
        number % 50 == 7
    };
    let sent = bench.sent();
    assert_eq!(sent.iter().filter(critical).count(), 20, "{sent:?}");
    let digests: Vec<_> = bench.log.iter().filter(|line| line.contains(" digest ")).collect();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let merged = bench.log.iter().filter(|line| line.ends_with("in_digest")).count();
    assert_eq!(sent.len() + merged, 1_000);
    for number in 0..1_000 {
        bench.change(&format!("a{number:03}"), AlertState::Resolved, Severity::Error);
    }
    bench.run(3_600);
    assert_eq!(bench.log.iter().filter(|line| line.contains(" digest 0 of")).count(), 1);
    assert_eq!(waiting(&bench), (0, 0));
    assert_eq!(bench.ends.len(), 2_000);
    assert!(bench.ends.values().all(|ends| ends.len() == 1), "{:?}", bench.ends);
}

#[test]
fn every_critical_alert_of_a_storm_is_sent_within_a_minute() {
    let mut bench = Bench::new(settings(100));
    for number in 0..10_000 {
        let severity = if number % 333 == 100 { Severity::Critical } else { Severity::Error };
        bench.change(&format!("a{number}"), AlertState::Open, severity);
        if number * 60 / 10_000 != (number + 1) * 60 / 10_000 {
            bench.run(1);
        }
    }
    bench.run(120);
    for number in (100..10_000).step_by(333) {
        let sent = bench.ends[&format!("a{number}-open")][0].split(' ').next().unwrap();
        let (sent, came) = (sent.parse::<i64>().unwrap(), number * 60 / 10_000);
        assert!(sent - came <= 60, "{number}: {came} to {sent}");
    }
    let digests = |bench: &Bench| -> Vec<String> {
        bench.log.iter().filter(|line| line.contains(" digest ")).cloned().collect()
    };
    assert_eq!(digests(&bench).len(), 1, "{:?}", digests(&bench));
    bench.run(300);
    let held = 10_000 - bench.sent().len();
    let wanted = format!(" digest {held} of {held}");
    assert!(digests(&bench).last().unwrap().ends_with(&wanted), "{:?}", digests(&bench));
    assert_eq!(bench.ends.len(), 10_000);
}

#[test]
fn an_alert_in_the_digest_that_becomes_critical_is_sent_by_itself() {
    let mut bench = Bench::new(settings(5));
    for number in 0..10 {
        bench.change(&format!("a{number}"), AlertState::Open, Severity::Error);
    }
    bench.run(30);
    assert!(bench.sent().iter().all(|line| !line.contains("a9")), "{:?}", bench.log);
    bench.change("a9", AlertState::Updated, Severity::Critical);
    bench.run(90);
    assert!(bench.sent().iter().any(|line| line.contains("a9 updated")), "{:?}", bench.log);
}

#[test]
fn reminders_of_what_is_critical_do_not_keep_news_from_being_sent() {
    let reminded = SinkSettings { resend_every: Some(Duration::from_secs(60)), ..settings(6) };
    let mut bench = Bench::new(reminded);
    for alert in ["a", "b", "c", "d", "e", "f"] {
        bench.change(alert, AlertState::Open, Severity::Critical);
        bench.run(1);
    }
    bench.answer = |_| Some(Answer::Unknown(Duration::ZERO));
    bench.run(54);
    bench.change("g", AlertState::Open, Severity::Critical);
    bench.run(2);
    bench.change("g", AlertState::Updated, Severity::Error);
    bench.answer = |_| Some(Answer::Accepted);
    bench.run(600);
    assert_eq!(bench.ends.len(), 8, "{:?}", bench.log);
}

#[test]
fn what_is_critical_is_not_crowded_out_by_what_comes_in_one_go() {
    let mut bench = Bench::new(settings(100));
    for number in 0..10_000 {
        let is_critical = number % 333 == 100;
        let severity = if is_critical { Severity::Critical } else { Severity::Error };
        bench.change(&format!("alert-{number}"), AlertState::Open, severity);
    }
    bench.run(60);
    let sent = |number: &usize| {
        bench.log.iter().any(|line| line.ends_with(&format!("alert-{number} open")))
    };
    assert_eq!((0..10_000).filter(|number| number % 333 == 100 && !sent(number)).count(), 0);
}
