#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn settings(per_minute: usize) -> SinkSettings {
    SinkSettings {
        name: "pager".to_owned(),
        severity_min: Severity::Warning,
        services: Vec::new(),
        sends_resolved: true,
        per_minute,
        reserve: per_minute.div_ceil(5),
        resend_every: None,
        give_up_after: Duration::from_secs(3600),
    }
}

fn notice(alert: &str, state: AlertState, severity: Severity) -> Notice {
    Notice {
        alert: alert.to_owned(),
        change: format!("{alert}-{}", state.as_str()),
        at: at(0),
        state,
        severity,
        title: format!("{alert} is broken"),
        services: vec!["shop".to_owned()],
        event: Vec::new(),
    }
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_millis(secs * 1000)
}

/// A machine and a sink that answers as told.
struct Bench {
    notify: Notify,
    now: i64,
    out: Vec<NotifyOutput>,
    log: Vec<String>,
    /// Changes of alerts by the decisions that end them.
    ends: std::collections::BTreeMap<String, Vec<String>>,
    answer: fn(&Delivery) -> Option<Answer>,
}

impl Bench {
    fn new(settings: SinkSettings) -> Self {
        Self {
            notify: Notify::new(vec![settings]),
            now: 0,
            out: Vec::new(),
            log: Vec::new(),
            ends: Default::default(),
            answer: |_| Some(Answer::Accepted),
        }
    }

    fn change(&mut self, alert: &str, state: AlertState, severity: Severity) {
        self.take(Notice { at: at(self.now), ..notice(alert, state, severity) });
    }

    fn take(&mut self, notice: Notice) {
        self.notify.step(NotifyInput::Change(notice), at(self.now), &mut self.out);
        self.drain();
    }

    /// Ends the process and starts it again from its state.
    fn restart(&mut self) {
        let state = self.notify.state().clone();
        self.notify = Notify::new(self.notify.settings.clone());
        self.notify.restore(state);
    }

    fn run(&mut self, secs: i64) {
        for _ in 0..secs {
            self.notify.step(NotifyInput::Tick, at(self.now), &mut self.out);
            self.drain();
            self.now += 1;
        }
    }

    fn drain(&mut self) {
        while !self.out.is_empty() {
            for output in std::mem::take(&mut self.out) {
                self.note(output);
            }
        }
    }

    fn note(&mut self, output: NotifyOutput) {
        let now = self.now;
        match output {
            NotifyOutput::Deliver(delivery) => {
                self.log.push(match &delivery.content {
                    Content::Alert(notice) => {
                        format!("{now} send {} {}", notice.alert, notice.state.as_str())
                    }
                    Content::Digest(digest) => {
                        format!("{now} digest {} of {}", digest.open.len(), digest.total)
                    }
                });
                if let Some(answer) = (self.answer)(&delivery) {
                    let (id, sink) = (delivery.id, delivery.sink.clone());
                    let input = NotifyInput::Answered { id, sink, answer };
                    self.notify.step(input, at(now), &mut self.out);
                }
            }
            NotifyOutput::Decision(decision) => {
                let (action, reason) = (decision.action.as_str(), decision.reason.as_str());
                let end = format!("{now} {action} {} {reason}", decision.alert);
                if decision.action != Action::Delay && !decision.alert.starts_with("digest") {
                    let change = decision.sink.unwrap().change;
                    self.ends.entry(change).or_default().push(end.clone());
                }
                self.log.push(end);
            }
            NotifyOutput::Dead { reason, .. } => self.log.push(format!("{now} dead {reason}")),
        }
    }

    fn sent(&self) -> Vec<&str> {
        self.log.iter().filter(|line| line.contains(" send ")).map(String::as_str).collect()
    }
}

fn waiting(bench: &Bench) -> (usize, usize) {
    let (_, standing) = bench.notify.state().standings().next().unwrap();
    (standing.waiting, standing.in_flight)
}

#[test]
fn an_alert_is_sent_once_and_its_end_once() {
    let mut bench = Bench::new(settings(100));
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(3);
    bench.change("a", AlertState::Resolved, Severity::Error);
    bench.run(300);
    assert_eq!(
        bench.log,
        ["0 send a open", "0 deliver a delivered", "3 send a resolved", "3 deliver a delivered"]
    );
    assert_eq!(waiting(&bench), (0, 0));
}

#[test]
fn what_is_over_before_it_was_sent_wakes_nobody() {
    let mut bench = Bench::new(settings(100));
    bench.change("a", AlertState::Open, Severity::Error);
    bench.change("a", AlertState::Resolved, Severity::Error);
    bench.run(5);
    assert_eq!(bench.log, ["0 merge a newer_state", "0 suppress a over_before_sent"]);
}

#[test]
fn every_change_that_is_not_wanted_is_accounted_for() {
    let mut bench = Bench::new(settings(100));
    bench.change("a", AlertState::Open, Severity::Info);
    bench.change("a", AlertState::Updated, Severity::Info);
    bench.change("a", AlertState::Updated, Severity::Error);
    bench.run(2);
    bench.change("b", AlertState::Resolved, Severity::Error);
    bench.take(Notice { at: at(-3600), ..notice("c", AlertState::Open, Severity::Error) });
    assert_eq!(
        bench.log,
        [
            "0 suppress a below_severity",
            "0 suppress a below_severity",
            "0 send a updated",
            "0 deliver a delivered",
            "2 suppress b never_sent",
            "2 suppress c too_old",
        ]
    );
}

#[test]
fn an_update_is_sent_where_it_is_graver_or_wider_and_not_for_more_of_the_same() {
    let mut bench = Bench::new(settings(100));
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(1);
    bench.change("a", AlertState::Updated, Severity::Error);
    bench.run(1);
    bench.change("a", AlertState::Updated, Severity::Critical);
    bench.run(1);
    let mut wider = notice("a", AlertState::Updated, Severity::Critical);
    wider.services.push("payments".to_owned());
    bench.take(wider);
    bench.run(1);
    assert_eq!(bench.sent(), ["0 send a open", "2 send a updated", "3 send a updated"]);
    assert!(bench.log.contains(&"1 suppress a more_of_the_same".to_owned()), "{:?}", bench.log);
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
    assert_eq!(bench.log.iter().filter(|line| line.contains(" digest 9")).count(), 1);
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

#[test]
fn a_sink_that_forgets_is_reminded_while_the_alert_is_open() {
    let mut bench =
        Bench::new(SinkSettings { resend_every: Some(Duration::from_secs(60)), ..settings(100) });
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(130);
    bench.change("a", AlertState::Resolved, Severity::Error);
    bench.run(300);
    assert_eq!(
        bench.sent(),
        ["0 send a open", "60 send a open", "120 send a open", "130 send a resolved"]
    );
}

#[test]
fn only_the_services_asked_for_are_sent() {
    let mut settings = settings(100);
    settings.services = vec!["pay*".to_owned()];
    let mut bench = Bench::new(settings);
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(1);
    assert_eq!(bench.log, ["0 suppress a other_service"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes in whatever order, over restarts at any moment: every change ends in one
    /// decision, and no minute exceeds the budget.
    #[test]
    fn nothing_is_unaccounted_for(script in prop::collection::vec(
        (0..12u8, 0..3u8, 0..4u8, 0..20i64, 0..6u8), 1..120), sends_resolved: bool) {
        let mut bench = Bench::new(SinkSettings { sends_resolved, ..settings(6) });
        bench.answer = |delivery| match delivery.id % 11 {
            0 => Some(Answer::Later(Duration::from_secs(2))),
            3 => Some(Answer::Unknown(Duration::ZERO)),
            5 => Some(Answer::TooMany(Duration::from_secs(7))),
            7 => Some(Answer::Refused("no".to_owned())),
            9 => None,
            _ => Some(Answer::Accepted),
        };
        let mut opened = std::collections::BTreeSet::new();
        let mut over = std::collections::BTreeSet::new();
        let mut changes = 0;
        for (alert, state, severity, wait, restarts) in script {
            let name = format!("a{alert}");
            let state = [AlertState::Open, AlertState::Updated, AlertState::Resolved][state as usize];
            let known = opened.contains(&name);
            if over.contains(&name) || (state == AlertState::Open) == known {
                continue;
            }
            opened.insert(name.clone());
            if state == AlertState::Resolved { over.insert(name.clone()); }
            changes += 1;
            let severity = Severity::ALL[severity as usize];
            let change = format!("{name}-{changes}");
            bench.take(Notice { change, at: at(bench.now), ..notice(&name, state, severity) });
            bench.run(wait);
            if restarts == 0 { bench.restart(); }
        }
        bench.answer = |_| Some(Answer::Accepted);
        bench.restart();
        bench.run(1_000);
        prop_assert_eq!(bench.ends.len(), changes, "{:?}", bench.log);
        for ends in bench.ends.values() {
            prop_assert_eq!(ends.len(), 1, "{:?}", &bench.log);
        }
        let times: Vec<i64> = bench.log.iter()
            .filter(|line| line.contains(" send ") || line.contains(" digest "))
            .filter(|line| !line.contains("deliver") && !line.contains("suppress"))
            .map(|line| line.split_once(' ').unwrap().0.parse().unwrap())
            .collect();
        for window in times.windows(7) {
            prop_assert!(window[6] - window[0] >= 60, "{times:?}");
        }
    }

    /// A machine that is stored and restored at any point goes on as if it had never stopped.
    #[test]
    fn a_restart_changes_nothing_where_nothing_is_in_flight(stop in 0..60i64) {
        let script = |bench: &mut Bench| {
            for number in 0..20 {
                bench.change(&format!("a{number}"), AlertState::Open, Severity::Error);
            }
        };
        let mut whole = Bench::new(settings(5));
        script(&mut whole);
        whole.run(200);
        let mut stopped = Bench::new(settings(5));
        script(&mut stopped);
        stopped.run(stop);
        stopped.restart();
        stopped.run(200 - stop);
        prop_assert_eq!(stopped.log, whole.log);
    }
}
