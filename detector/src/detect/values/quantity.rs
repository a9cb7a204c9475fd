//! Quantities and odds as a sentence has them.

use logwake_models::value::Unit;

use crate::detect::reason::grouped;

/// Writes a quantity with two digits that count, in the unit that suits its size.
pub(super) fn quantity(value: f64, unit: Unit) -> String {
    let scales: &[(f64, &str)] = match unit {
        Unit::Seconds => {
            &[(3600.0, " h"), (120.0 / 2.0, " min"), (1.0, " s"), (1e-3, " ms"), (1e-6, " µs")]
        }
        Unit::Bytes => {
            &[(1_073_741_824.0, " GiB"), (1_048_576.0, " MiB"), (1024.0, " KiB"), (1.0, " bytes")]
        }
        Unit::Percent => &[(1.0, " %")],
        Unit::None => &[(1.0, "")],
    };
    let fits = scales.iter().find(|(scale, _)| value >= *scale);
    let (scale, suffix) = *fits.or(scales.last()).unwrap_or(&(1.0, ""));
    format!("{}{suffix}", two_digits(value / scale))
}

fn two_digits(value: f64) -> String {
    if value <= 0.0 {
        return "0".to_owned();
    }
    let power = value.log10().floor() as i32 - 1;
    let rounded = (value / 10f64.powi(power)).round() * 10f64.powi(power);
    if rounded >= 10.0 {
        grouped(rounded.round() as u64)
    } else {
        let decimals = usize::try_from(-power).unwrap_or(0).min(9);
        let text = format!("{rounded:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
        text.trim_end_matches('.').to_owned()
    }
}

/// Writes how likely something is by chance.
pub(super) fn odds(p_value: f64) -> String {
    const LEAST: f64 = 1e-14;
    const PLAIN: f64 = 1e-6;
    let against = 1.0 / p_value.max(LEAST);
    match p_value {
        p if p <= LEAST => "by chance less than 1 in 10^14".to_owned(),
        p if p < PLAIN => format!("by chance 1 in 10^{:.0}", against.log10().floor()),
        _ => format!("by chance 1 in {}", two_digits(against)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_well() {
        assert_eq!(quantity(0.2134, Unit::Seconds), "210 ms");
        assert_eq!(quantity(2.08, Unit::Seconds), "2.1 s");
        assert_eq!(quantity(300.0, Unit::Seconds), "5 min");
        assert_eq!(quantity(0.0, Unit::Seconds), "0 µs");
        assert_eq!(quantity(1536.0, Unit::Bytes), "1.5 KiB");
        assert_eq!(quantity(98.4, Unit::Percent), "98 %");
        assert_eq!(quantity(0.004, Unit::None), "0.004");
        assert_eq!(quantity(12_345.0, Unit::None), "12,000");
    }

    #[test]
    fn odds_read_well() {
        assert_eq!(odds(1.0 / 360.0), "by chance 1 in 360");
        assert_eq!(odds(2e-9), "by chance 1 in 10^8");
        assert_eq!(odds(1e-30), "by chance less than 1 in 10^14");
    }
}
