//! What one template is expected to do in a window, learned window by window.
//!
//! Counts are negative binomial with a mean and a dispersion that are learned with exponential
//! forgetting; predictions are honest about how little a short history says (see `dispersion`). An
//! extreme window is learned at the bound of what was expected, so that one burst does not become
//! the norm; a level that persists replaces the old one (see `shift`); how long it uses to stay
//! away is learned apart (see `gaps`). It knows no season: give it a baseline a season, or counts
//! that were divided by one.

use super::dispersion::{Dispersion, Prediction};
use super::gaps::Gaps;
use super::shift::{Challenger, LevelShift, Outcome};
use serde::{Deserialize, Serialize};

/// The central bounds of a verdict hold all but this share of the windows.
const OUTSIDE: f64 = 1e-3;
/// The standard deviations that hold all but `OUTSIDE` of a normal variable.
const OUTSIDE_Z: f64 = 3.29;
/// Windows less likely than this, on one side, call up a challenger and are not learned as they
/// are.
const EXTREME: f64 = 1e-3;
/// An extreme window is learned as the count of this tail.
const WINSOR: f64 = 1e-4;
/// Less likely silence is held to be the end.
const STOPPED: f64 = 1e-3;

/// Higher counts are taken as this one, which no window holds; `f64` counts exactly up to it.
const COUNT_MAX: u64 = 1 << 40;

/// How a baseline learns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BaselineParams {
    /// Windows after which an observation has half its weight.
    pub half_life: f32,
    /// Windows before which the regime is `Warming`.
    pub warm_up: u16,
    /// Windows for which a new level must persist to become the norm.
    pub shift: u16,
    /// Count of a window that is expected beforehand.
    pub prior_mean: f32,
    /// Windows that the prior is worth.
    pub prior_windows: f32,
}

impl Default for BaselineParams {
    /// Half an hour of doubt and an hour of memory with windows of 10 seconds.
    fn default() -> Self {
        Self { half_life: 360.0, warm_up: 30, shift: 10, prior_mean: 1.0, prior_windows: 0.5 }
    }
}

/// Which statistic speaks for a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Regime {
    /// Too few windows were seen to judge by.
    Warming,
    /// It came, and has stayed away longer than it uses to.
    Stopped,
    /// Less than one record a window: judge by `silence_p_value` and `p_upper`.
    Sparse,
    /// One record a window or more: judge by both tails.
    Lively,
}

/// What a baseline holds of a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Which statistic speaks.
    pub regime: Regime,
    /// Mean count of a window.
    pub typical: f64,
    /// Least count that is not surprising: 99.9 % of windows lie within the bounds.
    pub lower: f64,
    /// Greatest count that is not surprising.
    pub upper: f64,
    /// Probability of this count or more, in (0, 1].
    pub p_upper: f64,
    /// Probability of this count or less, in (0, 1].
    pub p_lower: f64,
}

/// What one template is expected to do in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    params: BaselineParams,
    /// Windows learned from, forgetting.
    weight: f64,
    /// Counts learned from, forgetting.
    sum: f64,
    dispersion: Dispersion,
    challenger: Challenger,
    gaps: Gaps,
    /// All windows ever observed.
    windows: u64,
    /// Empty windows since the last that was not.
    empty: u32,
    has_come: bool,
}

impl Baseline {
    /// Starts to learn.
    pub fn new(params: BaselineParams) -> Self {
        Self {
            params,
            weight: 0.0,
            sum: 0.0,
            dispersion: Dispersion::new(),
            challenger: Challenger::default(),
            gaps: Gaps::new(),
            windows: 0,
            empty: 0,
            has_come: false,
        }
    }

    /// Returns the mean count of a window.
    pub fn mean(&self) -> f64 {
        let BaselineParams { prior_mean, prior_windows, .. } = self.params;
        let prior = f64::from(prior_mean * prior_windows).max(f64::MIN_POSITIVE);
        (self.sum + prior) / self.trusted_windows()
    }

    /// Returns the mean dispersion `φ`: the variance of a count is `mean + φ mean²`.
    pub fn dispersion(&self) -> f64 {
        self.dispersion.mean()
    }

    /// Returns the number of windows observed.
    pub fn windows(&self) -> u64 {
        self.windows
    }

    /// Returns the empty windows since the last that was not.
    pub fn empty_windows(&self) -> u64 {
        u64::from(self.empty)
    }

    fn trusted_windows(&self) -> f64 {
        self.weight + f64::from(self.params.prior_windows).max(1e-3)
    }

    fn predict(&self) -> Prediction {
        self.dispersion.predict(self.mean(), self.trusted_windows())
    }

    /// Judges the count of a window, before it is observed.
    ///
    /// Costs microseconds; the bounds are exact where the count lies outside, else approximate.
    pub fn judge(&self, count: u64) -> Verdict {
        let (prediction, count) = (self.predict(), count.min(COUNT_MAX) as f64);
        let (p_upper, p_lower) = (prediction.upper(count), prediction.lower(count));
        let [lower, upper] = if p_upper.min(p_lower) < OUTSIDE / 2.0 {
            let upper = prediction.upper_bound(OUTSIDE / 2.0) - 1.0;
            [prediction.lower_bound(OUTSIDE / 2.0).min(upper), upper]
        } else {
            let [lower, upper] = prediction.rough_bounds(OUTSIDE_Z);
            [lower.floor().min(count), upper.ceil().max(count)]
        };
        Verdict { regime: self.regime(), typical: self.mean(), lower, upper, p_upper, p_lower }
    }

    fn regime(&self) -> Regime {
        if self.windows < u64::from(self.params.warm_up) {
            Regime::Warming
        } else if self.has_come && self.silence_p_value(self.empty_windows()) < STOPPED {
            Regime::Stopped
        } else if self.mean() < 1.0 {
            Regime::Sparse
        } else {
            Regime::Lively
        }
    }

    /// Returns the probability that it stays away for this many windows in a row, or more, given
    /// how long it used to; 1 while that is not known.
    ///
    /// One gap is one trial, however many windows it is asked about.
    pub fn silence_p_value(&self, windows_without: u64) -> f64 {
        self.gaps.p_value(windows_without)
    }

    /// Learns from one closed window, and tells if that makes a new level the norm.
    pub fn observe(&mut self, count: u64) -> Option<LevelShift> {
        self.windows += 1;
        self.observe_gap(count);
        let count = count.min(COUNT_MAX) as f64;
        if self.challenger.is_active() {
            return self.weigh_challenger(count);
        }
        let prediction = self.predict();
        let is_extreme = prediction.upper(count) < EXTREME || prediction.lower(count) < EXTREME;
        if is_extreme && self.windows > u64::from(self.params.warm_up) {
            self.challenger = Challenger::start(count);
        } else {
            self.learn(count);
        }
        None
    }

    fn observe_gap(&mut self, count: u64) {
        if count == 0 {
            self.empty = self.empty.saturating_add(1);
            return;
        }
        if self.has_come {
            self.gaps.observe(self.empty.saturating_add(1));
        }
        self.has_come = true;
        self.empty = 0;
    }

    fn weigh_challenger(&mut self, count: f64) -> Option<LevelShift> {
        let mean = self.challenger.mean();
        let challenger = self.dispersion.predict(mean, f64::from(self.challenger.windows));
        let ln_ratio = challenger.ln_pmf(count) - self.predict().ln_pmf(count);
        match self.challenger.weigh(count, ln_ratio, self.params.shift) {
            Outcome::Undecided => None,
            Outcome::Dismissed => {
                self.learn_burst();
                self.learn(self.winsorized(count));
                None
            }
            Outcome::Adopted => Some(self.adopt()),
        }
    }

    /// Learns the windows of a challenger that did not persist.
    fn learn_burst(&mut self) {
        let Challenger { windows, first, sum, .. } = std::mem::take(&mut self.challenger);
        self.learn(self.winsorized(f64::from(first)));
        if windows > 1 {
            let rest = f64::from(sum - first) / f64::from(windows - 1);
            for _ in 1..windows {
                self.learn(self.winsorized(rest));
            }
        }
    }

    fn winsorized(&self, count: f64) -> f64 {
        let prediction = self.predict();
        if prediction.upper(count) < WINSOR {
            prediction.upper_bound(WINSOR)
        } else if prediction.lower(count) < WINSOR {
            prediction.lower_bound(WINSOR)
        } else {
            count
        }
    }

    fn learn(&mut self, count: f64) {
        let keep = (-1.0 / f64::from(self.params.half_life)).exp2();
        let (mean, windows) = (self.mean(), self.trusted_windows());
        self.dispersion.observe(mean, windows, count, keep as f32);
        self.weight = self.weight * keep + 1.0;
        self.sum = self.sum * keep + count;
    }

    fn adopt(&mut self) -> LevelShift {
        let from = self.mean();
        let challenger = std::mem::take(&mut self.challenger);
        self.weight = f64::from(challenger.windows);
        self.sum = f64::from(challenger.sum);
        self.dispersion.doubt();
        LevelShift { from, to: self.mean(), windows: u64::from(challenger.windows) }
    }
}
