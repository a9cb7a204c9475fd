//! Timestamps as lines write them: recognised by shape at the start of a slice, without regular expressions.
//!
//! Knows the calendar but no clock and no zone database: what a stamp leaves out (year, zone, date) stays out
//! and is filled in by `calendar`.

use logwake_detector::time::Timestamp;

/// A timestamp as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// An instant: seconds, milliseconds, microseconds or nanoseconds since the epoch.
    Instant(Timestamp),
    /// A date and time of day.
    Civil(Civil),
}

/// A date and time of day, with what is missing said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) day: Day,
    /// Second of the day; 86,400 and more only in a leap second.
    pub(crate) secs: u32,
    pub(crate) nanos: u32,
    /// Seconds east of UTC, where stated.
    pub(crate) offset: Option<i32>,
}

/// The date of a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    /// Days since 1970-01-01.
    Full(i64),
    /// The year is missing.
    Yearless { month: u8, day: u8 },
    /// Only a time of day is written.
    Missing,
}

impl Stamp {
    /// Whether it states at least month and day.
    pub(crate) fn is_dated(&self) -> bool {
        !matches!(self, Self::Civil(Civil { day: Day::Missing, .. }))
    }

    /// Whether it leaves out the zone.
    pub(crate) fn is_zoneless(&self) -> bool {
        matches!(self, Self::Civil(Civil { offset: None, .. }))
    }

    /// Whether it is a date without year, as BSD syslog writes it.
    pub(crate) fn is_yearless(&self) -> bool {
        matches!(self, Self::Civil(Civil { day: Day::Yearless { .. }, .. }))
    }
}

/// Recognises a stamp at the start of `text`; returns it with its length in bytes, a trailing zone included.
pub(crate) fn at(text: &[u8]) -> Option<(Stamp, usize)> {
    match text.first()? {
        b'0'..=b'9' => numeric(text),
        b'A'..=b'Z' | b'a'..=b'z' => named(text),
        _ => None,
    }
}

/// Reads a whole text as a stamp: anything but white space behind it refuses it.
pub(crate) fn whole(text: &[u8]) -> Option<Stamp> {
    let text = text.trim_ascii();
    at(text).filter(|&(_, len)| len == text.len()).map(|(stamp, _)| stamp)
}

/// Reads a number since the epoch, its unit told by its magnitude; `None` beyond the year 2262.
pub(crate) fn epoch(whole: i64, nanos: u32) -> Option<Timestamp> {
    let unit = match whole.unsigned_abs() {
        0..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    let fraction = i64::from(nanos) * unit / 1_000_000_000;
    Some(Timestamp::from_nanos(whole.checked_mul(unit)?.checked_add(fraction)?))
}

/// Returns the days from 1970-01-01 to a date of the proleptic Gregorian calendar, `None` for no such date.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013), `days_from_civil`.
pub(crate) fn days(year: i64, month: u8, day: u8) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > longest {
        return None;
    }
    let (month, day) = (i64::from(month), i64::from(day));
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
            - 719_468,
    )
}

fn numeric(text: &[u8]) -> Option<(Stamp, usize)> {
    let digits = text.iter().take(20).take_while(|byte| byte.is_ascii_digit()).count();
    match (digits, *text.get(digits)?) {
        (4, sep @ (b'-' | b'/' | b'.')) => year_first(text, sep),
        (2, b'/') => slashed(text),
        (2, b':') => clock(text).map(|(clock, len)| civil(Day::Missing, clock, len)),
        (2, b'-') => dashed(text),
        (2, b'.') => dotted(text),
        (1 | 2, b' ') => day_month(text, digits),
        (6, b' ') => compact_six(text),
        (8, b' ' | b'T' | b'-') => compact_eight(text),
        (10 | 13 | 16 | 19, _) => epoch_digits(text, digits),
        _ => None,
    }
    .or_else(|| if digits == 1 { single_digit(text) } else { None })
}

/// `2026-03-04T10:00:00`, `2026/03/04 10:00:00`, `2026.03.04 …`, `2026-03-04-10.00.00.000000`.
fn year_first(text: &[u8], sep: u8) -> Option<(Stamp, usize)> {
    if *text.get(7)? != sep {
        return None;
    }
    let year = i64::from(two(text, 0)? * 100 + two(text, 2)?);
    let day = Day::Full(days(year, small(text, 5)?, small(text, 8)?)?);
    let joint = *text.get(10)?;
    let (clock, len) = match joint {
        b'T' | b't' | b' ' | b'_' | b':' => clock(&text[11..])?,
        b'-' if text.get(13) == Some(&b'.') => dotted_clock(&text[11..])?,
        b'-' => clock(&text[11..])?,
        _ => return None,
    };
    Some(zoned(text, day, clock, 11 + len))
}

/// `26/03/04 10:00:00`, `03/04/2026 10:00:00`, `10/Oct/2000:13:55:36 +0000`.
fn slashed(text: &[u8]) -> Option<(Stamp, usize)> {
    let first = small(text, 0)?;
    if let Some(month) = month(text.get(3..6)?) {
        let year = i64::from(two(text, 7)? * 100 + two(text, 9)?);
        if text[6] != b'/' || !matches!(text.get(11), Some(b':' | b' ')) {
            return None;
        }
        let (clock, len) = clock(&text[12..])?;
        return Some(zoned(text, Day::Full(days(year, month, first)?), clock, 12 + len));
    }
    let second = small(text, 3)?;
    if text.get(5) != Some(&b'/') {
        return None;
    }
    let third = small(text, 6)?;
    if let Some(rest) = two(text, 8) {
        let (month, day) = if first > 12 { (second, first) } else { (first, second) };
        let day = Day::Full(days(i64::from(third) * 100 + i64::from(rest), month, day)?);
        let start =
            10 + text[10..].iter().take_while(|byte| matches!(byte, b' ' | b',' | b'-')).count();
        let (clock, len) = clock(text.get(start..)?)?;
        return Some(zoned(text, day, clock, start + len));
    }
    let day = days(2000 + i64::from(first), second, third)
        .or_else(|| days(2000 + i64::from(third), first, second))?;
    let (clock, len) = clock(text.get(9..).filter(|_| text[8] == b' ')?)?;
    Some(zoned(text, Day::Full(day), clock, 9 + len))
}

/// `03-04 10:00:00.811`, `04-03-2026 10:00:00`, `04-Mar-2026 10:00:00`.
fn dashed(text: &[u8]) -> Option<(Stamp, usize)> {
    let first = small(text, 0)?;
    if let Some(month) = month(text.get(3..6)?) {
        let year = i64::from(two(text, 7)? * 100 + two(text, 9)?);
        let (clock, len) = clock(text.get(12..).filter(|_| text[6] == b'-')?)?;
        return Some(zoned(text, Day::Full(days(year, month, first)?), clock, 12 + len));
    }
    let second = small(text, 3)?;
    if *text.get(5)? == b' ' {
        let (clock, len) = clock(&text[6..])?;
        return Some(zoned(text, yearless(first, second)?, clock, 6 + len));
    }
    let year = i64::from(two(text, 6)? * 100 + two(text, 8)?);
    let (month, day) = if second > 12 { (first, second) } else { (second, first) };
    let (clock, len) = clock(text.get(11..).filter(|_| text[5] == b'-')?)?;
    Some(zoned(text, Day::Full(days(year, month, day)?), clock, 11 + len))
}

/// `03.04 10:00:00`, `04.03.2026 10:00:00`.
fn dotted(text: &[u8]) -> Option<(Stamp, usize)> {
    let (first, second) = (small(text, 0)?, small(text, 3)?);
    if *text.get(5)? == b' ' {
        let (clock, len) = clock(&text[6..])?;
        let day = yearless(first, second).or_else(|| yearless(second, first))?;
        return Some(zoned(text, day, clock, 6 + len));
    }
    let year = i64::from(two(text, 6)? * 100 + two(text, 8)?);
    let (clock, len) = clock(text.get(11..).filter(|_| text[5] == b'.')?)?;
    Some(zoned(text, Day::Full(days(year, second, first)?), clock, 11 + len))
}

/// `04 Mar 2026 10:00:00.123`, `4 Mar 10:00:00`.
fn day_month(text: &[u8], digits: usize) -> Option<(Stamp, usize)> {
    let day = number(&text[..digits])?;
    let month = month(text.get(digits + 1..digits + 4)?)?;
    let mut pos = digits + 5;
    if text.get(digits + 4) != Some(&b' ') {
        return None;
    }
    let mut date = yearless(month, day)?;
    if let (Some(century), Some(rest), Some(b' ')) =
        (two(text, pos), two(text, pos + 2), text.get(pos + 4))
    {
        date = Day::Full(days(i64::from(century * 100 + rest), month, day)?);
        pos += 5;
    }
    let (clock, len) = clock(text.get(pos..)?)?;
    Some(zoned(text, date, clock, pos + len))
}

/// `260304 100000`, `260304 10:00:00`.
fn compact_six(text: &[u8]) -> Option<(Stamp, usize)> {
    let day = days(2000 + i64::from(small(text, 0)?), small(text, 2)?, small(text, 4)?)?;
    let start = if text.get(7) == Some(&b' ') { 8 } else { 7 };
    let rest = text.get(start..)?;
    let (clock, len) = clock(rest).or_else(|| compact_clock(rest)).or_else(|| short_clock(rest))?;
    Some(civil(Day::Full(day), clock, start + len))
}

/// `20260304 10:00:00`, `20260304T100000Z`, `20260304-10:00:00:606`.
fn compact_eight(text: &[u8]) -> Option<(Stamp, usize)> {
    let year = i64::from(two(text, 0)? * 100 + two(text, 2)?);
    let day = days(year, small(text, 4)?, small(text, 6)?)?;
    let rest = text.get(9..)?;
    let (clock, len) = clock(rest).or_else(|| compact_clock(rest)).or_else(|| short_clock(rest))?;
    Some(zoned(text, Day::Full(day), clock, 9 + len))
}

/// Ten, thirteen, sixteen or nineteen digits, ten with a fraction too; from 2001 to 2033 by their first digits.
fn epoch_digits(text: &[u8], digits: usize) -> Option<(Stamp, usize)> {
    if text[0] != b'1' {
        return None;
    }
    let whole = text[..digits].iter().fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let (nanos, len) = match text.get(digits) {
        Some(b'.') => fraction(&text[digits + 1..]).map_or((0, 0), |(nanos, len)| (nanos, len + 1)),
        _ => (0, 0),
    };
    let end = digits + len;
    let is_apart = text
        .get(end)
        .is_none_or(|byte| matches!(byte, b' ' | b'\t' | b']' | b':' | b',' | b'|' | b')'));
    Some((Stamp::Instant(epoch(whole, nanos)?), end)).filter(|_| is_apart)
}

/// `9:05:01` is too little to go by; `4 Mar` and `3/4/2026 9:05:01 AM` are read.
fn single_digit(text: &[u8]) -> Option<(Stamp, usize)> {
    let mut pos = 0;
    let first = loose(text, &mut pos, b'/')?;
    let second = loose(text, &mut pos, b'/')?;
    let year = i64::from(two(text, pos)? * 100 + two(text, pos + 2)?);
    let start = pos
        + 4
        + text.get(pos + 4..)?.iter().take_while(|byte| matches!(byte, b' ' | b',')).count();
    let (clock, len) = clock(text.get(start..)?).or_else(|| short_clock(text.get(start..)?))?;
    let (month, day) = if first > 12 { (second, first) } else { (first, second) };
    Some(zoned(text, Day::Full(days(year, month, day)?), clock, start + len))
}

/// `Mar  4 10:00:00`, `Mon Mar  4 10:00:00 2026`, `Mon, 04 Mar 2026 10:00:00 GMT`, `Mar 4, 2026 10:00:00 AM`.
fn named(text: &[u8]) -> Option<(Stamp, usize)> {
    if text.len() < 14 || !matches!(text[3], b' ' | b',') {
        return None;
    }
    if let Some(month) = month(&text[..3]) {
        return month_first(text, month, 4);
    }
    if !is_weekday(&text[..3]) {
        return None;
    }
    let start = if text[3] == b',' { 5 } else { 4 };
    let rest = &text[start..];
    if let Some((stamp, len)) =
        rest.first().filter(|byte| byte.is_ascii_digit()).and_then(|_| numeric(rest))
    {
        return Some((stamp, start + len));
    }
    let month = month(rest.get(..3)?)?;
    month_first(text, month, start + 4)
}

fn month_first(text: &[u8], month: u8, start: usize) -> Option<(Stamp, usize)> {
    let mut pos = start + usize::from(text.get(start) == Some(&b' '));
    let digits = text.get(pos..)?.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    let day = number(text.get(pos..pos + digits)?).filter(|_| digits > 0)?;
    pos += digits;
    pos += usize::from(text.get(pos) == Some(&b','));
    if text.get(pos) != Some(&b' ') {
        return None;
    }
    pos += 1;
    let mut date = yearless(month, day)?;
    if let (Some(century), Some(rest), Some(b' ')) =
        (two(text, pos), two(text, pos + 2), text.get(pos + 4))
    {
        date = Day::Full(days(i64::from(century * 100 + rest), month, day)?);
        pos += 5;
    }
    let (clock, len) = clock(text.get(pos..)?).or_else(|| short_clock(text.get(pos..)?))?;
    let (Stamp::Civil(mut stamp), mut end) = zoned(text, date, clock, pos + len) else {
        return None;
    };
    if let (Day::Yearless { .. }, Some(b' '), Some(century), Some(rest)) =
        (date, text.get(end), two(text, end + 1), two(text, end + 3))
    {
        let is_apart =
            text.get(end + 5).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b':');
        if is_apart && (19..=21).contains(&century) {
            stamp.day = Day::Full(days(i64::from(century * 100 + rest), month, day)?);
            end += 5;
        }
    }
    Some((Stamp::Civil(stamp), end))
}

/// Time of day: seconds of the day and nanoseconds.
type Clock = (u32, u32);

/// `HH:MM:SS` with an optional fraction after `.`, `,` or (three digits) `:`.
fn clock(text: &[u8]) -> Option<(Clock, usize)> {
    if text.len() < 8 || text[2] != b':' || text[5] != b':' {
        return None;
    }
    let secs = seconds(two(text, 0)?, two(text, 3)?, two(text, 6)?)?;
    let (nanos, len) = match text.get(8) {
        Some(b'.' | b',') => fraction(&text[9..]).map_or((0, 0), |(nanos, len)| (nanos, len + 1)),
        Some(b':') => {
            fraction(&text[9..]).filter(|found| found.1 == 3).map_or((0, 0), |found| (found.0, 4))
        }
        Some(b'0'..=b'9') => return None,
        _ => (0, 0),
    };
    Some(((secs, nanos), 8 + len))
}

/// `10.00.00.123456`.
fn dotted_clock(text: &[u8]) -> Option<(Clock, usize)> {
    if text.len() < 8 || text[2] != b'.' || text[5] != b'.' {
        return None;
    }
    let secs = seconds(two(text, 0)?, two(text, 3)?, two(text, 6)?)?;
    let found = text.get(8).filter(|&&byte| byte == b'.').and_then(|_| fraction(&text[9..]));
    let (nanos, len) = found.map_or((0, 0), |(nanos, len)| (nanos, len + 1));
    Some(((secs, nanos), 8 + len))
}

/// `100000`.
fn compact_clock(text: &[u8]) -> Option<(Clock, usize)> {
    let secs = seconds(two(text, 0)?, two(text, 2)?, two(text, 4)?)?;
    let is_apart = text.get(6).is_none_or(|byte| !byte.is_ascii_digit());
    Some(((secs, 0), 6)).filter(|_| is_apart)
}

/// `9:05:01` and, where hours, minutes or seconds may have one digit, `9:5:1:606`.
fn short_clock(text: &[u8]) -> Option<(Clock, usize)> {
    let mut pos = 0;
    let hour = loose(text, &mut pos, b':')?;
    let minute = loose(text, &mut pos, b':')?;
    let digits = text[pos..].iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    let second = number(&text[pos..pos + digits]).filter(|_| digits > 0)?;
    let secs = seconds(u32::from(hour), u32::from(minute), u32::from(second))?;
    pos += digits;
    let found = text
        .get(pos)
        .filter(|byte| matches!(byte, b'.' | b',' | b':'))
        .and_then(|_| fraction(&text[pos + 1..]));
    let (nanos, len) = found.map_or((0, 0), |(nanos, len)| (nanos, len + 1));
    Some(((secs, nanos), pos + len))
}

fn seconds(hour: u32, minute: u32, second: u32) -> Option<u32> {
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Up to nine digits as nanoseconds; further digits are read over.
fn fraction(text: &[u8]) -> Option<(u32, usize)> {
    let (mut nanos, mut len) = (0, 0);
    for digit in text.iter().take_while(|byte| byte.is_ascii_digit()) {
        if len < 9 {
            nanos = nanos * 10 + u32::from(digit - b'0');
        }
        len += 1;
    }
    (len > 0).then(|| (nanos * 10_u32.pow(9_u32.saturating_sub(len as u32)), len))
}

fn civil(day: Day, (secs, nanos): Clock, len: usize) -> (Stamp, usize) {
    (Stamp::Civil(Civil { day, secs, nanos, offset: None }), len)
}

/// Completes a stamp whose clock ends at `len` with AM or PM and the zone that may follow.
fn zoned(text: &[u8], day: Day, (mut secs, nanos): Clock, mut len: usize) -> (Stamp, usize) {
    let rest = &text[len..];
    if let [b' ', half @ (b'A' | b'P'), b'M', ..] = rest
        && rest.get(3).is_none_or(|byte| !byte.is_ascii_alphanumeric())
        && secs < 46_800
    {
        secs = secs % 43_200 + if *half == b'P' { 43_200 } else { 0 };
        len += 3;
    }
    let (offset, zone_len) = zone(&text[len..]);
    (Stamp::Civil(Civil { day, secs, nanos, offset }), len + zone_len)
}

/// Reads a zone behind a stamp: `Z`, `+01:00`, `+0100`, `+01`, ` +0100`, ` UTC`, ` CET`.
fn zone(text: &[u8]) -> (Option<i32>, usize) {
    match text {
        [b'Z' | b'z', rest @ ..] if is_apart(rest) => (Some(0), 1),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            signed(*sign, rest).map_or((None, 0), |(secs, len)| (Some(secs), len + 1))
        }
        [b' ', sign @ (b'+' | b'-'), rest @ ..] => match signed(*sign, rest) {
            Some((secs, len)) if len >= 4 => (Some(secs), len + 2),
            _ => (None, 0),
        },
        [b' ', rest @ ..] => abbreviated(rest).map_or((None, 0), |(secs, len)| (secs, len + 1)),
        _ => (None, 0),
    }
}

fn signed(sign: u8, text: &[u8]) -> Option<(i32, usize)> {
    let hours = two(text, 0).filter(|&hours| hours <= 15)?;
    let (minutes, len) = match text.get(2) {
        Some(b':') => (two(text, 3)?, 5),
        Some(b'0'..=b'9') => (two(text, 2)?, 4),
        _ => (0, 2),
    };
    let secs = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    is_apart(&text[len..]).then_some((if sign == b'-' { -secs } else { secs }, len))
}

/// Zone abbreviations that mean one thing; the ambiguous ones (`CST`, `IST`) are read over and give no offset.
fn abbreviated(text: &[u8]) -> Option<(Option<i32>, usize)> {
    let len = text.iter().take(5).take_while(|byte| byte.is_ascii_uppercase()).count();
    if !(3..=4).contains(&len) || !is_apart(&text[len..]) {
        return None;
    }
    let hours = match &text[..len] {
        b"UTC" | b"GMT" | b"WET" => Some(0),
        b"CET" | b"WEST" | b"BST" => Some(1),
        b"CEST" | b"EET" | b"SAST" => Some(2),
        b"EEST" | b"MSK" => Some(3),
        b"JST" | b"KST" => Some(9),
        b"AEST" => Some(10),
        b"EDT" => Some(-4),
        b"EST" | b"CDT" => Some(-5),
        b"MDT" => Some(-6),
        b"MST" | b"PDT" => Some(-7),
        b"PST" => Some(-8),
        b"CST" | b"IST" => None,
        _ => return None,
    };
    Some((hours.map(|hours| hours * 3600), len))
}

fn is_apart(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

fn yearless(month: u8, day: u8) -> Option<Day> {
    days(2000, month, day).map(|_| Day::Yearless { month, day })
}

fn month(name: &[u8]) -> Option<u8> {
    const NAMES: &[u8; 36] = b"janfebmaraprmayjunjulaugsepoctnovdec";
    let name = [name[0] | 0x20, name[1] | 0x20, name[2] | 0x20];
    let (names, _) = NAMES.as_chunks::<3>();
    names.iter().position(|known| *known == name).map(|index| index as u8 + 1)
}

fn is_weekday(name: &[u8]) -> bool {
    matches!(name, b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun")
}

/// Reads one or two digits and the separator behind them.
fn loose(text: &[u8], pos: &mut usize, sep: u8) -> Option<u8> {
    let digits = text.get(*pos..)?.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=2).contains(&digits) || text.get(*pos + digits) != Some(&sep) {
        return None;
    }
    let value = number(&text[*pos..*pos + digits]);
    *pos += digits + 1;
    value
}

fn number(digits: &[u8]) -> Option<u8> {
    digits
        .iter()
        .try_fold(0_u8, |sum, digit| sum.checked_mul(10)?.checked_add(digit.wrapping_sub(b'0')))
}

fn small(text: &[u8], pos: usize) -> Option<u8> {
    two(text, pos).map(|value| value as u8)
}

#[inline]
fn two(text: &[u8], pos: usize) -> Option<u32> {
    let [tens, ones] = text.get(pos..pos + 2)?.try_into().ok()?;
    let (tens, ones): (u8, u8) = (u8::wrapping_sub(tens, b'0'), u8::wrapping_sub(ones, b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}
