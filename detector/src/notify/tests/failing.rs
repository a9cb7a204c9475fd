//! Sinks that are down, refuse, ask for quiet; processes that die.

use super::*;

#[test]
fn after_an_hour_without_a_sink_it_hears_of_what_is_open_and_of_nothing_else() {
    let mut bench =
        Bench::new(SinkSettings { give_up_after: Duration::from_secs(86_400), ..settings(100) });
    bench.answer = |_| Some(Answer::Later(Duration::ZERO));
    for minute in 0..60 {
        bench.change(&format!("a{minute:02}"), AlertState::Open, Severity::Error);
        bench.run(30);
        if minute % 2 == 0 {
            bench.change(&format!("a{minute:02}"), AlertState::Resolved, Severity::Error);
        }
        bench.run(30);
    }
    let attempts = bench.sent().len();
    assert!(attempts < 60 * 20, "{attempts} attempts in an hour");
    bench.log.clear();
    bench.answer = |_| Some(Answer::Accepted);
    // The first success wakes all others; until then the longest back-off is five minutes.
    bench.run(310);
    assert_eq!(bench.sent().len(), 30, "{:?}", bench.log);
    assert_eq!(bench.log.iter().filter(|line| line.ends_with(" delivered")).count(), 30);
    assert_eq!(waiting(&bench), (0, 0));
    assert_eq!(bench.ends.len(), 90);
    assert!(bench.ends.values().all(|ends| ends.len() == 1), "{:?}", bench.ends);
}

#[test]
fn an_update_that_is_refused_does_not_keep_the_end_back() {
    let mut bench = Bench::new(settings(100));
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(1);
    bench.answer = |_| Some(Answer::Refused("too long".to_owned()));
    bench.change("a", AlertState::Updated, Severity::Critical);
    bench.run(1);
    bench.answer = |_| Some(Answer::Accepted);
    bench.change("a", AlertState::Resolved, Severity::Critical);
    bench.run(1);
    assert_eq!(bench.sent().last(), Some(&"2 send a resolved"));
    assert_eq!(waiting(&bench), (0, 0));
}

#[test]
fn too_many_requests_quiet_the_sink_as_a_whole() {
    let mut bench = Bench::new(settings(100));
    bench.answer = |_| Some(Answer::TooMany(Duration::from_secs(30)));
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(1);
    bench.answer = |_| Some(Answer::Accepted);
    bench.change("b", AlertState::Open, Severity::Critical);
    bench.run(60);
    assert_eq!(bench.sent(), ["0 send a open", "30 send b open", "30 send a open"]);
}

#[test]
fn once_a_sink_answers_again_what_waited_is_sent_at_once() {
    let mut bench = Bench::new(settings(100));
    bench.answer = |_| Some(Answer::Later(Duration::ZERO));
    for alert in ["a", "b", "c"] {
        bench.change(alert, AlertState::Open, Severity::Error);
    }
    bench.run(40);
    bench.answer = |_| Some(Answer::Accepted);
    bench.change("d", AlertState::Open, Severity::Error);
    bench.run(3);
    let sent = bench.sent();
    let last: Vec<_> = sent[sent.len() - 4..].iter().map(|line| &line[..2]).collect();
    assert_eq!(last, ["40", "41", "41", "41"], "{sent:?}");
}

#[test]
fn a_sink_that_is_down_is_asked_less_and_less_often() {
    let mut bench = Bench::new(settings(100));
    bench.answer = |_| Some(Answer::Later(Duration::ZERO));
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(70);
    let times: Vec<&str> =
        bench.sent().iter().map(|line| line.split_once(' ').unwrap().0).collect();
    assert_eq!(times, ["0", "1", "3", "7", "15", "31", "63"]);
    bench.run(4000);
    assert!(bench.log.iter().any(|line| line.ends_with("suppress a not_taken")), "{:?}", bench.log);
}

#[test]
fn a_refusal_is_final_and_accounted_for() {
    let mut bench = Bench::new(settings(100));
    bench.answer = |_| Some(Answer::Refused("summary is missing".to_owned()));
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(100);
    assert_eq!(bench.log, ["0 send a open", "0 suppress a not_taken", "0 dead summary is missing"]);
}

#[test]
fn what_was_in_flight_when_the_process_died_is_sent_again_and_told() {
    let mut bench = Bench::new(settings(100));
    bench.answer = |_| None;
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(1);
    bench.restart();
    bench.answer = |_| Some(Answer::Accepted);
    bench.now = 5;
    bench.run(2);
    assert_eq!(
        bench.log,
        ["0 send a open", "5 delay a answer_lost", "5 send a open", "5 deliver a delivered"]
    );
}

#[test]
fn an_end_is_sent_where_nobody_knows_whether_the_beginning_arrived() {
    let mut bench = Bench::new(settings(100));
    bench.answer = |_| None;
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(1);
    bench.restart();
    bench.answer = |_| Some(Answer::Accepted);
    bench.change("a", AlertState::Resolved, Severity::Error);
    bench.run(1);
    assert_eq!(bench.sent(), ["0 send a open", "1 send a resolved"]);
    assert!(bench.ends.values().all(|ends| ends.len() == 1), "{:?}", bench.ends);
}
