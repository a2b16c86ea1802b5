//! One version of a contract by itself: its terms, one after the other, its grace,
//! and how they are cut.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::record::Recorded;
use super::{Fact, Side};
use crate::calendar;
use crate::contract::policy::{Renewal, RenewalMode};
use crate::term::{Alignment, Period, Term, TermError, TermKind};

/// Most terms one after the other: a hundred years of months. A contract in a
/// log of others may have a term of one day.
pub(super) const MAX_TERMS: u32 = 1_200;

/// A stretch of a contract's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First day.
    pub start: Date,
    /// First day after it.
    pub end: Date,
    /// 0 for the first term, 1 for the first renewal.
    pub term: u32,
    /// It holds only while it is not renewed.
    pub grace: bool,
    /// First day of the first term of its kind: that of the contract, or the one
    /// on which an upgrade has begun it anew.
    pub(super) base: Date,
}

/// What decides over one version alone.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub(super) term: &'a Term,
    pub(super) renewal: Renewal,
    pub(super) zone: TimeZone,
    pub(super) facts: Vec<&'a Recorded>,
    /// Days on which a term begins anew, in order.
    pub(super) restarts: Vec<Date>,
}

/// What the parties said of another term.
#[derive(Clone, Copy, Default)]
pub(super) struct Words {
    pub(super) refused: bool,
    provider: bool,
    customer: bool,
}

impl Line<'_> {
    pub(super) fn midnight(&self, day: Date) -> Result<Timestamp, TermError> {
        Ok(calendar::midnight(&self.zone, day)?)
    }

    pub(super) fn stretches(&self, horizon: Timestamp) -> Result<Vec<Stretch>, TermError> {
        let mut stretches = Vec::new();
        for number in 0..MAX_TERMS {
            let Some(stretch) = self.stretch_after(stretches.last())? else {
                break;
            };
            if self.midnight(stretch.start)? >= horizon && number > 0 {
                break;
            }
            stretches.push(stretch);
        }
        Ok(stretches)
    }

    /// The stretch after another one, or the first. An upgrade that begins the
    /// term anew ends the one before it.
    pub(super) fn stretch_after(
        &self,
        before: Option<&Stretch>,
    ) -> Result<Option<Stretch>, TermError> {
        let mut found = self.undisturbed(before)?;
        if let Some(stretch) = &mut found {
            let inside = |day: &&Date| stretch.start < **day && **day < stretch.end;
            if let Some(day) = self.restarts.iter().find(inside) {
                stretch.end = *day;
            }
        }
        Ok(found)
    }

    fn undisturbed(&self, before: Option<&Stretch>) -> Result<Option<Stretch>, TermError> {
        let Some(before) = before else {
            return Ok(Some(Stretch {
                start: self.term.start,
                end: self.term.end_exclusive()?,
                term: 0,
                grace: false,
                base: self.term.start,
            }));
        };
        if self.restarts.contains(&before.end) {
            let start = before.end;
            let end = self.end_of(start, 0)?.filter(|end| *end > start);
            return Ok(end.map(|end| Stretch {
                start,
                end,
                term: 0,
                grace: false,
                base: start,
            }));
        }
        if before.grace {
            return Ok(None);
        }
        let start = before.end;
        if self.is_renewed(start)? {
            let term = before.term.saturating_add(1);
            let end = self.end_of(before.base, term)?.filter(|end| *end > start);
            return Ok(end.map(|end| Stretch {
                start,
                end,
                term,
                grace: false,
                base: before.base,
            }));
        }
        let end = plus(start, i64::from(self.renewal.grace_days));
        Ok((end > start).then_some(Stretch {
            start,
            end,
            term: before.term,
            grace: true,
            base: before.base,
        }))
    }

    /// First day after the term with this number, counted from the one that began
    /// on `base`, so that a term from the 31st comes back to it. `None` beyond a
    /// hundred years.
    fn end_of(&self, base: Date, number: u32) -> Result<Option<Date>, TermError> {
        let (start, end) = self.first_of(base)?;
        let times = i32::try_from(number).unwrap_or(i32::MAX);
        let later = |months: i32| {
            let months = months.saturating_mul(times);
            let span = Span::new().try_months(i64::from(months)).ok()?;
            end.checked_add(span).ok()
        };
        let found = match self.term.kind {
            TermKind::OneYear => later(12),
            TermKind::ThreeYears => later(36),
            TermKind::Custom => {
                let months = months(self.term.start, self.term.end_exclusive()?);
                if self.term.start.day() == self.term.end_exclusive()?.day() {
                    later(months)
                } else {
                    let days = i64::from((end - start).get_days());
                    let days = days.saturating_mul(i64::from(times));
                    Span::new()
                        .try_days(days)
                        .ok()
                        .and_then(|d| end.checked_add(d).ok())
                }
            }
        };
        let first = self.term.start;
        let last = first.saturating_add(Span::new().years(crate::term::MAX_YEARS));
        Ok(found.filter(|end| *end <= last))
    }

    /// The days of the first term that begins on `base`: as long as the contract's.
    fn first_of(&self, base: Date) -> Result<(Date, Date), TermError> {
        let (start, end) = (self.term.start, self.term.end_exclusive()?);
        if base == start {
            return Ok((start, end));
        }
        let span = match self.term.kind {
            TermKind::OneYear => Span::new().months(12),
            TermKind::ThreeYears => Span::new().months(36),
            TermKind::Custom if start.day() == end.day() => Span::new()
                .try_months(i64::from(months(start, end)))
                .unwrap_or_default(),
            TermKind::Custom => end - start,
        };
        Ok((base, base.saturating_add(span)))
    }

    /// Whether the term that ends on `end` is followed by another one.
    fn is_renewed(&self, end: Date) -> Result<bool, TermError> {
        let said = self.said(end)?;
        let by_itself = self.renewal.mode == RenewalMode::Automatic && !said.refused;
        Ok((said.provider && said.customer) || by_itself)
    }

    pub(super) fn notice(&self, end: Date) -> Result<Timestamp, TermError> {
        self.midnight(plus(end, -i64::from(self.renewal.notice_days)))
    }

    pub(super) fn grace(&self, end: Date) -> Result<Timestamp, TermError> {
        self.midnight(plus(end, i64::from(self.renewal.grace_days)))
    }

    /// What was said in time of another term after the one that ends on `end`.
    pub(super) fn said(&self, end: Date) -> Result<Words, TermError> {
        let (notice, grace) = (self.notice(end)?, self.grace(end)?);
        let mut said = Words::default();
        for recorded in &self.facts {
            match &recorded.fact {
                Fact::NonRenewal { term_end, .. } if *term_end == end => {
                    said.refused |= recorded.at < notice;
                }
                Fact::RenewalSigned { term_end, by, .. }
                    if *term_end == end && recorded.at < grace =>
                {
                    match by {
                        Side::Provider => said.provider = true,
                        Side::Customer => said.customer = true,
                    }
                }
                _ => {}
            }
        }
        Ok(said)
    }

    /// The periods of a stretch, numbered from `first` on.
    pub(super) fn cut(&self, stretch: &Stretch, first: u32) -> Result<Vec<Period>, TermError> {
        let is_first = stretch.start == self.term.start;
        let alignment = match self.term.alignment {
            // Days before a full month were left out once, at the beginning.
            Alignment::NextMonth if !is_first => Alignment::Calendar,
            other => other,
        };
        let term = Term {
            kind: TermKind::Custom,
            start: stretch.start,
            end: Some(stretch.end),
            zone: self.term.zone.clone(),
            alignment,
        };
        let mut periods = term.periods()?;
        for period in &mut periods {
            period.index = period.index.saturating_add(first);
        }
        Ok(periods)
    }

    /// The end of its own life, at most `until`.
    pub(super) fn expiry(&self, until: Timestamp) -> Result<Timestamp, TermError> {
        let last = self.stretches(until)?.last().map(|s| s.end);
        let end = last.map_or(Ok(until), |end| self.midnight(end))?;
        Ok(end.min(until))
    }
}

/// Months from one day to the same of another month.
fn months(start: Date, end: Date) -> i32 {
    (i32::from(end.year()) - i32::from(start.year())) * 12
        + (i32::from(end.month()) - i32::from(start.month()))
}

pub(super) fn plus(day: Date, days: i64) -> Date {
    // Beyond the calendar's end nothing is computed anyhow.
    let span = Span::new().try_days(days).unwrap_or_default();
    day.saturating_add(span)
}
