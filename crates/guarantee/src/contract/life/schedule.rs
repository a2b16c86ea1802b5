//! When a version of a contract holds, and the periods in which it is settled.
//!
//! - A term that ends is followed by another one, if it is renewed, or else by
//!   its days of grace. Both are cut into periods as the first term is, and their
//!   numbers go on.
//! - A later version takes the place of the earlier ones from the first day of
//!   its own first period on, but not before the first midnight after it was
//!   logged while an earlier one holds: what is over stays as it was. A fact can
//!   name a later day.
//! - At every instant at most one version holds: the latest one that has begun.
//!   A period in which that changes is cut there, exactly.
//!
//! So no leaf changes a period that was over before it.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::record::{Record, Recorded, Version};
use super::{Fact, Side};
use crate::calendar;
use crate::contract::Contract;
use crate::contract::policy::{Renewal, RenewalMode};
use crate::term::{Alignment, Period, Term, TermError, TermKind};

/// Most terms one after the other: a hundred years of months. A contract in a
/// log of others may have a term of one day.
const MAX_TERMS: u32 = 1_200;

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
}

/// When one version holds.
#[derive(Clone, Debug)]
pub struct Schedule<'a> {
    line: Line<'a>,
    /// First instant at which it holds, where that is not its first day.
    pub begins: Option<Timestamp>,
    /// First instant at which a later version holds, and which.
    pub superseded: Option<(Timestamp, &'a Version)>,
}

/// What decides over one version alone.
#[derive(Clone, Debug)]
struct Line<'a> {
    term: &'a Term,
    renewal: Renewal,
    zone: TimeZone,
    facts: Vec<&'a Recorded>,
}

impl<'a> Schedule<'a> {
    /// By what a log had said until `known`.
    ///
    /// # Errors
    /// The contract's term cannot be computed.
    pub fn new(
        contract: &'a Contract,
        record: &'a Record,
        known: Timestamp,
    ) -> Result<Self, TermError> {
        let line = Line {
            term: &contract.term,
            renewal: contract.renewal,
            zone: calendar::zone(&contract.term.zone)?,
            facts: record
                .about(&contract.id, contract.version, known)
                .collect(),
        };
        contract.term.end_exclusive()?;
        let versions = record.versions(&contract.id);
        let logged = |v: &&Version| v.at <= known;
        let mut begins = None;
        let mut superseded: Option<(Timestamp, &Version)> = None;
        for (at, version) in versions.iter().enumerate().take_while(|(_, v)| logged(v)) {
            // A version whose term cannot be computed takes no place of another.
            let Ok(from) = effective(&contract.id, &versions[..at], version, record, known) else {
                continue;
            };
            if version.version == contract.version && at > 0 {
                begins = Some(from);
            }
            if version.version > contract.version && superseded.is_none_or(|s| from < s.0) {
                superseded = Some((from, version));
            }
        }
        Ok(Self {
            line,
            begins,
            superseded,
        })
    }

    /// First instant at which it holds.
    ///
    /// # Errors
    /// Days cannot be computed.
    pub fn start(&self) -> Result<Timestamp, TermError> {
        let first = own_start(self.line.term)?;
        Ok(self.begins.map_or(first, |b| b.max(first)))
    }

    /// The terms and the grace that begin before `horizon`, in order, whatever
    /// other versions say.
    ///
    /// # Errors
    /// Days cannot be computed.
    pub fn stretches(&self, horizon: Timestamp) -> Result<Vec<Stretch>, TermError> {
        self.line.stretches(horizon)
    }

    /// The periods that begin before `horizon`, cut to the time in which the
    /// version holds.
    ///
    /// # Errors
    /// Days cannot be computed.
    pub fn periods(&self, horizon: Timestamp) -> Result<Vec<Period>, TermError> {
        let mut periods = Vec::new();
        let mut first = 0;
        for stretch in self.stretches(horizon)? {
            let all = self.line.cut(&stretch, first)?;
            first = first.saturating_add(u32::try_from(all.len()).unwrap_or(u32::MAX));
            for period in all {
                if let Some(period) = self.held(period).filter(|p| p.interval.start < horizon) {
                    periods.push(period);
                }
            }
        }
        Ok(periods)
    }

    /// The period with this number, if there is one.
    ///
    /// # Errors
    /// Days cannot be computed.
    pub fn period(&self, index: u32) -> Result<Option<Period>, TermError> {
        let mut first = 0_u32;
        let mut before = None;
        for number in 0..MAX_TERMS {
            let Some(stretch) = self.line.stretch_after(number, before.as_ref())? else {
                break;
            };
            let all = self.line.cut(&stretch, first)?;
            if let Some(period) = all.get((index - first) as usize) {
                return Ok(self.held(*period));
            }
            first += u32::try_from(all.len()).unwrap_or(0);
            before = Some(stretch);
        }
        Ok(None)
    }

    /// The last instant at which either party can still say no to another term
    /// is before this.
    pub(super) fn notice(&self, stretch: &Stretch) -> Result<Timestamp, TermError> {
        self.line.notice(stretch.end)
    }

    /// The end of the days after a term in which it still holds.
    pub(super) fn grace_end(&self, stretch: &Stretch) -> Result<Timestamp, TermError> {
        self.line.grace(stretch.end)
    }

    /// Whether a party has said no in time to another term after this one.
    pub(super) fn is_refused(&self, stretch: &Stretch) -> Result<bool, TermError> {
        Ok(self.line.said(stretch.end)?.refused)
    }

    /// The midnight that begins a day.
    pub(super) fn midnight(&self, day: Date) -> Result<Timestamp, TermError> {
        self.line.midnight(day)
    }

    /// The end of the last of `days` whole days after an instant.
    pub(super) fn after_days(&self, at: Timestamp, days: u32) -> Result<Timestamp, TermError> {
        let day = self.line.zone.to_datetime(at).date();
        self.midnight(plus(day, i64::from(days).saturating_add(1)))
    }

    /// A period, cut to the time in which the version holds. A day that is cut
    /// counts as a whole one.
    fn held(&self, period: Period) -> Option<Period> {
        let mut cut = period;
        let day = |at: Timestamp| self.line.zone.to_datetime(at).date();
        if let Some(begins) = self.begins.filter(|b| *b > period.interval.start) {
            cut.interval.start = begins;
            cut.start = day(begins);
        }
        if let Some((end, _)) = self.superseded.filter(|s| s.0 < period.interval.end) {
            cut.interval.end = end;
            let last = day(end);
            let is_midnight = self.midnight(last).is_ok_and(|m| m == end);
            cut.end = if is_midnight { last } else { plus(last, 1) };
        }
        if cut.interval.is_empty() {
            return None;
        }
        cut.days = u32::try_from((cut.end - cut.start).get_days()).unwrap_or(0);
        Some(cut)
    }
}

/// What the parties said of another term.
#[derive(Clone, Copy, Default)]
struct Words {
    refused: bool,
    provider: bool,
    customer: bool,
}

impl Line<'_> {
    fn midnight(&self, day: Date) -> Result<Timestamp, TermError> {
        Ok(calendar::midnight(&self.zone, day)?)
    }

    fn stretches(&self, horizon: Timestamp) -> Result<Vec<Stretch>, TermError> {
        let mut stretches = Vec::new();
        for number in 0..MAX_TERMS {
            let Some(stretch) = self.stretch_after(number, stretches.last())? else {
                break;
            };
            if self.midnight(stretch.start)? >= horizon && number > 0 {
                break;
            }
            stretches.push(stretch);
        }
        Ok(stretches)
    }

    fn stretch_after(
        &self,
        number: u32,
        before: Option<&Stretch>,
    ) -> Result<Option<Stretch>, TermError> {
        let Some(before) = before else {
            let first = Stretch {
                start: self.term.start,
                end: self.term.end_exclusive()?,
                term: 0,
                grace: false,
            };
            return Ok((number == 0).then_some(first));
        };
        if before.grace {
            return Ok(None);
        }
        let start = before.end;
        if self.is_renewed(start)? {
            let end = self.end_of(number)?.filter(|end| *end > start);
            return Ok(end.map(|end| Stretch {
                start,
                end,
                term: number,
                grace: false,
            }));
        }
        let end = plus(start, i64::from(self.renewal.grace_days));
        Ok((end > start).then_some(Stretch {
            start,
            end,
            term: before.term,
            grace: true,
        }))
    }

    /// First day after the term with this number, counted from the first one, so
    /// that a term from the 31st comes back to it. `None` beyond a hundred years.
    fn end_of(&self, number: u32) -> Result<Option<Date>, TermError> {
        let (start, end) = (self.term.start, self.term.end_exclusive()?);
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
                let months = (i32::from(end.year()) - i32::from(start.year())) * 12
                    + (i32::from(end.month()) - i32::from(start.month()));
                if start.day() == end.day() {
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
        let last = start.saturating_add(Span::new().years(crate::term::MAX_YEARS));
        Ok(found.filter(|end| *end <= last))
    }

    /// Whether the term that ends on `end` is followed by another one.
    fn is_renewed(&self, end: Date) -> Result<bool, TermError> {
        let said = self.said(end)?;
        let by_itself = self.renewal.mode == RenewalMode::Automatic && !said.refused;
        Ok((said.provider && said.customer) || by_itself)
    }

    fn notice(&self, end: Date) -> Result<Timestamp, TermError> {
        self.midnight(plus(end, -i64::from(self.renewal.notice_days)))
    }

    fn grace(&self, end: Date) -> Result<Timestamp, TermError> {
        self.midnight(plus(end, i64::from(self.renewal.grace_days)))
    }

    /// What was said in time of another term after the one that ends on `end`.
    fn said(&self, end: Date) -> Result<Words, TermError> {
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
    fn cut(&self, stretch: &Stretch, first: u32) -> Result<Vec<Period>, TermError> {
        let is_first = stretch.term == 0 && !stretch.grace;
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
    fn expiry(&self, until: Timestamp) -> Result<Timestamp, TermError> {
        let last = self.stretches(until)?.last().map(|s| s.end);
        let end = last.map_or(Ok(until), |end| self.midnight(end))?;
        Ok(end.min(until))
    }
}

/// First instant of a term's first period.
fn own_start(term: &Term) -> Result<Timestamp, TermError> {
    let zone = calendar::zone(&term.zone)?;
    let unsettled = i64::from(term.unsettled_days()?);
    Ok(calendar::midnight(&zone, plus(term.start, unsettled))?)
}

/// From when on a later version holds.
fn effective(
    id: &str,
    before: &[Version],
    version: &Version,
    record: &Record,
    known: Timestamp,
) -> Result<Timestamp, TermError> {
    let own = own_start(&version.term)?;
    if before.is_empty() {
        return Ok(own);
    }
    let zone = calendar::zone(&version.term.zone)?;
    let logged = midnight_from(&zone, version.at)?;
    // Where nothing holds any more, nothing is in the way.
    let mut held = Timestamp::MIN;
    for earlier in before {
        let line = Line {
            term: &earlier.term,
            renewal: earlier.renewal,
            zone: calendar::zone(&earlier.term.zone)?,
            facts: record.about(id, earlier.version, version.at).collect(),
        };
        held = held.max(line.expiry(logged).unwrap_or(logged));
    }
    let mut from = own.max(held);
    for recorded in record.about(id, version.version, known) {
        if let Fact::Supersession { from: day, .. } = &recorded.fact
            && recorded.at < from
        {
            from = from.max(calendar::midnight(&zone, *day)?);
        }
    }
    Ok(from)
}

/// The first midnight that is not before an instant.
fn midnight_from(zone: &TimeZone, at: Timestamp) -> Result<Timestamp, TermError> {
    let day = zone.to_datetime(at).date();
    let midnight = calendar::midnight(zone, day)?;
    if midnight >= at {
        return Ok(midnight);
    }
    Ok(calendar::midnight(zone, plus(day, 1))?)
}

fn plus(day: Date, days: i64) -> Date {
    // Beyond the calendar's end nothing is computed anyhow.
    let span = Span::new().try_days(days).unwrap_or_default();
    day.saturating_add(span)
}
