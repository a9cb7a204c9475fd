//! Work grows with the size of a payload, whatever is in it.

use super::hostile::*;
use super::*;
use crate::decode::steps;

/// Fragments whose repetition is a payload of its own.
const FRAGMENTS: [&str; 44] = [
    "\u{1b}]",
    "\u{1b}[",
    "\u{1b}[1",
    "\u{1b}P",
    "\u{1b}_\u{1b}]",
    "\u{1b}(",
    "\u{1b} ",
    "\u{1b}",
    "\u{9d}",
    "\u{9b}",
    "\u{c2}\u{1b}]0;",
    "[",
    "]",
    "[[]",
    "{",
    "}",
    "\"",
    "\\",
    "\\\"",
    "<",
    "<34>",
    "<34>1 ",
    "a=",
    "a=\"",
    "key=\"",
    "level=",
    "msg=a ",
    "a-b | ",
    "#012",
    "[INFO]",
    "[INFO] [",
    "2026-03-04T10:00:00Z ",
    CRI_PIECE,
    "1 ",
    "- ",
    "- : | ",
    "|a",
    "\t",
    "a.",
    "* ",
    "{\"a\":",
    "{\"message\":\"",
    "panic: \n",
    "thread '",
];

/// Payloads of so many bytes that begin as something and go on without end.
fn patterns(bytes: usize) -> Vec<(String, Vec<u8>)> {
    let mut patterns: Vec<_> = FRAGMENTS
        .iter()
        .map(|fragment| (fragment.escape_debug().to_string(), repeated(fragment.as_bytes(), bytes)))
        .collect();
    let heads = [
        "2026-03-04 10:00:00 ",
        "level=info msg=\"",
        "<13>1 2026-03-04T10:00:00Z h a 1 2 [a ",
        "thread 'a ",
        CRI_PIECE,
        "203.0.113.9 - - [04/Mar/2026:10:00:00 +0000] \"",
        "- 1772618400 2026.03.04 ",
        "2026-03-04 10:00:00.",
    ];
    for head in heads {
        for tail in [" ", "\"", "0", "[", "\\", "a=b ", "- ", "' panicked a"] {
            let text = [head.as_bytes(), &repeated(tail.as_bytes(), bytes)].concat();
            patterns.push((format!("{head}{tail}"), text));
        }
    }
    let mut add =
        |name: &str, payload: String| patterns.push((name.to_owned(), payload.into_bytes()));
    let many = |text: &str| vec![text; bytes / (2 * text.len() + 2)].join(",");
    let keys: Vec<_> = (0..bytes / 10).map(|at| format!("\"{at:06}\":1")).collect();
    add("many keys", format!("{{{}}}", keys.join(",")));
    add("long key over many", format!("{{\"{}\":{{{}}}}}", "k".repeat(bytes / 2), keys.join(",")));
    add("arrays", format!("{{\"a\":[{}]}}", many("[{}]")));
    add("one key again", format!("{{{}}}", many("\"message\":\"\\n\"")));
    add("deep keys", String::from_utf8(nested("{\"a\":", "1", "}", bytes)).unwrap());
    add("matryoshka", String::from_utf8(matryoshka("x".repeat(bytes / 8))).unwrap());
    let logs = |attributes: &str, records: &str| {
        format!(
            r#"{{"resourceLogs":[{{"resource":{{"attributes":[{attributes}]}},"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#
        )
    };
    add("otlp", logs(&many(r#"{"key":"k"}"#), &many("{}")));
    add(
        "otlp names",
        logs(
            &many(r#"{"key":"host.name","value":{"stringValue":"\n"}}"#),
            &many(r#"{"body":{"stringValue":"a"}}"#),
        ),
    );
    let list = format!(
        r#"{{"body":{{"kvlistValue":{{"values":[{}]}}}}}}"#,
        many(r#"{"key":"a","value":{"intValue":1}}"#)
    );
    add("otlp body", logs("", &list));
    let deep = nested(r#"{"arrayValue":{"values":["#, "1", "]}}", bytes);
    add("otlp deep", logs("", &format!(r#"{{"body":{}}}"#, String::from_utf8(deep).unwrap())));
    patterns
}

fn steps_of(payload: &[u8]) -> usize {
    steps::take();
    let options = DecoderOptions { line_bytes_max: 16 * payload.len(), ..options("auto") };
    decoded(options, &[payload.to_vec()]);
    steps::take()
}

#[test]
fn work_grows_no_faster_than_the_payload() {
    const BYTES: usize = 16 << 10;
    let sizes = [patterns(BYTES), patterns(2 * BYTES), patterns(4 * BYTES)];
    for ((small, middle), large) in sizes[0].iter().zip(&sizes[1]).zip(&sizes[2]) {
        let steps = [small, middle, large].map(|(_, payload)| (steps_of(payload), payload.len()));
        for pair in steps.windows(2) {
            let ((before, before_bytes), (after, after_bytes)) = (pair[0], pair[1]);
            let grown = after as f64 / before.max(1000) as f64;
            let doubled = after_bytes as f64 / before_bytes as f64 / 2.0;
            assert!(grown < 2.5 * doubled.max(1.0), "{}: {steps:?}", small.0);
        }
        assert!(steps[2].0 < 200 * steps[2].1, "{}: {steps:?}", small.0);
    }
}

#[test]
fn work_grows_no_faster_than_the_number_of_pieces() {
    let steps = [1, 2, 4].map(|times| {
        let piece = repeated(CRI_PIECE.as_bytes(), 600);
        let payloads = vec![piece; 100 * times];
        steps::take();
        decoded(options("auto"), &payloads);
        steps::take()
    });
    assert!(steps[1] < steps[0] * 5 / 2 && steps[2] < steps[1] * 5 / 2, "{steps:?}");
}
