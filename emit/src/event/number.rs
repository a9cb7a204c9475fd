//! Numbers that JSON can hold: it knows neither infinity nor NaN, and an index refuses `null`.

/// Returns a finite number: infinities become the greatest finite ones, NaN and -0 become 0.
pub(super) fn finite(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(f64::MIN, f64::MAX) + 0.0 }
}

/// Returns a number in [0, 1]; NaN becomes `otherwise`.
pub(super) fn unit(number: f64, otherwise: f64) -> f64 {
    if number.is_nan() { otherwise } else { number.clamp(0.0, 1.0) + 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_becomes_one_that_json_holds() {
        assert_eq!(finite(f64::INFINITY), f64::MAX);
        assert_eq!(finite(f64::NAN), 0.0);
        assert!(finite(-0.0).is_sign_positive());
        assert_eq!(unit(f64::NAN, 1.0), 1.0);
        assert_eq!(unit(1e-300, 1.0), 1e-300);
        assert_eq!(unit(7.0, 1.0), 1.0);
    }
}
