//! What log text may not do on its way out: steer a terminal, break a document, take a file away.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::replay::{replay, result};
use crate::support::lines::shop;
use crate::support::program::{Ran, limited, logwake};

/// What terminals act on: titles, clipboard, links, reset, strings, colours, cursor, direction.
const EVIL: [&str; 12] = [
    "\x1b]0;TITLE\x1b\\",
    "\x1b]52;c;cm0gLXJmIH4=\x07",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1bc",
    "\x1bP+q544e\x1b\\",
    "\x1b_x\x1b\\",
    "\u{9b}31m\u{90}x\u{9c}",
    "abc\rOK all fine",
    "a\x08\x08\x08z\x7f",
    "\u{202e}gnp\u{2066}\u{200f}\u{61c}",
    "a\u{2028}b\u{2029}c\u{feff}\u{200b}",
    "it's <b>&\"x\" \u{fffe}\u{ffff}",
];

const SERVICE: &str = "web\x1b]0;SVC\x07\x1b[31m\u{9b}\n\u{202e}";

/// A quiet quarter of an hour, then a fatal line with each of the evil texts.
fn capture() -> Vec<String> {
    let at = |secs: i64| jiff::Timestamp::from_second(1_795_000_000 + secs).unwrap().to_string();
    let line = |secs: i64, level: &str, message: String| {
        json!({ "@timestamp": at(secs), "message": message, "service": SERVICE, "level": level })
            .to_string()
    };
    let quiet = |from: i64, to: i64| {
        (from..to).map(move |secs| line(secs, "info", format!("user {secs} logged in")))
    };
    let fatal = (901..).step_by(3).zip(EVIL).enumerate().map(|(idx, (secs, evil))| {
        let word = ["alpha", "bravo", "delta", "gamma"][idx % 4];
        line(secs, "fatal", format!("fatal crash {word} {evil} [log in](https://evil.example/)"))
    });
    quiet(0, 900).chain(fatal).chain(quiet(950, 1_010)).collect()
}

fn write(path: PathBuf, lines: &[String]) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Asserts that a terminal would only print what was written.
#[track_caller]
fn harmless(ran: &Ran) {
    let acts = |c: &char| {
        c.is_control() && *c != '\n'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
            || matches!(
                c,
                '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{feff}' | '\u{fffe}'
            )
    };
    for stream in [&ran.stdout, &ran.stderr] {
        assert_eq!(stream.chars().find(acts), None, "{}", stream.escape_debug());
    }
}

#[test]
fn no_text_of_a_log_or_name_of_a_file_steers_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let log = write(dir.path().join("a\x1b[31m\n\u{202e}\u{9b}.log"), &capture());
    let plain = write(dir.path().join("before/a.log"), &shop(1)[..50]);
    let out = dir.path().join("out");
    let told = replay(&out, &[], std::slice::from_ref(&log));
    assert!(told.stdout.contains("\\x1b]0;SVC") && told.stdout.contains("\\u{202e}"), "{told:?}");
    harmless(&told);
    for command in ["templates", "replay"] {
        let missing = dir.path().join("not\x1bthere\u{202e}.log");
        let args = [command, text(&missing), "--out", text(&out)];
        let ran = logwake(if command == "replay" { &args[..] } else { &args[..2] });
        ran.failed(1, &["not\\x1bthere\\u{202e}.log"]);
        harmless(&ran);
    }
    let ran = logwake(&["templates", "--\x1b]0;x\x07"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    harmless(&ran);
    let lock = dir.path().join("a.lock");
    harmless(&logwake(&["templates", text(&log)]));
    harmless(&logwake(&["templates", "--lock", text(&lock), text(&log)]));
    harmless(&logwake(&["diff", text(&plain), text(&log)]));
    for name in ["anomalies.jsonl", "alerts.jsonl"] {
        for line in result(&out, name).lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let id = event["logwake"]["alert"]["id"].as_str().or(event["event"]["id"].as_str());
            let ran = logwake(&["explain", id.unwrap(), "--dir", text(&out)]);
            assert_eq!(ran.status, Some(0), "{ran:?}");
            harmless(&ran);
        }
    }
}

#[test]
fn only_the_colours_of_the_program_are_colours() {
    let dir = tempfile::tempdir().unwrap();
    let log = write(dir.path().join("a.log"), &capture());
    let out = dir.path().join("out");
    let mut ran = replay(&out, &["--color", "always"], &[log]);
    for code in ["0", "1", "2", "32", "33", "33;1", "31;1"] {
        ran.stdout = ran.stdout.replace(&format!("\x1b[{code}m"), "");
    }
    harmless(&ran);
}

#[test]
fn a_build_server_can_read_what_a_log_put_into_junit() {
    let dir = tempfile::tempdir().unwrap();
    let before = write(dir.path().join("before/web.log"), &shop(1)[..50]);
    let after = write(dir.path().join("after/web.log"), &capture());
    let diff = |format: &str| {
        let ran = logwake(&["diff", "--format", format, text(&before), text(&after)]);
        harmless(&ran);
        ran.stdout
    };
    let junit = diff("junit");
    let document = roxmltree::Document::parse(&junit).unwrap();
    let failures = document.descendants().filter(|node| node.has_tag_name("failure"));
    let told: String = failures.filter_map(|node| node.text()).collect();
    assert!(told.contains("\\u{fffe}") && told.contains("it's <b>&\"x\""), "{told}");
    assert!(!diff("html").contains("<b>"));
}

#[test]
fn a_proposed_mask_is_toml_whatever_the_log_holds() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("logwake.toml");
    fs::write(&config, "[templates]\ntemplates_max = 60\n").unwrap();
    let words = [
        "please", "check", "the", "order", "again", "payment", "is", "late", "and", "stock", "was",
        "wrong", "for", "all", "my", "items", "today",
    ];
    let prose = |number: usize| {
        let word = |at: usize| words[(number * 7 + at * (3 + number % 5)) % words.len()];
        (0..2 + number % 8).map(word).collect::<Vec<_>>().join(" ")
    };
    let lines: Vec<String> = (0..300)
        .map(|number| format!("it's a customer's \\ \"comment\": {}", prose(number)))
        .collect();
    let log = write(dir.path().join("a.log"), &lines);
    let ran = logwake(&["templates", "-c", text(&config), text(&log)]);
    if let Some((_, advice)) = ran.stderr.split_once("makes them one: ") {
        let advice: toml::Table = toml::from_str(advice).expect(advice);
        let pattern = advice["masks"][0]["pattern"].as_str().unwrap();
        assert!(regex::Regex::new(pattern).unwrap().is_match(&lines[0]), "{pattern}");
    } else {
        panic!("no mask is proposed: {ran:?}");
    }
}

#[test]
fn a_disk_that_is_full_leaves_the_files_that_were_there() {
    let dir = tempfile::tempdir().unwrap();
    let log = write(dir.path().join("shop.log"), &shop(1));
    let (out, lock) = (dir.path().join("out"), dir.path().join("shop.lock"));
    let learned = dir.path().join("learned.state");
    let replay = ["replay", "--save-learned", text(&learned), "--out", text(&out), text(&log)];
    let templates = ["templates", "--lock", text(&lock), text(&log)];
    assert_eq!(logwake(&replay).status, Some(0));
    assert_eq!(logwake(&templates).status, Some(0));
    // A lock file that has to grow.
    let whole = fs::read_to_string(&lock).unwrap();
    fs::write(&lock, whole.split("\n[[template]]").next().unwrap()).unwrap();
    let files = || {
        let mut files = Vec::new();
        for folder in [dir.path(), &out] {
            let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let paths = paths.filter(|path| path.is_file());
            files.extend(paths.map(|path| (fs::read(&path).unwrap(), path)));
        }
        files.sort_by(|a, b| a.1.cmp(&b.1));
        files
    };
    let before = files();
    for args in [&replay[..], &templates] {
        // Two blocks of 512 bytes, or of 1,024.
        let ran = limited("trap '' XFSZ; ulimit -f 2", args);
        ran.failed(1, &["File too large"]);
        assert_eq!(files(), before, "{args:?}");
    }
}

#[test]
fn two_replays_of_the_same_input_differ_in_how_they_went_alone() {
    let dir = tempfile::tempdir().unwrap();
    let log = write(dir.path().join("shop.log"), &shop(1));
    let run = |name: &str| {
        let (out, learned) = (dir.path().join(name), dir.path().join(format!("{name}.state")));
        replay(&out, &["--save-learned", text(&learned)], std::slice::from_ref(&log)).done();
        let entries = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<(String, Vec<u8>)> = entries
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read(path).unwrap())
            })
            .collect();
        for (_, bytes) in files.iter_mut().filter(|(name, _)| name == "summary.json") {
            let mut summary: Value = serde_json::from_slice(bytes).unwrap();
            let run = summary.as_object_mut().unwrap().remove("run").unwrap();
            assert!(run["wall_secs"].as_f64().unwrap() > 0.0);
            *bytes = summary.to_string().into_bytes();
        }
        files.push(("learned".to_owned(), fs::read(learned).unwrap()));
        files.sort();
        files
    };
    let (first, second) = (run("first"), run("second"));
    assert_eq!(first.len(), 7);
    for (one, other) in first.iter().zip(&second) {
        assert!(one == other, "{} and {} differ", one.0, other.0);
    }
}

#[test]
fn more_files_than_may_be_open_are_read_by_turns() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("logs");
    let count = 700;
    for number in 0..count {
        let lines: Vec<String> = (0..4)
            .map(|turn| {
                let secs = turn * 700 + number;
                let at = jiff::Timestamp::from_second(1_795_000_000 + secs).unwrap();
                format!("{at} INFO request {secs} served")
            })
            .collect();
        write(folder.join(format!("{number}/web.log")), &lines);
    }
    let out = dir.path().join("out");
    let args = ["replay", "--out", text(&out), text(&folder)];
    limited("ulimit -n 300", &args).done();
    let summary = crate::replay::summary(&out, 4 * count as u64);
    assert_eq!((&summary["files"], &summary["files_broken"]), (&count.into(), &0.into()));
    assert_eq!(summary["lines"]["tallied"], 4 * count);
}

#[test]
fn a_file_whose_name_is_no_text_is_read() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"bad\xff\x9b.log");
    let path = dir.path().join("logs").join(name);
    write(path, &["no json".to_owned()]);
    let out = dir.path().join("out");
    let ran = replay(&out, &["--format", "json"], &[dir.path().join("logs")]);
    harmless(&ran);
    assert!(result(&out, "deadletter.jsonl").contains("bad"), "{ran:?}");
}

#[test]
fn secrets_are_in_no_output() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logwake.toml");
    let secrets = ["hunter-of-oauth", "hunter-of-urls", "hunter-of-kinit", "hunter-of-principals"];
    let head = "[kafka]\nbrokers = [\"localhost:1\"]\ntopics = [\"logs\"]\n";
    let config = format!(
        "{head}[kafka.properties]\n\
         \"sasl.oauthbearer.config\" = \"principal=hunter-of-principals\"\n\
         \"ssl.key.password\" = \"hunter-of-kinit\"\n\
         [telemetry]\notlp_endpoint = \"http://ada:hunter-of-urls@collector:4318\"\n\
         [http]\npublic_url = \"https://ada:hunter-of-urls@logwake.example\"\n\
         [detect.sessions]\nkey = 'order (\\d+)'\n"
    );
    fs::write(&path, config).unwrap();
    let shown = logwake(&["config", "-c", text(&path)]).done();
    assert!(shown.contains("http://(redacted)@collector:4318"), "{shown}");
    assert!(shown.contains(r"key = 'order (\d+)'"), "a pattern is no secret: {shown}");
    for config in [
        "\"sasl.oauthbearer.client.secret\" = \"hunter-of-oauth\"\nnonsense = \"x\"\n".to_owned(),
        "\"sasl.kerberos.kinit.cmd\" = \"kinit hunter-of-kinit\"\nnonsense = \"x\"\n".to_owned(),
        "nonsense = \"http://ada:hunter-of-urls@x\"\n".to_owned(),
    ] {
        fs::write(&path, format!("{head}[kafka.properties]\n{config}")).unwrap();
        for args in [&["check"][..], &["check", "--connect"], &["run"]] {
            let ran = logwake(&[args, &["-c", text(&path)]].concat());
            assert_eq!(ran.status, Some(2), "{ran:?}");
            assert!(ran.stderr.contains("nonsense"), "{ran:?}");
            for secret in secrets {
                assert!(!format!("{ran:?}{shown}").contains(secret), "{secret} in {ran:?}");
            }
        }
    }
}
