//! What was done about an anomaly or an alert, and why: one line of the ledger.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A change of an alert was sent.
    Send,
    /// An anomaly became part of an alert cluster.
    Merge,
    /// Nothing was sent, for good.
    Suppress,
    /// A sink has it.
    Deliver,
    /// A sink gets it later, with others.
    Delay,
    /// A silence begins, or ends.
    Mute,
}

impl Action {
    /// Returns the name that events and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Merge => "merge",
            Self::Suppress => "suppress",
            Self::Deliver => "deliver",
            Self::Delay => "delay",
            Self::Mute => "mute",
        }
    }
}

/// Why it was done: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The anomaly belongs to nothing open and starts a cluster.
    FirstEvidence,
    /// The same condition is in the cluster already.
    SameFingerprint,
    /// The cluster is about the same service.
    SameService,
    /// The cluster holds a template much like it.
    SimilarTemplate,
    /// The cluster is about the same host.
    SameHost,
    /// The cluster holds an alert of the same name.
    SameName,
    /// The cluster holds what it uses to come with.
    ComeTogether,
    /// The cluster is about what its service depends on, or what depends on it.
    DependencyFails,
    /// The cluster was active just before.
    CloseInTime,
    /// It is back as soon as it uses to be.
    KeepsComing,
    /// The other system says that it is over.
    ToldOver,
    /// Somebody has taken it in hand.
    TakenInHand,
    /// Nothing that it is about is open.
    NothingOpen,
    /// A silence covers it.
    Silenced,
    /// Maintenance covers it.
    InMaintenance,
    /// What its service depends on has a critical alert.
    Inhibited,
    /// Somebody asked for the silence.
    SilenceAsked,
    /// Somebody ended the silence.
    SilenceLifted,
    /// The silence has reached its end.
    SilenceOver,
    /// More came than the silence accepts.
    RateExceeded,
    /// It has not come often or lasted long enough to count.
    NotYet,
    /// It was never seen there.
    NeverSeen,
    /// It stayed away for longer than it uses to, and is back.
    CameBack,
    /// The other system says that it is critical.
    SaidCritical,
    /// The cluster has gathered enough to be sent.
    EnoughEvidence,
    /// The cluster became graver.
    SeverityRaised,
    /// The cluster reached another service.
    NewService,
    /// More came, and the last update is long enough ago.
    MoreEvidence,
    /// Ten times as much came as when it was sent last.
    Grown,
    /// Somebody has it in hand, and it is no graver.
    InHand,
    /// Nothing more came for long enough.
    QuietAgain,
    /// Nothing more came before there was enough to send.
    NotEnoughEvidence,
    /// Too many clusters were active; the lightest unsent one gave way, else the oldest.
    LimitReached,
    /// The sink has taken it.
    Delivered,
    /// The sink takes graver alerts alone.
    BelowSeverity,
    /// The sink takes alerts of other services.
    OtherService,
    /// It was over before the sink could be told of it.
    OverBeforeSent,
    /// The sink is not told of ends.
    EndNotWanted,
    /// The sink was never told of it, so it is not told of its end.
    NeverSent,
    /// It was published too long ago.
    TooOld,
    /// The sink knows it at this severity and in these services.
    MoreOfTheSame,
    /// A newer state of it is sent in its place.
    NewerState,
    /// The sink's budget is spent.
    BudgetSpent,
    /// The digest tells of it.
    InDigest,
    /// The service has spent its pages of the week at the sink; a digest tells of it.
    WeekSpent,
    /// The sink does not answer, or not as it should.
    SinkFailing,
    /// The process ended before the sink answered.
    AnswerLost,
    /// The sink refused it, or did not take it for too long.
    NotTaken,
}

impl Reason {
    /// Every reason, in the order of the enumeration.
    pub const ALL: [Self; 48] = [
        Self::FirstEvidence,
        Self::SameFingerprint,
        Self::SameService,
        Self::SimilarTemplate,
        Self::SameHost,
        Self::SameName,
        Self::ComeTogether,
        Self::DependencyFails,
        Self::CloseInTime,
        Self::KeepsComing,
        Self::ToldOver,
        Self::TakenInHand,
        Self::NothingOpen,
        Self::Silenced,
        Self::InMaintenance,
        Self::Inhibited,
        Self::SilenceAsked,
        Self::SilenceLifted,
        Self::SilenceOver,
        Self::RateExceeded,
        Self::NotYet,
        Self::NeverSeen,
        Self::CameBack,
        Self::SaidCritical,
        Self::EnoughEvidence,
        Self::SeverityRaised,
        Self::NewService,
        Self::MoreEvidence,
        Self::Grown,
        Self::InHand,
        Self::QuietAgain,
        Self::NotEnoughEvidence,
        Self::LimitReached,
        Self::Delivered,
        Self::BelowSeverity,
        Self::OtherService,
        Self::OverBeforeSent,
        Self::EndNotWanted,
        Self::NeverSent,
        Self::TooOld,
        Self::MoreOfTheSame,
        Self::NewerState,
        Self::BudgetSpent,
        Self::InDigest,
        Self::WeekSpent,
        Self::SinkFailing,
        Self::AnswerLost,
        Self::NotTaken,
    ];

    /// Returns the name that events and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstEvidence => "first_evidence",
            Self::SameFingerprint => "same_fingerprint",
            Self::SameService => "same_service",
            Self::SimilarTemplate => "similar_template",
            Self::SameHost => "same_host",
            Self::SameName => "same_name",
            Self::ComeTogether => "come_together",
            Self::DependencyFails => "dependency_fails",
            Self::CloseInTime => "close_in_time",
            Self::KeepsComing => "keeps_coming",
            Self::ToldOver => "told_over",
            Self::TakenInHand => "taken_in_hand",
            Self::NothingOpen => "nothing_open",
            Self::Silenced => "silenced",
            Self::InMaintenance => "in_maintenance",
            Self::Inhibited => "inhibited",
            Self::SilenceAsked => "silence_asked",
            Self::SilenceLifted => "silence_lifted",
            Self::SilenceOver => "silence_over",
            Self::RateExceeded => "rate_exceeded",
            Self::NotYet => "not_yet",
            Self::NeverSeen => "never_seen",
            Self::CameBack => "came_back",
            Self::SaidCritical => "said_critical",
            Self::EnoughEvidence => "enough_evidence",
            Self::SeverityRaised => "severity_raised",
            Self::NewService => "new_service",
            Self::MoreEvidence => "more_evidence",
            Self::Grown => "grown",
            Self::InHand => "in_hand",
            Self::QuietAgain => "quiet_again",
            Self::NotEnoughEvidence => "not_enough_evidence",
            Self::LimitReached => "limit_reached",
            Self::Delivered => "delivered",
            Self::BelowSeverity => "below_severity",
            Self::OtherService => "other_service",
            Self::OverBeforeSent => "over_before_sent",
            Self::EndNotWanted => "end_not_wanted",
            Self::NeverSent => "never_sent",
            Self::TooOld => "too_old",
            Self::MoreOfTheSame => "more_of_the_same",
            Self::NewerState => "newer_state",
            Self::BudgetSpent => "budget_spent",
            Self::InDigest => "in_digest",
            Self::WeekSpent => "week_spent",
            Self::SinkFailing => "sink_failing",
            Self::AnswerLost => "answer_lost",
            Self::NotTaken => "not_taken",
        }
    }

    /// Explains the reason in a clause.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::FirstEvidence => {
                "it belongs to no active alert and starts one that is not sent yet"
            }
            Self::SameFingerprint => "the alert holds the same condition already",
            Self::SameService => "the alert is about the same service",
            Self::SimilarTemplate => "the alert holds a template much like it",
            Self::SameHost => "the alert is about the same host",
            Self::SameName => "the alert holds one of the same name",
            Self::ComeTogether => "the alert holds what it uses to come together with",
            Self::DependencyFails => {
                "the alert is about a service that it depends on, or that depends on it"
            }
            Self::CloseInTime => "the alert was active just before, in another service",
            Self::KeepsComing => "it comes back as soon and as often as it uses to",
            Self::ToldOver => "the system that sent it says that it is over",
            Self::TakenInHand => "somebody has taken it in hand",
            Self::NothingOpen => "nothing that it is about is open",
            Self::Silenced => "a silence covers it",
            Self::InMaintenance => "a maintenance window covers it",
            Self::Inhibited => {
                "a service that it depends on has a critical alert, which says it already"
            }
            Self::SilenceAsked => "somebody asked for the silence",
            Self::SilenceLifted => "somebody ended the silence",
            Self::SilenceOver => "the silence has reached its end",
            Self::RateExceeded => "more came in an hour than the silence accepts",
            Self::NotYet => "it has not come often or lasted long enough to count",
            Self::NeverSeen => "an alert of this name was never seen there",
            Self::CameBack => "it is back after it stayed away for longer than it uses to",
            Self::SaidCritical => "the system that sent it says that it is critical",
            Self::EnoughEvidence => "the evidence weighs enough to wake somebody",
            Self::SeverityRaised => "it became graver",
            Self::NewService => "it reached another service",
            Self::MoreEvidence => "more came since the last update",
            Self::Grown => "ten times as much of it came as when it was last sent",
            Self::InHand => "somebody has it in hand, and it is no graver",
            Self::QuietAgain => "nothing more came for long enough",
            Self::NotEnoughEvidence => "nothing more came before the evidence weighed enough",
            Self::LimitReached => {
                "too many alerts were active, and this one had weighed least or lasted longest"
            }
            Self::Delivered => "the sink has taken it",
            Self::BelowSeverity => "the sink takes graver alerts alone",
            Self::OtherService => "the sink takes alerts of other services",
            Self::OverBeforeSent => "it was over before the sink could be told of it",
            Self::EndNotWanted => "the sink is not told of ends",
            Self::NeverSent => "the sink was never told of it, so it is not told of its end",
            Self::TooOld => "it was published too long ago",
            Self::MoreOfTheSame => "the sink knows of it, and it is no graver and no wider",
            Self::NewerState => "a newer state of it is sent in its place",
            Self::BudgetSpent => "the sink's budget is spent",
            Self::InDigest => "the digest tells of it, since the sink's budget is spent",
            Self::WeekSpent => {
                "its service has spent its pages of the week at the sink, so a digest tells of it"
            }
            Self::SinkFailing => "the sink does not answer as it should, so it is tried again",
            Self::AnswerLost => {
                "the process ended before the sink answered, so it is sent again under the same key"
            }
            Self::NotTaken => "the sink refused it or did not take it for too long",
        }
    }
}

/// One decision of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Deterministic id.
    pub id: String,
    /// Event time.
    pub at: Timestamp,
    /// What was done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The alert that it is about, empty where it concerns none.
    pub alert: String,
    /// The anomaly that it is about, where there is one.
    pub anomaly: Option<String>,
    /// The alert of another system that it is about, where there is one.
    pub external: Option<String>,
    /// Id of the silence or name of the maintenance window behind it.
    pub mute: Option<String>,
    /// Weight of the evidence in the cluster afterwards; it is sent from the open weight on.
    pub weight: f64,
    /// The sink that it is about, where it is about one.
    pub sink: Option<AtSink>,
}

/// What a decision of the notify stage is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtSink {
    /// Name of the sink.
    pub name: String,
    /// Id of the change of the alert, or of the digest at one of its revisions.
    pub change: String,
    /// Id of the digest that it was merged into.
    pub digest: Option<String>,
}
