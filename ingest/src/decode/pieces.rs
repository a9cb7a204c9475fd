//! Puts the pieces of cut lines together, and goes on with the whole.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Decoder;
use super::bounded::{Bounded, TextKind};
use super::draft::Outer;
use super::partial::{self, Partial};
use super::sink::Sink;

impl Decoder {
    pub(super) fn cri<S: Sink>(&mut self, cri: partial::Cri<'_>, outer: Outer<'_>, sink: &mut S) {
        let time = self.calendar.resolve(cri.stamp, outer.arrival);
        let stream =
            xxh3_64_with_seed(if cri.is_stderr { b"stderr" } else { b"stdout" }, outer.stream);
        let inner = Outer { time: time.or(outer.time), stream, depth: outer.depth + 1, ..outer };
        if cri.is_partial && !outer.is_joined || !self.partials.is_empty() {
            self.piece(cri.text, cri.is_partial && !outer.is_joined, inner, sink);
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
        let len = self.partials.add(outer.stream, (text, outer.lines), || Partial {
            offset: outer.offset,
            time: outer.time,
            arrival: outer.arrival,
            service: Bounded::new(outer.service, TextKind::Service, sink).as_str().to_owned(),
            is_service_weak: outer.is_service_weak,
            host: Bounded::new(outer.host, TextKind::Host, sink).as_str().to_owned(),
            ..Partial::default()
        });
        if len > self.options.line_bytes_max
            && let Some(whole) = self.partials.take(outer.stream)
        {
            self.text(&whole.text, reopened(&whole, outer.stream, outer.depth), sink);
        }
    }

    /// Completes the oldest lines where too many are open; what is put together opens none.
    pub(super) fn complete_excess<S: Sink>(&mut self, sink: &mut S) {
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
        is_joined: true,
        ..Outer::new(&whole.text, whole.offset, whole.arrival)
    }
}
