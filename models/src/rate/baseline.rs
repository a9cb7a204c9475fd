//! What one template is expected to do in a window, learned window by window.
//!
//! Counts are negative binomial with a mean and a dispersion that are learned with exponential
//! forgetting; predictions are honest about how little a short history says (see `dispersion`). An
//! extreme window is learned at the bound of what was expected, so that one burst does not become
//! the norm; a level that persists replaces the old one (see `shift`); how long it uses to stay
//! away is learned apart (see `gaps`). If it is told the time (see [`Baseline::advance`]), the level
//! moves with season and trend (see `season`).

use super::dispersion::{Dispersion, Prediction};
use super::gaps::Gaps;
use super::season::{BLOCK_SECS, Level, Season};
use super::shift::{Challenger, LevelShift, Outcome};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod plain;

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

/// Below this mean, an empty window is never extreme: of all candidates, Poisson gives it the least
/// probability, `exp(-mean)`, and that is more than `EXTREME`.
const EMPTY_MEAN_MAX: f64 = 6.9;
/// Counts within as many standard deviations are known not to be extreme without looking closer.
const CALM_Z: f64 = 2.0;
/// What is put off may be as much of all that is trusted.
const DEFERRED_SHARE: f64 = 1.0 / 16.0;
/// Windows for which something is put off at most.
const DEFERRED_MAX: f64 = 32.0;

/// Only what comes as often in a window has a season of its own: for less, an hour's count is as
/// uncertain as a season is large.
const LIVELY_MIN: f64 = 0.25;
/// Experts whose means differ by less than this share of a Poisson standard deviation are one.
const SAME_MEAN: f64 = 0.1;

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
    /// Empty windows, the last ones, that the dispersion has not learned yet.
    unlearned: u8,
    calm: Calm,
    /// Seconds since the epoch when the season is asked again.
    next_block: u64,
    season: Option<Box<Season>>,
}

/// Counts that are known not to be extreme, for some windows to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Calm {
    windows_left: u8,
    low: f32,
    high: f32,
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
            unlearned: 0,
            calm: Calm::default(),
            next_block: 0,
            season: None,
        }
    }

    /// Moves on to the window that ends at `secs` since the epoch, whose count is judged and
    /// observed next.
    ///
    /// What is never told the time has no season and no trend.
    pub fn advance(&mut self, secs: u64) {
        if secs < self.next_block {
            return;
        }
        self.next_block = (secs / BLOCK_SECS + 1) * BLOCK_SECS;
        let (mean, _) = self.level();
        let level = Level { mean, weight: self.weight, keep: self.keep() };
        let Some(season) = &mut self.season else {
            if mean >= LIVELY_MIN && !self.is_warming() {
                self.season = Some(Box::new(Season::new(secs, &level)));
            }
            return;
        };
        let growth = season.advance(secs, &level, || self.dispersion.mean());
        if season.is_idle() {
            self.season = None;
        }
        self.grow(growth);
    }

    /// Lets the level grow. What grew says less of what comes, what shrank no more than before.
    fn grow(&mut self, growth: f64) {
        if growth > 1.0 {
            self.weight /= growth;
        } else {
            self.sum *= growth;
        }
        self.calm.low *= growth as f32;
        self.calm.high *= growth as f32;
    }

    /// Returns the mean count of the next window.
    pub fn mean(&self) -> f64 {
        let (mean, _) = self.level();
        self.season.as_ref().map_or(mean, |season| mean * season.ratio())
    }

    /// Returns the mean before the season's experts see to it, and the windows it may be trusted
    /// for.
    fn level(&self) -> (f64, f64) {
        self.mean_and_windows(self.weight, self.sum)
    }

    /// Returns the mean dispersion `φ`: the variance of a count is `mean + φ mean²`.
    pub fn dispersion(&self) -> f64 {
        self.settled().mean()
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
        self.mean_and_windows(self.weight, self.sum).1
    }

    /// Returns the mean and the windows it may be trusted for, the prior included.
    fn mean_and_windows(&self, weight: f64, sum: f64) -> (f64, f64) {
        let BaselineParams { prior_mean, prior_windows, .. } = self.params;
        let prior = f64::from(prior_mean * prior_windows).max(f64::MIN_POSITIVE);
        let windows = weight + f64::from(prior_windows).max(1e-3);
        ((sum + prior) / windows, windows)
    }

    fn predict(&self) -> Prediction {
        let (mean, windows) = self.level();
        let Some(season) = &self.season else { return self.settled().predict(mean, windows) };
        // A Vec, not an array: most of the time all experts agree and one mean is left.
        let mut means: Vec<(f64, f64)> = Vec::new();
        let same = SAME_MEAN / mean.sqrt();
        for (weight, ratio) in season.views() {
            match means.iter_mut().find(|(_, known)| (*known / mean - ratio).abs() <= same) {
                Some((sum, _)) => *sum += weight,
                None => means.push((weight, mean * ratio)),
            }
        }
        means.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.settled().predict_among(&means, windows)
    }

    /// Returns the dispersion with the empty windows learned that were put off.
    ///
    /// They are learned as one run, predicted from what was known in the middle of it.
    fn settled(&self) -> Dispersion {
        let mut dispersion = self.dispersion;
        if self.unlearned > 0 {
            let keep = self.keep();
            let back = (f64::from(self.unlearned) + 1.0) / 2.0;
            let kept = keep.powf(back);
            let forgotten = if keep < 1.0 { (1.0 - kept) / (1.0 - keep) } else { back };
            let (weight, sum) = ((self.weight - forgotten).max(0.0) / kept, self.sum / kept);
            let (mean, windows) = self.mean_and_windows(weight, sum);
            dispersion.observe_empty(mean, windows, u32::from(self.unlearned), keep);
        }
        dispersion
    }

    fn settle(&mut self) {
        self.dispersion = self.settled();
        self.unlearned = 0;
    }

    /// Returns how many windows something may be put off.
    fn deferrable(&self) -> u8 {
        (self.trusted_windows() * DEFERRED_SHARE).clamp(1.0, DEFERRED_MAX) as u8
    }

    fn keep(&self) -> f64 {
        (-1.0 / f64::from(self.params.half_life)).exp2()
    }

    /// Judges the count of a window, before it is observed.
    ///
    /// Costs microseconds; the bounds are exact where the count lies outside, else approximate.
    pub fn judge(&self, count: u64) -> Verdict {
        self.verdict(&self.predict(), self.mean(), count)
    }

    /// Judges the sum of so many windows, as [`judge`](Self::judge) does one of them.
    ///
    /// The windows are held to share their level, which makes a burst that spans them likelier, so
    /// this errs to the calm side. It looks at no season, so give it what rarely comes.
    pub fn judge_sum(&self, sum: u64, windows: u32) -> Verdict {
        self.verdict(&self.predict_sum(windows), self.mean() * f64::from(windows), sum)
    }

    /// Returns the probability of this sum of so many windows or more, in (0, 1], as
    /// [`judge_sum`](Self::judge_sum) does, without the bounds.
    pub fn p_upper_of_sum(&self, sum: u64, windows: u32) -> f64 {
        self.predict_sum(windows).upper(sum.min(COUNT_MAX) as f64)
    }

    fn predict_sum(&self, windows: u32) -> Prediction {
        let ((mean, trusted), windows) = (self.level(), f64::from(windows.max(1)));
        self.settled().predict(mean * windows, trusted / windows)
    }

    fn verdict(&self, prediction: &Prediction, typical: f64, count: u64) -> Verdict {
        let count = count.min(COUNT_MAX) as f64;
        let (p_upper, p_lower) = (prediction.upper(count), prediction.lower(count));
        let [lower, upper] = if p_upper.min(p_lower) < OUTSIDE / 2.0 {
            let upper = prediction.upper_bound(OUTSIDE / 2.0) - 1.0;
            [prediction.lower_bound(OUTSIDE / 2.0).min(upper), upper]
        } else {
            let [lower, upper] = prediction.rough_bounds(OUTSIDE_Z);
            [lower.floor().min(count), upper.ceil().max(count)]
        };
        Verdict { regime: self.regime(), typical, lower, upper, p_upper, p_lower }
    }

    /// Returns the probability of this count or more, in (0, 1], as [`judge`](Self::judge) does,
    /// without the bounds.
    pub fn p_upper(&self, count: u64) -> f64 {
        self.predict().upper(count.min(COUNT_MAX) as f64)
    }

    /// Returns the probability of this count or less, in (0, 1], as [`judge`](Self::judge) does,
    /// without the bounds.
    pub fn p_lower(&self, count: u64) -> f64 {
        self.predict().lower(count.min(COUNT_MAX) as f64)
    }

    /// Tells whether too few windows were seen to judge by.
    pub fn is_warming(&self) -> bool {
        self.windows < u64::from(self.params.warm_up)
    }

    fn regime(&self) -> Regime {
        if self.is_warming() {
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
        if self.windows > u64::from(self.params.warm_up) && self.is_extreme(count) {
            self.settle();
            self.calm = Calm::default();
            self.challenger = Challenger::start(count);
        } else {
            self.learn(count);
        }
        None
    }

    /// Tells whether a count is one to call up a challenger.
    fn is_extreme(&mut self, count: f64) -> bool {
        if count == 0.0 && self.mean() < EMPTY_MEAN_MAX {
            return false;
        }
        self.settle();
        if self.calm.windows_left == 0 {
            let [low, high] = self.predict().rough_bounds(CALM_Z).map(|bound| bound as f32);
            self.calm = Calm { windows_left: self.deferrable(), low, high };
        }
        let is_calm = count >= f64::from(self.calm.low) && count <= f64::from(self.calm.high);
        !is_calm && self.predict().is_outside(count, EXTREME)
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
        let keep = self.keep();
        if count == 0.0 {
            self.unlearned += 1;
        } else {
            self.settle();
            let windows = self.trusted_windows();
            self.dispersion.observe(self.mean(), windows, count, keep as f32);
        }
        if let Some(season) = &mut self.season {
            season.add(1, count);
        }
        self.calm.windows_left = self.calm.windows_left.saturating_sub(1);
        self.weight = self.weight * keep + 1.0;
        self.sum = self.sum * keep + count;
        if self.unlearned >= self.deferrable() {
            self.settle();
        }
    }

    fn adopt(&mut self) -> LevelShift {
        let from = self.mean();
        let challenger = std::mem::take(&mut self.challenger);
        self.weight = f64::from(challenger.windows);
        self.sum = f64::from(challenger.sum);
        self.dispersion.doubt();
        self.calm = Calm::default();
        let to = self.mean_and_windows(self.weight, self.sum).0;
        if let Some(season) = &mut self.season {
            season.add(u32::from(challenger.windows), self.sum);
            season.restart(to);
        }
        LevelShift { from, to: self.mean(), windows: u64::from(challenger.windows) }
    }
}
