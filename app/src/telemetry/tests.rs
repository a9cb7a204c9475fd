//! What a scrape shows.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use logwake_detector::record::Source;

use super::*;
use crate::config::Telemetry;

fn commit(outcome: Outcome) -> Commit {
    Commit { stage: Stage::Tally, outcome, took: Duration::from_millis(12), inputs: 3, outputs: 1 }
}

fn busy() -> Metrics {
    let metrics = Metrics::new("logwake-test");
    metrics.ingested("logs", 10, 1234);
    metrics.rejected("oversize", 2);
    metrics.dead_letters("oversize", 2);
    metrics.texts_cut("host", 3);
    metrics.committed(&commit(Outcome::Committed));
    metrics.committed(&commit(Outcome::Aborted));
    metrics.state_size(Stage::Detect, 4096);
    metrics.detection_delay(Duration::from_secs(7));
    metrics.catalogues(0, CatalogueCounts { skeletons: 7, merges: 1, overflows: 0 });
    metrics.lag(&Source::Partition { topic: "logs".into(), partition: 3 }, 42);
    metrics
}

#[test]
fn closed_lists_are_at_zero_from_the_start_and_scopes_are_not_labels() {
    let text = Metrics::new("logwake-test").render(Exposition::Prometheus);
    for series in [
        "logwake_anomalies_total{kind=\"silence\"} 0",
        "logwake_alerts_total{severity=\"critical\",state=\"open\"} 0",
        "logwake_decisions_total{action=\"suppress\",reason=\"not_enough_evidence\"} 0",
        "logwake_commits_total{outcome=\"aborted\",stage=\"detect\"} 0",
        "logwake_alerts_open{severity=\"error\"} 0",
        "logwake_lines_late_total 0",
        "service_name=\"logwake-test\"",
        "logwake_build_info{version=",
        "process_start_time_seconds ",
    ] {
        assert!(text.contains(series), "{series} is missing in\n{text}");
    }
    assert!(!text.contains("otel_scope"), "{text}");
}

#[test]
fn what_happened_is_counted_under_the_documented_names() {
    let metrics = busy();
    let text = metrics.render(Exposition::Prometheus);
    for series in [
        "logwake_lines_total{topic=\"logs\"} 10",
        "logwake_ingested_bytes_total{topic=\"logs\"} 1234",
        "logwake_lines_rejected_total{reason=\"oversize\"} 2",
        "logwake_texts_cut_total{kind=\"host\"} 3",
        "logwake_commit_duration_seconds_bucket{stage=\"tally\",le=\"0.02\"} 2",
        "logwake_last_commit_timestamp_seconds{stage=\"tally\"} ",
        "logwake_state_bytes{stage=\"detect\"} 4096",
        "logwake_detection_delay_seconds_count 1",
        "logwake_skeletons 7",
        "logwake_template_merges_total 1",
        "logwake_consumer_lag_records{partition=\"3\",topic=\"logs\"} 42",
    ] {
        assert!(text.contains(series), "{series} is missing in\n{text}");
    }
    metrics.source_released(&Source::Partition { topic: "logs".into(), partition: 3 });
    metrics.shard_released(0);
    let text = metrics.render(Exposition::Prometheus);
    assert!(!text.contains("logwake_consumer_lag_records{"), "a lag that is gone is still shown");
    assert!(!text.contains("logwake_skeletons"), "a shard that is gone is still shown");
}

#[test]
fn openmetrics_names_families_without_total_and_ends() {
    let text = busy().render(Exposition::OpenMetrics);
    assert!(text.contains("# TYPE logwake_lines counter\nlogwake_lines_total{"), "{text}");
    assert!(text.contains("# TYPE logwake_build info\nlogwake_build_info{"), "{text}");
    assert!(text.ends_with("\n# EOF\n"));
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
    assert_eq!(Exposition::accepted(accept), Exposition::OpenMetrics);
    assert_eq!(Exposition::accepted("text/plain"), Exposition::Prometheus);
}

#[test]
fn promtool_accepts_the_metrics() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        println!("skipped: promtool is not installed");
        return;
    };
    let text = busy().render(Exposition::Prometheus);
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}

#[test]
fn a_collector_that_never_answers_blocks_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let settings = Telemetry { otlp_endpoint: Some(endpoint), ..Telemetry::default() };
    let tracer = Tracer::new(&settings).unwrap();
    let start = Instant::now();
    for _ in 0..10_000 {
        tracer.committed(&commit(Outcome::Committed));
    }
    tracer.shutdown();
    assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
}
