//! Input that no program wants: each a sentence, nothing else lost.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::replay::{replay, result, summary};
use crate::support::program::{Ran, logwake};

fn at(second: u32, text: &str) -> String {
    format!("2026-03-01T12:00:{second:02}Z INFO {text}\n")
}

fn with_file(bytes: &[u8], check: impl Fn(&Path, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bad.log");
    fs::write(&file, bytes).unwrap();
    check(&file, &dir.path().join("out"));
}

fn good(dir: &Path) -> PathBuf {
    let file = dir.join("good.log");
    fs::write(&file, at(1, "one") + &at(2, "two")).unwrap();
    file
}

#[test]
fn a_truncated_gzip_gives_what_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let lines: String =
        (0..20_000).map(|idx| at(idx / 400, &format!("number {} of many", idx * 7919))).collect();
    let (whole, cut) = (dir.path().join("whole"), dir.path().join("cut.log.gz"));
    fs::write(&whole, lines).unwrap();
    let packed = std::process::Command::new("gzip").arg("-c").arg(&whole).output().unwrap();
    fs::write(&cut, &packed.stdout[..packed.stdout.len() / 2]).unwrap();
    let out = dir.path().join("out");
    let ran = replay(&out, &[], &[cut, good(dir.path())]);
    ran.failed(1, &["cut.log.gz", "truncated", "lines"]);
    let lines = lines_read(&ran);
    assert!((1_000..19_000).contains(&lines), "{lines}");
    assert_eq!(summary(&out, lines + 2)["files_broken"], 1);
}

/// Reads how many lines the sentence speaks of.
fn lines_read(ran: &Ran) -> u64 {
    let before = ran.stderr.split(" lines").next().unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_line_of_100_mb_is_rejected_and_its_neighbours_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.log");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(at(1, "before").as_bytes()).unwrap();
    let chunk = vec![b'x'; 1 << 20];
    (0..100).for_each(|_| file.write_all(&chunk).unwrap());
    file.write_all(b"\n").unwrap();
    file.write_all(at(2, "after").as_bytes()).unwrap();
    drop(file);
    let out = dir.path().join("out");
    replay(&out, &[], std::slice::from_ref(&path)).done();
    assert_eq!(summary(&out, 3)["lines"]["rejected_by_reason"]["too_long"], 1);
    let letter: serde_json::Value =
        serde_json::from_str(result(&out, "deadletter.jsonl").trim()).unwrap();
    assert_eq!((&letter["line"], &letter["reason"]), (&2.into(), &"too_long".into()));
    let annotated = logwake(&["annotate", path.to_str().unwrap()]).done();
    assert_eq!(annotated.lines().count(), 3);
}

#[test]
fn bytes_that_are_no_text_are_counted() {
    let bytes = b"\0\0abc\0def\n\xff\xfa broken 12\n\0\0\0\n\nfine\n\xf0\x9f\x98";
    with_file(bytes, |file, out| {
        replay(out, &[], &[file.to_owned()]).done();
        summary(out, 6);
        let annotated = logwake(&["annotate", file.to_str().unwrap()]).done();
        assert_eq!(annotated.lines().count(), 6, "{annotated}");
    });
}

#[test]
fn every_byte_there_is() {
    let mut rng = crate::support::lines::Seeded::new(9);
    let bytes: Vec<u8> = (0..200_000).map(|_| rng.below(256) as u8).collect();
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    let lines = ends + u64::from(bytes.last() != Some(&b'\n'));
    with_file(&bytes, |file, out| {
        replay(out, &[], &[file.to_owned()]).done();
        summary(out, lines);
    });
}

#[test]
fn an_empty_file_has_no_line() {
    with_file(b"", |file, out| {
        replay(out, &[], &[file.to_owned()]).done();
        summary(out, 0);
        assert_eq!(logwake(&["annotate", file.to_str().unwrap()]).done(), "");
    });
}

#[test]
fn what_cannot_be_opened_is_named_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let dangling = dir.path().join("dangling.log");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    let out = dir.path().join("out");
    let ran = replay(&out, &[], &[dangling, good(dir.path())]);
    ran.failed(1, &["dangling.log", "cannot be opened"]);
    summary(&out, 2);
}

#[test]
fn what_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let missing = dir.path().join("missing.log");
    let name = missing.to_str().unwrap();
    replay(&out, &[], std::slice::from_ref(&missing)).failed(1, &[name, "check the spelling"]);
    logwake(&["annotate", name]).failed(1, &[name]);
    logwake(&["templates", name]).failed(1, &[name]);
    logwake(&["annotate", dir.path().to_str().unwrap()]).failed(1, &["directory"]);
    let pattern = dir.path().join("*.gz");
    replay(&out, &[], std::slice::from_ref(&pattern)).failed(1, &["*.gz"]);
    logwake(&["explain", "a_0123456789abcdef", "--dir", name]).failed(1, &[name]);
}

#[test]
fn a_clock_in_2099_moves_no_watermark() {
    let lines = at(1, "one") + "2099-03-01T12:00:00Z INFO far ahead\n" + &at(2, "two");
    with_file(lines.as_bytes(), |file, out| {
        replay(out, &[], &[file.to_owned()]).done();
        let summary = summary(out, 3);
        assert_eq!(summary["lines"]["tallied"], 3, "{summary:#}");
        assert_eq!(summary["lines"]["corrected"], 1, "{summary:#}");
        assert_eq!(summary["to"], "2026-03-01T12:00:02Z", "{summary:#}");
    });
}

#[test]
fn a_full_disk_is_named() {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: there is no /dev/full");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for name in ["anomalies.jsonl", "deadletter.jsonl", "summary.json"] {
        let out = dir.path().join(format!("out-{name}"));
        fs::create_dir(&out).unwrap();
        std::os::unix::fs::symlink("/dev/full", out.join(name)).unwrap();
        let file = dir.path().join("shop.log");
        fs::write(&file, crate::support::lines::shop(1).join("\n") + "\nno json\n{bad\n").unwrap();
        let ran = replay(&out, &["--format", "json"], &[file]);
        ran.failed(1, &[name, "No space left"]);
    }
    let file = good(dir.path());
    let program = env!("CARGO_BIN_EXE_logwake");
    for command in ["annotate", "templates"] {
        let script = format!("{program} {command} {} > /dev/full", file.display());
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        Ran::from(output).failed(1, &["standard output", "No space left"]);
    }
}

#[test]
fn results_that_cannot_be_written_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = good(dir.path());
    let out = file.join("below-a-file");
    replay(&out, &[], std::slice::from_ref(&file)).failed(1, &["below-a-file"]);
}
