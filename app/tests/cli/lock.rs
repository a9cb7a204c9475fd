//! `logwake templates --lock`: templates that a team keeps.

use std::fs;

use serde_json::Value;

use crate::replay::{replay, result};
use crate::support::lines::shop;
use crate::support::program::logwake;

#[test]
fn a_lock_file_keeps_ids_and_notes_and_tells_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (log, lock) = (path("shop.log"), path("templates.lock"));
    fs::write(&log, "cart opened\nmode changed to standby\nmode changed to active\n").unwrap();
    let ran = logwake(&["templates", "--lock", &lock, &log]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let written = fs::read_to_string(&lock).unwrap();
    assert_eq!(written.matches("[[template]]").count(), 3, "{written}");

    // What a person makes of it: one template with a wildcard, an id and a note of their own.
    let kept = written.split("\n[[template]]").filter(|row| !row.contains("mode changed"));
    let kept: Vec<&str> = kept.collect();
    let ours = "\nservice = \"shop\"\nid = \"t_00000000000000ff\"\ntext = \"mode changed to <*>\"\n\
                note = \"ours\"\n";
    fs::write(&lock, [kept.join("\n[[template]]"), ours.to_owned()].join("\n[[template]]"))
        .unwrap();
    fs::write(&log, "mode changed to maintenance\n").unwrap();
    logwake(&["templates", "--lock", &lock, "--check", &log]).done();
    let table = logwake(&["templates", "--lock", &lock, &log]);
    assert!(table.stderr.contains("0 of them new"), "{table:?}");
    assert!(fs::read_to_string(&lock).unwrap().contains("note = \"ours\""));

    fs::write(&log, "cart lost\n").unwrap();
    let ran = logwake(&["templates", "--lock", &lock, "--check", &log]);
    assert_eq!(ran.status, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("cart lost"), "{ran:?}");
}

#[test]
fn what_a_lock_file_holds_is_not_new_and_keeps_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let (log, lock) = (dir.path().join("shop.log"), dir.path().join("templates.lock"));
    fs::write(&log, shop(3).join("\n") + "\n").unwrap();
    let lock_text = lock.to_str().unwrap();
    logwake(&["templates", "--lock", lock_text, log.to_str().unwrap()]);
    let config = dir.path().join("logwake.toml");
    fs::write(&config, "[templates]\nlock = \"templates.lock\"\n").unwrap();
    let kinds = |more: &[&str]| {
        let out = dir.path().join("out");
        replay(&out, more, std::slice::from_ref(&log)).done();
        let anomalies = result(&out, "anomalies.jsonl");
        let kind = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["logwake"]["kind"].as_str().unwrap().to_owned()
        };
        anomalies.lines().filter(|line| kind(line) == "new_template").count()
    };
    assert!(kinds(&[]) > 0);
    assert_eq!(kinds(&["-c", config.to_str().unwrap()]), 0);
}

#[test]
fn a_lock_file_that_is_wrong_is_named_with_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let (log, lock) = (dir.path().join("a.log"), dir.path().join("templates.lock"));
    fs::write(&log, "a\n").unwrap();
    let text = "version = 1\n\n[[template]]\nservice = \"shop\"\ntext = \"took 5 ms\"\n";
    fs::write(&lock, text).unwrap();
    let [log, lock] = [log, lock].map(|path| path.to_str().unwrap().to_owned());
    let ran = logwake(&["templates", "--lock", &lock, "--check", &log]);
    ran.failed(1, &["templates.lock", "line 3", "took 5 ms", "took <*> ms"]);
}
