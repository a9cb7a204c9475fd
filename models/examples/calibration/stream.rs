//! Random counts from known laws, the same for the same seed.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A source of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// Starts from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Draws from (0, 1].
    pub(crate) fn unit(&mut self) -> f64 {
        1.0 - self.0.r#gen::<f64>()
    }

    #[allow(dead_code, reason = "not every user draws from a range")]
    /// Draws evenly from a range.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Draws from the standard normal distribution (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Draws from the gamma distribution (Marsaglia and Tsang 2000, boosted for shapes below 1).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.unit().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Counts arrivals of unit rate, gamma-distributed in blocks (Ahrens and Dieter 1974).
    fn poisson(&mut self, mean: f64) -> u64 {
        let (mut rest, mut count) = (mean, 0);
        while rest > 20.0 {
            let block = (rest * 0.875).floor();
            let time = self.gamma(block);
            if time > rest {
                return count
                    + (1..block as u64).filter(|_| self.unit() < rest / time).count() as u64;
            }
            count += block as u64;
            rest -= time;
        }
        let mut time = -self.unit().ln();
        while time < rest {
            count += 1;
            time -= self.unit().ln();
        }
        count
    }

    /// Draws a count with a mean and a dispersion: the variance is `mean + dispersion mean²`.
    pub(crate) fn count(&mut self, mean: f64, dispersion: f64) -> u64 {
        if dispersion == 0.0 {
            return self.poisson(mean);
        }
        let level = mean * dispersion * self.gamma(1.0 / dispersion);
        self.poisson(level)
    }
}
