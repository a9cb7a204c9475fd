//! From stamps to instants: fills in what a stamp leaves out, by stated rules.
//!
//! - **Missing zone**: the configured zone.
//! - **Missing year**: the year that brings the stamp nearest to the previous one of this source,
//!   so a log that runs from December into January rolls over by itself;
//!   for the first stamp, the latest year that puts it at most a day after the time of reading, or `now`.
//! - **Missing date**: the date that brings the stamp nearest to the previous one; for the first,
//!   the latest that puts it at most an hour after the time of reading, or `now`.
//! - **Impossible zone**: a stamp without zone inside a payload that states when it was read cannot be later than
//!   that; where it is, by more than ten minutes, its clock ran in another zone,
//!   and it is moved back by whole half hours.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use logwake_detector::time::Timestamp;

use super::stamp::{Civil, Day, Stamp, days};

const SECOND: i64 = 1_000_000_000;
const DAY_SECS: i64 = 86_400;
const HALF_HOUR: i64 = 1_800 * SECOND;
/// How far a stamp may lie after the time of reading before its zone is doubted.
const SKEW_MAX: i64 = 600 * SECOND;

/// How far a stamp may run ahead of all that is known and still be a reference: a clock in 2099 must not.
const JUMP_MAX: i64 = 366 * DAY_SECS * SECOND;

/// Turns the stamps of one source into instants.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    zone: TimeZone,
    is_utc: bool,
    now: Timestamp,
    /// The latest dated stamp of the source: the reference for missing years.
    previous: Option<Timestamp>,
    /// Local quarter of an hour and the offset that holds in it, seconds east; a cache, not state.
    offset: Option<(i64, i64)>,
}

impl Calendar {
    pub(crate) fn new(zone: TimeZone, now: Timestamp, previous: Option<Timestamp>) -> Self {
        let is_utc = zone == TimeZone::UTC;
        Self { zone, is_utc, now, previous, offset: None }
    }

    /// Returns the previous stamp, all that has to be kept across a restart.
    pub(crate) fn previous(&self) -> Option<Timestamp> {
        self.previous
    }

    /// Resolves a stamp; `read` is when its payload says it was read.
    pub(crate) fn resolve(&mut self, stamp: Stamp, read: Option<Timestamp>) -> Option<Timestamp> {
        let time = match stamp {
            Stamp::Instant(time) => time,
            Stamp::Civil(civil) => {
                let time = self.civil(civil, read)?;
                match read {
                    Some(read) if civil.offset.is_none() => plausible(time, read),
                    _ => time,
                }
            }
        };
        let latest = self.previous.max(read).max(Some(self.now));
        if latest.is_none_or(|latest| time.as_nanos().saturating_sub(latest.as_nanos()) < JUMP_MAX)
        {
            self.previous = Some(time);
        }
        Some(time)
    }

    fn civil(&mut self, civil: Civil, read: Option<Timestamp>) -> Option<Timestamp> {
        let bound = read.unwrap_or(self.now).as_nanos().div_euclid(SECOND);
        let reference = match self.previous {
            Some(time) => Reference::Previous(time.as_nanos().div_euclid(SECOND)),
            None => Reference::Bound(bound),
        };
        let local = match civil.day {
            Day::Full(day) => day * DAY_SECS + i64::from(civil.secs),
            Day::Yearless { month, day } => {
                with_year(month, day, reference)? * DAY_SECS + i64::from(civil.secs)
            }
            Day::Missing => {
                let near = reference.secs();
                let day = near.div_euclid(DAY_SECS);
                let mut candidates =
                    (day - 1..=day + 1).rev().map(|day| day * DAY_SECS + i64::from(civil.secs));
                match reference {
                    Reference::Previous(_) => candidates.min_by_key(|local| local.abs_diff(near)),
                    Reference::Bound(_) => candidates.find(|&local| local <= near + 3_600),
                }?
            }
        };
        let offset = civil.offset.map_or_else(|| self.offset_at(local), i64::from);
        let secs = local.checked_sub(offset)?;
        secs.checked_mul(SECOND)?.checked_add(i64::from(civil.nanos)).map(Timestamp::from_nanos)
    }

    /// Seconds east of UTC of the configured zone at a local time.
    fn offset_at(&mut self, local: i64) -> i64 {
        if self.is_utc {
            return 0;
        }
        let quarter = local.div_euclid(900);
        if let Some((_, offset)) = self.offset.filter(|(known, _)| *known == quarter) {
            return offset;
        }
        let offset = lookup(&self.zone, local).unwrap_or(0);
        self.offset = Some((quarter, offset));
        offset
    }
}

/// What a missing year is measured against, in seconds since the epoch.
#[derive(Clone, Copy)]
enum Reference {
    /// The previous stamp: the year may lie on either side.
    Previous(i64),
    /// The time of reading or `now`: the stamp cannot lie more than a day after it.
    Bound(i64),
}

impl Reference {
    fn secs(self) -> i64 {
        match self {
            Self::Previous(secs) | Self::Bound(secs) => secs,
        }
    }
}

/// The offset that holds at a local time; in a gap or fold the earlier one.
fn lookup(zone: &TimeZone, local: i64) -> Option<i64> {
    let civil: DateTime =
        jiff::Timestamp::from_second(local).ok()?.to_zoned(TimeZone::UTC).datetime();
    let zoned = zone.to_ambiguous_zoned(civil).compatible().ok()?;
    Some(i64::from(zoned.offset().seconds()))
}

/// Picks the year for a date: nearest to the previous stamp, else the latest at most a day after the reference.
fn with_year(month: u8, day: u8, reference: Reference) -> Option<i64> {
    let today = reference.secs().div_euclid(DAY_SECS);
    let guess = 1970 + (today * 400).div_euclid(146_097);
    let mut candidates = (guess - 8..=guess + 8).rev().filter_map(|year| days(year, month, day));
    match reference {
        Reference::Previous(_) => candidates.min_by_key(|candidate| candidate.abs_diff(today)),
        Reference::Bound(_) => candidates.find(|&candidate| candidate <= today + 1),
    }
}

/// Moves a zoneless stamp that lies after the time of reading back by whole half hours.
fn plausible(time: Timestamp, read: Timestamp) -> Timestamp {
    let ahead = time.as_nanos().saturating_sub(read.as_nanos());
    if ahead <= SKEW_MAX || ahead > 15 * 3_600 * SECOND {
        return time;
    }
    let halves = ahead.saturating_add(HALF_HOUR / 2) / HALF_HOUR;
    Timestamp::from_nanos(time.as_nanos() - halves * HALF_HOUR)
}
