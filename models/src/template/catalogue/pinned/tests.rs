#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::template::CatalogueLimits;

fn learn(catalogue: &mut Catalogue, line: &str) -> TemplateId {
    let mut skeleton = Skeleton::new();
    mask(line.as_bytes(), &mut skeleton);
    catalogue.assign(skeleton.hash(), skeleton.text()).id
}

fn id(number: u64) -> TemplateId {
    TemplateId(number)
}

fn catalogue() -> Catalogue {
    Catalogue::new("shop", CatalogueLimits::default())
}

#[test]
fn a_line_that_fits_a_seed_has_its_id_and_text() {
    let mut catalogue = catalogue();
    catalogue.seed(Some(id(7)), "mode changed to <*>").unwrap();
    let found = learn(&mut catalogue, "mode changed to standby");
    assert_eq!((found, catalogue.text(found).as_ref()), (id(7), "mode changed to <*>"));
    assert_eq!(learn(&mut catalogue, "mode changed to 7"), id(7));
    assert_ne!(learn(&mut catalogue, "mode changed from standby"), id(7));
    assert!(catalogue.is_seed(id(7)));
}

#[test]
fn the_seed_with_most_constants_counts() {
    let mut catalogue = catalogue();
    catalogue.seed(Some(id(1)), "<*> changed to <*>").unwrap();
    catalogue.seed(Some(id(2)), "mode changed to <*>").unwrap();
    assert_eq!(learn(&mut catalogue, "mode changed to standby"), id(2));
    assert_eq!(learn(&mut catalogue, "state changed to standby"), id(1));
}

#[test]
fn what_was_learnt_before_becomes_an_alias() {
    let mut catalogue = catalogue();
    let on = learn(&mut catalogue, "mode changed to standby");
    let off = learn(&mut catalogue, "mode changed to active");
    catalogue.take_merges();
    catalogue.seed(Some(id(7)), "mode changed to <*>").unwrap();
    assert_eq!((catalogue.resolve(on), catalogue.resolve(off)), (id(7), id(7)));
    let mut merges = vec![(on, id(7)), (off, id(7))];
    merges.sort();
    assert_eq!(catalogue.take_merges(), merges);
    assert_eq!(catalogue.len(), 1);
}

#[test]
fn seeds_before_between_and_after_lines_give_the_same_templates() {
    let lines = [
        "mode changed to standby",
        "user alice left",
        "mode changed to active",
        "user bob left",
        "user carol left",
        "mode changed to 5",
    ];
    let ends = |at: usize| {
        let mut catalogue = catalogue();
        for (number, line) in lines.iter().enumerate() {
            if number == at {
                catalogue.seed(Some(id(7)), "mode changed to <*>").unwrap();
            }
            learn(&mut catalogue, line);
        }
        if at >= lines.len() {
            catalogue.seed(Some(id(7)), "mode changed to <*>").unwrap();
        }
        let ids: Vec<TemplateId> = lines.iter().map(|line| learn(&mut catalogue, line)).collect();
        let texts: Vec<_> = catalogue.iter().map(|(id, text)| (id, text.to_string())).collect();
        (ids, texts)
    };
    let expected = ends(0);
    for at in 1..=lines.len() {
        assert_eq!(ends(at), expected, "seed after {at} lines");
    }
}

#[test]
fn seeds_outlive_a_restart_and_may_be_given_again() {
    let mut catalogue = catalogue();
    learn(&mut catalogue, "mode changed to standby");
    catalogue.seed(Some(id(7)), "mode changed to <*>").unwrap();
    let bytes = postcard::to_stdvec(&catalogue).unwrap();
    let mut again: Catalogue = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(again, catalogue);
    assert_eq!(again.seed(Some(id(7)), "mode changed to <*>"), Ok(id(7)));
    assert_eq!(again, catalogue);
    assert_eq!(learn(&mut again, "mode changed to active"), id(7));
}

#[test]
fn a_seed_keeps_the_id_of_the_learnt_template_it_writes_down() {
    let mut catalogue = catalogue();
    let learnt = learn(&mut catalogue, "cache flushed");
    assert_eq!(catalogue.seed(None, "cache flushed"), Ok(learnt));
    assert_eq!((catalogue.len(), learn(&mut catalogue, "cache flushed")), (1, learnt));
}

#[test]
fn a_text_that_no_line_can_have_is_refused() {
    let mut catalogue = catalogue();
    let error = catalogue.seed(None, "took 5 ms").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no line has the template `took 5 ms`: it is masked to `took <*> ms`"
    );
    assert!(catalogue.seed(None, "took <*> ms").is_ok());
}

#[test]
fn an_id_or_a_shape_is_given_once() {
    let mut catalogue = catalogue();
    catalogue.seed(Some(id(7)), "mode changed to <*>").unwrap();
    let taken = catalogue.seed(Some(id(7)), "user <*> left").unwrap_err();
    assert!(matches!(taken, SeedError::Taken { .. }), "{taken}");
    let twice = catalogue.seed(Some(id(8)), "mode changed to <*>").unwrap_err();
    assert!(matches!(twice, SeedError::Twice { .. }), "{twice}");
}

#[test]
fn a_given_text_stays_as_it_is_and_merges_with_nothing() {
    let mut catalogue = catalogue();
    let text = "user {name} logged in from 10.0.0.1";
    let given = catalogue.assign_given(1, text).id;
    for name in ["alice", "bob", "carol", "dave", "erin", "frank"] {
        learn(&mut catalogue, &format!("user {name} logged in from 10.0.0.1"));
    }
    assert_eq!((catalogue.resolve(given), catalogue.text(given).as_ref()), (given, text));
    assert_eq!(catalogue.assign_given(2, text).id, given);
}
