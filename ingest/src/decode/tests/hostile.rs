//! Hostile payloads, and a sink that holds what they become within the limits.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

pub(super) const PAYLOAD_BYTES: usize = 1 << 20;
pub(super) const CRI_PIECE: &str = "2026-03-04T10:00:00Z stdout P ";

/// Counts what a decoder gives, and holds it within the limits.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) lines: u64,
    pub(super) content_bytes: usize,
    pub(super) cuts: BTreeMap<TextKind, usize>,
}

impl Sink for Counted {
    fn record(&mut self, record: &Record<'_>) {
        self.lines += u64::from(record.lines);
        self.content_bytes = self.content_bytes.max(record.content.len());
        let texts = [
            (TextKind::Service, Some(record.service)),
            (TextKind::Host, Some(record.host)),
            (TextKind::Template, record.template),
            (TextKind::Session, record.session),
        ];
        for (kind, text) in texts {
            let len = text.unwrap_or_default().len();
            assert!(len <= kind.bytes_max(), "{kind} has {len} bytes");
        }
    }

    fn reject(&mut self, _: u64, lines: u32, _: Reason, _: &[u8]) {
        self.lines += u64::from(lines);
    }

    fn cut(&mut self, kind: TextKind) {
        *self.cuts.entry(kind).or_default() += 1;
    }
}

pub(super) fn decoded(options: DecoderOptions, payloads: &[Vec<u8>]) -> Counted {
    let mut decoder = Decoder::new(Arc::new(options), "svc");
    let (mut sink, mut pushed) = (Counted::default(), 0);
    for (offset, payload) in (0..).zip(payloads) {
        pushed += u64::from(decoder.push(payload, offset, None, &mut sink));
    }
    decoder.flush(&mut sink);
    assert_eq!(sink.lines, pushed, "lines in are lines out");
    sink
}

/// A fragment again and again, up to so many bytes.
pub(super) fn repeated(fragment: &[u8], bytes: usize) -> Vec<u8> {
    fragment.iter().copied().cycle().take(bytes).collect()
}

/// A core with as many layers around it as fit.
pub(super) fn nested(open: &str, core: &str, close: &str, bytes: usize) -> Vec<u8> {
    let levels = bytes.saturating_sub(core.len()) / (open.len() + close.len()).max(1);
    [open.repeat(levels), core.to_owned(), close.repeat(levels)].concat().into_bytes()
}

/// A document in a document, as deep as escapes allow.
pub(super) fn matryoshka(mut text: String) -> Vec<u8> {
    loop {
        let next = json!({ "message": text, "logtag": "P" }).to_string();
        if next.len() > PAYLOAD_BYTES {
            return text.into_bytes();
        }
        text = next;
    }
}
