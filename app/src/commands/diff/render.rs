//! A comparison as text, JSON, JUnit XML and HTML.

use std::fmt::Write as _;

use logwake_detector::detect::grouped;
use logwake_emit::text::Markup;
use serde_json::json;

use crate::cli::FailOn;
use crate::console::Shown;

use super::change::{Change, Kind, Side};

/// Characters of an example that are shown.
const EXAMPLE_CHARS_MAX: usize = 200;

pub(super) fn text(changes: &[Change], base: &Side, candidate: &Side) -> String {
    let mut out = String::new();
    for change in changes {
        _ = writeln!(
            out,
            "{:<8}{:<6}{:>12} -> {:<12}{:<20} {}",
            word(change.kind),
            if change.grave { "grave" } else { "" },
            grouped(change.base),
            grouped(change.candidate),
            Shown(&change.service),
            Shown(&change.template)
        );
        if change.kind == Kind::Shifted {
            let (old, new) = (change.base_share * 100.0, change.candidate_share * 100.0);
            _ = writeln!(out, "{:14}{old:.3} % -> {new:.3} % of its service", "");
        } else {
            _ = writeln!(out, "{:14}{}", "", Shown(&example(change)));
        }
    }
    out.push_str(&summary(changes, base, candidate));
    out.push('\n');
    out
}

pub(super) fn json(
    changes: &[Change],
    base: &Side,
    candidate: &Side,
) -> serde_json::Result<String> {
    let side = |side: &Side| json!({ "records": side.total(), "templates": side.len() });
    let document = json!({
        "base": side(base), "candidate": side(candidate),
        "new": count(changes, Kind::New), "gone": count(changes, Kind::Gone),
        "shifted": count(changes, Kind::Shifted), "changes": changes,
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// One test case a gate: what a build server shows of a release.
pub(super) fn junit(changes: &[Change], gates: &[FailOn]) -> String {
    let gates = if gates.is_empty() { &FailOn::ALL[..] } else { gates };
    let failing = |gate: FailOn| changes.iter().filter(move |change| change.is(gate));
    let failures = gates.iter().filter(|gate| failing(**gate).next().is_some()).count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"logwake diff\" tests=\"{}\" failures=\"{failures}\">\n",
        gates.len()
    );
    for &gate in gates {
        let name = gate.as_str();
        _ = write!(out, "  <testcase classname=\"logwake\" name=\"no {name} templates\">");
        let found: Vec<String> = failing(gate)
            .map(|change| format!("{}: {} ({})", change.service, change.template, change.candidate))
            .collect();
        if !found.is_empty() {
            let text = Markup::of(&found.join("\n"));
            _ = write!(
                out,
                "<failure message=\"{} {name} templates\">{text}</failure>",
                found.len()
            );
        }
        out.push_str("</testcase>\n");
    }
    out.push_str("</testsuite>\n");
    out
}

pub(super) fn html(changes: &[Change], base: &Side, candidate: &Side) -> String {
    let mut rows = String::new();
    for change in changes {
        let class = if change.grave { "error" } else { "dim" };
        _ = writeln!(
            rows,
            "<tr><td class=\"{class}\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"svc\">{}</td><td class=\"wide mono\">{}<div class=\"place\">{}</div></td></tr>",
            word(change.kind),
            grouped(change.base),
            grouped(change.candidate),
            Markup::of(&change.service),
            Markup::of(&change.template),
            Markup::of(&example(change)),
        );
    }
    let frame = include_str!("../../../assets/diff.html");
    crate::page::assemble(frame)
        .replace("{{summary}}", &Markup::of(&summary(changes, base, candidate)).to_string())
        .replace("{{rows}}", &rows)
}

fn summary(changes: &[Change], base: &Side, candidate: &Side) -> String {
    format!(
        "{} new, {} gone, {} shifted; {} records of {} templates before, {} of {} after",
        count(changes, Kind::New),
        count(changes, Kind::Gone),
        count(changes, Kind::Shifted),
        grouped(base.total()),
        grouped(base.len() as u64),
        grouped(candidate.total()),
        grouped(candidate.len() as u64),
    )
}

fn count(changes: &[Change], kind: Kind) -> usize {
    changes.iter().filter(|change| change.kind == kind).count()
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::New => "new",
        Kind::Gone => "gone",
        Kind::Shifted => "shifted",
    }
}

fn example(change: &Change) -> String {
    let line = change.example.lines().next().unwrap_or_default();
    line.chars().take(EXAMPLE_CHARS_MAX).collect()
}
