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
        resend_every: None,
        give_up_after: Duration::from_secs(3600),
    }
}

fn notice(alert: &str, state: AlertState, severity: Severity) -> Notice {
    Notice {
        alert: alert.to_owned(),
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
    answer: fn(&Delivery) -> Option<Answer>,
}

impl Bench {
    fn new(settings: SinkSettings) -> Self {
        Self {
            notify: Notify::new(vec![settings]),
            now: 0,
            out: Vec::new(),
            log: Vec::new(),
            answer: |_| Some(Answer::Accepted),
        }
    }

    fn change(&mut self, alert: &str, state: AlertState, severity: Severity) {
        let input = NotifyInput::Change(notice(alert, state, severity));
        self.notify.step(input, at(self.now), &mut self.out);
        self.drain();
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
            NotifyOutput::Decision(decision) => self.log.push(format!(
                "{now} {} {} {}",
                decision.action.as_str(),
                decision.alert,
                decision.reason.as_str()
            )),
            NotifyOutput::Dead { reason, .. } => self.log.push(format!("{now} dead {reason}")),
        }
    }

    fn sent(&self) -> Vec<&str> {
        self.log.iter().filter(|line| line.contains(" send ")).map(String::as_str).collect()
    }
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
    assert_eq!(bench.notify.state().queues().next(), Some(("pager", 0, 0)));
}

#[test]
fn what_is_over_before_it_was_sent_wakes_nobody() {
    let mut bench = Bench::new(settings(100));
    bench.change("a", AlertState::Open, Severity::Error);
    bench.change("a", AlertState::Resolved, Severity::Error);
    bench.run(5);
    assert_eq!(bench.log, ["0 suppress a over_before_sent"]);
}

#[test]
fn an_alert_that_is_not_wanted_is_accounted_for_once() {
    let mut bench = Bench::new(settings(100));
    bench.change("a", AlertState::Open, Severity::Info);
    bench.change("a", AlertState::Updated, Severity::Info);
    bench.change("a", AlertState::Updated, Severity::Error);
    bench.run(2);
    assert_eq!(
        bench.log,
        ["0 suppress a below_severity", "0 send a updated", "0 deliver a delivered"]
    );
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
    let delayed = bench.log.iter().filter(|line| line.ends_with("budget_spent")).count();
    assert_eq!(sent.len() + delayed, 1_000);
    for number in 0..1_000 {
        bench.change(&format!("a{number:03}"), AlertState::Resolved, Severity::Error);
    }
    bench.run(3_600);
    assert_eq!(bench.log.iter().filter(|line| line.contains(" digest 0 of")).count(), 1);
    assert_eq!(bench.notify.state().queues().next(), Some(("pager", 0, 0)));
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
fn what_was_in_flight_when_the_process_died_is_sent_again() {
    let mut bench = Bench::new(settings(100));
    bench.answer = |_| None;
    bench.change("a", AlertState::Open, Severity::Error);
    bench.run(1);
    let state = bench.notify.state().clone();
    let mut again = Bench::new(settings(100));
    again.notify.restore(state);
    again.now = 5;
    again.run(2);
    assert_eq!(again.log, ["5 send a open", "5 deliver a delivered"]);
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
    /// Whatever comes in whatever order: an alert is delivered, waits, or a decision says why not;
    /// no minute exceeds the budget.
    #[test]
    fn nothing_is_unaccounted_for(script in prop::collection::vec(
        (0..12u8, 0..3u8, 0..4u8, 0..20i64), 1..120)) {
        let mut bench = Bench::new(settings(6));
        bench.answer = |delivery| Some(match delivery.id % 5 {
            0 => Answer::Later(Duration::from_secs(2)),
            4 if delivery.id % 7 == 0 => Answer::Refused("no".to_owned()),
            _ => Answer::Accepted,
        });
        let mut opened = std::collections::BTreeSet::new();
        let mut over = std::collections::BTreeSet::new();
        for (alert, state, severity, wait) in script {
            let name = format!("a{alert}");
            let state = [AlertState::Open, AlertState::Updated, AlertState::Resolved][state as usize];
            let known = opened.contains(&name);
            if over.contains(&name) || (state == AlertState::Open) == known {
                continue;
            }
            opened.insert(name.clone());
            if state == AlertState::Resolved { over.insert(name.clone()); }
            bench.change(&name, state, Severity::ALL[severity as usize]);
            bench.run(wait);
        }
        bench.run(4_000);
        for alert in &opened {
            let told = bench.log.iter().any(|line| {
                let mut words = line.split(' ').skip(1);
                words.next() != Some("send") && words.next() == Some(alert.as_str())
            });
            prop_assert!(told, "{alert} in {:?}", bench.log);
        }
        let times: Vec<i64> = bench.log.iter()
            .filter(|line| line.contains(" send ") || line.contains(" digest "))
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
        let mut first = Bench::new(settings(5));
        script(&mut first);
        first.run(stop);
        let mut second = Bench::new(settings(5));
        second.notify.restore(first.notify.state().clone());
        second.now = stop;
        second.run(200 - stop);
        let log: Vec<_> = first.log.iter().chain(&second.log).cloned().collect();
        prop_assert_eq!(log, whole.log);
    }
}
