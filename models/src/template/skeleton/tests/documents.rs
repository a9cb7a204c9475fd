//! JSON documents as content.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_message_decides() {
    let one = r#"{"msg":"disk 7 full","n":1,"user":"ann","in":{"b":[1,2],"a":null}}"#;
    let two = r#"{"in": {"a": 5}, "n": 2.5, "msg": "disk 8 full", "zone": [[1], 2]}"#;
    expect!["{msg: disk <*> full}"].assert_eq(&masked(one));
    assert_eq!(masked(one), masked(two));
}

#[test]
fn other_members_that_tell_are_found() {
    check(
        "{\"ts\":1,\"error\":\"open /a/b: denied\",\"msg\":\"save failed\"}\n\
         {\"type\":\"ORDER_CREATED\",\"id\":7,\"items\":[1,2,3]}\n\
         {\"id\":8,\"log\":{\"level\":\"info\",\"message\":\"took 9 ms\\nand more\"}}\n\
         {\"data\":{\"user\":\"ann\",\"action\":\"login\"},\"at\":12}\n\
         {\"error\":{\"code\":7,\"message\":\"no such key 12\"},\"n\":{\"type\":\"x\"}}\n\
         {\"status\":200,\"path\":\"/a\",\"referrer\":null}\n\
         {\"path\":\"/b/c\",\"status\":404}\n\
         {\"payload\":{\"b\":1,\"a\":{\"c\":2}}}",
        expect![[r#"
            {error: open <*>: denied, msg: save failed}
            {type: ORDER_CREATED}
            {log: {message: took <*> ms}}
            {data: {action: login}}
            {error: {message: no such key <*>}}
            {path: <*>, status: <*>}
            {path: <*>, status: <*>}
            {payload: {a: <*>, b: <*>}}
        "#]],
    );
}

#[test]
fn a_document_inside_a_line_is_a_variable() {
    check(
        "received {\"id\": 7, \"tags\": [\"a\", \"b\"]} from 10.0.0.1\n\
         received {\"tags\": [], \"id\": 8, \"x\": {}} from 10.0.0.2\n\
         batch [{\"a\": \"x\"}, {\"b\": 2}] done with {\"n\":1,\"ok\":true}, set {a, b} and {\"broken\": 7",
        expect![[r#"
            received <*> from <*>
            received <*> from <*>
            batch <*> done with {"n":<*>,"ok":<*>}, set {a, b} and {"broken": <*>
        "#]],
    );
}

/// Numbers that look random and are the same each time.
fn mixed_up(n: u64) -> u64 {
    n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

fn document(n: u64) -> String {
    let seed = mixed_up(n);
    let message = match seed % 5 {
        0 => format!("order {} accepted", seed % 9973),
        1 => format!("payment of {}.{:02} EUR settled", seed % 997, seed % 100),
        2 => "cart emptied".to_owned(),
        3 => format!("retry {} of 5", seed % 4),
        _ => format!("shipped to {:x}", seed),
    };
    let mut members = vec![
        format!(r#""message":"{message}""#),
        format!(r#""level":"{}""#, ["info", "warn"][(seed >> 9) as usize % 2]),
        format!(r#""ts":{}.{:03}"#, 1_760_000_000 + n, n % 1000),
        format!(r#""items":[{}]"#, vec!["1"; (seed >> 12) as usize % 7].join(",")),
        format!(r#""ctx":{{"trace":"{seed:x}","user":{{"id":{}}}}}"#, seed % 77),
    ];
    for (bit, key) in ["host", "pod", "span", "retry", "caller", "tenant"].iter().enumerate() {
        if seed >> (20 + bit) & 1 == 1 {
            let value =
                if seed >> 40 & 1 == 1 { "null".to_owned() } else { format!("\"v{seed}\"") };
            members.push(format!(r#""{key}":{value}"#));
        }
    }
    let turn = (seed >> 30) as usize % members.len();
    members.rotate_left(turn);
    members.swap(0, (seed >> 33) as usize % 5);
    format!("{{{}}}", members.join(","))
}

#[test]
fn a_thousand_documents_are_as_many_templates_as_messages() {
    let skeletons: BTreeSet<String> = (0..1000).map(|n| masked(&document(n))).collect();
    let shown = skeletons.into_iter().collect::<Vec<_>>().join("\n") + "\n";
    expect![[r#"
        {message: cart emptied}
        {message: order <*> accepted}
        {message: payment of <*> EUR settled}
        {message: retry <*> of <*>}
        {message: shipped to <*>}
    "#]]
    .assert_eq(&shown);
}

#[test]
fn a_document_beyond_the_limits_counts_as_far_as_it_goes() {
    let filler = format!("\"blob\":\"{}\"", "x".repeat(5000));
    assert_eq!(
        masked(&format!("{{{filler},\"msg\":\"disk 7 full\"}}")),
        masked("{\"msg\":\"disk 9 full\"}"),
    );
    let filler = format!("\"blob\":\"{}\"", "x".repeat(CONTENT_BYTES_MAX));
    expect!["{msg: disk <*> full}"]
        .assert_eq(&masked(&format!("{{\"msg\":\"disk 7 full\",{filler}}}")));
}
