//! Structured payloads: no line is lost, every record has a service and content, and a decoder that
//! is restored after each payload says what one says that never stopped.
//!
//! An input is the name of a format on the first line and a payload on each further one.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use logwake_detector::record::Record;
use logwake_fuzz::json;
use logwake_fuzz::stages::decoder_options;
use logwake_ingest::decode::{Decoder, DecoderOptions, Format, Reason, Sink};

/// What a decoder gave, and how many lines it accounted for.
#[derive(Default)]
struct Collected {
    records: Vec<String>,
    lines: u64,
}

impl Sink for Collected {
    fn record(&mut self, record: &Record<'_>) {
        assert!(!record.service.is_empty(), "a record has a service");
        assert!(!record.content.is_empty(), "a record has content");
        assert!(record.lines > 0, "a record has lines");
        self.lines += u64::from(record.lines);
        self.records.push(format!("{record:?}"));
    }

    fn reject(&mut self, offset: u64, lines: u32, reason: Reason, _payload: &[u8]) {
        self.lines += u64::from(lines);
        self.records.push(format!("{offset} {lines} {reason}"));
    }
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|&byte| byte == b'\n');
    let name = parts.next().and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default();
    let Ok(format) = name.parse::<Format>() else { return };
    let options = Arc::new(DecoderOptions { format, ..(*decoder_options()).clone() });
    let payloads: Vec<&[u8]> = parts.collect();
    let straight = decode(&options, &payloads, false);
    let restarted = decode(&options, &payloads, true);
    assert_eq!(straight, restarted, "a restart changes nothing");
});

fuzz_mutator!(|data: &mut [u8], size: usize, size_max: usize, seed: u32| {
    let words = include_str!("../dictionaries/envelope.dict");
    let ends: Vec<usize> = (0..size).filter(|&at| data[at] == b'\n').collect();
    // Only the last payload can grow in place.
    match ends.last() {
        Some(&end) if seed % 4 > 0 && size <= size_max && end + 1 < size_max => {
            let begin = end + 1;
            begin + json::mutate(&mut data[begin..], size - begin, size_max - begin, seed, words)
        }
        _ => libfuzzer_sys::fuzzer_mutate(data, size, size_max),
    }
});

fn decode(options: &Arc<DecoderOptions>, payloads: &[&[u8]], restarts: bool) -> Vec<String> {
    let mut decoder = Decoder::new(Arc::clone(options), "fuzzed");
    let (mut sink, mut lines) = (Collected::default(), 0);
    for (offset, payload) in (0..).zip(payloads) {
        lines += u64::from(decoder.push(payload, offset, None, &mut sink));
        assert_eq!(sink.lines + decoder.pending_lines(), lines, "lines in are lines out or held");
        if restarts {
            let kept = postcard::to_stdvec(&decoder.state()).expect("a state is written");
            let state = postcard::from_bytes(&kept).expect("a state is readable");
            decoder = Decoder::restore(Arc::clone(options), "fuzzed", state);
        }
    }
    decoder.flush(&mut sink);
    assert_eq!(sink.lines, lines, "lines in are lines out");
    sink.records
}
