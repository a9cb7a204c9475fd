//! The tail of a count of hits whose share varies from block to block.
//!
//! Hits of one block resemble each other, so their number is over-dispersed against the binomial
//! one: the share of a block is taken as beta-distributed (Skellam 1948), with the correlation of
//! two values of a block as its one further parameter.

use statrs::function::gamma::ln_gamma;

/// Returns the probability of at least `hits` of `trials`, each with probability `share`, two of a
/// block correlated by `correlation`; both in (0, 1).
///
/// Cost: a sum over `trials - hits` terms.
pub(super) fn upper(hits: u32, trials: u32, share: f64, correlation: f64) -> f64 {
    if hits == 0 {
        return 1.0;
    }
    let size = (1.0 - correlation) / correlation;
    let (a, b) = (share * size, (1.0 - share) * size);
    let (n, base) = (f64::from(trials), ln_beta(a, b));
    let term = |k: u32| {
        let k = f64::from(k);
        let ways = ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0);
        (ways + ln_beta(k + a, n - k + b) - base).exp()
    };
    (hits..=trials).map(term).sum::<f64>().clamp(f64::MIN_POSITIVE, 1.0)
}

fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

#[cfg(test)]
mod tests {
    use super::upper;

    #[test]
    fn without_correlation_it_is_binomial_and_with_it_the_tail_is_heavier() {
        // 1 - 0.9^10 - 10 * 0.1 * 0.9^9
        assert!((upper(2, 10, 0.1, 1e-7) - 0.263_901).abs() < 1e-4);
        assert!(upper(9, 30, 0.01, 0.1) > 1e4 * upper(9, 30, 0.01, 0.001));
        assert!((upper(1, 1, 0.3, 0.2) - 0.3).abs() < 1e-9);
        assert!((upper(0, 4, 0.3, 0.2) - 1.0).abs() < 1e-12);
    }
}
