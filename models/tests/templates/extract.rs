//! A template with its variables put back is the line that they were read from.

use logwake_models::template::{Catalogue, CatalogueLimits};

use super::{corpus, folder, learn};

/// A text without what a template may leave out: white space, and full stops after a word.
fn essence(text: &str) -> String {
    text.split_whitespace().map(|word| word.trim_end_matches(['.', '!', '?'])).collect::<String>()
}

fn filled(template: &str, values: &[impl AsRef<str>]) -> Option<String> {
    let mut parts = template.split("<*>");
    let mut text = parts.next()?.to_owned();
    let mut values = values.iter();
    for part in parts {
        text.push_str(values.next()?.as_ref());
        text.push_str(part);
    }
    values.next().is_none().then_some(text)
}

fn check(lines: &[&str]) {
    let mut catalogue = Catalogue::new("corpus", CatalogueLimits::default());
    let ids: Vec<_> = lines.iter().map(|line| learn(&mut catalogue, line)).collect();
    for (id, line) in ids.into_iter().zip(lines) {
        let template = catalogue.text(catalogue.resolve(id));
        let values = catalogue.variables(id, line.as_bytes());
        let text = filled(&template, &values).unwrap_or_default();
        assert_eq!(essence(&text), essence(line), "{template} {values:?}");
    }
}

#[test]
fn every_line_of_the_corpus_comes_back() {
    for program in corpus::programs(&folder()) {
        let lines = corpus::lines(&folder(), &program, 2);
        check(&lines.iter().map(|line| line.content.as_str()).collect::<Vec<_>>());
    }
}

#[test]
fn empty_values_lists_and_groups_come_back() {
    check(&[
        "ruser= rhost=10.0.0.1 user=",
        "ruser= rhost=10.0.0.2 user=bob",
        "ruser=eve rhost= user=",
    ]);
    check(&["from 10.0.0.1 () at 7", "from 10.0.0.2 (web-1) at 8", "from 10.0.0.3 (db) at 9"]);
    check(&["read 1 2 3 done.", "read 4 done", "read 5, 6 done"]);
    check(&["lost 3 (1.5 kB) of it", "lost 4 of it", "lost 5 bytes (2 kB) of it"]);
    check(&["members [a-1, b-2] left", "members [a-17] left", "members [c-9, d-8, e-7] left"]);
    check(&[
        "sets node-1 0x12345678 <ok> node-2 0x12345679 <ok>",
        "sets node-3 0x12345678 <ok> node-4 0x1234567a <ok> node-5 0x1234567b <ok>",
    ]);
}
