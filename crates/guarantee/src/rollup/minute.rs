//! Minutes of the common calendar as plain numbers.
//!
//! A line of the log is written and read for every minute, so the conversion is
//! a few integer operations and not a calendar library's formatter. The
//! arithmetic counts years from March, where the leap day is the last of a
//! year.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::interval::Interval;

/// Minutes since 1970-01-01T00:00Z, leap seconds smeared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minute(pub u32);

/// Minutes of a day.
const DAY: u32 = 1440;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: u32 = 719_468;
/// Days of 400 years.
const ERA: u32 = 146_097;

impl Minute {
    /// 9999-12-31T23:59Z, the last one that can be written.
    pub const MAX: Self = Self(2_932_896 * DAY + DAY - 1);

    /// The minute that `instant` is in; `None` before 1970.
    #[must_use]
    pub fn of(instant: Timestamp) -> Option<Self> {
        u32::try_from(instant.as_second().div_euclid(60))
            .ok()
            .filter(|_| instant >= Timestamp::UNIX_EPOCH)
            .map(Self)
    }

    /// Its first instant. Minutes beyond [`Minute::MAX`] are taken for it.
    #[must_use]
    pub fn start(self) -> Timestamp {
        let second = i64::from(self.0.min(Self::MAX.0)) * 60;
        Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
    }

    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// From the start of `from` to the start of `to`.
    #[must_use]
    pub fn span(from: Self, to: Self) -> Interval {
        Interval {
            start: from.start(),
            end: to.start(),
        }
    }

    /// The minutes that lie wholly in `interval`, as first and first after.
    /// Minutes before 1970 are left out.
    #[must_use]
    pub fn within(interval: Interval) -> (Self, Self) {
        let up = |at: Timestamp| {
            let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
            -((-second).div_euclid(60))
        };
        let clamp = |minute: i64| {
            let minute = u32::try_from(minute.max(0)).unwrap_or(u32::MAX);
            Self(minute.min(Self::MAX.0 + 1))
        };
        let first = clamp(up(interval.start));
        let end = clamp(floor_minute(interval.end));
        (first, end.max(first))
    }

    /// Reads `2026-09-01T00:00Z` and nothing else.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; 17] = text.try_into().ok()?;
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b'Z')];
        if marks.iter().any(|&(i, mark)| text[i] != mark) {
            return None;
        }
        let number = |range: std::ops::Range<usize>| {
            text[range].iter().try_fold(0_u32, |sum, &b| {
                b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0'))
            })
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute) = (number(11..13)?, number(14..16)?);
        let fits = year >= 1970
            && (1..=12).contains(&month)
            && (1..=days_of_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60;
        fits.then(|| Self(day_number(year, month, day) * DAY + hour * 60 + minute))
    }
}

fn floor_minute(at: Timestamp) -> i64 {
    // Whole seconds are cut towards zero, so an instant just before a second
    // that is before 1970 has to go one further down.
    let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    second.div_euclid(60)
}

fn days_of_month(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date from then on.
fn day_number(year: u32, month: u32, day: u32) -> u32 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

/// Year, month and day of a day since 1970-01-01.
fn date(day: u32) -> (u32, u32, u32) {
    let day = day + EPOCH;
    let (era, of_era) = (day / ERA, day % ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let year = year + era * 400;
    if month < 10 {
        (year, month + 3, of_month)
    } else {
        (year + 1, month - 9, of_month)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minute = self.0.min(Self::MAX.0);
        let (year, month, day) = date(minute / DAY);
        let (hour, minute) = (minute % DAY / 60, minute % 60);
        let mut text = *b"0000-00-00T00:00Z";
        let fields = [
            (3, 4, year),
            (6, 2, month),
            (9, 2, day),
            (12, 2, hour),
            (15, 2, minute),
        ];
        for (last, width, mut value) in fields {
            for i in 0..width {
                text[last - i] = b'0' + u8::try_from(value % 10).unwrap_or(0);
                value /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn minutes_are_written_as_the_calendar_says(minute in 0..=Minute::MAX.0) {
            let minute = Minute(minute);
            let text = minute.to_string();
            let expected = minute.start().strftime("%Y-%m-%dT%H:%MZ").to_string();
            prop_assert_eq!(&text, &expected);
            prop_assert_eq!(Minute::parse(text.as_bytes()), Some(minute));
            prop_assert_eq!(Minute::of(minute.start()), Some(minute));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]Z") {
            if let Some(minute) = Minute::parse(text.as_bytes()) {
                prop_assert_eq!(minute.to_string(), text);
            }
        }

        #[test]
        fn nonsense_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            if let Some(minute) = Minute::parse(&bytes) {
                prop_assert_eq!(minute.to_string().into_bytes(), bytes);
            }
        }
    }

    #[test]
    fn the_calendar_has_its_corners() {
        for (text, good) in [
            ("1970-01-01T00:00Z", true),
            ("1969-12-31T23:59Z", false),
            ("2024-02-29T12:00Z", true),
            ("2026-02-29T12:00Z", false),
            ("2100-02-29T12:00Z", false),
            ("2400-02-29T12:00Z", true),
            ("2026-04-31T00:00Z", false),
            ("9999-12-31T23:59Z", true),
            ("2026-01-01T24:00Z", false),
            ("2026-01-01T00:60Z", false),
            ("2026-01-01T00:00z", false),
            ("2026-01-01T00:00", false),
        ] {
            assert_eq!(Minute::parse(text.as_bytes()).is_some(), good, "{text}");
        }
        assert_eq!(Minute::MAX.to_string(), "9999-12-31T23:59Z");
    }

    #[test]
    fn only_whole_minutes_are_within() {
        for (start_ms, end_ms, first, end) in [
            (0, 120_000, 0, 2),
            (1, 120_000, 1, 2),
            (60_000, 179_999, 1, 2),
            (1, 59_999, 1, 1),
            (-90_000, 60_000, 0, 1),
            (-90_000, -1, 0, 0),
        ] {
            let at = |ms| Timestamp::from_millisecond(ms).expect("in range");
            let interval = Interval {
                start: at(start_ms),
                end: at(end_ms),
            };
            let expected = (Minute(first), Minute(end));
            assert_eq!(Minute::within(interval), expected, "{start_ms} {end_ms}");
        }
        assert_eq!(
            Minute::of(Timestamp::from_millisecond(-1).expect("in range")),
            None
        );
    }
}
