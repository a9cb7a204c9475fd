//! How often a baseline finds something where there is nothing.

use super::load::{BEGIN, DAY, Load};
use super::stream::Stream;
use logwake_models::rate::{Baseline, BaselineParams};

/// Nominal rates.
pub(crate) const LEVELS: [f64; 3] = [1e-3, 1e-4, 1e-5];

/// With fewer records expected, no lower tail is small.
const LIVELY_MIN: f64 = 3.0;

/// Windows judged, and how many p-values of them are below each of [`LEVELS`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Realised {
    /// Windows judged by their upper tails.
    pub(crate) windows: u64,
    /// Windows judged by their lower tails: those with more than three records expected.
    pub(crate) lively: u64,
    /// Upper tails below each level, of randomised p-values, which are even where nothing happens.
    pub(crate) up: [u64; 3],
    /// Lower tails.
    pub(crate) down: [u64; 3],
    /// Upper tails, of the p-values that the detector uses, which counts make larger than even.
    pub(crate) plain: [u64; 3],
}

impl Realised {
    /// Adds another.
    pub(crate) fn add(&mut self, other: &Self) {
        self.windows += other.windows;
        self.lively += other.lively;
        for (sum, one) in
            [(&mut self.up, other.up), (&mut self.down, other.down), (&mut self.plain, other.plain)]
        {
            sum.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
        }
    }

    /// Returns realised over nominal rates: of upper, lower and plain upper tails.
    pub(crate) fn ratios(&self) -> [[f64; 3]; 3] {
        let parts = [(self.up, self.windows), (self.down, self.lively), (self.plain, self.windows)];
        parts.map(|(hits, windows)| {
            std::array::from_fn(|level| hits[level] as f64 / windows.max(1) as f64 / LEVELS[level])
        })
    }
}

/// How a service is watched.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    /// Seconds of a window.
    pub(crate) width: u64,
    /// Days judged; those before are only learned.
    pub(crate) days: std::ops::Range<u64>,
    /// Whether the baseline is told the time, without which it has no season.
    pub(crate) is_told_time: bool,
}

/// Lets a service run and judges each day by itself.
pub(crate) fn run(load: &Load, seed: u64, watch: &Watch) -> Vec<Realised> {
    let Watch { width, days, is_told_time } = watch;
    let width = *width;
    let (mut counts, mut coins) = (Stream::new(2 * seed), Stream::new(2 * seed + 1));
    // An hour's memory, as with windows of ten seconds by default.
    let half_life = 3600.0 / width as f32;
    let mut baseline = Baseline::new(BaselineParams { half_life, ..BaselineParams::default() });
    let mut by_day = vec![Realised::default(); days.end as usize];
    for secs in (0..days.end * DAY).step_by(width as usize) {
        let mean = load.mean_at(secs + width / 2) * width as f64 / 10.0;
        let count = counts.count(mean, load.dispersion);
        if *is_told_time {
            baseline.advance(BEGIN + secs + width);
        }
        if secs >= days.start * DAY {
            judge(&baseline, load, count, &mut coins, &mut by_day[(secs / DAY) as usize]);
        }
        baseline.observe(count);
    }
    by_day
}

fn judge(baseline: &Baseline, load: &Load, count: u64, coins: &mut Stream, out: &mut Realised) {
    let (seen, mean) = (count as f64, baseline.mean());
    out.windows += 1;
    out.lively += u64::from(mean > LIVELY_MIN);
    let far = 1.7 * (mean + load.dispersion * mean * mean).sqrt();
    // What is near is not extreme, and most is.
    let is_low = seen < mean - far || seen < 0.15 * mean;
    if count > 0 && seen > mean + far {
        let (this, next) = (baseline.p_upper(count), baseline.p_upper(count + 1));
        let even = next + (this - next) * coins.unit();
        for (level, nominal) in LEVELS.iter().enumerate() {
            out.up[level] += u64::from(even < *nominal);
            out.plain[level] += u64::from(this < *nominal);
        }
    } else if is_low && mean > LIVELY_MIN {
        let this = baseline.p_lower(count);
        let before = if count == 0 { 0.0 } else { baseline.p_lower(count - 1) };
        let even = before + (this - before) * coins.unit();
        for (level, nominal) in LEVELS.iter().enumerate() {
            out.down[level] += u64::from(even < *nominal);
        }
    }
}
