//! The outcome of merging hangs neither on the order of lines, nor on shards, nor on restarts.

use logwake_models::template::{Catalogue, CatalogueLimits, TemplateId};
use proptest::prelude::*;

use super::values::Dice;
use super::{corpus, folder, learn};

/// What a catalogue says: its templates, and the template of each line.
#[derive(Debug, PartialEq)]
struct Outcome {
    templates: Vec<(TemplateId, String)>,
    lines: Vec<TemplateId>,
}

fn outcome(catalogue: &Catalogue, lines: &[String]) -> Outcome {
    let mut catalogue = catalogue.clone();
    let templates: Vec<_> = catalogue.iter().collect();
    let ids: Vec<_> = lines.iter().map(|line| learn(&mut catalogue, line)).collect();
    let lines = ids.into_iter().map(|id| catalogue.resolve(id)).collect();
    assert_eq!(catalogue.iter().collect::<Vec<_>>(), templates, "the lines were known");
    Outcome { templates, lines }
}

fn learnt<'a>(lines: impl IntoIterator<Item = &'a String>) -> Catalogue {
    let mut catalogue = Catalogue::new("corpus", CatalogueLimits::default());
    for line in lines {
        learn(&mut catalogue, line);
    }
    catalogue
}

fn restored(catalogue: &Catalogue) -> Catalogue {
    postcard::from_bytes(&postcard::to_stdvec(catalogue).unwrap()).unwrap()
}

fn shuffle<T>(items: &mut [T], dice: &mut Dice) {
    for at in (1..items.len()).rev() {
        items.swap(at, dice.below(at as u64 + 1) as usize);
    }
}

/// Deals lines to shards and merges them pair by pair in any order, some of them restored.
fn sharded(lines: &[String], shards: usize, dice: &mut Dice) -> Catalogue {
    let mut dealt: Vec<Vec<&String>> = vec![Vec::new(); shards];
    for line in lines {
        dealt[dice.below(shards as u64) as usize].push(line);
    }
    let mut left: Vec<Catalogue> = dealt.into_iter().map(learnt).collect();
    while left.len() > 1 {
        let one = left.swap_remove(dice.below(left.len() as u64) as usize);
        let at = dice.below(left.len() as u64) as usize;
        if dice.below(3) == 0 {
            left[at] = restored(&left[at]);
        }
        left[at].merge(&one);
        if dice.below(4) == 0 {
            let again = left[at].clone();
            left[at].merge(&again);
        }
    }
    left.remove(0)
}

/// Learns lines with restarts in between.
fn interrupted(lines: &[String], dice: &mut Dice) -> Catalogue {
    let mut catalogue = learnt([]);
    for line in lines {
        if dice.below(20) == 0 {
            catalogue = restored(&catalogue);
        }
        learn(&mut catalogue, line);
    }
    catalogue
}

fn check(lines: &[String], shards: usize, seed: u64) {
    let mut dice = Dice::new(seed);
    let whole = outcome(&learnt(lines), lines);
    let mut shuffled = lines.to_vec();
    shuffle(&mut shuffled, &mut dice);
    assert_eq!(outcome(&learnt(&shuffled), lines), whole, "another order");
    assert_eq!(outcome(&sharded(&shuffled, shards, &mut dice), lines), whole, "shards");
    assert_eq!(outcome(&interrupted(&shuffled, &mut dice), lines), whole, "restarts");
}

fn corpus_lines(program: usize, from: usize, count: usize) -> Vec<String> {
    let programs = corpus::programs(&folder());
    let lines = corpus::lines(&folder(), &programs[program % programs.len()], 1);
    let contents = lines.into_iter().map(|line| line.content);
    contents.cycle().skip(from).take(count).collect()
}

/// Lines that are made to come close to one another: few words, at places of every kind.
fn close_line() -> impl Strategy<Value = String> {
    let word = || {
        prop::sample::select(vec![
            "alice",
            "bob",
            "cArol",
            "x_y",
            "test",
            "order",
            "failed",
            "eth0",
            "sda1",
            "17",
            "node-3",
            "web-a,web-7",
            "1, 2, 3",
            "",
            "closed.",
            "read",
            "ok",
            "k=1 k=2",
            "()",
        ])
    };
    let shape = prop::sample::select(vec![
        "session opened for user A by B",
        "A: link B is up",
        "[A] request 'B' from C",
        "copy A to B on C",
        "key=A other=B C",
        "lost A (B) of C",
        "A B C",
        "list A, B, C done",
    ]);
    (shape, word(), word(), word())
        .prop_map(|(shape, a, b, c)| shape.replace('A', a).replace('B', b).replace('C', c))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_corpus_gives_one_outcome(
        program in 0usize..64,
        from in 0usize..2000,
        count in 1usize..500,
        shards in 1usize..=32,
        seed in any::<u64>(),
    ) {
        check(&corpus_lines(program, from, count), shards, seed);
    }

    #[test]
    fn lines_close_to_one_another_give_one_outcome(
        lines in proptest::collection::vec(close_line(), 0..120),
        shards in 1usize..=32,
        seed in any::<u64>(),
    ) {
        check(&lines, shards, seed);
    }
}
