//! Tails of the negative binomial distribution, down to where `f64` ends.
//!
//! A tail is the probability at its edge times a continued fraction (Lentz' method on the
//! incomplete beta function, DLMF 8.17.22), so nothing is lost by subtraction from 1.

use statrs::function::gamma::ln_gamma;

/// Sizes beyond it are a Poisson distribution for all counts that a window can hold.
const SIZE_MAX: f64 = 1e9;
/// Enough for standard deviations up to about a thousand at the mean, and everything far from it.
const STEPS_MAX: u32 = 1000;

/// Counts with a mean and a size: the variance is `mean + mean² / size`.
#[derive(Debug, Clone, Copy)]
pub(super) struct NegativeBinomial {
    mean: f64,
    size: f64,
}

impl NegativeBinomial {
    /// Takes a positive mean and a size in (0, ∞].
    pub(super) fn new(mean: f64, size: f64) -> Self {
        Self { mean, size: size.min(SIZE_MAX) }
    }

    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    pub(super) fn variance(&self) -> f64 {
        self.mean + self.mean * self.mean / self.size
    }

    /// Returns the logarithm of the probability of a count, which may lie between integers.
    pub(super) fn ln_pmf(&self, count: f64) -> f64 {
        let Self { mean, size } = *self;
        ln_gamma(count + size)
            - ln_gamma(size)
            - ln_gamma(count + 1.0)
            - size * (mean / size).ln_1p()
            - if count > 0.0 { count * (size / mean).ln_1p() } else { 0.0 }
    }

    /// Returns [`ln_pmf`](Self::ln_pmf) without [`ln_base`], which is the same for all sizes.
    pub(super) fn ln_likelihood(&self, count: f64) -> f64 {
        let Self { mean, size } = *self;
        let none = -size * (mean / size).ln_1p();
        if count == 0.0 { none } else { none + ln_rising(size, count, mean + size) }
    }

    /// Returns the probability of this count or more.
    pub(super) fn upper(&self, count: f64) -> f64 {
        if count <= 0.0 {
            1.0
        } else if self.is_above(count) {
            self.sum_from(count)
        } else {
            1.0 - self.sum_to(count - 1.0)
        }
    }

    /// Returns the probability of this count or less.
    pub(super) fn lower(&self, count: f64) -> f64 {
        if count < 0.0 {
            0.0
        } else if self.is_above(count + 1.0) {
            1.0 - self.sum_from(count + 1.0)
        } else {
            self.sum_to(count)
        }
    }

    /// Whether the upper fraction converges fast at this count; else the lower one does below it.
    fn is_above(&self, count: f64) -> bool {
        let share = self.mean / (self.mean + self.size);
        share < (count + 1.0) / (count + self.size + 2.0)
    }

    fn sum_from(&self, count: f64) -> f64 {
        let share = self.mean / (self.mean + self.size);
        at_least_tiny(self.ln_pmf(count), beta_fraction(count, self.size, share))
    }

    fn sum_to(&self, count: f64) -> f64 {
        let Self { mean, size } = *self;
        let edge = self.ln_pmf(count) + (mean / (mean + size)).ln() + (count / size).ln_1p();
        at_least_tiny(edge, beta_fraction(size, count + 1.0, size / (mean + size)))
    }
}

/// Returns what the mean and a count alone add to the logarithm of a probability.
pub(super) fn ln_base(mean: f64, count: f64) -> f64 {
    let base = count * mean.ln() - ln_gamma(count + 1.0);
    if is_long(count) { base - count } else { base }
}

/// Counts whose rising factorials are multiplied out.
const PRODUCT_MAX: f64 = 16.0;
/// From here on, three terms of Stirling's series are exact to 1e-9.
const STIRLING_MIN: usize = 8;

/// Returns `ln(Γ(size + count) / Γ(size) / total^count)`, but for what depends on the count alone.
///
/// Beyond small counts by Stirling's series (DLMF 5.11.1), the difference taken term by term, so
/// that nothing is lost where the size is large.
fn ln_rising(size: f64, count: f64, total: f64) -> f64 {
    if count.fract() != 0.0 {
        return ln_gamma(size + count) - ln_gamma(size) - count * total.ln();
    }
    let per_total = 1.0 / total;
    let product = |steps: usize| {
        (0..steps).fold(1.0, |product, step| product * ((size + step as f64) * per_total))
    };
    if !is_long(count) {
        return product(count as usize).ln();
    }
    let end = size + count;
    let (first, size, count) = if size < STIRLING_MIN as f64 {
        let steps = STIRLING_MIN as f64;
        (product(STIRLING_MIN).ln() + steps, size + steps, count - steps)
    } else {
        (0.0, size, count)
    };
    first
        + (size - 0.5) * (count / size).ln_1p()
        + count * (end * per_total).ln()
        + stirling_rest(end)
        - stirling_rest(size)
}

/// Whether the rising factorial of a count is taken by Stirling's series.
fn is_long(count: f64) -> bool {
    count > PRODUCT_MAX && count.fract() == 0.0
}

fn stirling_rest(x: f64) -> f64 {
    let square = 1.0 / (x * x);
    (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0)) / x
}

/// Keeps a probability positive, so that it can be compared and its logarithm taken.
fn at_least_tiny(ln_edge: f64, fraction: f64) -> f64 {
    (ln_edge + fraction.ln()).exp().clamp(f64::MIN_POSITIVE, 1.0)
}

/// Evaluates the continued fraction of the incomplete beta function I_x(a, b), which converges fast
/// for `x < (a + 1) / (a + b + 2)`.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..STEPS_MAX {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let factor = d * c;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-12 {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::{NegativeBinomial, ln_base};

    fn close(actual: f64, expected: f64) {
        assert!((actual / expected - 1.0).abs() < 1e-5, "{actual:e} is not {expected:e}");
    }

    /// scipy 1.17.1, `nbinom.sf(count - 1)` and `nbinom.cdf(count)`.
    #[test]
    fn tails_are_those_of_scipy() {
        let expected = [
            (5.0, 1000000000.0, 25.0, 1.5995867e-10, 1.0000000e+00),
            (5.0, 1000000000.0, 0.0, 1.0000000e+00, 6.7379471e-03),
            (50.0, 10.0, 200.0, 3.2533974e-08, 9.9999997e-01),
            (50.0, 10.0, 3.0, 9.9999921e-01, 2.8915768e-06),
            (500.0, 1000000000.0, 1500.0, 6.3318674e-284, 1.0000000e+00),
            (500.0, 1.0, 9000.0, 1.5506230e-08, 9.9999998e-01),
            (0.05, 0.5, 6.0, 1.3261603e-07, 9.9999999e-01),
            (100000.0, 100.0, 30000.0, 1.0000000e+00, 7.9749879e-24),
            (100000.0, 10000.0, 100000.0, 4.9885887e-01, 5.0152150e-01),
        ];
        for (mean, size, count, upper, lower) in expected {
            let counts = NegativeBinomial::new(mean, size);
            close(counts.upper(count), upper);
            close(counts.lower(count), lower);
        }
    }

    #[test]
    fn likelihood_and_base_make_the_probability() {
        let sizes = [1e-3, 0.03, 0.7, 5.0, 7.9, 8.0, 300.0, 1e6, 1e9];
        for mean in [1e-3, 0.4, 6.0, 80.0, 1e4] {
            for count in [0.0, 1.0, 2.0, 15.0, 16.0, 16.5, 17.0, 40.0, 999.0, 1e5] {
                for size in sizes {
                    let counts = NegativeBinomial::new(mean, size);
                    let fast = counts.ln_likelihood(count) + ln_base(mean, count);
                    let slow = counts.ln_pmf(count);
                    let tolerance = 1e-8 * (1.0 + slow.abs()) + 1e-14 * size;
                    assert!(
                        (fast - slow).abs() < tolerance,
                        "{fast} is not {slow} at {count} of {counts:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn tails_of_all_sizes_add_up_to_one() {
        for mean in [0.01, 0.7, 13.0, 900.0, 40_000.0] {
            for size in [0.02, 1.0, 50.0, 1e7] {
                let counts = NegativeBinomial::new(mean, size);
                for count in [0.0, 1.0, 5.0, 14.0, 890.0, 1000.0, 41_000.0] {
                    let sum = counts.upper(count + 1.0) + counts.lower(count);
                    assert!((sum - 1.0).abs() < 1e-9, "{sum} at {count} of {counts:?}");
                }
            }
        }
    }
}
