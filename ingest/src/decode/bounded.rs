//! The texts that a record carries beside its content, and the one door through which they go.
//!
//! Payloads name services, hosts and templates of any length, and each is kept several times on its way to an
//! event. [`Bounded`] is made here alone, so a draft cannot hold a text beyond its limit.

use std::fmt;

use super::sink::Sink;

/// Bytes of a service or host: the longest name of DNS (RFC 1035, section 2.3.4), and of RFC 5424's HOSTNAME.
const NAME_BYTES_MAX: usize = 255;
/// Bytes of an upstream template: as much as is masked of a line.
const TEMPLATE_BYTES_MAX: usize = 4 << 10;
/// Bytes of a session key, as the tally stage keeps it; a trace id of W3C has 32.
const KEY_BYTES_MAX: usize = 128;

/// A text that a record carries beside its content; a closed list, so that it can label a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextKind {
    /// The service that wrote the record.
    Service,
    /// The host that it ran on.
    Host,
    /// The template that an upstream collector found.
    Template,
    /// What the session key found.
    Session,
    /// The trace id.
    Trace,
}

impl TextKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 5] =
        [Self::Service, Self::Host, Self::Template, Self::Session, Self::Trace];

    /// Returns the name for metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Host => "host",
            Self::Template => "template",
            Self::Session => "session",
            Self::Trace => "trace",
        }
    }

    /// Returns the most bytes that are kept.
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Service | Self::Host => NAME_BYTES_MAX,
            Self::Template => TEMPLATE_BYTES_MAX,
            Self::Session | Self::Trace => KEY_BYTES_MAX,
        }
    }
}

impl fmt::Display for TextKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text within the limit of its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounded<'a>(&'a str);

impl<'a> Bounded<'a> {
    /// Cuts a text to its limit at a character; the sink learns of each cut.
    pub(crate) fn new<S: Sink>(text: &'a str, kind: TextKind, sink: &mut S) -> Self {
        let kept = head(text, kind.bytes_max());
        if kept.len() < text.len() {
            sink.cut(kind);
        }
        Self(kept)
    }

    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }
}

/// Returns the longest beginning of a text that has at most so many bytes and ends at a character.
pub(crate) fn head(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

/// Cuts a text that was kept before it had a limit.
pub(crate) fn shorten(text: &mut String, kind: TextKind) {
    let len = head(text, kind.bytes_max()).len();
    if len < text.len() {
        text.truncate(len);
        text.shrink_to_fit();
    }
}
