//! Reads lines on standard input, prints a JSON line with template id and text for each, after
//! all input was read.
#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::io::{self, BufRead, BufWriter, Write};

use logwake_models::template::{Catalogue, CatalogueLimits, Skeleton, mask};

fn main() -> io::Result<()> {
    let mut catalogue = Catalogue::new("", CatalogueLimits::default());
    let mut skeleton = Skeleton::new();
    let mut ids = Vec::new();
    for line in io::stdin().lock().split(b'\n') {
        mask(&line?, &mut skeleton);
        ids.push(catalogue.assign(skeleton.hash(), skeleton.text()).id);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    for id in ids {
        let id = catalogue.resolve(id);
        let text = escaped(&catalogue.text(id));
        writeln!(out, "{{\"template_id\":\"{id}\",\"template\":\"{text}\"}}")?;
    }
    out.flush()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out
}
