//! What each command says of itself, and the small ones whole.

use serde_json::Value;

use crate::support::program::{logwake, logwake_with_stdin};

const COMMANDS: [&str; 12] = [
    "demo",
    "run",
    "replay",
    "annotate",
    "templates",
    "diff",
    "verify",
    "explain",
    "check",
    "config",
    "completions",
    "man",
];

#[test]
fn every_command_explains_itself_with_an_example() {
    let help = logwake(&["--help"]).done();
    for command in COMMANDS {
        assert!(help.contains(command), "{command} is not in the help");
        let help = logwake(&[command, "--help"]).done();
        let example = help.split_once("Example:\n").map(|(_, example)| example).unwrap_or_default();
        assert!(example.contains(&format!("logwake {command}")), "{command}: {help}");
    }
}

#[test]
fn two_users_that_log_in_are_one_template() {
    let lines = b"user alice logged in\nuser bob logged in\n";
    let out = logwake_with_stdin(&["annotate", "--settled", "-"], lines).done();
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [alice, bob] = lines.as_slice() else { panic!("two lines: {out}") };
    assert_eq!(alice["template_id"], bob["template_id"]);
    assert_eq!(alice["template"], "user <*> logged in");
    assert_eq!(bob["template"], "user <*> logged in");
    assert_eq!(alice["variables"][0], "alice");
    assert_eq!(bob["variables"][0], "bob");
}

#[test]
fn annotate_prints_a_line_for_a_line() {
    let lines = b"2026-03-01T12:00:00Z INFO a 1\n\nTraceback (most recent call last):\n  File \"x\"\n\xff\xfe\n2026-03-01T12:00:01Z INFO a 2";
    let out = logwake_with_stdin(&["annotate", "-"], lines).done();
    assert_eq!(out.lines().count(), 6, "{out}");
    out.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
}

#[test]
fn templates_are_a_table_and_json() {
    let lines = b"user alice logged in\nuser bob logged in\ndisk full\n";
    let table = logwake_with_stdin(&["templates", "-"], lines).done();
    assert!(table.contains("user <*> logged in") && table.contains("disk full"), "{table}");
    let json = logwake_with_stdin(&["templates", "--json", "-"], lines).done();
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first["count"], 2, "{json}");
}

#[test]
fn completions_and_manual_page() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = logwake(&["completions", shell]).done();
        assert!(script.contains("annotate"), "{shell}");
    }
    let man = logwake(&["man"]).done();
    assert!(man.contains(".TH logwake 1"), "{man}");
}

#[test]
fn the_default_configuration_is_a_configuration() {
    let dir = tempfile::tempdir().unwrap();
    for args in [["config"].as_slice(), &["config", "--docs"]] {
        let text = logwake(args).done();
        let path = dir.path().join("logwake.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        logwake(&["config", "-c", path]).done();
    }
}

#[test]
fn what_is_called_wrongly_ends_with_status_2() {
    for args in [["relpay"].as_slice(), &["replay", "x"], &["annotate"], &["run"], &[]] {
        let ran = logwake(args);
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("Usage"), "{}", ran.stderr);
    }
    let ran = logwake(&["annotate", "--format", "jsn", "/dev/null"]);
    ran.failed(2, &["jsn", "did you mean \"json\""]);
    let ran = logwake(&["replay", "--learn", "10x", "--out", "/dev/null/x", "/dev/null"]);
    ran.failed(2, &["--learn", "10x"]);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let program = env!("CARGO_BIN_EXE_logwake");
    let script =
        format!("yes 'user alice logged in' | head -n 200000 | {program} annotate - | head -n 1");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
}
