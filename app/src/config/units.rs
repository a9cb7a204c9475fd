//! Durations and sizes as people write them: a number and a unit, `"1h30m"`, `"64MiB"`.
//!
//! A number alone is refused for a duration, because nobody can tell seconds from milliseconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of time, to the nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Units of a duration in nanoseconds, the largest first.
const SPAN_UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Units of a size in bytes, binary ones first, the largest first.
const SIZE_UNITS: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl Span {
    /// Makes a span of whole seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Makes a span of milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown = || {
            format!(
                "{text:?} is not a duration, write a number and a unit (ns, us, ms, s, m, h, d) such as \"10s\" or \"1h30m\""
            )
        };
        let mut nanos: u64 = 0;
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(shown());
        }
        while !rest.is_empty() {
            let (number, unit, tail) = split_quantity(rest).ok_or_else(shown)?;
            let (_, factor) =
                SPAN_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(shown)?;
            let part = number.checked_mul(*factor);
            nanos = part
                .and_then(|part| nanos.checked_add(part))
                .ok_or_else(|| format!("{text:?} is longer than 584 years"))?;
            rest = tail;
        }
        Ok(Self(Duration::from_nanos(nanos)))
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown = || {
            format!(
                "{text:?} is not a size, write bytes or a number and a unit (B, kB, KiB, MB, MiB, GB, GiB, TiB) such as \"64MiB\""
            )
        };
        let text = text.trim();
        if let Ok(bytes) = text.parse() {
            return Ok(Self(bytes));
        }
        let (number, unit, tail) = split_quantity(text).ok_or_else(shown)?;
        let same = |name: &str| name.eq_ignore_ascii_case(unit);
        let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| same(name)).ok_or_else(shown)?;
        if !tail.is_empty() {
            return Err(shown());
        }
        let bytes = number.checked_mul(*factor);
        bytes.map(Self).ok_or_else(|| format!("{text:?} is more bytes than a 64-bit number holds"))
    }
}

/// Splits `12ms34` into 12, `ms` and `34`; a blank may stand before the unit.
fn split_quantity(text: &str) -> Option<(u64, &str, &str)> {
    let text = text.trim_start();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number = text[..digits].parse().ok()?;
    let rest = text[digits..].trim_start();
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    Some((number, &rest[..letters], rest[letters..].trim_start()))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in SPAN_UNITS {
            if rest >= factor {
                write!(f, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, factor): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*factor);
        let (unit, factor) = SIZE_UNITS.iter().find(whole).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_alike() {
        for (text, millis, shown) in [
            ("10s", 10_000, "10s"),
            ("200ms", 200, "200ms"),
            ("1h30m", 5_400_000, "1h30m"),
            ("90 m", 5_400_000, "1h30m"),
            ("1d 2h", 93_600_000, "1d2h"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span, Span::millis(millis), "{text}");
            assert_eq!(span.to_string(), shown);
        }
        for text in ["", "10", "s", "10 parsecs", "-1s", "1.5s", "99999999999d", "1h30"] {
            assert!(text.parse::<Span>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sizes_are_read_and_written_alike() {
        for (text, bytes, shown) in [
            ("512", 512, "512B"),
            ("64KiB", 65_536, "64KiB"),
            ("64 kib", 65_536, "64KiB"),
            ("1MB", 1_000_000, "1MB"),
            ("1MiB", 1_048_576, "1MiB"),
            ("0", 0, "0B"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size, Size(bytes), "{text}");
            assert_eq!(size.to_string(), shown);
        }
        for text in ["", "MiB", "1.5MiB", "1Mi", "-1", "1MiB2", "99999999999TiB"] {
            assert!(text.parse::<Size>().is_err(), "{text:?}");
        }
    }
}
