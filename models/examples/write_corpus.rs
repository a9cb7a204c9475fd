//! Writes the corpus of a program, `template<TAB>line`: `write_corpus FOLDER PROGRAM [FACTOR]`.
#![allow(clippy::print_stdout, reason = "an example that prints")]

#[path = "../tests/templates/corpus.rs"]
mod corpus;
#[path = "../tests/templates/values.rs"]
mod values;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, program, rest @ ..] = arguments.as_slice() else { return };
    let factor = rest.first().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    for line in corpus::lines(folder.as_ref(), program, factor) {
        println!("{}\t{}", line.template, line.content);
    }
}
