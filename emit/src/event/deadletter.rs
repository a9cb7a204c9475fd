//! The headers of a dead letter: the payload goes out as it came, so all that is known about it
//! stands in headers, whose values are text.
//!
//! ECS calls input that cannot be decoded `pipeline_error`; what a sink would not take is an
//! `alert` still.

use std::borrow::Cow;
use std::sync::Arc;

use logwake_detector::record::Source;

/// Header with `event.kind`.
const KIND: &str = "event.kind";
/// Header with the topic that the payload came from.
const TOPIC: &str = "logwake.source.topic";
/// Header with its partition.
const PARTITION: &str = "logwake.source.partition";
/// Header with its offset.
const OFFSET: &str = "logwake.source.offset";
/// Header with the file that the line came from.
const FILE: &str = "logwake.source.file";
/// Header with the number of the line, from 1.
const LINE: &str = "logwake.source.line";
/// Header that says what is wrong.
const REASON: &str = "logwake.reason";

/// Longest reason, bytes; headers count for the limit of a message.
const REASON_BYTES_MAX: usize = 4 << 10;

/// Returns the headers of the payload at `offset` (for files: line number from 0).
pub fn dead_letter_headers(
    source: &Source,
    offset: u64,
    reason: &str,
) -> Vec<(Cow<'static, str>, String)> {
    let mut headers = vec![(KIND, "pipeline_error".to_owned())];
    match source {
        Source::Partition { topic, partition } => headers.extend([
            (TOPIC, topic.to_string()),
            (PARTITION, partition.to_string()),
            (OFFSET, offset.to_string()),
        ]),
        Source::File { path } => {
            headers.extend([(FILE, path.to_string()), (LINE, offset.saturating_add(1).to_string())])
        }
    }
    headers.push((REASON, cut(reason).to_owned()));
    headers.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

/// Header with the bytes that a payload or an event had before it was cut.
pub const BYTES_HEADER: &str = "logwake.payload.bytes";
/// Header with the offset behind the last payload that a dead letter stands for, where those are
/// several.
pub const END_HEADER: &str = "logwake.offset.end";

/// Header with the name of the sink that did not take it.
const SINK: &str = "logwake.sink";
/// Header with the id of the change of the alert, or of the digest at one of its revisions.
const CHANGE: &str = "logwake.change";

/// Returns the headers of an event that a sink did not take.
pub fn undelivered_headers(
    sink: &str,
    change: &str,
    reason: &str,
) -> Vec<(Cow<'static, str>, String)> {
    [(KIND, "alert"), (SINK, sink), (CHANGE, change), (REASON, cut(reason))]
        .map(|(key, value)| (key.into(), value.to_owned()))
        .to_vec()
}

fn cut(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

/// What the headers of a dead letter say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where the payload came from.
    pub source: Source,
    /// Its offset, for files its line number from 0.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl DeadLetter {
    /// Reads the headers back, in any order and among others; `None` where they are not complete.
    pub fn from_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let headers: Vec<(&str, &str)> = headers.into_iter().collect();
        let find = |name| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let (source, offset) = match (find(TOPIC), find(FILE)) {
            (Some(topic), _) => {
                let partition = find(PARTITION)?.parse().ok()?;
                let offset = find(OFFSET)?.parse().ok()?;
                (Source::Partition { topic: Arc::from(topic), partition }, offset)
            }
            (None, Some(path)) => {
                let line: u64 = find(LINE)?.parse().ok()?;
                (Source::File { path: Arc::from(path) }, line.checked_sub(1)?)
            }
            (None, None) => return None,
        };
        Some(Self { source, offset, reason: find(REASON)?.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_headers_say_comes_back() {
        let sources = [
            Source::Partition { topic: "logs".into(), partition: 3 },
            Source::File { path: "-".into() },
        ];
        for source in sources {
            let headers = dead_letter_headers(&source, 41, "not UTF-8 at byte 7");
            let read = DeadLetter::from_headers(
                headers.iter().map(|(key, value)| (key.as_ref(), value.as_str())),
            );
            let reason = "not UTF-8 at byte 7".to_owned();
            assert_eq!(read, Some(DeadLetter { source, offset: 41, reason }));
        }
        assert_eq!(DeadLetter::from_headers([(TOPIC, "logs")]), None);
    }
}
