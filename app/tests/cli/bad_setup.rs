//! Configurations, brokers and ports that are not as they should be.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use crate::support::program::{Service, logwake};

struct Setup {
    dir: tempfile::TempDir,
}

impl Setup {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, text: &str) -> PathBuf {
        let path = self.dir.path().join("logwake.toml");
        fs::write(&path, text).unwrap();
        path
    }
}

/// A configuration whose broker is a port that nobody listens on.
fn unreachable(http: &str) -> String {
    format!(
        "[kafka]\nbrokers = [\"127.0.0.1:{}\"]\ntopics = [\"logs\"]\n[http]\nlisten = \"{http}\"\n",
        closed_port()
    )
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_what_was_meant() {
    let setup = Setup::new();
    let path = setup.file("[kafka]\nbroker = [\"x:9092\"]\ntopics = [\"logs\"]\n");
    for args in [["check", "-c"], ["run", "-c"], ["config", "-c"]] {
        let ran = logwake(&[args[0], args[1], path.to_str().unwrap()]);
        ran.failed(2, &["line 2", "kafka.broker", "did you mean kafka.brokers"]);
    }
}

#[test]
fn a_configuration_that_is_not_there_or_not_toml_is_named() {
    let setup = Setup::new();
    let missing = setup.dir.path().join("missing.toml");
    logwake(&["check", "-c", missing.to_str().unwrap()]).failed(2, &["missing.toml"]);
    let path = setup.file("[kafka\n");
    let ran = logwake(&["check", "-c", path.to_str().unwrap()]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("line 1"), "{}", ran.stderr);
}

#[test]
fn several_problems_are_told_at_once() {
    let setup = Setup::new();
    let path = setup.file("[detect]\nwindow = \"10 lightyears\"\nlatenes = \"1s\"\n");
    let ran = logwake(&["check", "-c", path.to_str().unwrap()]);
    assert_eq!(ran.status, Some(2));
    for part in ["2 problems", "detect.window", "detect.latenes", "detect.lateness"] {
        assert!(ran.stderr.contains(part), "{part:?} is not in: {}", ran.stderr);
    }
}

#[test]
fn check_says_that_no_broker_answers() {
    let setup = Setup::new();
    let path = setup.file(&unreachable("off"));
    let ran = logwake(&["check", "-c", path.to_str().unwrap()]).done();
    assert!(ran.contains("is valid"), "{ran}");
    let ran = logwake(&["check", "--connect", "-c", path.to_str().unwrap()]);
    assert_eq!(ran.status, Some(1));
    let sentence = ran.stderr.lines().last().unwrap_or_default();
    assert!(sentence.starts_with("logwake: no broker of 127.0.0.1:"), "{sentence}");
}

#[test]
fn run_waits_for_brokers_and_still_stops_at_once() {
    let setup = Setup::new();
    let mut service = Service::start(setup.dir.path(), "run", &unreachable("off"));
    service.wait_for_log("cannot start: no broker of 127.0.0.1:");
    service.stop();
    let mut service = Service::start(setup.dir.path(), "again", &unreachable("off"));
    service.wait_for_log("connecting to 127.0.0.1:");
    service.stop();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let setup = Setup::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let path = setup.file(&unreachable(&address));
    let ran = logwake(&["run", "-c", path.to_str().unwrap()]);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    let sentence = ran.stderr.lines().last().unwrap();
    assert!(sentence.starts_with("logwake: ") && sentence.contains(&address), "{sentence}");
    assert!(sentence.contains("choose another address"), "{sentence}");
}
