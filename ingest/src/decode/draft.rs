//! A record in the making, and what the layers around its text say about it.

use logwake_detector::record::Level;
use logwake_detector::time::Timestamp;

use super::bounded::Bounded;

/// What the payload around a text states; the text itself may know better.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outer<'a> {
    /// The payload as it came, for the dead letter.
    pub(crate) payload: &'a [u8],
    pub(crate) offset: u64,
    pub(crate) lines: u32,
    /// Time that the payload states.
    pub(crate) time: Option<Timestamp>,
    /// Time of the transport, the last resort.
    pub(crate) arrival: Option<Timestamp>,
    pub(crate) level: Level,
    /// A level that the text's own overrules: syslog priorities, which containers and journals set by default.
    pub(crate) weak_level: Level,
    pub(crate) service: &'a str,
    /// Whether the service is only guessed from a file or data set, so that a program named in the text wins.
    pub(crate) is_service_weak: bool,
    pub(crate) host: &'a str,
    pub(crate) template: Option<&'a str>,
    /// Trace id that the payload states.
    pub(crate) trace: Option<&'a str>,
    /// Names the stream inside the source: service, host, file, container.
    pub(crate) stream: u64,
    /// Whether the text is what a program printed rather than a field of a structured record.
    pub(crate) is_raw: bool,
    /// How many layers are around the text.
    pub(crate) depth: u8,
    /// Whether the text was put together from pieces, and so is none itself.
    pub(crate) is_joined: bool,
}

impl<'a> Outer<'a> {
    pub(crate) fn new(payload: &'a [u8], offset: u64, arrival: Option<Timestamp>) -> Self {
        Self {
            payload,
            offset,
            lines: 1,
            time: None,
            arrival,
            level: Level::Unknown,
            weak_level: Level::Unknown,
            service: "",
            is_service_weak: true,
            host: "",
            template: None,
            trace: None,
            stream: 0,
            is_raw: true,
            depth: 0,
            is_joined: false,
        }
    }
}

/// A decoded entry that may still be joined with its neighbours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) offset: u64,
    pub(crate) lines: u32,
    pub(crate) time: Option<Timestamp>,
    pub(crate) service: Bounded<'a>,
    pub(crate) host: Bounded<'a>,
    pub(crate) level: Level,
    pub(crate) content: &'a [u8],
    pub(crate) template: Option<Bounded<'a>>,
    pub(crate) trace: Option<Bounded<'a>>,
    /// The text with its header: what a continuation adds, and what the user's start rule looks at.
    pub(crate) text: &'a [u8],
    pub(crate) stream: u64,
    pub(crate) is_headed: bool,
    pub(crate) is_raw: bool,
}
