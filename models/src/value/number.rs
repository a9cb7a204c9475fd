//! A quantity as logs write it: digits, perhaps a unit, in the base of its unit.
//!
//! What is no quantity is refused: identifiers with leading zeros or more digits than `f64` holds,
//! and negative numbers, which have no place on a logarithmic scale.

use serde::{Deserialize, Serialize};

/// More digits are an identifier, and would not fit into an `f64` either.
const DIGITS_MAX: usize = 15;

/// What a number measures, as far as its unit says.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Unit {
    /// No unit is written.
    #[default]
    None,
    /// A duration, in seconds.
    Seconds,
    /// A size, in bytes.
    Bytes,
    /// Parts of a hundred.
    Percent,
}

/// What a number behind which this is written measures, and in which steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    unit: Unit,
    base: f64,
}

impl Scale {
    /// Of numbers behind which no unit is written.
    pub const NONE: Self = Self { unit: Unit::None, base: 1.0 };

    /// Reads the word that stands apart behind a number, where nothing else is meant by it: single
    /// letters often are no units, and `min` may be the least.
    pub fn of(word: &str) -> Self {
        let is_unit = match word {
            "s" | "B" | "%" => true,
            "min" => false,
            _ => word.len() > 1,
        };
        is_unit.then(|| Self::named(word)).flatten().unwrap_or(Self::NONE)
    }

    fn named(word: &str) -> Option<Self> {
        const KIB: f64 = 1024.0;
        let (unit, base) = match word {
            "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => {
                (Unit::Seconds, 1e-3)
            }
            "s" | "sec" | "secs" | "second" | "seconds" => (Unit::Seconds, 1.0),
            "us" | "µs" | "μs" | "usec" | "microsecond" | "microseconds" => (Unit::Seconds, 1e-6),
            "ns" | "nsec" | "nanosecond" | "nanoseconds" => (Unit::Seconds, 1e-9),
            "m" | "min" | "mins" | "minute" | "minutes" => (Unit::Seconds, 60.0),
            "h" | "hr" | "hrs" | "hour" | "hours" => (Unit::Seconds, 3600.0),
            "d" | "day" | "days" => (Unit::Seconds, 86_400.0),
            "%" => (Unit::Percent, 1.0),
            "B" | "byte" | "bytes" | "Bytes" => (Unit::Bytes, 1.0),
            "k" | "K" | "kb" | "kB" | "KB" | "KiB" => (Unit::Bytes, KIB),
            "M" | "mb" | "MB" | "MiB" => (Unit::Bytes, KIB * KIB),
            "G" | "gb" | "GB" | "GiB" => (Unit::Bytes, KIB * KIB * KIB),
            "T" | "TB" | "TiB" => (Unit::Bytes, KIB * KIB * KIB * KIB),
            _ => return None,
        };
        Some(Self { unit, base })
    }
}

/// A quantity of at least 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// In the base of its unit.
    pub value: f64,
    /// What it measures.
    pub unit: Unit,
    /// The step between two numbers that are written with as many digits.
    pub step: f64,
    /// Digits, where it is a whole number without a unit or a separator; else 0.
    pub digits: u8,
}

impl Number {
    /// Reads `12`, `0.25`, `1,250`, `3.5e-4`, `12ms`, `1.5GiB`, `99%` or `1m30s`; `scale` is that of
    /// what follows apart from it.
    pub fn read(text: &str, scale: Scale) -> Option<Self> {
        let (plain, rest) = split_digits(text);
        let first = Self::plain(plain)?;
        if rest.is_empty() {
            return Some(if scale == Scale::NONE { first } else { first.scaled(scale) });
        }
        Self::with_units(first, rest)
    }

    /// Reads the units behind the first number, and the numbers of a duration in parts.
    fn with_units(first: Self, rest: &str) -> Option<Self> {
        let (name, mut rest) = split_unit(rest);
        let mut sum = first.scaled(Scale::named(name)?);
        while !rest.is_empty() {
            let (plain, behind) = split_digits(rest);
            let (name, behind) = split_unit(behind);
            let part = Self::plain(plain)?.scaled(Scale::named(name)?);
            if part.unit != sum.unit || part.unit != Unit::Seconds {
                return None;
            }
            (sum.value, sum.step, rest) = (sum.value + part.value, part.step, behind);
        }
        Some(sum)
    }

    fn plain(text: &str) -> Option<Self> {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let is_id = digits > 1 && text.starts_with('0') && !text.starts_with("0.");
        if digits == 0 || digits > DIGITS_MAX || is_id {
            return None;
        }
        let whole = text.split(['.', 'e', 'E']).next().unwrap_or_default();
        let grouped = whole.contains(',');
        if grouped && !whole.split(',').skip(1).all(|group| group.len() == 3) {
            return None;
        }
        let value: f64 = match grouped {
            true => text.replace(',', "").parse().ok()?,
            false => text.parse().ok()?,
        };
        let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
        let is_valid = value.is_finite() && value >= 0.0;
        is_valid.then(|| Self {
            value,
            unit: Unit::None,
            step: step_of(text),
            digits: if is_whole { digits as u8 } else { 0 },
        })
    }

    fn scaled(self, scale: Scale) -> Self {
        let Scale { unit, base } = scale;
        Self { value: self.value * base, unit, step: self.step * base, digits: 0 }
    }
}

/// What one more in the last digit is worth.
fn step_of(text: &str) -> f64 {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let power: i32 = match text.len() > mantissa.len() {
        true => text[mantissa.len() + 1..].parse().unwrap_or(0),
        false => 0,
    };
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    10f64.powi(power.clamp(-300, 300) - decimals as i32)
}

/// Cuts behind digits, points, separators, and an exponent.
fn split_digits(text: &str) -> (&str, &str) {
    let numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',');
    let bytes = text.as_bytes();
    let mut end = bytes.iter().take_while(|byte| numeric(**byte)).count();
    if end > 0 && matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let power = bytes[end + 1 + sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        end += if power > 0 { 1 + sign + power } else { 0 };
    }
    text.split_at(end)
}

fn split_unit(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len()))
}
