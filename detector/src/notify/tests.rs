#![allow(clippy::unwrap_used, reason = "tests")]

mod failing;
mod flapping;
mod properties;
mod storm;
mod week;

use std::time::Duration;

use super::*;
use crate::alert::{Action, AlertState};
use crate::anomaly::Severity;

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
        pages_per_week: None,
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
        critical: 0,
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

    /// Lets time pass at once.
    fn go_to(&mut self, now: i64) {
        self.now = now;
        self.run(1);
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
