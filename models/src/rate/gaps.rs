//! How long something that comes regularly, or in bursts, uses to stay away.
//!
//! Of the gaps between windows in which it came, the longest few of the recent past are kept. The
//! tail beyond the least of them is taken as exponential with an unknown rate, whose predictive
//! distribution is a Pareto one (Bayesian, with the prior 1/rate): few or uneven gaps make it
//! heavy, many and even ones sharp. A nightly job is thus missed soon after its hour, while a
//! template that comes in bursts may stay away as long as its bursts are apart.

use serde::{Deserialize, Serialize};

/// Longest gaps that are kept.
const KEPT_MAX: usize = 8;
/// Gaps that make up the recent past; after each share of it, the oldest kept gap is dropped.
const MEMORY: u16 = 256;
/// Fewer gaps say nothing about the next.
const KEPT_MIN: usize = 3;
/// Even gaps that never varied may vary next time: by this share, at least by half a window.
const JITTER: f64 = 0.02;

/// A silence is judged as if it were no longer than this part of all that was watched: a first
/// burst, however regular within, does not tell when the next will come.
const SPAN_SHARE: u32 = 3;

/// Gaps between windows that are not empty, in windows; neighbours have a gap of 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Gaps {
    /// The longest gaps, in the order in which they came; the first `kept` are in use.
    longest: [u32; KEPT_MAX],
    kept: u8,
    /// Gaps in the recent past, up to `MEMORY`.
    seen: u16,
    until_drop: u16,
    /// Windows watched so far.
    span: u32,
}

impl Gaps {
    pub(super) fn new() -> Self {
        Self { longest: [0; KEPT_MAX], kept: 0, seen: 0, until_drop: MEMORY, span: 0 }
    }

    fn kept(&self) -> &[u32] {
        &self.longest[..usize::from(self.kept)]
    }

    /// Learns one gap that ended.
    pub(super) fn observe(&mut self, gap: u32) {
        self.seen = (self.seen + 1).min(MEMORY);
        self.span = self.span.saturating_add(gap);
        self.until_drop -= 1;
        if self.until_drop == 0 {
            self.until_drop = MEMORY / KEPT_MAX as u16;
            self.drop_at(0);
        }
        if usize::from(self.kept) == KEPT_MAX {
            let least = self.kept().iter().enumerate().min_by_key(|(_, kept)| **kept);
            match least {
                Some((at, least)) if *least < gap => self.drop_at(at),
                _ => return,
            }
        }
        self.longest[usize::from(self.kept)] = gap;
        self.kept += 1;
    }

    fn drop_at(&mut self, at: usize) {
        self.longest[at..].rotate_left(1);
        self.kept -= 1;
    }

    /// Returns the probability that a gap has more than `windows` empty windows in it, 1 while too
    /// little is known.
    pub(super) fn p_value(&self, windows: u64) -> f64 {
        let kept = self.kept();
        let Some(&least) = kept.iter().min().filter(|_| kept.len() >= KEPT_MIN) else {
            return 1.0;
        };
        let least = f64::from(least);
        let windows = windows.min(u64::from(self.span / SPAN_SHARE));
        let excess = windows as f64 - least;
        if excess <= 0.0 {
            return 1.0;
        }
        let beyond = (kept.len() - 1) as f64;
        let jitter = (least * JITTER).max(0.5);
        let sum: f64 = kept.iter().map(|&gap| f64::from(gap) - least).sum();
        let share = beyond / f64::from(self.seen);
        (share * (1.0 + excess / (sum + beyond * jitter)).powf(-beyond)).min(1.0)
    }
}
