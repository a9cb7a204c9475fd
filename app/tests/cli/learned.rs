//! Services that were learned from one capture and judge another from its first record on.

use std::fs;
use std::path::{Path, PathBuf};

use crate::replay::{replay, result};
use crate::support::lines::shop;

/// Writes the seconds of a shop's log in which nothing is wrong, and the minutes around its fault.
fn captures(dir: &Path) -> (PathBuf, PathBuf) {
    let lines = shop(5);
    let at = |second: usize| lines.len() * second / 600;
    let (calm, fault) = (dir.join("calm.log"), dir.join("fault.log"));
    fs::write(&calm, lines[..at(400)].join("\n") + "\n").unwrap();
    fs::write(&fault, lines[at(405)..at(500)].join("\n") + "\n").unwrap();
    (calm, fault)
}

fn config(dir: &Path, text: &str) -> String {
    let path = dir.join("logwake.toml");
    fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

#[test]
fn what_was_learned_before_is_judged_from_the_first_record_on() {
    let dir = tempfile::tempdir().unwrap();
    let (calm, fault) = captures(dir.path());
    let [first, cold, warm] = ["first", "cold", "warm"].map(|name| dir.path().join(name));
    let learned = dir.path().join("learned.state");
    replay(&first, &["--save-learned", learned.to_str().unwrap()], &[calm]).done();
    replay(&cold, &[], std::slice::from_ref(&fault)).done();
    assert_eq!(result(&cold, "alerts.jsonl"), "");
    let config = config(dir.path(), "[detect]\nlearned = \"learned.state\"\n");
    let told = replay(&warm, &["-c", &config], &[fault]).done();
    assert!(told.contains("acquirer"), "{told}");
}

#[test]
fn a_file_that_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (calm, fault) = captures(dir.path());
    let learned = dir.path().join("learned.state");
    let out = dir.path().join("out");
    replay(&out, &["--save-learned", learned.to_str().unwrap()], &[calm]).done();
    let wider = config(dir.path(), "[detect]\nlearned = \"learned.state\"\nwindow = \"30s\"\n");
    let ran = replay(&out, &["-c", &wider], std::slice::from_ref(&fault));
    ran.failed(1, &["learned.state", "10s", "30s"]);
    let bytes = fs::read(&learned).unwrap();
    fs::write(&learned, &bytes[..bytes.len() / 2]).unwrap();
    let cut = config(dir.path(), "[detect]\nlearned = \"learned.state\"\n");
    replay(&out, &["-c", &cut], std::slice::from_ref(&fault)).failed(1, &["learned.state"]);
    fs::remove_file(&learned).unwrap();
    replay(&out, &["-c", &cut], &[fault]).failed(1, &["learned.state", "No such file"]);
}
