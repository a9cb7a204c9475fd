//! `logwake diff`: what a release changed.

use std::fs;

use serde_json::Value;

use crate::support::program::{Ran, logwake};

/// Writes `before/shop.log` and `after/shop.log` and compares them.
fn diff(before: &[String], after: &[String], more: &[&str]) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let sides = [("before", before), ("after", after)].map(|(name, lines)| {
        let side = dir.path().join(name);
        fs::create_dir(&side).unwrap();
        fs::write(side.join("shop.log"), lines.join("\n") + "\n").unwrap();
        side.to_str().unwrap().to_owned()
    });
    let mut args = vec!["diff"];
    args.extend(more);
    args.extend(sides.iter().map(String::as_str));
    logwake(&args)
}

fn lines(spec: &[(&str, usize)]) -> Vec<String> {
    spec.iter()
        .flat_map(|(text, count)| (0..*count).map(move |at| text.replace('#', &at.to_string())))
        .collect()
}

#[test]
fn new_gone_and_shifted_templates_are_told_and_gates_refuse_them() {
    let before = lines(&[("cart # opened", 500), ("cache hit #", 400), ("old job done", 3)]);
    let after = lines(&[
        ("cart # opened", 500),
        ("cache hit #", 40),
        ("payment # failed <&>", 7),
        ("user bob left", 1),
    ]);
    let found: Value =
        serde_json::from_str(&diff(&before, &after, &["--format", "json"]).done()).unwrap();
    let kinds: Vec<(&str, &str)> = found["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["kind"].as_str().unwrap(), change["template"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("new", "payment <*> failed <&>"),
            ("new", "user bob left"),
            ("gone", "old job done"),
            ("shifted", "cache hit <*>")
        ]
    );
    for (gate, status) in [("new", 3), ("gone", 3), ("shifted", 3), ("grave", 3), ("new,gone", 3)] {
        let ran = diff(&before, &after, &["--fail-on", gate]);
        assert_eq!(ran.status, Some(status), "{gate}: {ran:?}");
    }
    let junit = diff(&before, &after, &["--format", "junit", "--fail-on", "grave"]);
    assert!(junit.stdout.contains("failed &lt;&amp;&gt;"), "{junit:?}");
    assert!(junit.stdout.contains("tests=\"1\" failures=\"1\""), "{junit:?}");
    let page = diff(&before, &after, &["--format", "html"]).done();
    assert!(!page.contains("{{") && page.contains("failed &lt;&amp;&gt;"), "{page}");
}

#[test]
fn names_that_only_both_captures_show_to_be_values_are_no_difference() {
    let before = lines(&[("user alice logged in", 5)]);
    let after = lines(&[("user bob logged in", 5)]);
    let told = diff(&before, &after, &["--fail-on", "new,gone,shifted,grave"]).done();
    assert!(told.starts_with("0 new, 0 gone, 0 shifted"), "{told}");
}
