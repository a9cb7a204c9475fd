//! What the board shows of what it was told.

use std::time::Duration;

use logwake_detector::anomaly::{AnomalyKind, Severity};
use logwake_detector::detect::FleetSettings;
use logwake_models::template::CatalogueLimits;

use super::sample::{anomaly, change, filled, settings};
use super::*;
use crate::config::Config;

#[test]
fn every_line_is_shown_somewhere() {
    let status = filled().status_view();
    assert_eq!(
        status.lines.total,
        status.lines.tallied + status.lines.late + status.lines.rejected
    );
    assert_eq!((status.lines.late, status.lines.rejected, status.lines.corrected), (128, 64, 192));
    assert_eq!(status.lag_records, Some(120));
    assert_eq!((status.services, status.templates, status.alerts_open), (4, 5, 2));
    assert_eq!(status.stages[2].last_outcome, Some("aborted"));
    assert_eq!(status.stages[0].commits, 1);
}

#[test]
fn services_have_a_rate_for_each_of_the_last_windows_and_silence_is_zero() {
    let board = filled();
    let services = board.services_view(&Query::default()).items;
    let names: Vec<&str> = services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(
        names,
        ["checkout", "gateway-with-a-rather-long-name.eu-central-1", "payments", "postgres"]
    );
    let payments = &services[2];
    assert_eq!(payments.rates.len(), SPARK_WINDOWS);
    assert_eq!((payments.rates[0], payments.rates[59]), (150.0, 0.0));
    assert!(payments.warm && payments.warmup == 1.0, "{payments:?}");
}

#[test]
fn lists_are_filtered_and_paged() {
    let board = filled();
    let query = |text: &str| -> Query { serde_json::from_str(text).unwrap() };
    assert_eq!(board.templates_view(&query(r#"{"service":"checkout"}"#)).total, 2);
    let page = board.templates_view(&query(r#"{"limit":1,"offset":1}"#));
    assert_eq!((page.total, page.items.len()), (5, 1));
    assert_eq!(board.alerts_view(&query(r#"{"state":"active"}"#)).total, 2);
    assert_eq!(board.alerts_view(&Query::default()).items[2].state, "resolved");
    assert_eq!(board.anomalies_view(&query(r#"{"kind":"silence"}"#)).items[0].service, "payments");
    assert_eq!(board.anomalies_view(&query(r#"{"q":"TOO MANY"}"#)).total, 1);
    assert_eq!(board.decisions_view(&query(r#"{"alert":"nobody"}"#)).total, 0);
}

#[test]
fn what_is_kept_has_a_limit_and_open_alerts_outlive_it() {
    let board = Board::new(settings());
    board.alert(&change(9_999, AlertState::Open, Severity::Error, "t", &["s"]));
    for id in 0..(RESOLVED_MAX as u64 + 50) {
        board.alert(&change(id, AlertState::Resolved, Severity::Error, "t", &["s"]));
    }
    assert_eq!(board.alerts_view(&Query::default()).total, RESOLVED_MAX + 1);
    for n in 0..(ANOMALIES_MAX as u64 + 50) {
        board.anomaly(&anomaly(n, "s", AnomalyKind::Forest, Severity::Info, "r"));
    }
    assert_eq!(board.anomalies_view(&Query::default()).total, ANOMALIES_MAX);
    assert_eq!(board.status_view().anomalies, ANOMALIES_MAX as u64 + 50);
}

#[test]
fn an_alert_and_its_anomalies_are_explained_by_their_decisions() {
    let board = filled();
    let alert = board.explain("c_0000000000000001").unwrap();
    assert_eq!((alert.anomalies.len(), alert.decisions.len()), (2, 3));
    assert!(
        alert.story[2].contains("was sent, since the evidence weighs enough"),
        "{:?}",
        alert.story
    );
    let anomaly = board.explain("a_0000000000000001").unwrap();
    assert_eq!(anomaly.alert.unwrap().id, "c_0000000000000001");
    assert!(board.explain("a_ffff").is_none());
}

#[test]
fn a_shard_that_moves_away_takes_its_services_along() {
    let board = filled();
    board.shard_released(0);
    let status = board.status_view();
    assert_eq!((status.services, status.watermark), (0, None));
}

#[test]
fn limits_of_the_catalogue_follow_the_configuration() {
    let mut config = Config::default();
    config.templates.templates_max = 77;
    let settings = config.detect_settings();
    let expected = CatalogueLimits { templates_max: 77, ..CatalogueLimits::default() };
    assert_eq!(settings.catalogue, expected);
    let fleet =
        FleetSettings { hold_max: Duration::from_secs(60), stall_after: Duration::from_secs(30) };
    assert_eq!(settings.fleet, fleet);
}
