//! Whatever the bytes: no panic, no line lost or doubled, and a restart changes nothing.

use proptest::prelude::*;

use super::*;

fn format() -> impl Strategy<Value = &'static str> {
    prop::sample::select(Format::NAMES.to_vec())
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let line =
        prop::sample::select(samples::MIXED.to_vec()).prop_map(|line| line.as_bytes().to_vec());
    let cut = (prop::sample::select(samples::MIXED.to_vec()), 0..80_usize, any::<u8>()).prop_map(
        |(line, at, byte)| {
            let mut line = line.as_bytes().to_vec();
            let at = at % (line.len() + 1);
            line.truncate(at);
            line.push(byte);
            line
        },
    );
    let shaped = "[-0-9A-Za-z:., /\\[\\]{}\"=<>#*+|]{0,48}".prop_map(String::into_bytes);
    prop_oneof![6 => line, 2 => cut, 2 => shaped, 1 => prop::collection::vec(any::<u8>(), 0..64)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_conserved(format in format(), payloads in prop::collection::vec(payload(), 0..40)) {
        let payloads: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
        decode(options(format), &payloads);
    }

    #[test]
    fn restart_changes_nothing(format in format(), payloads in prop::collection::vec(payload(), 0..40), every in 1..7_usize) {
        let slices: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
        let expected = decode(options(format), &slices);
        let options = Arc::new(options(format));
        let mut decoder = Decoder::new(options.clone(), "svc");
        let mut out = Collected::default();
        for (offset, payload) in payloads.iter().enumerate() {
            decoder.push(payload, offset as u64, None, &mut out);
            if offset % every == 0 {
                let bytes = postcard::to_allocvec(&decoder.state()).unwrap();
                decoder = Decoder::restore(options.clone(), "svc", postcard::from_bytes(&bytes).unwrap());
            }
        }
        decoder.flush(&mut out);
        prop_assert_eq!(out.text, expected);
    }

    #[test]
    fn stamps_of_any_shape_are_safe(text in "[0-9]{1,8}[-/. :T][0-9A-Za-z]{1,4}[-/. :,][0-9]{1,4}[ T:.,_-]{0,2}[0-9:.,+Z -]{0,30}") {
        each("auto", &text);
    }
}

#[test]
fn quiet_streams_and_many_streams_are_let_go() {
    let mut decoder = Decoder::new(Arc::new(options("auto")), "svc");
    let mut out = Collected::default();
    for at in 0..5000_u64 {
        let service = if at < 3000 { at } else { 0 };
        let payload = format!(r#"{{"message":"INFO a","service":"s{service}"}}"#);
        decoder.push(payload.as_bytes(), at, None, &mut out);
        assert_eq!(out.lines + decoder.pending_lines(), at + 1);
        assert!(decoder.pending_lines() <= 1024);
    }
    assert_eq!(decoder.pending_lines(), 1);
}
