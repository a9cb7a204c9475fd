//! Templates of made-up programs: how well they are found, and that nothing hangs on the order.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the corpus is read from files")]
#![allow(clippy::print_stdout, reason = "the figures of the corpus are printed")]

mod corpus;
mod extract;
mod order;
mod score;
mod values;

use std::path::PathBuf;

use logwake_models::template::{Catalogue, CatalogueLimits, Skeleton, TemplateId, mask};
use score::{Score, score};

/// Where the corpus is.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/templates")
}

/// Learns lines, and returns the template of each as it is in the end.
fn settled(contents: &[&str]) -> Vec<(TemplateId, String)> {
    let mut catalogue = Catalogue::new("corpus", CatalogueLimits::default());
    let ids: Vec<TemplateId> =
        contents.iter().map(|content| learn(&mut catalogue, content)).collect();
    ids.into_iter()
        .map(|id| {
            let id = catalogue.resolve(id);
            (id, catalogue.text(id))
        })
        .collect()
}

fn learn(catalogue: &mut Catalogue, content: &str) -> TemplateId {
    let mut skeleton = Skeleton::new();
    mask(content.as_bytes(), &mut skeleton);
    catalogue.assign(skeleton.hash(), skeleton.text()).id
}

/// `cargo test -p logwake-models --test templates accuracy -- --nocapture` prints the figures.
#[test]
fn accuracy_on_the_corpus_does_not_fall() {
    let mut sum = Score::default();
    let programs = corpus::programs(&folder());
    for program in &programs {
        let lines = corpus::lines(&folder(), program, 1);
        let truth: Vec<String> = lines.iter().map(|line| line.template.clone()).collect();
        let contents: Vec<&str> = lines.iter().map(|line| line.content.as_str()).collect();
        let score = score(&truth, &settled(&contents));
        println!("{program:12} {score}");
        sum.ga += score.ga;
        sum.fga += score.fga;
        sum.pa += score.pa;
        sum.fta += score.fta;
        sum.found += score.found;
        sum.wanted += score.wanted;
    }
    let programs = programs.len() as f64;
    let Score { ga, fga, pa, fta, found, wanted } = sum;
    let mean = Score {
        ga: ga / programs,
        fga: fga / programs,
        pa: pa / programs,
        fta: fta / programs,
        found,
        wanted,
    };
    println!("{:12} {mean}", "mean");
    assert!(mean.ga > 0.93 && mean.fga > 0.88, "{mean}");
    assert!(mean.pa > 0.85 && mean.fta > 0.73, "{mean}");
    assert!(found * 4 <= wanted * 5, "{mean}");
}
