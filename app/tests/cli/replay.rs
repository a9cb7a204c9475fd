//! `logwake replay` of a generated capture.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::lines::{Seeded, deal, shop};
use crate::support::program::{Ran, Started, logwake};
use crate::support::schema;

const FILES: [&str; 5] =
    ["anomalies.jsonl", "alerts.jsonl", "decisions.jsonl", "deadletter.jsonl", "summary.json"];

/// Replays files into a folder.
pub fn replay(out: &Path, more: &[&str], files: &[PathBuf]) -> Ran {
    let mut args = vec!["replay", "--out", out.to_str().unwrap()];
    args.extend(more);
    args.extend(files.iter().map(|file| file.to_str().unwrap()));
    logwake(&args)
}

/// Reads a file of results.
pub fn result(out: &Path, name: &str) -> String {
    fs::read_to_string(out.join(name)).unwrap()
}

/// Reads the summary and asserts that every line is accounted for.
#[track_caller]
pub fn summary(out: &Path, lines: u64) -> Value {
    let summary: Value = serde_json::from_str(&result(out, "summary.json")).unwrap();
    let count = |name: &str| summary["lines"][name].as_u64().unwrap();
    assert_eq!(count("total"), lines, "{summary:#}");
    assert_eq!(count("tallied") + count("late") + count("rejected"), lines, "{summary:#}");
    summary
}

fn write(dir: &Path, name: &str, lines: &[String]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}

#[test]
fn what_falls_into_maintenance_would_not_have_paged() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "shop.log", &shop(1));
    let config = dir.path().join("logwake.toml");
    let planned = |name: &str, from: &str, until: &str| {
        let window = format!("[[alerts.maintenance]]\nname = \"{name}\"\n");
        fs::write(&config, format!("{window}from = \"{from}\"\nuntil = \"{until}\"\n")).unwrap();
        let out = dir.path().join(name);
        replay(&out, &["-c", config.to_str().unwrap()], std::slice::from_ref(&file)).done();
        (result(&out, "alerts.jsonl"), result(&out, "decisions.jsonl"))
    };
    let (alerts, decisions) = planned("move", "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
    assert_eq!(alerts, "");
    assert!(decisions.contains("in_maintenance") && decisions.contains("move"), "{decisions}");
    let (alerts, decisions) = planned("over", "2000-01-01T00:00:00Z", "2000-01-02T00:00:00Z");
    assert!(alerts.contains("acquirer") && !decisions.contains("in_maintenance"), "{alerts}");
}

#[test]
fn a_fault_becomes_an_alert_that_names_it_twice_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let lines = shop(1);
    let file = write(dir.path(), "shop.log", &lines);
    let [first, second] = ["first", "second"].map(|name| dir.path().join(name));
    let told = replay(&first, &[], std::slice::from_ref(&file)).done();
    assert!(told.contains("acquirer"), "{told}");
    replay(&second, &[], &[file]).done();
    for name in FILES {
        if name != "summary.json" {
            assert_eq!(result(&first, name), result(&second, name), "{name}");
        }
    }
    summary(&first, lines.len() as u64);
    let (anomalies, alerts) = (result(&first, "anomalies.jsonl"), result(&first, "alerts.jsonl"));
    assert!(schema::check_all("anomaly", anomalies.lines()) > 0);
    assert!(schema::check_all("alert", alerts.lines()) > 0);
    assert!(schema::check_all("decision", result(&first, "decisions.jsonl").lines()) > 0);
    let opened: Vec<Value> = alerts
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &Value| event["logwake"]["alert"]["state"] == "open")
        .collect();
    assert_eq!(opened.len(), 1, "{opened:#?}");
    assert_eq!(opened[0]["logwake"]["alert"]["services"][0], "payments");
}

#[test]
fn what_explain_finds_in_the_results() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "shop.log", &shop(2));
    let out = dir.path().join("out");
    replay(&out, &[], &[file]).done();
    for name in ["anomalies.jsonl", "alerts.jsonl"] {
        let first = result(&out, name).lines().next().unwrap().to_owned();
        let event: Value = serde_json::from_str(&first).unwrap();
        let alert = event["logwake"]["alert"]["id"].as_str();
        let id = alert.or(event["event"]["id"].as_str()).unwrap();
        let text = logwake(&["explain", id, "--dir", out.to_str().unwrap()]).done();
        assert!(!text.is_empty(), "{id}");
    }
    let ran = logwake(&["explain", "a_0000000000000000", "--dir", out.to_str().unwrap()]);
    ran.failed(1, &["a_0000000000000000"]);
}

/// Every text in an event that looks like an id.
fn ids_in(event: &Value, found: &mut std::collections::BTreeSet<String>) {
    match event {
        Value::String(text) => {
            let is_id = |prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 16);
            if ["a_", "alert_", "c_", "d_", "x_"].into_iter().any(is_id) {
                found.insert(text.clone());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| ids_in(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| ids_in(field, found)),
        _ => {}
    }
}

#[test]
fn explain_knows_every_id_of_a_replay_with_alerts_of_other_systems() {
    let dir = tempfile::tempdir().unwrap();
    let alerts = [
        "time,name,host,severity",
        "1700000000,DiskFills,db-1,warning",
        "1700000001,DiskFills,db-1,warning",
        "1700000400,CpuHigh,web-1,info",
        "1700001000,DbDown,db-1,critical",
        "1700009000,DiskFills,db-1,warning",
    ];
    let file = write(dir.path(), "alerts.csv", &alerts.map(str::to_owned));
    let out = dir.path().join("out");
    replay(&out, &["--alerts", file.to_str().unwrap()], &[]).done();
    let mut found = std::collections::BTreeSet::new();
    for name in ["decisions", "alerts"] {
        let lines = result(&out, &format!("{name}.jsonl"));
        assert!(schema::check_all(name.trim_end_matches('s'), lines.lines()) > 0);
        lines.lines().for_each(|line| ids_in(&serde_json::from_str(line).unwrap(), &mut found));
    }
    assert_eq!(found.iter().filter(|id| id.starts_with("x_")).count(), 5);
    for id in found {
        let text = logwake(&["explain", &id, "--dir", out.to_str().unwrap()]).done();
        assert!(!text.is_empty(), "{id}");
    }
}

#[test]
fn packed_and_dealt_out_is_the_same_story() {
    let dir = tempfile::tempdir().unwrap();
    let lines = shop(3);
    let files: Vec<PathBuf> = deal(&lines, 4, 3)
        .iter()
        .enumerate()
        .map(|(idx, lines)| write(dir.path(), &format!("part-{idx}.log"), lines))
        .collect();
    let (plain, packed) = (dir.path().join("plain"), dir.path().join("packed"));
    let topic = ["--topic", "logs"];
    replay(&plain, &topic, &files).done();
    summary(&plain, lines.len() as u64);
    let mut archives = Vec::new();
    for (file, tool) in files.iter().zip(["gzip", "bzip2", "xz", "zstd"]) {
        archives.push(pack(file, tool).unwrap_or_else(|| file.clone()));
    }
    replay(&packed, &topic, &archives).done();
    for name in FILES.into_iter().filter(|name| *name != "summary.json") {
        assert_eq!(result(&plain, name), result(&packed, name), "{name}");
    }
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    for file in &archives {
        fs::copy(file, folder.join(file.file_name().unwrap())).unwrap();
    }
    let out = dir.path().join("from-folder");
    replay(&out, &topic, &[folder]).done();
    assert_eq!(ids(&plain), ids(&out));
}

/// Packs a file; `None` where this machine lacks the tool.
fn pack(file: &Path, tool: &str) -> Option<PathBuf> {
    let packed = file.with_extension(format!("log.{tool}"));
    let out = fs::File::create(&packed).unwrap();
    let status = std::process::Command::new(tool).arg("-c").arg(file).stdout(out).status().ok()?;
    status.success().then_some(packed)
}

fn ids(out: &Path) -> Vec<String> {
    let anomalies = result(out, "anomalies.jsonl");
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"]["id"].to_string();
    anomalies.lines().map(id).collect()
}

#[test]
fn lines_out_of_order_within_the_lateness_change_no_id() {
    let dir = tempfile::tempdir().unwrap();
    let lines = shop(4);
    let mut mixed = lines.clone();
    let mut rng = Seeded::new(4);
    for idx in 1..mixed.len() {
        mixed.swap(idx, idx - rng.below(2) as usize);
    }
    let file = write(dir.path(), "shop.log", &lines);
    let out = dir.path().join("out");
    replay(&out, &["--topic", "logs"], &[file]).done();
    let mixed = write(dir.path(), "mixed.log", &mixed);
    let other = dir.path().join("other");
    replay(&other, &["--topic", "logs"], &[mixed]).done();
    summary(&other, lines.len() as u64);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(ids(&out)), sorted(ids(&other)));
}

#[test]
fn the_report_holds_every_record_and_no_element_of_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut lines = shop(5);
    let hostile = "</script><img src=x onerror=alert(1)>";
    lines.iter_mut().step_by(7).for_each(|line| line.push_str(hostile));
    let file = write(dir.path(), "shop.log", &lines);
    let out = dir.path().join("out");
    replay(&out, &[], &[file]).done();
    let page = result(&out, "report.html");
    assert!(!page.contains(hostile) && !page.contains("{{"));
    assert_eq!(page.matches("</script>").count(), 2, "data and program");
    let (_, data) = page.split_once("type=\"application/json\">").unwrap();
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    let rows = data["timeline"]["services"].as_array().unwrap().iter();
    let counts = rows.flat_map(|row| row["counts"].as_array().unwrap());
    let drawn: u64 = counts.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(drawn, data["summary"]["lines"]["tallied"].as_u64().unwrap());
}

#[test]
fn what_is_complete_is_written_where_it_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let child = Started::new(&["replay", "--out", out.to_str().unwrap(), "-"]);
    let lines = (0..).map(|number| {
        let (minute, second) = (number / 60 % 60, number % 60);
        format!("2026-03-01T12:{minute:02}:{second:02}Z web INFO request {number} served\n")
    });
    let ran = child.interrupt_while_it_reads(lines);
    assert_eq!(ran.status, Some(130), "{}", ran.stderr);
    assert!(ran.stdout.ends_with("interrupted: this is what came of the lines read until then\n"));
    let summary = std::fs::read_to_string(out.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert!(summary["lines"]["total"].as_u64().unwrap() > 0);
    for file in ["anomalies.jsonl", "alerts.jsonl", "decisions.jsonl", "report.html"] {
        assert!(out.join(file).exists(), "{file}");
    }
}
