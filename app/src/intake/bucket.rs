//! A token bucket: how many alerts a source may send.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Fills at a rate up to a burst; each alert takes one out.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    burst: f64,
    level: Mutex<(f64, Instant)>,
}

impl Bucket {
    /// Makes a full bucket.
    pub(super) fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let (per_second, burst) = (f64::from(per_second), f64::from(burst));
        Self { per_second, burst, level: Mutex::new((burst, now)) }
    }

    /// Takes so many out, or says after how long they can be.
    ///
    /// More than the bucket holds is given once it is full, and paid for afterwards.
    pub(super) fn take(&self, count: usize, now: Instant) -> Result<(), Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(level.1).as_secs_f64();
        level.0 = (level.0 + passed * self.per_second).min(self.burst);
        level.1 = level.1.max(now);
        let count = count as f64;
        let missing = count.min(self.burst) - level.0;
        if missing > 0.0 {
            return Err(Duration::from_secs_f64(missing / self.per_second));
        }
        level.0 -= count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_given_and_then_the_rate() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let bucket = Bucket::new(10, 20, begin);
        assert_eq!(bucket.take(20, at(0)), Ok(()));
        assert_eq!(bucket.take(1, at(0)), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(1, at(100)), Ok(()));
        assert_eq!(bucket.take(20, at(100)), Err(Duration::from_secs(2)));
        assert_eq!(bucket.take(20, at(60_000)), Ok(()));
        assert_eq!(bucket.take(1, at(60_050)), Err(Duration::from_millis(50)));
    }

    #[test]
    fn more_than_it_holds_is_paid_for_afterwards() {
        let begin = Instant::now();
        let bucket = Bucket::new(10, 20, begin);
        assert_eq!(bucket.take(50, begin), Ok(()));
        assert_eq!(bucket.take(1, begin), Err(Duration::from_millis(3_100)));
    }
}
