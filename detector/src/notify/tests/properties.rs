//! What holds whatever comes in whatever order.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes in whatever order, over restarts at any moment: every change ends in one
    /// decision, and no minute exceeds the budget.
    #[test]
    fn nothing_is_unaccounted_for(script in prop::collection::vec(
        (0..12u8, 0..3u8, 0..4u8, 0..20i64, 0..6u8), 1..120), sends_resolved: bool,
        pages_per_week in prop::option::of(1..3usize), reminds: bool) {
        let resend_every = reminds.then_some(Duration::from_secs(60));
        let strict = SinkSettings { sends_resolved, pages_per_week, resend_every, ..settings(6) };
        let mut bench = Bench::new(strict);
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
