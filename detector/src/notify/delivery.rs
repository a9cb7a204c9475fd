//! What goes into the notify machine and what comes out of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alert::{AlertState, Decision, Reason};
use crate::anomaly::Severity;
use crate::time::Timestamp;

use super::Digest;

/// A sink and what it is to get.
#[derive(Clone, Debug, PartialEq)]
pub struct SinkSettings {
    /// Name, unique among sinks.
    pub name: String,
    /// Alerts below this severity are not sent.
    pub severity_min: Severity,
    /// Services whose alerts are sent, all where empty; a `*` at the end stands for any rest.
    pub services: Vec<String>,
    /// Whether the end of an alert is sent.
    pub sends_resolved: bool,
    /// Requests in any minute at most.
    pub per_minute: usize,
    /// How many of them only critical alerts, ends and digests may take.
    pub reserve: usize,
    /// Time after which an open alert is sent again, where the sink forgets it otherwise.
    pub resend_every: Option<Duration>,
    /// Time after which what was never taken is given up.
    pub give_up_after: Duration,
    /// Pages of one service in any seven days; beyond, its alerts that are not critical go into a
    /// digest that is sent once a day at most.
    pub pages_per_week: Option<usize>,
}

/// An alert at one of its changes, as far as the machine looks at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Alert.
    pub alert: String,
    /// Id of the change.
    pub change: String,
    /// Wall time at which the change was published.
    pub at: Timestamp,
    /// What it changed to.
    pub state: AlertState,
    /// Severity.
    pub severity: Severity,
    /// What happened, in one line.
    pub title: String,
    /// Services, the probable origin first.
    pub services: Vec<String>,
    /// How many critical alerts of other systems it names.
    pub critical: usize,
    /// The event as it was published.
    pub event: Vec<u8>,
}

/// What to send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// One alert.
    Alert(Notice),
    /// What is held back, or that it is over where nothing is open.
    Digest(Digest),
}

impl Notice {
    /// Returns the service that it probably began in, empty where it names none.
    pub(super) fn origin(&self) -> &str {
        self.services.first().map_or("", String::as_str)
    }
}

impl Content {
    /// Returns what is the same for each repetition of a request and different for any other.
    pub fn key(&self) -> String {
        match self {
            Self::Alert(notice) => notice.change.clone(),
            Self::Digest(digest) => digest.change(),
        }
    }
}

/// One request to one sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Number, unique for ever.
    pub id: u64,
    /// Name of the sink.
    pub sink: String,
    /// What to send.
    pub content: Content,
}

/// What a sink answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It has it.
    Accepted,
    /// It did not take it: try again, not before so long.
    Later(Duration),
    /// It may have taken it: try again, not before so long.
    Unknown(Duration),
    /// It took too many: try again, and send nothing at all before so long.
    TooMany(Duration),
    /// It will never take this.
    Refused(String),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum NotifyInput {
    /// An alert changed.
    Change(Notice),
    /// A sink answered a delivery.
    Answered {
        /// Which delivery.
        id: u64,
        /// Name of its sink.
        sink: String,
        /// What it answered.
        answer: Answer,
    },
    /// Time went on.
    Tick,
}

/// One output of the notify stage.
#[derive(Clone, Debug, PartialEq)]
pub enum NotifyOutput {
    /// Send this.
    Deliver(Box<Delivery>),
    /// What was done.
    Decision(Decision),
    /// A sink refused this for good, or did not take it for too long.
    Dead {
        /// Name of the sink.
        sink: String,
        /// What it was.
        content: Box<Content>,
        /// Why.
        reason: String,
    },
}

impl SinkSettings {
    /// Tells why an alert is not for this sink.
    pub(super) fn unwanted(&self, notice: &Notice) -> Option<Reason> {
        if notice.severity < self.severity_min {
            return Some(Reason::BelowSeverity);
        }
        let fits = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => notice.services.iter().any(|service| service.starts_with(start)),
            None => notice.services.contains(wanted),
        };
        let wanted = self.services.is_empty() || self.services.iter().any(fits);
        (!wanted).then_some(Reason::OtherService)
    }
}
