//! A storm of alerts against a pager that enforces its contract, with and without crashes.
//!
//! `LOGWAKE_PAGE_STORM_ALERTS` and `LOGWAKE_PAGE_STORM_SECS` say how many come in how long a time; what was
//! measured is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use logwake_detector::alert::AlertState;
use logwake_detector::anomaly::Severity;

use super::notify::{Bench, KEY, sink};
use crate::support::alerts::{alert, alert_id, ends, ledger, send};
use crate::support::kafka::Record;
use crate::support::pager::{Book, Manners, Pager};
use crate::support::program::logwake;
use crate::support::schema;

/// Within which every critical alert is to be at the pager.
const CRITICAL_WITHIN: Duration = Duration::from_secs(60);

fn from_env(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// One in 333 is critical: 30 of ten thousand.
fn severity_of(number: usize) -> Severity {
    if number % 333 == 100 { Severity::Critical } else { Severity::Error }
}

/// Publishes so many alerts evenly over a time; returns when each critical one was.
fn blow(bench: &Bench, alerts: usize, over: Duration) -> BTreeMap<String, Instant> {
    let mut published = BTreeMap::new();
    let (producer, topic) = (bench.kafka.producer(10_000), bench.kafka.name("alerts"));
    bench.kafka.wait_until(&topic, |found| found > 0);
    let begin = Instant::now();
    let slices = 4 * over.as_secs() as usize;
    for slice in 0..slices {
        let wait = over * slice as u32 / slices as u32;
        std::thread::sleep(wait.saturating_sub(begin.elapsed()));
        let numbers = alerts * slice / slices..alerts * (slice + 1) / slices;
        let critical = numbers.clone().filter(|number| severity_of(*number) == Severity::Critical);
        published.extend(critical.map(|number| (alert_id(number), Instant::now())));
        let open = |number| alert(number, AlertState::Open, severity_of(number));
        send(&producer, &topic, &numbers.map(open).collect::<Vec<_>>());
    }
    eprintln!("published in {:.1?}", begin.elapsed());
    published
}

/// Every alert is accounted for once, every critical one paged once within a minute, and PagerDuty
/// never says 429.
#[track_caller]
fn storm(manners: Manners, kills: usize) {
    let alerts = from_env("LOGWAKE_PAGE_STORM_ALERTS", 10_000);
    let over = Duration::from_secs(from_env("LOGWAKE_PAGE_STORM_SECS", 5) as u64);
    let pager = Pager::start(manners);
    let Some(bench) = Bench::new(&sink("pager", &pager.url(), KEY)) else { return };
    let service = bench.run();
    let (published, service) = std::thread::scope(|scope| {
        let blowing = scope.spawn(|| blow(&bench, alerts, over));
        let service = (1..=kills).fold(service, |service, kill| {
            pager.wait("requests before the kill", |book| book.pages.len() >= kill * 25);
            service.kill();
            bench.run()
        });
        (blowing.join().unwrap(), service)
    });
    let is_done = |records: &[Record]| {
        // Reading the whole ledger takes a while, so it is not done at each record.
        let is_end = |record: &&Record| !record.text().contains("\"action\":\"delay\"");
        if records.iter().filter(is_end).count() <= alerts {
            return false;
        }
        let told = ledger(records, "pager");
        let is_sent = |change: &String| told[change].iter().any(|(action, _)| action == "deliver");
        ends(records, "pager").len() == alerts
            && told.keys().any(|change| change.starts_with("digest") && is_sent(change))
    };
    let records = bench.wait("every alert accounted for, the digest sent", is_done);
    service.stop();
    let book = pager.book();
    check_pages(&book, &published);
    check_ledger(&book, &records, alerts);
    tell(&book, &published, &format!("{alerts} alerts in {over:?}"));

    // Any alert of the ledger is explained, though the service remembers the newest alone.
    let config = bench.dir.path().join("a.toml");
    let text = logwake(&["explain", "-c", config.to_str().unwrap(), &alert_id(alerts - 1)]).done();
    assert!(text.contains(" went into digest_") || text.contains("pager was sent"), "{text}");
}

#[track_caller]
fn check_pages(book: &Book, published: &BTreeMap<String, Instant>) {
    assert_eq!(book.statuses.get(&429), None, "{:?}", book.statuses);
    assert_eq!(book.statuses.get(&400), None, "{:?}", book.statuses);
    let keys: BTreeSet<&String> = book.pages.iter().map(|page| &page.key).collect();
    assert_eq!(keys.len(), book.pages.len(), "somebody was paged twice for one alert");
    for (alert, wait) in waits(book, published) {
        assert!(wait <= CRITICAL_WITHIN, "{alert} waited for {wait:?}");
    }
    let missing: Vec<_> = published.keys().filter(|alert| !keys.contains(alert)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let digests: Vec<_> = keys.iter().filter(|key| key.starts_with("digest")).collect();
    assert_eq!(digests.len(), 1, "{digests:?}");
    let summary = book.payloads[*digests[0]]["summary"].as_str().unwrap();
    assert!(summary.ends_with("more services, held back by the page budget"), "{summary}");
}

#[track_caller]
fn check_ledger(book: &Book, records: &[Record], alerts: usize) {
    let ends = ends(records, "pager");
    assert!(ends.values().all(|ends| ends.len() == 1), "a change ended twice");
    schema::check_all("decision", records.iter().map(Record::text));
    let sent = ends.values().filter(|ends| ends[0].0 == "deliver").count();
    let merged = ends.values().filter(|ends| ends[0].1 == "in_digest").count();
    assert_eq!(sent + merged, alerts);
    assert_eq!(sent + 1, book.pages.len(), "pages are what the ledger says");
}

/// How long each critical alert took from its topic to the pager.
fn waits<'a>(
    book: &'a Book,
    published: &'a BTreeMap<String, Instant>,
) -> impl Iterator<Item = (&'a String, Duration)> {
    let of = |page: &'a crate::support::pager::Page| {
        let at = published.get(&page.key)?;
        Some((&page.key, page.at.saturating_duration_since(*at)))
    };
    book.pages.iter().filter_map(of)
}

fn tell(book: &Book, published: &BTreeMap<String, Instant>, what: &str) {
    let mut waited: Vec<Duration> = waits(book, published).map(|(_, wait)| wait).collect();
    waited.sort();
    let at = |share: f64| waited[((waited.len() as f64 * share).ceil() as usize).max(1) - 1];
    eprintln!(
        "{what}: {} critical ones paged after \
         {:.2?} (half), {:.2?} (p99), {:.2?} (last); requests by status {:?}, {} in the busiest minute",
        waited.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        book.statuses,
        book.busiest,
    );
}

#[test]
fn a_storm_of_ten_thousand_pages_for_what_is_critical_and_one_digest() {
    storm(Manners { slow_ms_max: 300, fails_one_in: 0, drops_one_in: 0 }, 0);
}

#[test]
fn a_storm_over_kills_loses_no_page_and_doubles_none() {
    storm(Manners { slow_ms_max: 300, fails_one_in: 25, drops_one_in: 25 }, 2);
}
