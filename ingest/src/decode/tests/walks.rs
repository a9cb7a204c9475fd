//! JSON by position: the same as by a tree, and what a terminal would swallow taken out of any text.

use proptest::prelude::*;
use serde_json::Value;

use crate::decode::{clean, json};

/// The flattening by a tree of values that the walk replaced.
fn flattened(value: &Value, path: &str, pairs: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flattened(value, &path, pairs);
            }
        }
        _ if path.starts_with('@') || json::meaning(path).is_some() => {}
        Value::String(text) if !text.contains([' ', '"']) => pairs.push(format!("{path}={text}")),
        other => pairs.push(format!("{path}={other}")),
    }
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c \"\\\\\n\u{e9}\u{1}/]{0,6}".prop_map(Value::from),
    ];
    let key = || prop_oneof!["[a-c@.\" ]{0,3}", "level|host|a|b"];
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(key(), value, 0..5)
        .prop_map(|object| Value::Object(object.into_iter().collect()))
}

const CONTROLS: &[u8] = b"\x1b\xc2\x9b\x9c\x9d\x90\x07\\[]P(a \n\xc3\xa9";

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flattening_by_position_equals_that_by_tree(document in document(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let text = text.unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut pairs = Vec::new();
        flattened(&document, "", &mut pairs);
        pairs.sort();
        prop_assert_eq!(json::flatten(&text), pairs.join(" "));
    }

    #[test]
    fn walks_over_text_that_is_no_json_end(text in "[\\[\\]{}:,\"\\\\a1 é]{0,40}") {
        json::flatten(&text);
        json::scan::members(&text).chain(json::scan::elements(&text).map(|one| (one.into(), one))).count();
        json::scan::compact(&text, 16);
        json::scan::depth(text.as_bytes());
    }

    #[test]
    fn content_holds_no_escape_and_no_c1_control(text in prop::collection::vec(prop::sample::select(CONTROLS.to_vec()), 0..60)) {
        let plain = clean::uncolour(&text);
        let is_c1 = |pair: &[u8]| pair[0] == 0xc2 && (0x80..=0x9f).contains(&pair[1]);
        prop_assert!(!plain.contains(&0x1b) && !plain.windows(2).any(is_c1), "{plain:?}");
    }
}

#[test]
fn what_a_terminal_would_swallow_is_taken_out() {
    let cases: [(&str, &str); 14] = [
        ("\u{1b}]0;title\u{7}a", "a"),
        ("\u{1b}]52;c;cm0=\u{1b}\\a", "a"),
        ("\u{1b}]8;;http://x\u{9c}a", "a"),
        ("\u{1b}P+q544e\u{1b}\\\u{1b}_x\u{1b}\\\u{1b}^x\u{1b}\\\u{1b}Xx\u{1b}\\a", "a"),
        ("\u{9d}0;title\u{9c}\u{9b}31ma\u{85}", "a"),
        ("\u{1b}ca\u{1b}(B\u{1b}7", "a"),
        ("\u{1b}[38;2;1;2;3ma\u{1b}[0m", "a"),
        ("a \u{1b}]0;never ends", "a 0;never ends"),
        ("a\u{1b}]0;\nb\u{7}", "a0;\nb\u{7}"),
        ("\u{1b}[31\u{1b}[32ma", "31a"),
        ("a\u{1b}", "a"),
        ("\u{1b}\u{1b}[1ma", "a"),
        ("5 °C, 3 £, é", "5 °C, 3 £, é"),
        ("a\tb", "a\tb"),
    ];
    for (text, plain) in cases {
        let given = clean::uncolour(text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&given), plain, "{text:?}");
    }
}
