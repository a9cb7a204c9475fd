//! Every payload is decoded or rejected, and no line is lost on the way.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use logwake_detector::record::Record;
use logwake_ingest::decode::{Decoder, DecoderOptions, Reason, Sink};

#[derive(Default)]
struct Counted {
    lines: u64,
}

impl Sink for Counted {
    fn record(&mut self, record: &Record<'_>) {
        self.lines += u64::from(record.lines);
    }

    fn reject(&mut self, _offset: u64, lines: u32, _reason: Reason, _payload: &[u8]) {
        self.lines += u64::from(lines);
    }
}

// The first byte, a digit in the seeds, says how the rest is cut to payloads: at line ends if it is
// odd, or not at all.
fuzz_target!(|input: &[u8]| {
    let Some((&first, rest)) = input.split_first() else { return };
    let options =
        Arc::new(DecoderOptions { line_bytes_max: 16 << 10, ..DecoderOptions::default() });
    let mut decoder = Decoder::new(Arc::clone(&options), "fuzzed");
    let mut sink = Counted::default();
    let mut lines = 0;
    let cut = |byte: &u8| first & 1 == 1 && *byte == b'\n';
    for (offset, payload) in (0..).zip(rest.split(cut)) {
        lines += u64::from(decoder.push(payload, offset, None, &mut sink));
        assert_eq!(sink.lines + decoder.pending_lines(), lines, "lines in are lines out or held");
        if first & 2 == 2 {
            decoder = Decoder::restore(Arc::clone(&options), "fuzzed", decoder.state());
        }
    }
    decoder.flush(&mut sink);
    assert_eq!(sink.lines, lines, "lines in are lines out");
});
