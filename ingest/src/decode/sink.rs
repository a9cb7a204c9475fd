//! Where decoded records and rejected payloads go.

use std::fmt;

use logwake_detector::record::Record;

use super::bounded::TextKind;

/// Takes what a decoder makes of payloads, in order.
pub trait Sink {
    /// Takes one record; it borrows from the payload or the decoder.
    fn record(&mut self, record: &Record<'_>);

    /// Takes a payload that could not be decoded; `offset` and `lines` say which physical lines it stands for.
    fn reject(&mut self, offset: u64, lines: u32, reason: Reason, payload: &[u8]);

    /// Learns that a text of the next record was longer than its limit and cut; does nothing unless defined.
    fn cut(&mut self, _kind: TextKind) {}
}

/// Why a payload could not be decoded; a closed list, so that it can label a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nothing in it but white space, line ends or NUL bytes.
    Empty,
    /// Longer than the limit.
    TooLong,
    /// UTF-16 or UTF-32 text.
    InvalidEncoding,
    /// Not valid JSON, where JSON is expected.
    InvalidJson,
    /// Valid JSON, but not an object.
    NotAnObject,
    /// Not an OpenTelemetry logs request.
    InvalidOtlp,
    /// Not written in the format that is configured.
    FormatMismatch,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Empty,
        Self::TooLong,
        Self::InvalidEncoding,
        Self::InvalidJson,
        Self::NotAnObject,
        Self::InvalidOtlp,
        Self::FormatMismatch,
    ];

    /// Returns the name for metric labels and headers of dead letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::InvalidEncoding => "invalid_encoding",
            Self::InvalidJson => "invalid_json",
            Self::NotAnObject => "not_an_object",
            Self::InvalidOtlp => "invalid_otlp",
            Self::FormatMismatch => "format_mismatch",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
