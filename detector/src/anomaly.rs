//! An anomaly: an immutable fact that says what happened, when, how unlikely it was, and why.

use serde::{Deserialize, Serialize};

use crate::record::{Level, Source};
use crate::tally::Exemplar;
use crate::text::{
    self, EXEMPLAR_BYTES_MAX, PART_BYTES_MAX, PARTS_MAX, REASON_BYTES_MAX, SKELETON_BYTES_MAX,
};
use crate::time::Timestamp;
use logwake_models::template::TemplateId;

/// What is unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// A template seen for the first time after warm-up.
    NewTemplate,
    /// A template that speaks of failure and was not seen for long is back.
    RareTemplate,
    /// More records of a template than its baseline allows.
    RateSpike,
    /// Fewer records of a template or service than its baseline allows.
    RateDrop,
    /// What used to come regularly has stopped.
    Silence,
    /// The share of grave levels in a service has risen.
    LevelShift,
    /// The window as a whole is isolated among those before it.
    Forest,
    /// Values of a variable lie far beyond what is usual, many are new, or one stays away.
    ValueOutlier,
    /// A variable of a few values has one that was never there.
    NewValue,
    /// A session breaks what the sessions before it had in common.
    Session,
}

impl AnomalyKind {
    /// Every kind, in the order of the enumeration.
    pub const ALL: [Self; 10] = [
        Self::NewTemplate,
        Self::RareTemplate,
        Self::RateSpike,
        Self::RateDrop,
        Self::Silence,
        Self::LevelShift,
        Self::Forest,
        Self::ValueOutlier,
        Self::NewValue,
        Self::Session,
    ];

    /// Returns the name that events and metrics use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewTemplate => "new_template",
            Self::RareTemplate => "rare_template",
            Self::RateSpike => "rate_spike",
            Self::RateDrop => "rate_drop",
            Self::Silence => "silence",
            Self::LevelShift => "level_shift",
            Self::Forest => "forest",
            Self::ValueOutlier => "value_outlier",
            Self::NewValue => "new_value",
            Self::Session => "session",
        }
    }
}

/// How much it matters; the order is the order of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing when looking.
    Info,
    /// Worth a look soon.
    Warning,
    /// Something fails.
    Error,
    /// Something that others depend on is down.
    Critical,
}

impl Severity {
    /// Every severity in order.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// Returns the name that events and pagers use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// A template as it was when the anomaly was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRef {
    /// Id for life.
    pub id: TemplateId,
    /// Text with `<*>` for variables.
    pub text: String,
}

/// An exemplar with the place that it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Partition or file.
    pub source: Source,
    /// The record.
    pub exemplar: Exemplar,
}

/// One anomaly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// The same whichever replica, run or replay found it.
    pub id: String,
    /// What is unusual.
    pub kind: AnomalyKind,
    /// Event time at which it could be known.
    pub at: Timestamp,
    /// Service that it is about.
    pub service: String,
    /// Host, where all evidence comes from one.
    pub host: Option<String>,
    /// Gravest level among the records that it is about.
    pub level: Level,
    /// How much it matters by itself.
    pub severity: Severity,
    /// Start of the window that was judged.
    pub window_start: Timestamp,
    /// End of that window.
    pub window_end: Timestamp,
    /// Template, where it is about one.
    pub template: Option<TemplateRef>,
    /// In [0, 1], higher is more anomalous: `x / (x + 6)` of `x = -log10(p_value)`.
    pub score: f64,
    /// Probability of something at least as extreme by the baseline, in [0, 1].
    pub p_value: f64,
    /// What was seen, in records a window unless the reason says otherwise.
    pub actual: f64,
    /// What was expected.
    pub typical: f64,
    /// Lower end of the band that the baseline allows.
    pub lower: f64,
    /// Upper end of that band.
    pub upper: f64,
    /// What the score is made of: name and share, shares adding up to 1.
    pub contributions: Vec<(String, f64)>,
    /// The records that tell, first ones first.
    pub exemplars: Vec<Evidence>,
    /// One sentence that a person can act on.
    pub reason: String,
    /// Whether the window closed before every source was heard.
    pub incomplete: bool,
    /// Key of the session, where it is about one.
    pub session: Option<String>,
    /// Until when it is held to last if nothing more is heard of it.
    pub lasts_until: Option<Timestamp>,
}

impl Anomaly {
    /// Cuts what is too long: the exemplars first, then the sentence, what the score is made of, and
    /// the template.
    pub(crate) fn cut(&mut self) {
        for evidence in &mut self.exemplars {
            text::cut(&mut evidence.exemplar.text, EXEMPLAR_BYTES_MAX);
        }
        text::cut(&mut self.reason, REASON_BYTES_MAX);
        self.contributions.truncate(PARTS_MAX);
        self.contributions.iter_mut().for_each(|(name, _)| text::cut(name, PART_BYTES_MAX));
        if let Some(template) = &mut self.template {
            text::cut(&mut template.text, SKELETON_BYTES_MAX);
        }
    }

    /// Returns the bytes that it takes on the wire, about.
    pub(crate) fn bytes(&self) -> usize {
        let evidence = |one: &Evidence| {
            one.exemplar.text.len() + one.exemplar.host.len() + one.source.name_bytes() + 64
        };
        let parts = self.contributions.iter().map(|(name, _)| name.len() + 16);
        let template = self.template.as_ref().map_or(0, |template| template.text.len() + 16);
        let texts = self.service.len() + self.host.as_ref().map_or(0, String::len);
        let texts = texts + self.reason.len() + self.session.as_ref().map_or(0, String::len);
        let exemplars = self.exemplars.iter().map(evidence).sum::<usize>();
        texts + parts.sum::<usize>() + template + exemplars + 160
    }
}

/// Turns a p-value into a score in [0, 1), one half at 1e-6.
pub fn score_of(p_value: f64) -> f64 {
    let surprise = -p_value.max(f64::MIN_POSITIVE).log10();
    surprise / (surprise + 6.0)
}

/// Returns the deterministic id of what the parts identify.
pub fn id_of(prefix: &str, parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push_str(part);
        text.push('\u{1f}');
    }
    format!("{prefix}_{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}
