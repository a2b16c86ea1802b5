//! How long a contract runs, and the settlement periods it is cut into.

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use crate::calendar;
use crate::interval::Interval;

/// Longest term: 100 years, so that a typing error in a year does not become
/// a list of a hundred thousand periods.
pub const MAX_YEARS: i16 = 100;

/// How long it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TermKind {
    /// One year.
    #[serde(rename = "1y")]
    OneYear,
    /// Three years.
    #[serde(rename = "3y")]
    ThreeYears,
    /// From `start` to `end`.
    #[serde(rename = "custom")]
    Custom,
}

/// Where periods begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// At every first of a month; the first and the last period may be shorter.
    Calendar,
    /// At the day of the month on which the term began; in months without that
    /// day, at their last one.
    Anniversary,
    /// As `calendar`, but the days before the first full month are not settled.
    NextMonth,
}

/// The commercial term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// How long.
    pub kind: TermKind,
    /// First day.
    pub start: Date,
    /// First day after it. Needed for `custom`, and for years that begin on a
    /// 29 February; otherwise it may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Date>,
    /// Zone in which days begin, by its IANA name.
    pub zone: String,
    /// Where periods begin.
    pub alignment: Alignment,
}

/// Why a term is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermError {
    /// A custom term has to say when it ends.
    #[error("a custom term needs `end`, the first day after it")]
    NoEnd,
    /// A year from 29 February ends on a day that is not there.
    #[error(
        "{years} year(s) from {start} would end on a 29 February that does not exist; \
         write `end: {before}` or `end: {after}` (the first day after the term)"
    )]
    LeapDay {
        /// Years of the term.
        years: i16,
        /// First day.
        start: Date,
        /// 28 February.
        before: Date,
        /// 1 March.
        after: Date,
    },
    /// `end` is not the end of that many years.
    #[error("{years} year(s) from {start} end on {expected} (exclusive), not on {end}")]
    OtherEnd {
        /// Years of the term.
        years: i16,
        /// First day.
        start: Date,
        /// What is written.
        end: Date,
        /// What it had to be.
        expected: Date,
    },
    /// Nothing between start and end.
    #[error("the term ends on {end} (exclusive), not after its start {start}")]
    Empty {
        /// First day.
        start: Date,
        /// First day after it.
        end: Date,
    },
    /// More than [`MAX_YEARS`], or beyond the year 9999.
    #[error("the term is longer than {MAX_YEARS} years")]
    TooLong,
    /// The zone is not in the database.
    #[error(transparent)]
    Zone(#[from] calendar::CalendarError),
}

/// One settlement period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// 0 for the first.
    pub index: u32,
    /// First day.
    pub start: Date,
    /// First day after it.
    pub end: Date,
    /// The same as instants, days beginning in the term's zone.
    pub interval: Interval,
    /// Days in it.
    pub days: u32,
    /// Days of the whole month it is a part of; more than `days` where the term
    /// begins or ends within a month. The fee of a short period is
    /// `days / month_days` of the fee.
    pub month_days: u32,
}

impl Period {
    /// Minutes in it; an hour less or more where summer time begins or ends.
    #[must_use]
    pub fn minutes(&self) -> u64 {
        let seconds = self.interval.end.as_second() - self.interval.start.as_second();
        u64::try_from(seconds / 60).unwrap_or(0)
    }
}

impl Term {
    /// First day after the term.
    ///
    /// # Errors
    /// If the end is missing, contradicts the kind, is not after the start, or is
    /// too far away.
    pub fn end_exclusive(&self) -> Result<Date, TermError> {
        let end = match self.kind {
            TermKind::Custom => self.end.ok_or(TermError::NoEnd)?,
            TermKind::OneYear => self.end_after(1)?,
            TermKind::ThreeYears => self.end_after(3)?,
        };
        if end <= self.start {
            return Err(TermError::Empty {
                start: self.start,
                end,
            });
        }
        if end > self.start.saturating_add(Span::new().years(MAX_YEARS)) {
            return Err(TermError::TooLong);
        }
        Ok(end)
    }

    fn end_after(&self, years: i16) -> Result<Date, TermError> {
        let start = self.start;
        let clamped = start
            .checked_add(years.years())
            .map_err(|_| TermError::TooLong)?;
        if clamped.day() == start.day() {
            return match self.end {
                Some(end) if end != clamped => Err(TermError::OtherEnd {
                    years,
                    start,
                    end,
                    expected: clamped,
                }),
                _ => Ok(clamped),
            };
        }
        let after = clamped.tomorrow().map_err(|_| TermError::TooLong)?;
        match self.end {
            Some(end) if end == clamped || end == after => Ok(end),
            _ => Err(TermError::LeapDay {
                years,
                start,
                before: clamped,
                after,
            }),
        }
    }

    /// From the first instant of the term to the first after it.
    ///
    /// # Errors
    /// As [`Term::end_exclusive`], and if the zone is unknown.
    pub fn interval(&self) -> Result<Interval, TermError> {
        span_of(&self.zone, self.start, self.end_exclusive()?)
    }

    /// The settlement periods, in order, without gaps.
    ///
    /// # Errors
    /// As [`Term::interval`].
    pub fn periods(&self) -> Result<Vec<Period>, TermError> {
        let end = self.end_exclusive()?;
        let cuts = self.cuts(end);
        let mut periods = Vec::with_capacity(cuts.len());
        for (start, next) in cuts.windows(2).map(|pair| (pair[0], pair[1])) {
            periods.push(Period {
                index: u32::try_from(periods.len()).unwrap_or(u32::MAX),
                start,
                end: next,
                interval: span_of(&self.zone, start, next)?,
                days: days_between(start, next),
                month_days: self.month_days(periods.len(), start),
            });
        }
        Ok(periods)
    }

    /// Days before the first full month that `next_month` leaves unsettled.
    ///
    /// # Errors
    /// As [`Term::end_exclusive`].
    pub fn unsettled_days(&self) -> Result<u32, TermError> {
        let end = self.end_exclusive()?;
        let first = self.cuts(end).first().copied().unwrap_or(end);
        Ok(days_between(self.start, first))
    }

    /// Where periods meet: the first start, all borders, the end.
    fn cuts(&self, end: Date) -> Vec<Date> {
        let (anchor, mut cuts) = match self.alignment {
            Alignment::Calendar => (self.start.first_of_month(), vec![self.start]),
            Alignment::Anniversary => (self.start, vec![self.start]),
            Alignment::NextMonth if self.start.day() == 1 => (self.start, vec![self.start]),
            Alignment::NextMonth => (self.start.first_of_month(), Vec::new()),
        };
        // Always counted from the anchor: a term that began on the 31st comes
        // back to the 31st after a February.
        for months in 1.. {
            let border = anchor.saturating_add(Span::new().months(months));
            if border >= end {
                break;
            }
            cuts.push(border);
        }
        cuts.push(end);
        cuts
    }

    fn month_days(&self, index: usize, start: Date) -> u32 {
        match self.alignment {
            Alignment::Calendar | Alignment::NextMonth => {
                u32::try_from(start.days_in_month()).unwrap_or(0)
            }
            Alignment::Anniversary => {
                let months = i32::try_from(index).unwrap_or(i32::MAX).saturating_add(1);
                let full = self.start.saturating_add(Span::new().months(months));
                days_between(start, full)
            }
        }
    }
}

fn span_of(zone: &str, start: Date, end: Date) -> Result<Interval, TermError> {
    let zone = calendar::zone(zone)?;
    Ok(Interval {
        start: calendar::midnight(&zone, start)?,
        end: calendar::midnight(&zone, end)?,
    })
}

fn days_between(start: Date, end: Date) -> u32 {
    u32::try_from((end - start).get_days()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
