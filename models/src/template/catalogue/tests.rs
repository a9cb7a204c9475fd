//! What merges and what stays apart, and that order and shards do not matter.
#![allow(clippy::unwrap_used, reason = "tests")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::template::{Skeleton, mask, steps};

fn learnt<'a>(lines: impl IntoIterator<Item = &'a str>) -> Catalogue {
    let mut catalogue = Catalogue::new("shop", CatalogueLimits::default());
    for line in lines {
        learn(&mut catalogue, line);
    }
    catalogue
}

fn learn(catalogue: &mut Catalogue, line: &str) -> (u64, Assignment) {
    let mut skeleton = Skeleton::new();
    mask(line.as_bytes(), &mut skeleton);
    (skeleton.hash(), catalogue.assign(skeleton.hash(), skeleton.text()))
}

fn texts(catalogue: &Catalogue) -> Vec<String> {
    let mut texts: Vec<String> = catalogue.iter().map(|(_, text)| text).collect();
    texts.sort();
    texts
}

fn check(lines: &str, expect: Expect) {
    expect.assert_eq(&(texts(&learnt(lines.lines())).join("\n") + "\n"));
}

#[test]
fn two_users_are_one_template() {
    check(
        "user alice logged in\nuser bob logged in",
        expect![[r#"
            user <*> logged in
        "#]],
    );
}

#[test]
fn verbs_and_states_stay_apart() {
    check(
        "connection opened\nconnection closed\nuser 1 logged in\nuser 1 logged out\n\
         VM started\nVM stopped\nstate=up\nstate=down\nlink eth0 up\nlink eth0 down\n\
         action=KEY_DOWN at 3\naction=KEY_UP at 3\nphase is AuthFail\nphase is AuthOk",
        expect![[r#"
            VM started
            VM stopped
            action=KEY_DOWN at <*>
            action=KEY_UP at <*>
            connection closed
            connection opened
            link eth0 down
            link eth0 up
            phase is AuthFail
            phase is AuthOk
            state=down
            state=up
            user <*> logged in
            user <*> logged out
        "#]],
    );
}

#[test]
fn units_lists_and_groups_are_spellings() {
    check(
        "sent 5 bytes to 10.0.0.1\nsent 7 KB to 10.0.0.2\nread 1 2 3 done\nread 4 done\n\
         lost 3 (1.5 kB) of it\nlost 4 of it\nwaited 3 ms here\nwaited 4 ms here",
        expect![[r#"
            lost <*> of it
            read <*> done
            sent <*> to <*>
            waited <*> ms here
        "#]],
    );
}

#[test]
fn names_that_hold_variables_are_names() {
    check(
        "lost node-3 of rack 7\nlost 17 of rack 7\nmember web-1 joined\nmember db-2 joined\n\
         pool [a-1, b-2] grew\npool [a-3, c-4, d-5] grew",
        expect![[r#"
            lost <*> of rack <*>
            member <*> joined
            pool [<*>] grew
        "#]],
    );
}

#[test]
fn repeated_tuples_are_a_list() {
    check(
        "state: disk 1 is full, disk 2 is full\n\
         state: disk 3 is full, disk 4 is full, disk 5 is full",
        expect![[r#"
            state: <*>
        "#]],
    );
}

#[test]
fn full_stops_and_empty_groups_are_spellings() {
    check(
        "job x_a finished.\njob x_b finished\nconnection from 10.0.0.1 () at 7\nconnection from 10.0.0.2 (eth) at 8",
        expect![[r#"
            connection from <*> (<*>) at <*>
            job <*> finished
        "#]],
    );
}

#[test]
fn values_that_change_together_are_variables() {
    check(
        "copied all from attic to cellar\ncopied all from garden to kitchen\n\
         copied all from attic to porch",
        expect![[r#"
            copied all from <*> to <*>
        "#]],
    );
}

#[test]
fn what_is_open_elsewhere_is_open() {
    check(
        "login of user alice on tty\nlogin of user bob on tty\n\
         login of user eve on console-7\nlogin of user eve on 9",
        expect![[r#"
            login of user <*> on <*>
        "#]],
    );
}

#[test]
fn many_keys_do_not_make_a_pattern_for_each_choice_of_them() {
    let line = |key: usize, value: &str| {
        let pair = |at: usize| {
            format!("k{}={}", (b'a' + at as u8) as char, if at == key { value } else { "base" })
        };
        (0..16).map(pair).collect::<Vec<_>>().join(" ")
    };
    let names = ["alder", "birch", "cedar"];
    let lines: Vec<String> =
        (0..48).map(|at| format!("trees set {}", line(at % 16, names[at / 16]))).collect();
    let catalogue = learnt(lines.iter().map(String::as_str));
    assert_eq!(catalogue.len(), 1);
    assert!(catalogue.patterns.len() < 1000, "{} patterns", catalogue.patterns.len());
}

#[test]
fn few_odd_words_are_not_a_variable() {
    check(
        "parser ready for torus input\nparser ready for lattice input",
        expect![[r#"
            parser ready for lattice input
            parser ready for torus input
        "#]],
    );
}

#[test]
fn an_id_that_was_given_resolves_for_ever() {
    let mut catalogue = Catalogue::new("shop", CatalogueLimits::default());
    let (hash, first) = learn(&mut catalogue, "user alice logged in");
    assert_eq!(first.kind, Kind::NewTemplate);
    let (_, second) = learn(&mut catalogue, "user bob logged in");
    assert_ne!(first.id, second.id);
    assert_eq!(catalogue.resolve(first.id), second.id);
    assert_eq!(catalogue.find(hash), Some(second.id));
    let merges = catalogue.take_merges();
    assert!(merges.contains(&(first.id, second.id)));
    assert!(catalogue.take_merges().is_empty());
    assert_eq!(learn(&mut catalogue, "user carol logged in").1.kind, Kind::NewSkeleton);
    assert_eq!(learn(&mut catalogue, "user carol logged in").1.kind, Kind::Known);
    assert_eq!(catalogue.text(first.id), "user <*> logged in");
}

#[test]
fn values_are_read_back() {
    let catalogue =
        learnt(["user alice logged in from 10.0.0.1", "user bob logged in from 10.0.0.2"]);
    let (id, text) = catalogue.iter().next().unwrap();
    assert_eq!(text, "user <*> logged in from <*>");
    assert_eq!(
        catalogue.variables(id, b"user  carol logged in from 10.0.0.9"),
        ["carol", "10.0.0.9"]
    );
}

#[test]
fn beyond_the_limits_templates_are_coarse_and_counted() {
    let limits = CatalogueLimits { templates_max: 5, ..CatalogueLimits::default() };
    let mut catalogue = Catalogue::new("shop", limits);
    let lines =
        ["aa", "bb cc", "dd ee ff", "x y z w", "started q", "stopped r", "gg hh", "ii jj kk ll"];
    for line in lines {
        learn(&mut catalogue, line);
    }
    assert!(catalogue.len() <= limits.roots_max() + 1);
    assert_eq!(catalogue.overflowed(), 3);
}

fn line() -> impl Strategy<Value = String> {
    let user = prop::sample::select(vec!["alice", "bob", "carol", "dave-x", "root", "7"]);
    let host = prop::sample::select(vec!["web-a", "dbA", "10.0.0.1", "cacheB", "queue_c"]);
    let verb = prop::sample::select(vec!["opened", "closed", "failed"]);
    (0..4usize, user, host, verb).prop_map(|(kind, user, host, verb)| match kind {
        0 => format!("session {verb} for user {user} on host {host}"),
        1 => format!("{verb} file={user} node={host} after 5 ms"),
        2 => format!("cannot reach server {host}: {verb}"),
        _ => format!("copy from {host} to {user} {verb} twice"),
    })
}

proptest! {
    #[test]
    fn order_does_not_matter(
        lines in proptest::collection::vec(line(), 0..60),
        seed in any::<u64>(),
    ) {
        let mut shuffled = lines.clone();
        let key = |line: &String| xxh3_64(format!("{seed}{line}").as_bytes());
        shuffled.sort_by_key(key);
        let a = learnt(lines.iter().map(String::as_str));
        let b = learnt(shuffled.iter().map(String::as_str));
        prop_assert_eq!(a.iter().collect::<Vec<_>>(), b.iter().collect::<Vec<_>>());
    }

    #[test]
    fn shards_agree(lines in proptest::collection::vec(line(), 0..60), cut in 0usize..60) {
        let cut = cut.min(lines.len());
        let whole = learnt(lines.iter().map(String::as_str));
        let mut left = learnt(lines[..cut].iter().map(String::as_str));
        let mut right = learnt(lines[cut..].iter().map(String::as_str));
        let before = left.clone();
        left.merge(&right);
        right.merge(&before);
        let roots = |catalogue: &Catalogue| catalogue.iter().collect::<Vec<_>>();
        prop_assert_eq!(roots(&left), roots(&right));
        prop_assert_eq!(roots(&left), roots(&whole));
        let again = left.clone();
        left.merge(&again);
        prop_assert_eq!(roots(&left), roots(&again));
    }

    #[test]
    fn a_restart_changes_nothing(lines in proptest::collection::vec(line(), 0..60), cut in 0usize..60) {
        let cut = cut.min(lines.len());
        let mut whole = Catalogue::new("shop", CatalogueLimits::default());
        let mut half = whole.clone();
        for line in &lines[..cut] {
            learn(&mut whole, line);
            learn(&mut half, line);
        }
        let bytes = postcard::to_stdvec(&half).unwrap();
        let mut half: Catalogue = postcard::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&half, &whole);
        for line in &lines[cut..] {
            prop_assert_eq!(learn(&mut whole, line), learn(&mut half, line));
        }
        prop_assert_eq!(half, whole);
    }
}

/// Words that no list holds, told apart by their number; `letters` of them at the least.
fn word(number: usize, letters: u32) -> String {
    (0..letters).map(|at| char::from(b'a' + (number / 26usize.pow(at) % 26) as u8)).collect()
}

/// What a family of lines writes at a place of a line, of so many places.
type Family = fn(line: usize, place: usize) -> String;

const FAMILIES: [(&str, Family); 9] = [
    ("short words", |line, place| word(line * 7919 + place * 31, 2)),
    ("long words", |line, place| word(line * 7919 + place * 31, 9)),
    ("one word that differs", |line, place| {
        if line == place { "queue".to_owned() } else { "of".to_owned() + &word(place, 3) }
    }),
    ("names after keys", |line, place| format!("{}={}", word(place, 3), word(line * 31, 4))),
    ("quoted names", |line, place| format!("user \"{}\"", word(line * 31 + place, 4))),
    ("names in brackets", |line, place| format!("[{}]", word(line * 31 + place, 4))),
    ("verbs", |line, place| format!("{}ed", word(line * 31 + place, 4))),
    ("numbered words", |line, place| format!("a{}b{line}x", place % 3)),
    ("tuples", |line, place| format!("{} is {place},", word(line % 3 + place % 2, 3))),
];

#[test]
fn the_work_for_a_line_grows_with_its_words_and_no_faster() {
    for (name, family) in FAMILIES {
        let work = |words: usize| {
            steps::of(|| {
                let mut catalogue = Catalogue::new("shop", CatalogueLimits::default());
                for line in 0..40 {
                    let text: Vec<String> = (0..words).map(|place| family(line, place)).collect();
                    let text = text.join(" ");
                    let pattern = Pattern::parse(&text, 0);
                    assert!(pattern.tokens.len() <= crate::template::cutter::TOKENS_MAX);
                    catalogue.assign(xxh3_64(text.as_bytes()), &text);
                }
            })
        };
        let (one, two, four) = (work(120), work(240), work(480));
        assert!(2 * two <= 5 * one && 2 * four <= 5 * two, "{name}: {one}, {two}, {four} steps");
    }
}

#[test]
fn the_work_for_a_new_verb_does_not_grow_with_the_verbs_before_it() {
    let mut catalogue = Catalogue::new("shop", CatalogueLimits::default());
    for number in 0..8 {
        learn(&mut catalogue, &format!("{} item of the basket", word(number * 31, 6)));
    }
    let mut work = |verbs: std::ops::Range<usize>| {
        steps::of(|| {
            for number in verbs {
                learn(&mut catalogue, &format!("{}ed item of the basket", word(number, 5)));
            }
        })
    };
    work(0..1_100);
    let (early, late) = (work(1_100..1_200), work(4_000..4_100));
    assert!(2 * late <= 3 * early, "{early}, {late} steps");
}

#[test]
fn words_beyond_the_greatest_length_are_one_variable() {
    let line = |words: usize| (0..words).map(|n| word(n, 4)).collect::<Vec<_>>().join(" ");
    let pattern = Pattern::parse(&line(2_000), 0);
    assert_eq!(pattern.tokens.len(), crate::template::cutter::TOKENS_MAX);
    assert_eq!(pattern.hash, Pattern::parse(&line(1_000), 0).hash);
    assert!(pattern.text().ends_with(" <*>"));
}

#[test]
fn long_lines_get_coarser_shapes_before_they_fill_the_memory() {
    let mut catalogue = Catalogue::new("shop", CatalogueLimits::default());
    for number in 0..4_000 {
        let words = (0..300).map(|place| word(number * 7919 + place * 31, 5));
        let line = words.collect::<Vec<_>>().join(" ");
        catalogue.assign(number as u64, &line);
    }
    assert!(catalogue.overflowed() > 0);
    assert!(catalogue.bytes_used() < 150 << 20, "{} bytes", catalogue.bytes_used());
}
