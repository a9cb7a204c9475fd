//! Alerts of other systems: what joins, what pages, what flaps, what is muted, whose clock counts.

use super::*;
use crate::alert::external::Incoming;

/// Makes an alert from `AT SERVICE@HOST SEVERITY NAME`; `!` before the name resolves, `?`
/// acknowledges. Its key is its name and place.
fn external(line: &str) -> ExternalAlert {
    let words: Vec<&str> = line.split(' ').collect();
    let at = Timestamp::from_secs(words[0].parse().unwrap());
    let (service, host) = words[1].split_once('@').unwrap();
    let name = words[3..].join(" ");
    let state = match name.chars().next().unwrap() {
        '!' => ExternalState::Resolve,
        '?' => ExternalState::Acknowledge,
        _ => ExternalState::Trigger,
    };
    let name = name.trim_start_matches(['!', '?']).to_owned();
    ExternalAlert {
        id: id_of("x", &[line]),
        from: "prometheus".to_owned(),
        key: format!("{name}/{service}/{host}"),
        state,
        at,
        started_at: None,
        ends_at: None,
        summary: String::new(),
        name,
        severity: Severity::ALL.into_iter().find(|one| one.as_str() == words[2]),
        service: service.to_owned(),
        host: Some(host.to_owned()).filter(|host| !host.is_empty()),
        labels: BTreeMap::new(),
        url: None,
    }
}

struct Bench {
    alert: Alert,
    seq: u64,
    shard_seq: u64,
    out: Vec<AlertOutput>,
}

impl Bench {
    fn new(settings: AlertSettings) -> Self {
        Self { alert: Alert::new(settings), seq: 0, shard_seq: 0, out: Vec::new() }
    }

    fn arrive(&mut self, wall: i64, items: Vec<Arrival>) {
        let wall = Timestamp::from_secs(wall);
        let source = "arrivals/0".to_owned();
        let arrivals = Arrivals { source, seq: self.seq, wall, items, maintenance: None };
        self.seq += 1;
        self.alert.receive(arrivals, &mut self.out);
    }

    /// Takes lines at their own times: those that begin with `log` are anomalies.
    fn script(&mut self, script: &str) -> &mut Self {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some(line) = line.strip_prefix("log ") {
                let at = line.split(' ').next().unwrap().parse().unwrap();
                self.alert.step(findings(0, 1, self.shard_seq, at, &[line]), &mut self.out);
                self.shard_seq += 1;
            } else {
                let alert = external(line);
                let wall = alert.at.as_nanos() / 1_000_000_000;
                self.arrive(wall, vec![Arrival::Alert(Box::new(alert))]);
            }
        }
        self
    }

    fn tick(&mut self, wall: i64) -> &mut Self {
        self.arrive(wall, Vec::new());
        self
    }

    fn pages(&self) -> usize {
        let is_page = |output: &&AlertOutput| {
            matches!(output, AlertOutput::Change(change)
            if matches!(change.state, AlertState::Open | AlertState::Reopened))
        };
        self.out.iter().filter(is_page).count()
    }

    fn reasons(&self) -> Vec<&'static str> {
        let reason = |output: &AlertOutput| match output {
            AlertOutput::Decision(decision) => Some(decision.reason.as_str()),
            AlertOutput::Change(_) => None,
        };
        self.out.iter().filter_map(reason).collect()
    }
}

fn check(settings: AlertSettings, script: &str, end: i64, expected: Expect) {
    let mut bench = Bench::new(settings);
    bench.script(script).tick(end);
    expected.assert_eq(&print(&bench.out));
}

#[test]
fn an_alert_of_another_system_joins_the_anomalies_of_its_service() {
    check(
        SETTINGS,
        "log 100 db new_template error disk failed
         160 db@db-1 error DbDown
         400 db@db-1 error !DbDown
         log 900 other new_template info nothing",
        1000,
        expect![[r#"
            100   merge #1 first_evidence 2.00
            160   merge #1 same_service 5.00
            160 open #1 error of 1: db: new: disk failed
            160   send #1 enough_evidence 5.00
            400   merge #1 told_over 5.00
            900   merge #2 first_evidence 0.25
            700 resolved #1 error of 1: db: new: disk failed
            700   send #1 quiet_again 5.00
        "#]],
    );
}

#[test]
fn what_no_log_tells_of_is_marked() {
    check(
        SETTINGS,
        "100 db@db-1 warning DiskFills\n200 db@db-1 warning !DiskFills",
        1000,
        expect![[r#"
            100   merge #1 first_evidence 3.00
            100 open #1 warning of 0: db: DiskFills [no log evidence]
            100   send #1 never_seen 3.00
            200   merge #1 told_over 3.00
            500 resolved #1 warning of 0: db: DiskFills [no log evidence]
            500   send #1 told_over 3.00
        "#]],
    );
}

#[test]
fn every_critical_alert_is_told_of_also_where_its_alert_is_open() {
    let mut bench = Bench::new(SETTINGS);
    bench.script("100 db@db-1 critical A\n101 db@db-1 critical B\n101 db@db-1 critical B");
    bench.script("102 db@db-1 warning C\n103 db@db-1 critical D").tick(110);
    let told: Vec<(AlertState, usize)> = bench
        .out
        .iter()
        .filter_map(|output| match output {
            AlertOutput::Change(change) => Some((change.state, change.critical.len())),
            AlertOutput::Decision(_) => None,
        })
        .collect();
    assert_eq!(told, [(AlertState::Open, 1), (AlertState::Updated, 2), (AlertState::Updated, 3)]);
}

#[test]
fn a_flapping_alert_pages_once() {
    let mut bench = Bench::new(SETTINGS);
    for minute in 0..120 {
        let at = minute * 60;
        bench.script(&format!("{at} db@db-1 error Flap\n{} db@db-1 error !Flap", at + 30));
    }
    bench.tick(100_000);
    assert_eq!(bench.pages(), 1);
}

#[test]
fn what_keeps_coming_back_slowly_pages_four_times_at_most() {
    for pause in [400, 1_800, 3_600, 4 * 3_600] {
        let mut bench = Bench::new(SETTINGS);
        for round in 0..40 {
            let at = round * pause;
            bench.script(&format!("{at} db@db-1 warning Flap\n{} db@db-1 warning !Flap", at + 60));
        }
        assert!((2..=4).contains(&bench.pages()), "{pause}: {}", bench.pages());
    }
}

#[test]
fn a_wrong_clock_elsewhere_does_not_move_the_life_of_others() {
    let mut bench = Bench::new(SETTINGS);
    bench.script("1000 a@h error Down\n1001 a@h error !Down");
    for at in [9_000_000, 5] {
        let alert = external(&format!("{at} b@g error Other"));
        bench.arrive(1_010, vec![Arrival::Alert(Box::new(alert))]);
    }
    let is_over = |bench: &Bench| {
        bench.out.iter().any(|output| {
            matches!(output,
        AlertOutput::Change(change) if change.state == AlertState::Resolved)
        })
    };
    bench.tick(1_300);
    assert!(!is_over(&bench));
    bench.tick(1_302);
    assert!(is_over(&bench));
    assert!(
        bench
            .alert
            .state()
            .clusters()
            .all(|cluster| cluster.last_at <= Timestamp::from_secs(1_010))
    );
}

#[test]
fn logs_that_stand_still_are_followed_by_wall_time() {
    let mut bench = Bench::new(SETTINGS);
    bench.script("log 100 a silence error no records for 20 s").tick(101).tick(500);
    assert_eq!(bench.alert.state().clusters().count(), 1);
    bench.tick(1_000);
    assert_eq!(bench.alert.state().clusters().count(), 0);
}

fn silence(until: i64, rate_max: Option<u32>) -> Arrival {
    Arrival::Silence(Silence {
        id: "s1".to_owned(),
        scope: Scope { names: vec!["Disk*".to_owned()], ..Scope::default() },
        starts_at: Timestamp::from_secs(0),
        ends_at: Timestamp::from_secs(until),
        by: "ann".to_owned(),
        comment: String::new(),
        ticket: Some("OPS-1".to_owned()),
        accepts: Severity::Warning,
        rate_max,
    })
}

#[test]
fn a_silence_holds_back_what_it_accepts_until_its_end() {
    let mut bench = Bench::new(SETTINGS);
    bench.arrive(10, vec![silence(500, None)]);
    bench.script("100 db@db-1 warning DiskFills");
    assert_eq!(bench.pages(), 0);
    bench.script("110 db@db-2 error DiskFails");
    assert_eq!(bench.pages(), 1, "graver than accepted");
    bench.tick(600);
    assert_eq!(bench.pages(), 2, "it still holds when the silence is over");
    expect![
        "silence_asked silenced first_evidence never_seen silence_over first_evidence never_seen"
    ]
    .assert_eq(&bench.reasons().join(" "));
}

#[test]
fn a_silence_ends_when_more_comes_than_it_accepts() {
    let mut bench = Bench::new(SETTINGS);
    bench.arrive(10, vec![silence(5_000, Some(3))]);
    for n in 0..5 {
        bench.script(&format!("{} db@db-{n} warning DiskFills", 100 + n));
    }
    assert!(bench.reasons().contains(&"rate_exceeded"));
    assert_eq!(bench.pages(), 1);
}

#[test]
fn maintenance_holds_back_until_it_is_over() {
    let mut bench = Bench::new(SETTINGS);
    let scope = Scope { services: vec!["db".to_owned()], ..Scope::default() };
    let window = Maintenance { name: "sunday".into(), scope, ends_at: Timestamp::from_secs(500) };
    for (wall, now_on) in [(10, vec![window]), (400, Vec::new())] {
        let mut arrivals =
            Arrivals { seq: bench.seq, wall: Timestamp::from_secs(wall), ..Arrivals::default() };
        arrivals.source = "arrivals/0".to_owned();
        arrivals.maintenance = Some(now_on);
        bench.seq += 1;
        bench.alert.receive(arrivals, &mut bench.out);
        if wall == 10 {
            bench.script("100 db@db-1 critical DbDown\n101 shop@s-1 critical ShopDown");
            assert_eq!(bench.pages(), 1);
        }
    }
    assert_eq!(bench.pages(), 2);
}

#[test]
fn a_critical_alert_of_a_dependency_inhibits_warnings_and_is_named_first() {
    let direct = [("shop".to_owned(), vec!["db".to_owned()])];
    let topology = Arc::new(Topology::new(&direct.into()));
    let mut bench = Bench::new(SETTINGS);
    bench.alert = Alert::new(SETTINGS).with_topology(topology);
    bench
        .script("100 shop@s-1 error Slow\n130 db@db-1 critical DbDown\n140 shop@s-2 warning Queue");
    assert_eq!(bench.pages(), 1);
    assert_eq!(bench.reasons().last(), Some(&"inhibited"));
    let cluster = bench.alert.state().clusters().next().unwrap();
    let change = cluster.change(AlertState::Updated, cluster.sent_at, Reason::MoreEvidence);
    assert_eq!(change.services, ["db", "shop"]);
}

#[test]
fn what_is_in_hand_is_sent_again_only_when_it_gets_graver() {
    let mut bench = Bench::new(SETTINGS);
    bench.script("100 db@db-1 warning Disk\n110 db@db-1 warning ?Disk\n400 db@db-2 warning Disk");
    let sent = bench.out.len();
    bench.tick(1_000);
    assert_eq!(bench.out.len(), sent);
    bench.script("1010 db@db-1 error Disk");
    assert_eq!(bench.reasons().last(), Some(&"severity_raised"));
}

#[test]
fn it_counts_once_it_came_often_and_lasted_long_enough() {
    let duration_min = Duration::from_secs(120);
    let mut bench = Bench::new(AlertSettings { duration_min, count_min: 2, ..SETTINGS });
    bench.script("100 db@db-1 error Slow\n160 db@db-1 error Slow");
    assert_eq!(bench.pages(), 0);
    bench.tick(221);
    assert_eq!(bench.pages(), 1);
    bench.script("230 db@db-1 critical Down");
    assert_eq!(bench.reasons().last(), Some(&"severity_raised"));
}

/// Lines of alerts and anomalies in order of time.
fn lives() -> impl Strategy<Value = Vec<String>> {
    let one = (0i64..400, 0usize..3, 0usize..3, 0usize..4, 0usize..4, 0usize..8);
    prop::collection::vec(one, 1..80).prop_map(|parts| {
        let mut at = 1_000;
        let line = |(n, (ahead, service, host, severity, name, kind)): (
            usize,
            (i64, usize, usize, usize, usize, usize),
        )| {
            at += ahead / 4 * i64::from(ahead > 100);
            let severity = Severity::ALL[severity].as_str();
            let service = ["", "s1", "s2"][service];
            match kind {
                0 => format!("log {at} s{host} new_template {severity} w{name} x{n}"),
                1 | 2 => format!("{at} {service}@h{host} {severity} !n{name}"),
                3 => format!("{at} {service}@h{host} {severity} ?n{name}"),
                _ => format!("{at} {service}@h{host} {severity} n{name}"),
            }
        };
        parts.into_iter().enumerate().map(line).collect()
    })
}

fn naive<'a>(
    alert: &'a Alert,
    bond: impl Fn(&'a Cluster) -> Option<Reason>,
) -> Option<(u64, Reason)> {
    let clusters = alert.state.clusters.iter();
    let bonds = clusters.filter_map(|(serial, cluster)| {
        Some((std::cmp::Reverse(bond(cluster)?), cluster.is_open, cluster.last_at, *serial))
    });
    bonds.max().map(|(reason, _, _, serial)| (serial, reason.0))
}

proptest! {
    #[test]
    fn the_index_finds_what_a_walk_through_all_clusters_finds(lines in lives()) {
        let mut bench = Bench::new(AlertSettings { clusters_max: 20, ..SETTINGS });
        for line in &lines {
            if let Some(line) = line.strip_prefix("log ") {
                let anomaly = anomaly(line);
                let print = fingerprint_of(&anomaly);
                let alert = &bench.alert;
                let walked = naive(alert, |cluster| alert.bond(cluster, &anomaly, &print));
                prop_assert_eq!(alert.find(&anomaly), walked);
            } else {
                let incoming = external(line);
                let incoming = Incoming::new(&incoming, incoming.at);
                let alert = &bench.alert;
                let partners = alert.state.elsewhere.together.partners(incoming.name, incoming.at);
                let walked = naive(alert, |cluster| alert.bond_with(cluster, &incoming, &partners));
                prop_assert_eq!(alert.find_for(&incoming), walked);
            }
            bench.script(line);
            let fresh = Index::of(&bench.alert.state.clusters, &bench.alert.settings);
            prop_assert_eq!(&fresh, &bench.alert.index);
        }
    }

    #[test]
    fn a_restored_machine_goes_on_and_every_arrival_has_one_decision(lines in lives()) {
        let (mut steady, mut restored) = (Bench::new(SETTINGS), Bench::new(SETTINGS));
        let mut wanted = 0;
        for line in &lines {
            steady.script(line);
            let bytes = postcard::to_allocvec(restored.alert.state()).unwrap();
            restored.alert = Alert::new(SETTINGS);
            restored.alert.restore(postcard::from_bytes(&bytes).unwrap());
            restored.script(line);
            wanted += 1;
        }
        prop_assert_eq!(&steady.out, &restored.out);
        steady.script("log 900000 end new_template info end").tick(1_000_000).tick(2_000_000);
        let mut life = BTreeMap::new();
        let mut told = 0;
        for output in &steady.out {
            match output {
                AlertOutput::Decision(decision) => {
                    told += usize::from(decision.anomaly.is_some() || decision.external.is_some());
                }
                AlertOutput::Change(change) => {
                    let was = life.insert(change.id.clone(), change.state);
                    let fits = match change.state {
                        AlertState::Open => was.is_none(),
                        AlertState::Reopened => was == Some(AlertState::Resolved),
                        _ => was.is_some() && was != Some(AlertState::Resolved),
                    };
                    prop_assert!(fits, "{:?} after {:?}", change.state, was);
                }
            }
        }
        prop_assert_eq!(told, wanted + 1);
    }
}
