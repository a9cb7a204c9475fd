//! Alerts that come and go, through the alert machine and the notify machine.

use super::*;
use crate::alert::tests::anomaly;
use crate::alert::{Alert, AlertOutput, AlertSettings};
use crate::detect::Findings;

/// The defaults of the program.
const SETTINGS: AlertSettings = AlertSettings {
    open_weight: 3.0,
    join_gap: Duration::from_secs(60),
    resolve_after: Duration::from_secs(120),
    update_every: Duration::from_secs(60),
    clusters_max: 1_000,
    ..AlertSettings::DEFAULT
};

/// Runs an hour in which a fault shows for ten seconds at each of `times`, and three hours after it.
fn flap(pages_per_week: Option<usize>, times: impl Iterator<Item = i64>) -> Bench {
    let mut bench = Bench::new(SinkSettings { pages_per_week, ..settings(100) });
    let mut alert = Alert::new(SETTINGS);
    let mut times = times.peekable();
    for now in 0..4 * 3_600 {
        let mut anomalies = Vec::new();
        while times.next_if(|time| *time == now).is_some() {
            anomalies.push(anomaly(&format!("{now} shop new_template error db-1 is gone")));
            anomalies.push(anomaly(&format!("{now} shop rate_spike error orders fail")));
        }
        let (time, seq) = (Timestamp::from_secs(now), now as u64);
        let progress = Some(time);
        let mut out = Vec::new();
        let findings = Findings { shard: 0, shards: 1, seq, progress, wall: time, anomalies };
        alert.step(findings, &mut out);
        for output in out {
            if let AlertOutput::Change(change) = output {
                let change_id = format!("{}-{now}-{}", change.id, change.state.as_str());
                bench.take(Notice {
                    alert: change.id,
                    change: change_id,
                    at: at(bench.now),
                    state: change.state,
                    severity: change.severity,
                    title: change.title,
                    services: change.services,
                    critical: change.critical.len(),
                    event: Vec::new(),
                });
            }
        }
        bench.run(1);
    }
    bench
}

#[test]
fn sixty_flips_an_hour_page_once_and_end_once() {
    let bench = flap(None, (0..60).map(|flip| flip * 60));
    let states: Vec<&str> =
        bench.sent().iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(states, ["open", "resolved"], "{:?}", bench.log);
    assert!(bench.ends.values().all(|ends| ends.len() == 1), "{:?}", bench.ends);
}

#[test]
fn what_flips_too_slowly_to_stay_open_pages_as_often_as_its_week_allows() {
    let bench = flap(Some(3), (0..12).map(|flip| flip * 300));
    let opened = bench.sent().iter().filter(|line| line.ends_with(" open")).count();
    let digests = bench.log.iter().filter(|line| line.contains(" digest 1 of")).count();
    assert_eq!((opened, digests), (3, 1), "{:?}", bench.log);
    assert!(bench.ends.values().all(|ends| ends.len() == 1), "{:?}", bench.ends);
}
