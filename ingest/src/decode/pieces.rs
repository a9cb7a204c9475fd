//! Puts the pieces of cut lines together, and goes on with the whole.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Decoder;
use super::draft::Outer;
use super::partial::{self, Partial};
use super::sink::Sink;

impl Decoder {
    pub(super) fn cri<S: Sink>(&mut self, cri: partial::Cri<'_>, outer: Outer<'_>, sink: &mut S) {
        let time = self.calendar.resolve(cri.stamp, outer.arrival);
        let stream =
            xxh3_64_with_seed(if cri.is_stderr { b"stderr" } else { b"stdout" }, outer.stream);
        let inner = Outer { time: time.or(outer.time), stream, depth: outer.depth + 1, ..outer };
        if cri.is_partial || !self.partials.is_empty() {
            self.piece(cri.text, cri.is_partial, inner, sink);
        } else {
            self.text(cri.text, inner, sink);
        }
    }

    /// Adds a piece to its line; a last piece, or one at the limits, completes it.
    pub(super) fn piece<S: Sink>(
        &mut self,
        text: &[u8],
        is_partial: bool,
        outer: Outer<'_>,
        sink: &mut S,
    ) {
        if !is_partial {
            let Some(mut whole) = self.partials.take(outer.stream) else {
                return self.text(text, outer, sink);
            };
            whole.text.extend_from_slice(text);
            whole.lines += outer.lines;
            return self.text(&whole.text, reopened(&whole, outer.stream, outer.depth), sink);
        }
        let open = self.partials.entry(outer.stream, || Partial {
            offset: outer.offset,
            time: outer.time,
            arrival: outer.arrival,
            service: outer.service.to_owned(),
            is_service_weak: outer.is_service_weak,
            host: outer.host.to_owned(),
            ..Partial::default()
        });
        open.text.extend_from_slice(text);
        open.lines += outer.lines;
        if open.text.len() > self.options.line_bytes_max
            && let Some(whole) = self.partials.take(outer.stream)
        {
            self.text(&whole.text, reopened(&whole, outer.stream, outer.depth), sink);
        }
        while self.partials.is_full() {
            self.complete_oldest(sink);
        }
    }

    pub(super) fn flush_partials<S: Sink>(&mut self, sink: &mut S) {
        while !self.partials.is_empty() {
            self.complete_oldest(sink);
        }
    }

    fn complete_oldest<S: Sink>(&mut self, sink: &mut S) {
        if let Some((stream, whole)) = self.partials.take_oldest() {
            self.text(&whole.text, reopened(&whole, stream, 1), sink);
        }
    }
}

/// The surroundings of a line that was put together.
fn reopened(whole: &Partial, stream: u64, depth: u8) -> Outer<'_> {
    Outer {
        lines: whole.lines,
        time: whole.time,
        service: &whole.service,
        is_service_weak: whole.is_service_weak,
        host: &whole.host,
        stream,
        depth,
        ..Outer::new(&whole.text, whole.offset, whole.arrival)
    }
}
