//! The window of one service as a row of numbers, judged by an isolation forest.
//!
//! Features are chosen to be independent of the size of the service: shares, entropies and logs.
//! The forest follows a sliding sample of windows, a portion of its trees at a time, so that it
//! scores every window and never changes its mind at once.
//! Its scores are turned into probabilities by the tail of the scores seen so far.

use std::collections::VecDeque;

use logwake_models::forest::IsolationForest;
use logwake_models::rate::Tail;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::record::Level;

use crate::time::Timestamp;

use super::series::REPEAT_AFTER;
use super::window::WindowCounts;

/// What the columns of a row mean, in their order.
pub(super) const FEATURES: [&str; 9] = [
    "volume",
    "volume against its usual",
    "error share",
    "warning share",
    "new templates",
    "template variety",
    "template mix",
    "rare templates",
    "hosts",
];

/// The least step beyond what was seen that is another kind of window, for each feature.
const STEPS_MIN: Row = [1.0, 1.0, 0.1, 0.1, 0.7, 0.5, 0.2, 0.1, 0.7];
/// Windows for one row beyond them along each feature: few enough to stay isolated.
const ROWS_PER_ANCHOR: usize = 64;

/// Isolation score below which no window is called unusual: an average one scores 0.5.
const SCORE_MIN: f64 = 0.65;
/// While the tail is young, so many of the scores so far may lie beyond the one that is told.
const YOUNG_BEYOND: f64 = 4.0;

/// Windows in the sliding sample.
const SAMPLE_MAX: usize = 512;
/// Windows before the first fit: fewer do not fill a tree.
const FIT_MIN: usize = 48;
/// Portions in which the trees are renewed, all of them while as many windows come as are in the
/// sample.
const PORTIONS: usize = 10;

/// Scores that the tail looks back on.
const TAIL_MEMORY: u32 = 2048;
/// Weight of a new score in what is typical.
const TYPICAL_WEIGHT: f64 = 1.0 / 64.0;

/// A row of feature values.
pub(super) type Row = [f64; FEATURES.len()];

/// The forest of one service with its sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestWatch {
    rows: VecDeque<Row>,
    /// Windows since trees were grown.
    since_fit: usize,
    forest: Option<IsolationForest>,
    tail: Tail,
    typical: f64,
    seed: u64,
    told: Option<Timestamp>,
}

/// How isolated a window is.
#[derive(Clone, Debug, PartialEq)]
pub struct Isolation {
    /// Isolation score in (0, 1], higher is more anomalous.
    pub score: f64,
    /// Forgetting mean of the scores of earlier windows.
    pub typical: f64,
    /// Probability of such a score by the tail of earlier ones.
    pub p_value: f64,
    /// Share of each feature in the score, largest first; empty where the score is too low to be told.
    pub contributions: Vec<(String, f64)>,
}

impl ForestWatch {
    /// Starts with a seed of its own, so that every service has the same forest in every run.
    pub fn new(seed: u64) -> Self {
        Self {
            rows: VecDeque::new(),
            since_fit: 0,
            forest: None,
            tail: Tail::new(TAIL_MEMORY),
            typical: 0.5,
            seed,
            told: None,
        }
    }

    /// Judges a row by the windows before it, then learns from it.
    pub fn step(&mut self, row: &Row) -> Option<Isolation> {
        let judged = self.forest.as_ref().map(|forest| {
            let score = forest.score_one(row);
            Isolation {
                score,
                typical: self.typical,
                p_value: self.tail.p_value(score),
                contributions: match score {
                    SCORE_MIN.. => shares(&forest.contributions(row)),
                    _ => Vec::new(),
                },
            }
        });
        if let Some(isolation) = &judged {
            self.observe(isolation.score);
        }
        self.learn(row);
        judged
    }

    /// Tells whether a window is unusual enough and was not told just before; a young tail cannot prove the p-value
    /// that is asked for, so there the score has to speak.
    pub fn tells(&mut self, isolation: &Isolation, p_value_max: f64, at: Timestamp) -> bool {
        let young = YOUNG_BEYOND / self.tail.seen().max(1) as f64;
        let unusual = isolation.score >= SCORE_MIN && isolation.p_value <= p_value_max.max(young);
        let just = self.told.is_some_and(|told| at.since(told) < REPEAT_AFTER);
        if unusual && !just {
            self.told = Some(at);
        }
        unusual && !just
    }

    fn learn(&mut self, row: &Row) {
        if self.rows.len() == SAMPLE_MAX {
            self.rows.pop_front();
        }
        self.rows.push_back(*row);
        self.since_fit += 1;
        let is_due = match self.forest {
            None => self.rows.len() >= FIT_MIN,
            Some(_) => self.since_fit * PORTIONS >= self.rows.len(),
        };
        if is_due {
            self.since_fit = 0;
            self.grow();
        }
    }

    /// Grows the first trees, or a portion of them again.
    fn grow(&mut self) {
        let sample: Vec<Row> = self.rows.iter().copied().chain(anchors(&self.rows)).collect();
        let rows = Array2::from(sample);
        if let Some(forest) = &mut self.forest {
            super::fit::renew(forest, &rows, self.seed, PORTIONS);
            return;
        }
        self.forest = super::fit::fit(&rows, self.seed);
        if let Some(forest) = &self.forest {
            let scores: Vec<f64> = self.rows.iter().map(|row| forest.score_one(row)).collect();
            scores.into_iter().for_each(|score| self.observe(score));
        }
    }

    fn observe(&mut self, score: f64) {
        self.tail.observe(score);
        self.typical += (score - self.typical) * TYPICAL_WEIGHT;
    }
}

/// Rows beyond what was seen, one step out along each feature: without them a feature that never
/// varied would have no cut, and the forest would be blind to the first window in which it does.
fn anchors(rows: &VecDeque<Row>) -> Vec<Row> {
    let mut anchors = Vec::new();
    for (feature, step_min) in STEPS_MIN.iter().enumerate() {
        let values = || rows.iter().map(|row| row[feature]);
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let mut anchor = rows[rows.len() / 2];
        anchor[feature] = high + (high - low).max(*step_min);
        anchors.extend(std::iter::repeat_n(anchor, rows.len().div_ceil(ROWS_PER_ANCHOR)));
    }
    anchors
}

/// What a window is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    /// Records a window that were expected.
    pub expected: f64,
    /// Templates that came for the first time.
    pub novel: f64,
    /// How far its mix of templates is from the usual one, in [0, 1].
    pub divergence: f64,
    /// Share of its records in templates that are rarely seen.
    pub rare: f64,
}

/// Makes the row of a window.
pub(super) fn row_of(counts: &WindowCounts, usual: &Usual) -> Row {
    let levels = counts.levels();
    let total = levels.iter().sum::<u64>() as f64;
    let share = |wanted: &[Level]| {
        wanted.iter().map(|level| levels[*level as usize] as f64).sum::<f64>() / total.max(1.0)
    };
    let entropy: f64 = counts
        .templates
        .values()
        .map(|cell| cell.count() as f64 / total.max(1.0))
        .map(|share| if share > 0.0 { -share * share.ln() } else { 0.0 })
        .sum();
    [
        total.ln_1p(),
        total.ln_1p() - usual.expected.ln_1p(),
        share(&[Level::Error, Level::Fatal]),
        share(&[Level::Warn]),
        usual.novel.ln_1p(),
        entropy,
        usual.divergence,
        usual.rare,
        (counts.hosts.len() as f64).ln_1p(),
    ]
}

fn shares(contributions: &[f64]) -> Vec<(String, f64)> {
    let sum: f64 = contributions.iter().map(|value| value.max(0.0)).sum();
    let mut shares: Vec<(String, f64)> = FEATURES
        .iter()
        .zip(contributions)
        .filter(|(_, value)| **value > 0.0)
        .map(|(name, value)| ((*name).to_owned(), value / sum))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}
