//! Maintenance windows: which of them are on at an instant.
//!
//! A window that comes again begins at a time of day of its zone and lasts for a time that passes,
//! whatever the clocks do meanwhile.
//! **A start that a change of the clocks skips is as much later as the clocks go on**, and of one
//! that comes twice the first counts: the rule of RFC 5545 and of jiff's `compatible`.
//! So a window comes once on each of its days, never twice and never not at all.

use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};
use logwake_detector::alert::{Maintenance, Scope};
use logwake_detector::time::Timestamp;

use crate::config::MaintenanceWindow;

/// Longest window that comes again.
const DURATION_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Names of the days.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// All maintenance windows.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    windows: Vec<Window>,
}

/// One window.
#[derive(Clone, Debug)]
pub struct Window {
    name: String,
    scope: Scope,
    when: When,
}

#[derive(Clone, Debug)]
enum When {
    Once { from: Instant, until: Instant },
    Again { days: Vec<Weekday>, start: Time, duration: Duration, zone: TimeZone },
}

/// The key that is wrong, and what is.
pub type Fault = (&'static str, String);

impl Calendar {
    /// Takes windows in the order of the configuration.
    pub fn new(windows: Vec<Window>) -> Self {
        Self { windows }
    }

    /// Returns the windows that are on at an instant, each with the end of its occurrence.
    pub fn maintenance_at(&self, at: Timestamp) -> Vec<Maintenance> {
        let Ok(at) = Instant::from_nanosecond(i128::from(at.as_nanos())) else { return Vec::new() };
        let on = self.windows.iter().filter_map(|window| {
            let ends_at = window.when.end_at(at)?;
            let nanos = i64::try_from(ends_at.as_nanosecond()).unwrap_or(i64::MAX);
            let (name, scope) = (window.name.clone(), window.scope.clone());
            Some(Maintenance { name, scope, ends_at: Timestamp::from_nanos(nanos) })
        });
        on.collect()
    }
}

impl Window {
    /// Reads a window of the configuration.
    ///
    /// # Errors
    /// Says which key is wrong.
    pub fn new(config: &MaintenanceWindow) -> Result<Self, Fault> {
        let zone = TimeZone::get(&config.zone).map_err(|_| {
            let zone = &config.zone;
            (
                "zone",
                format!(
                    "{zone:?} is not a time zone, write an IANA name such as \"Europe/Berlin\""
                ),
            )
        })?;
        let once = (&config.from, &config.until);
        let when = match (once, &config.start) {
            ((Some(from), Some(until)), None) => once_of(config, (from, until), &zone)?,
            ((None, None), Some(start)) => again_of(config, start, zone)?,
            ((None, None), None) => {
                return Err(("start", "is missing, or from and until are".to_owned()));
            }
            ((Some(_), None), _) => return Err(("until", "is missing".to_owned())),
            ((None, Some(_)), _) => return Err(("from", "is missing".to_owned())),
            (_, Some(_)) => {
                return Err((
                    "start",
                    "is for windows that come again, this one has from and until".to_owned(),
                ));
            }
        };
        let scope = Scope {
            services: config.services.clone(),
            hosts: config.hosts.clone(),
            names: config.names.clone(),
        };
        Ok(Self { name: config.name.clone(), scope, when })
    }
}

fn once_of(
    config: &MaintenanceWindow,
    (from, until): (&str, &str),
    zone: &TimeZone,
) -> Result<When, Fault> {
    if config.duration.is_some() || !config.days.is_empty() {
        let key = if config.duration.is_some() { "duration" } else { "days" };
        return Err((
            key,
            "is for windows that come again, this one has from and until".to_owned(),
        ));
    }
    let (from, until) = (instant("from", from, zone)?, instant("until", until, zone)?);
    if until <= from {
        return Err(("until", "is not after from".to_owned()));
    }
    Ok(When::Once { from, until })
}

fn again_of(config: &MaintenanceWindow, start: &str, zone: TimeZone) -> Result<When, Fault> {
    let start = Time::strptime("%H:%M", start)
        .map_err(|_| ("start", format!("{start:?} is not a time of day such as \"02:00\"")))?;
    let duration = config.duration.ok_or_else(|| ("duration", "is missing".to_owned()))?.0;
    if duration.is_zero() || duration > DURATION_MAX {
        return Err(("duration", "is not between 1ns and 7d".to_owned()));
    }
    let day = |name: &String| {
        let name = name.to_ascii_lowercase();
        let found = DAYS.iter().find(|(short, _)| *short == name).map(|(_, day)| *day);
        found.ok_or_else(|| {
            let known = DAYS.map(|(short, _)| short).join(", ");
            ("days", format!("{name:?} is not a day, known: {known}"))
        })
    };
    let mut days = config.days.iter().map(day).collect::<Result<Vec<_>, _>>()?;
    if days.is_empty() {
        days = DAYS.map(|(_, day)| day).to_vec();
    }
    Ok(When::Again { days, start, duration, zone })
}

/// Reads an instant, or a local time of a zone.
fn instant(key: &'static str, text: &str, zone: &TimeZone) -> Result<Instant, Fault> {
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let local: DateTime = text.parse().map_err(|_| {
        (key, format!("{text:?} is neither a time of RFC 3339 nor a local one such as \"2026-11-21T02:00\""))
    })?;
    local_instant(local, zone).ok_or_else(|| (key, format!("{text:?} is out of range")))
}

/// Returns when a local time is, by the rule for times that are skipped or come twice.
fn local_instant(local: DateTime, zone: &TimeZone) -> Option<Instant> {
    zone.to_ambiguous_timestamp(local).compatible().ok()
}

impl When {
    /// Returns the end of the occurrence that an instant falls into, the latest of several.
    fn end_at(&self, at: Instant) -> Option<Instant> {
        match self {
            Self::Once { from, until } => (*from..*until).contains(&at).then_some(*until),
            Self::Again { days, start, duration, zone } => {
                let today = zone.to_datetime(at).date();
                // A change of the clocks may carry a start past midnight.
                let back = i64::try_from(duration.as_secs() / 86_400).unwrap_or(7) + 2;
                let dates =
                    (0..=back).filter_map(|days| today.checked_sub(Span::new().days(days)).ok());
                let is_on = |date: &Date| days.contains(&date.weekday());
                let ends = dates.filter(is_on).filter_map(|date| {
                    let begin = local_instant(date.to_datetime(*start), zone)?;
                    let end = begin.checked_add(*duration).ok()?;
                    (begin..end).contains(&at).then_some(end)
                });
                ends.max()
            }
        }
    }
}

#[cfg(test)]
mod tests;
