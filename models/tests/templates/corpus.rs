//! The corpus: templates with typed slots, and the lines made from them.
//!
//! A line of a file is `count template`. A slot `{kind}` is a variable of the true template, and
//! is filled by [`super::values`]; `{{` and `}}` are braces.

use std::path::Path;

use super::values::{Dice, value};

/// A line and the template that it was made from.
#[derive(Clone, Debug)]
pub(crate) struct Labelled {
    pub(crate) template: String,
    pub(crate) content: String,
}

/// Returns the names of the programs, sorted.
pub(crate) fn programs(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).expect("the folder of the corpus is there");
    let mut names: Vec<String> = files
        .filter_map(|file| file.ok()?.file_name().to_str()?.strip_suffix(".txt").map(Into::into))
        .collect();
    names.sort();
    names
}

/// Makes the lines of one program, `factor` times as many as it says, in a shuffled order.
pub(crate) fn lines(folder: &Path, program: &str, factor: usize) -> Vec<Labelled> {
    let path = folder.join(format!("{program}.txt"));
    let text = std::fs::read_to_string(path).expect("a program of the corpus is readable");
    let seed = program.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte));
    let mut dice = Dice::new(seed);
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (count, template) = line.split_once(' ').expect("a count stands before a template");
        let count: usize = count.parse().expect("the count is a number");
        for _ in 0..count * factor {
            lines.push(fill(template, &mut dice));
        }
    }
    for at in (1..lines.len()).rev() {
        lines.swap(at, dice.below(at as u64 + 1) as usize);
    }
    lines
}

fn fill(pattern: &str, dice: &mut Dice) -> Labelled {
    let (mut template, mut content) = (String::new(), String::new());
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        template.push_str(&rest[..at]);
        content.push_str(&rest[..at]);
        if rest[at + 1..].starts_with(&rest[at..=at]) {
            template.push_str(&rest[at..=at]);
            content.push_str(&rest[at..=at]);
            rest = &rest[at + 2..];
            continue;
        }
        let end = at + rest[at..].find('}').expect("a slot ends");
        template.push_str("<*>");
        content.push_str(&value(&rest[at + 1..end], dice));
        rest = &rest[end + 1..];
    }
    template.push_str(rest);
    content.push_str(rest);
    Labelled { template, content }
}
