#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::Write;
use std::path::Path;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use super::*;

fn read(path: &Path) -> String {
    let mut out = String::new();
    let mut file = match FileSource::open_with(path, 16) {
        Ok(file) => file,
        Err(error) => return format!("{error}\n"),
    };
    loop {
        match file.next_line() {
            Ok(Some(Line::Text(text))) => out.push_str(&format!("{}\n", text.escape_ascii())),
            Ok(Some(Line::TooLong { head, bytes })) => {
                out.push_str(&format!("too long: {bytes} bytes, head {}\n", head.len()));
            }
            Ok(None) => return out,
            Err(error) => out.push_str(&format!("{error}\n")),
        }
    }
}

fn check(name: &str, bytes: &[u8], expected: Expect) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    expected.assert_eq(&read(&path).replace(folder.path().to_str().unwrap(), "DIR"));
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn xz(text: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn lines_of_plain_files() {
    check("a.log", b"", expect![[""]]);
    check(
        "a.log",
        b"a\r\n\nb\n",
        expect![[r#"
        a

        b
    "#]],
    );
    check(
        "a.log",
        b"a\nno end",
        expect![[r#"
        a
        no end
    "#]],
    );
    check(
        "a.log",
        b"\xff\0\n\n",
        expect![[r#"
        \xff\x00

    "#]],
    );
    check(
        "a.log",
        b"0123456789abcdef\r\n0123456789abcdefg\nb",
        expect![[r#"
        0123456789abcdef
        too long: 17 bytes, head 17
        b
    "#]],
    );
}

#[test]
fn packed_files_of_any_name() {
    let text = b"a\nb\n";
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.log");
    for packed in [gzip(text), zstd::encode_all(&text[..], 1).unwrap(), xz(text), bzip2(text)] {
        fs::write(&path, &packed).unwrap();
        assert_eq!(read(&path), "a\nb\n");
        fs::write(&path, [&packed[..], &packed].concat()).unwrap();
        assert_eq!(read(&path), "a\nb\na\nb\n");
    }
}

#[test]
fn truncated_and_damaged_archives_keep_the_lines_before() {
    let text: String =
        (0..200_000_u32).map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761))).collect();
    let packings = [
        ("gzip", gzip(text.as_bytes())),
        ("zstd", zstd::encode_all(text.as_bytes(), 1).unwrap()),
        ("xz", xz(text.as_bytes())),
        ("bzip2", bzip2(text.as_bytes())),
    ];
    let mut found = String::new();
    for (name, packed) in packings {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, &packed[..packed.len() * 3 / 4]).unwrap();
        let given = read(&path);
        let whole = given.lines().count().saturating_sub(2);
        assert!(whole > 10_000, "{name}: {whole} lines before the end");
        assert!(given.lines().zip(text.lines()).take(whole).all(|(given, line)| given == line));
        found.push_str(&format!("{name}: {}\n", verdict(&given, folder.path())));
        let mut damaged = packed.clone();
        let at = damaged.len() * 3 / 4;
        damaged[at..at + 64].fill(0x55);
        fs::write(&path, &damaged).unwrap();
        let given = read(&path);
        found.push_str(&format!("{name}: {}\n", verdict(&given, folder.path())));
    }
    expect![[r#"
        gzip: DIR/a.log is truncated: its gzip data ends after N lines, at byte N
        gzip: DIR/a.log is damaged: its gzip data cannot be unpacked after N lines, near byte N
        zstd: DIR/a.log is truncated: its zstd data ends after N lines, at byte N
        zstd: DIR/a.log is damaged: its zstd data cannot be unpacked after N lines, near byte N
        xz: DIR/a.log is truncated: its xz data ends after N lines, at byte N
        xz: DIR/a.log is damaged: its xz data cannot be unpacked after N lines, near byte N
        bzip2: DIR/a.log is truncated: its bzip2 data ends after N lines, at byte N
        bzip2: DIR/a.log is damaged: its bzip2 data cannot be unpacked after N lines, near byte N
    "#]]
    .assert_eq(&found);
}

/// The error, its figures taken out.
fn verdict(given: &str, folder: &Path) -> String {
    let (_, error) = given.trim_end().rsplit_once('\n').unwrap();
    let digits = |text: &str| {
        text.split(' ')
            .map(|word| if word.parse::<u64>().is_ok() { "N" } else { word }.to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    digits(&error.replace(folder.to_str().unwrap(), "DIR"))
}

#[test]
fn a_huge_line_costs_no_memory_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.log.gz");
    let text = [b"a\n".to_vec(), vec![b'x'; 8 << 20], b"\nb\n".to_vec()].concat();
    fs::write(&path, gzip(&text)).unwrap();
    expect![[r#"
        a
        too long: 8388608 bytes, head 1024
        b
    "#]]
    .assert_eq(&read(&path));
}

#[test]
fn files_that_cannot_be_opened() {
    expect![[r#"
        no/such/file cannot be opened
    "#]]
    .assert_eq(&read(Path::new("no/such/file")));
    expect![[r#"
        / cannot be opened
    "#]]
    .assert_eq(&read(Path::new("/")));
}

#[test]
fn progress_counts_packed_bytes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.log");
    let packed = gzip(b"a\nb\n");
    fs::write(&path, &packed).unwrap();
    let mut file = FileSource::open(&path).unwrap();
    while file.next_line().unwrap().is_some() {}
    assert_eq!(
        (file.bytes_read(), file.bytes_total()),
        (packed.len() as u64, Some(packed.len() as u64))
    );
    assert_eq!((file.lines_read(), file.packing()), (2, Packing::Gzip));
}

#[test]
fn paths_expand_in_stable_order() {
    let folder = TempDir::new().unwrap();
    for name in ["b.log", "a.log", "sub/c.log.gz", "sub/.hidden", "x.txt"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let root = folder.path().to_str().unwrap();
    let shown = |arguments: &[String]| {
        let found = expand(arguments).map(|inputs| {
            inputs.iter().map(|input| format!("{}\n", input.path().display())).collect::<String>()
        });
        found.unwrap_or_else(|error| error.to_string()).replace(root, "DIR")
    };
    expect![[r#"
        DIR/a.log
        DIR/b.log
        DIR/sub/c.log.gz
        DIR/x.txt
        -
    "#]]
    .assert_eq(&shown(&[root.to_owned(), "-".to_owned()]));
    expect![[r#"
        DIR/a.log
        DIR/b.log
    "#]]
    .assert_eq(&shown(&[format!("{root}/*.log"), format!("{root}/b.log")]));
    expect!["`DIR/none*` names no file; check the spelling, or quote a pattern so that it arrives as it is"].assert_eq(&shown(&[format!("{root}/none*")]));
    expect!["`DIR/a**` is not a valid pattern"].assert_eq(&shown(&[format!("{root}/a**")]));
}

#[test]
fn names_of_services() {
    let id = "0123456789abcdef".repeat(4);
    let container = format!("/var/log/containers/web-1_shop_web-app-{id}.log");
    let names = [
        "nginx.log",
        "/a/nginx.log.2.gz",
        "app-server.log.2026-03-04.zst",
        "syslog",
        "syslog.1",
        "db.log-20260304.gz",
        "-",
        "x.json",
        ".log",
        &container,
    ];
    let found: String =
        names.iter().map(|name| format!("{}\n", service_of(Path::new(name)))).collect();
    expect![[r#"
        nginx
        nginx
        app-server
        syslog
        syslog
        db
        stdin
        x
        .log
        web-app
    "#]]
    .assert_eq(&found);
}
