//! Every text of a record has a limit.

use std::collections::BTreeMap;

use logwake_models::template::CONTENT_BYTES_MAX;
use serde_json::json;

use super::hostile::*;
use super::*;

#[test]
fn a_document_without_message_is_written_within_the_limit_of_content() {
    let leaves: Vec<_> = (0..20_000).map(|at| format!("\"{at:05}\":1")).collect();
    let path = "k".repeat(40_000);
    let shapes = [
        format!("{{\"{path}\":{{{}}}}}", leaves.join(",")),
        format!("{{\"a\":\"{}\"}}", "\\\" ".repeat(200_000)),
        format!("{{\"a\":[{}]}}", vec!["{\"b\": 1}"; 60_000].join(", ")),
        format!("{{{}}}", leaves.join(",")),
    ];
    for document in shapes {
        let counted = decoded(options("auto"), &[document.into_bytes()]);
        assert!(counted.content_bytes <= CONTENT_BYTES_MAX + 2, "{} bytes", counted.content_bytes);
        assert!(counted.content_bytes > CONTENT_BYTES_MAX / 2, "{} bytes", counted.content_bytes);
    }
}

#[test]
fn texts_beyond_their_limit_are_cut_and_counted() {
    let long = "é".repeat(5_000);
    let document =
        json!({ "message": "a", "service": long, "host": long, "@mt": long, "trace_id": long });
    let request = json!({ "resourceLogs": [{
        "resource": { "attributes": [
            { "key": "service.name", "value": { "stringValue": long } },
            { "key": "host.name", "value": { "stringValue": long } },
        ] },
        "scopeLogs": [{ "logRecords": [{ "traceId": long, "body": { "stringValue": "a" }, "attributes": [
            { "key": "log.record.template", "value": { "stringValue": long } },
        ] }] }],
    }] });
    let piece = json!({ "log": "a", "logtag": "P", "service": long, "host": long });
    let name = "a".repeat(10_000);
    let payloads = [
        document.to_string(),
        request.to_string(),
        piece.to_string(),
        format!("level=info msg=a service={name} host={name}"),
        format!("<13>1 2026-03-04T10:00:00Z {name} {name} 1 2 - a"),
    ];
    let payloads = payloads.map(String::into_bytes);
    let all = regex::bytes::Regex::new(".+").unwrap();
    for is_joined in [true, false] {
        let multiline = MultilineOptions { enabled: is_joined, ..MultilineOptions::default() };
        for session_key in [None, Some(all.clone())] {
            let (multiline, session_by_trace) = (multiline.clone(), true);
            let own =
                DecoderOptions { multiline, session_by_trace, session_key, ..options("auto") };
            let cuts = decoded(own, &payloads).cuts;
            let expected = [("service", 5), ("host", 5), ("template", 2), ("trace", 2)];
            let cuts: Vec<_> = cuts.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
            assert_eq!(cuts, expected);
        }
    }
    let session_key = Some(regex::bytes::Regex::new("id=(.*)").unwrap());
    let own = DecoderOptions { session_key, ..options("auto") };
    let counted = decoded(own, &[format!("id={}", "é".repeat(100)).into_bytes()]);
    assert_eq!(counted.cuts, BTreeMap::from([(TextKind::Session, 1)]));
}

#[test]
fn names_kept_by_an_older_version_are_cut_when_they_are_read_back() {
    let mut decoder = Decoder::new(Arc::new(options("auto")), "svc");
    decoder.push(
        br#"{"message":"ERROR a","service":"svc-of-old"}"#,
        0,
        None,
        &mut Counted::default(),
    );
    let bytes = postcard::to_allocvec(&decoder.state()).unwrap();
    let at = bytes.windows(10).position(|window| window == b"svc-of-old").unwrap();
    let long = "s".repeat(1_000);
    let head = &bytes[..at - 1];
    let state = [head, &[0xe8, 0x07], long.as_bytes(), &bytes[at + 10..]].concat();
    let state = postcard::from_bytes(&state).unwrap();
    let mut decoder = Decoder::restore(Arc::new(options("auto")), "svc", state);
    let mut counted = Counted::default();
    decoder.flush(&mut counted);
    assert_eq!(counted.lines, 1);
}

#[test]
fn held_entries_are_bounded_by_all_their_texts() {
    let mut decoder = Decoder::new(Arc::new(options("auto")), "svc");
    let mut counted = Counted::default();
    let template = "t".repeat(4 << 10);
    for at in 0..1_000 {
        let host = format!("{at}{}", "h".repeat(250));
        let payload = json!({ "message": "x".repeat(6 << 10), "host": host, "@mt": template });
        decoder.push(payload.to_string().as_bytes(), at, None, &mut counted);
    }
    assert!(decoder.pending_lines() < 820, "{} lines of 10.5 KB", decoder.pending_lines());
}
