//! What holds for any content, and that the fast pass says what the reference says.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::template::{Catalogue, CatalogueLimits, WILDCARD, reference};

/// What may be nested or repeated in content.
const NESTED: [&str; 16] = [
    "[",
    "{",
    "(",
    "<",
    "\"",
    "'",
    "=",
    "{\"a\":",
    "{\"msg\":{\"a\":[",
    "[{\"a\": ",
    "k=[",
    "a-b | ",
    "f(",
    "a,",
    "<*>",
    "Caused by: x\n",
];

#[test]
fn content_nested_to_a_mebibyte_is_masked_and_merged_on_a_small_stack() {
    let learn = || {
        for part in NESTED {
            let content = part.repeat((1 << 20) / part.len());
            let mut skeleton = Skeleton::new();
            mask(content.as_bytes(), &mut skeleton);
            let mut catalogue = Catalogue::new("shop", CatalogueLimits::default());
            let id = catalogue.assign(skeleton.hash(), skeleton.text()).id;
            catalogue.variables(id, &content.as_bytes()[..1 << 12]);
        }
    };
    #[allow(clippy::disallowed_methods, reason = "the size of a stack is that of its thread")]
    let thread = std::thread::Builder::new().stack_size(64 << 10).spawn(learn);
    thread.unwrap().join().unwrap();
}

/// Tokens as logs have them, and some that are broken.
fn token() -> impl Strategy<Value = Vec<u8>> {
    let shapes = prop_oneof![
        "[a-zA-Z]{1,9}[.:!?]?",
        "[+-]?[0-9]{1,6}(\\.[0-9]{1,3})?(ms|s|%|kB|e-9|h30m)?",
        "(0x)?[0-9a-f]{1,16}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "/?[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}(:[0-9]{1,6}|/[0-9]{1,2})?",
        "\\[?(::|fe80::|2001:db8:)[0-9a-f:]{0,8}(%eth0|/64)?\\]?(:80)?",
        "[0-9a-f]{2}(:[0-9a-f]{2}){5}",
        "[a-z]{1,5}[0-9]?@[a-z]{1,5}\\.(com|example)",
        "(https?|ftp)://[a-z]{1,5}(:[0-9]{2})?(/[a-z0-9.]{0,5}){0,3}[)\\]\"]?",
        "(~|\\.|C:\\\\)?(/[a-z0-9._-]{0,6}){1,5}",
        "[a-z]{1,6}(\\.[a-z]{1,6}){1,3}(:[0-9]{0,5})?",
        "[a-z]{1,6}[-_.#][a-z0-9]{1,6}[-_.][0-9]{1,3}",
        "[a-zA-Z0-9+/]{12,30}={0,2}",
        "[a-z0-9]{1,6}=[\"']?[a-z0-9 ]{0,9}[\"']?,?",
        "\"[A-Za-z]{1,8}/[0-9.]{1,5} \\(X\\)\"",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{3})?Z?",
        "[<>(\\[{][0-9a-z]{0,4}[>)\\]}]",
        "[\\[]?\\{\"[a-z]{1,3}\": ?(\"[a-z ]{0,5}\"|[0-9]{1,3}|\\[\\]|\\{\\})\\}?\\]?",
        "[a-z]{1,5}\\.{2,5}[0-9a-z]{1,3}",
        "[!-/:-@\\[-`{-~]{1,4}",
        "[éß日µ]{1,3}[a-z0-9]{0,3}",
    ];
    let words = vec![
        "true",
        "null",
        "Jan",
        "Monday",
        "12:30",
        "UTC",
        "PM",
        "Feb",
        "Caused by: ",
        "panic: x",
        "GET",
        "HTTP/1.1",
        "/",
        "sha256",
        "localhost:80",
        "node:8080",
        "f5:f6",
        "a::b",
        "\u{1b}[31m",
        "Traceback (most recent call last):",
        "x.SomeError: y",
        " panicked at a:",
        "Caused by:",
    ];
    let raw = vec(any::<u8>(), 1..4);
    prop_oneof![
        8 => shapes.prop_map(String::into_bytes),
        4 => select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => raw,
    ]
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let between = select(vec![" ", " ", " ", "  ", ", ", ":", "=", ",", "", "\t", "\n", "\n\t"]);
    vec((token(), between), 0..14).prop_map(|parts| {
        parts
            .into_iter()
            .flat_map(|(token, gap)| [token, gap.as_bytes().to_vec()].concat())
            .collect()
    })
}

/// Asks that the fast pass and the reference say the same.
fn agrees(content: &[u8]) {
    let mut skeleton = Skeleton::new();
    mask(content, &mut skeleton);
    holds(content, &skeleton);
    if let Some(written) = reference::mask(content) {
        let shown = String::from_utf8_lossy(content);
        assert_eq!(skeleton.text(), written.text(), "texts of {shown:?}");
        assert_eq!(skeleton.variables(), written.variables(), "variables of {shown:?}");
    }
}

/// Asks for what holds for any content.
fn holds(content: &[u8], skeleton: &Skeleton) {
    assert_eq!(skeleton.hash(), xxh3_64(skeleton.text().as_bytes()));
    let mut end = 0;
    let is_document = content.trim_ascii_start().starts_with(b"{");
    for variable in skeleton.variables() {
        assert!(variable.start < variable.end && variable.end <= content.len());
        assert!(is_document || variable.start >= end, "variables in order and apart");
        end = variable.end;
    }
    let copied = content.windows(3).filter(|three| three == b"<*>").count();
    let written = skeleton.text().matches(WILDCARD).count();
    assert!(
        written >= skeleton.variables().len() && written <= skeleton.variables().len() + copied
    );
    assert!(skeleton.text().len() <= 3 * content.len() + 3);
    assert!(!skeleton.text().starts_with(' ') && !skeleton.text().ends_with(' '));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn fast_and_reference_agree_on_what_logs_say(content in content()) {
        agrees(&content);
    }

    #[test]
    fn fast_and_reference_agree_on_punctuation(
        content in "([a-zA-Z0-9:./=_<>*\"'{}\\[\\](), @#%$~\\\\\n-]|é|0x|://|true|Jan ){0,80}",
    ) {
        agrees(content.as_bytes());
    }

    #[test]
    fn fast_and_reference_agree_on_any_bytes(content in vec(any::<u8>(), 0..300)) {
        agrees(&content);
    }

    #[test]
    fn blanks_around_and_twice_do_not_matter(content in "[a-z0-9=:/. ]{0,40}") {
        prop_assert_eq!(masked(&format!("  {} ", content.replace(' ', "   "))), masked(&content));
    }

    #[test]
    fn a_buffer_forgets_what_it_held(before in content(), content in content()) {
        let (mut fresh, mut used) = (Skeleton::new(), Skeleton::new());
        mask(&content, &mut fresh);
        mask(&before, &mut used);
        mask(&content, &mut used);
        prop_assert_eq!(fresh.text(), used.text());
        prop_assert_eq!(fresh.variables(), used.variables());
    }

    #[test]
    fn numbers_do_not_matter(a in 1u32..999_999, b in 1u32..999_999) {
        let text = |n: u32| masked(&format!("took {n} ms for block-{n} at 10.0.0.{} [{n}]", n % 256));
        prop_assert_eq!(text(a), text(b));
    }
}
