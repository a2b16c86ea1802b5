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

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Fact;
use super::generation::Generations;
use super::line::{Line, MAX_TERMS, Stretch, plus};
use super::record::{Record, Version};
use crate::calendar;
use crate::contract::Contract;
use crate::contract::policy::{GenerationPolicy, Renewal};
use crate::term::{Period, Term, TermError};

/// When one version holds.
#[derive(Clone, Debug)]
pub struct Schedule<'a> {
    line: Line<'a>,
    /// First instant at which it holds, where that is not its first day.
    pub begins: Option<Timestamp>,
    /// First instant at which a later version holds, and which.
    pub superseded: Option<(Timestamp, &'a Version)>,
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
        let generations = (&contract.generations, contract.version);
        let term = (&contract.term, contract.renewal);
        let line = line(&contract.id, term, generations, record, known)?;
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
        for _ in 0..MAX_TERMS {
            let Some(stretch) = self.line.stretch_after(before.as_ref())? else {
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

    /// The generations of the version, by what a log had said until `known`.
    pub(crate) fn generations<'b>(
        &'b self,
        contract: &'b Contract,
        record: &'b Record,
        known: Timestamp,
    ) -> Generations<'b> {
        Generations {
            about: (&contract.id, contract.version),
            policy: &contract.generations,
            zone: &self.line.zone,
            record,
            known,
        }
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

/// One version by itself, by what a log had said until `known`.
fn line<'a>(
    id: &'a str,
    (term, renewal): (&'a Term, Renewal),
    (policy, version): (&'a GenerationPolicy, u32),
    record: &'a Record,
    known: Timestamp,
) -> Result<Line<'a>, TermError> {
    let zone = calendar::zone(&term.zone)?;
    let generations = Generations {
        about: (id, version),
        policy,
        zone: &zone,
        record,
        known,
    };
    let restarts = generations.restarts();
    Ok(Line {
        term,
        renewal,
        facts: record.about(id, version, known).collect(),
        restarts,
        zone,
    })
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
        let generations = (&earlier.generations, earlier.version);
        let term = (&earlier.term, earlier.renewal);
        let line = line(id, term, generations, record, version.at)?;
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
