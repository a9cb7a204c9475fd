//! Event time as RFC 3339 in UTC, with as many digits of a second as it has.

use jiff::Timestamp as Instant;
use logwake_detector::time::Timestamp;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes an instant.
pub(super) fn text(time: Timestamp) -> String {
    Instant::from_nanosecond(i128::from(time.as_nanos()))
        .expect("64-bit nanoseconds reach from 1677 to 2262, jiff from -9999 to 9999")
        .to_string()
}

fn parse<E: serde::de::Error>(text: &str) -> Result<Timestamp, E> {
    let instant: Instant = text.parse().map_err(E::custom)?;
    let nanos = i64::try_from(instant.as_nanosecond())
        .map_err(|_| E::custom(format!("time {text} is outside of the years 1677 to 2262")))?;
    Ok(Timestamp::from_nanos(nanos))
}

pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text(*time))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    parse(&String::deserialize(from)?)
}

/// The same for a time that may be absent.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Serializer, Timestamp, parse, text};

    pub(in crate::event) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.serialize_str(&text(*time)),
            None => to.serialize_none(),
        }
    }

    pub(in crate::event) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Option::<String>::deserialize(from)?.map(|text| parse(&text)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_as_many_as_needed() {
        assert_eq!(text(Timestamp::from_secs(0)), "1970-01-01T00:00:00Z");
        assert_eq!(text(Timestamp::from_millis(1_500)), "1970-01-01T00:00:01.5Z");
        assert_eq!(text(Timestamp::from_nanos(-1)), "1969-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn the_bounds_come_back() {
        for nanos in [i64::MIN, -1, 0, 1, i64::MAX] {
            let time = Timestamp::from_nanos(nanos);
            assert_eq!(parse::<serde_json::Error>(&text(time)).unwrap(), time);
        }
        assert!(parse::<serde_json::Error>("3000-01-01T00:00:00Z").is_err());
    }
}
