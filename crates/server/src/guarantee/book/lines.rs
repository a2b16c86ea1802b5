//! How the lines of a contract stand: what was attained, what is left.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Serialize;
use surecast_guarantee::burn::Alert;
use surecast_guarantee::calendar;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::coverage::{Coverage, Window};
use surecast_guarantee::exclusion::{Exclusion, ValidExclusion, judge};
use surecast_guarantee::interval::Interval;
use surecast_guarantee::method::{LineResult, evaluate};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::nines::Nines;
use surecast_guarantee::ratio::Percent;
use surecast_guarantee::rollup::table::Cell;
use surecast_guarantee::rollup::{Minute, RollupState, Source};
use surecast_guarantee::settlement::{self, Share};
use surecast_guarantee::term::Period;

use super::status::{Shown, shown};
use super::{Book, Shared};

/// Minutes and days that are shown.
const MINUTES: u32 = 60;
const DAYS: i64 = 30;

/// All lines of a contract.
#[derive(Debug, Serialize)]
pub struct Lines {
    /// Which contract.
    pub contract: String,
    /// Of which version.
    pub version: u32,
    /// When this was computed.
    pub now: Timestamp,
    /// The end of the last minute in the log; none before the first.
    pub until: Option<Timestamp>,
    /// The settlement period that it is now; none outside of the term.
    pub period: Option<Interval>,
    /// The term.
    pub term: Option<Interval>,
    /// In the order of the contract.
    pub lines: Vec<LineNow>,
    /// The same by place, for a map.
    pub map: Vec<Place>,
}

/// A line.
#[derive(Debug, Serialize)]
pub struct LineNow {
    /// What.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// How it is measured.
    pub method: &'static str,
    /// Whether it can make an incident severe.
    pub critical: bool,
    /// What is promised.
    pub target: Percent,
    /// Of the period so far, or of the window that rolls.
    pub period: Option<Attained>,
    /// Of the term so far.
    pub term: Option<Attained>,
    /// Seconds that may be lost of the whole period, rounded down.
    pub budget_total_s: Option<i64>,
    /// What is left of them; below zero once it is more than used up.
    pub budget_left_s: Option<i64>,
    /// Whether it burns too fast.
    pub alert: Option<Alert>,
    /// The last hour, oldest first.
    pub minutes: Vec<MinuteNow>,
    /// The last days in the zone of the term, oldest first.
    pub days: Vec<Day>,
}

/// What was attained.
#[derive(Debug, Serialize)]
pub struct Attained {
    /// Over which time.
    pub interval: Interval,
    /// Rounded down; none where nothing counts.
    pub share: Option<Percent>,
    /// As a number of nines, rounded down; none where nothing was lost.
    pub nines: Option<String>,
    /// The same with its counts.
    pub counts: Share,
    /// Whether that reaches the target.
    pub met: bool,
}

/// A minute.
#[derive(Debug, Serialize)]
pub struct MinuteNow {
    /// Its first instant.
    pub minute: Timestamp,
    /// What it was, all servers together.
    pub state: Shown,
    /// The leaf that says so; of several the last one.
    pub leaf: Option<u64>,
}

/// A day.
#[derive(Debug, Serialize)]
pub struct Day {
    /// Which.
    pub day: Date,
    /// What was attained; none where nothing counts, or nothing is known yet.
    pub share: Option<Percent>,
}

/// A region with what is covered there.
#[derive(Debug, Serialize)]
pub struct Place {
    /// Where.
    pub region: Region,
    /// The worst of its modules in the last minute.
    pub state: Shown,
    /// All of them.
    pub modules: Vec<PlaceModule>,
}

/// A module of a place.
#[derive(Debug, Serialize)]
pub struct PlaceModule {
    /// What.
    pub module: Module,
    /// What the last minute was.
    pub state: Shown,
    /// Whether its budget burns too fast.
    pub alert: Option<Alert>,
    /// Whether the period so far reaches the target.
    pub met: Option<bool>,
}

/// The times over which a contract is looked at.
struct Times {
    now: Timestamp,
    /// The end of the last minute in the log.
    until: Timestamp,
    term: Option<Interval>,
    period: Option<Interval>,
    /// The last days, with their names.
    days: Vec<(Date, Interval)>,
    /// Exclusions that count, of all periods so far.
    valid: Vec<ValidExclusion>,
}

impl Shared {
    /// How the lines of a contract stand at `now`. A year of a line takes some
    /// milliseconds; the book is free between two lines.
    pub fn lines(&self, contract: &Contract, now: Timestamp) -> Lines {
        let (last, declared, periods) = {
            let book = self.book();
            let declared = book.exclusions().iter();
            let declared = declared.filter(|e| e.concerns(&contract.id)).cloned();
            let declared: Vec<Exclusion> = declared.collect();
            (book.last(), declared, book.periods(contract, now))
        };
        let times = Times::of(contract, &declared, &periods, last, now);
        let lines = contract.coverage.iter();
        let line = |coverage| self.book().line_now(contract, coverage, &times);
        let lines: Vec<LineNow> = lines.map(line).collect();
        Lines {
            contract: contract.id.clone(),
            version: contract.version,
            now,
            until: last.map(|minute| minute.next().start()),
            period: times.period,
            term: times.term,
            map: map(&lines),
            lines,
        }
    }
}

impl Times {
    fn of(
        contract: &Contract,
        declared: &[Exclusion],
        periods: &[Period],
        last: Option<Minute>,
        now: Timestamp,
    ) -> Self {
        let mut policy = settlement::policy(contract);
        // What conditions take out is seen in the settlement.
        policy.0.retain(|class, _| class.is_declared());
        let begun = periods.iter().map(|period| period.interval);
        let begun = begun.filter(|period| period.start <= now);
        let valid = begun
            .clone()
            .flat_map(|period| judge(declared, &policy, period));
        Self {
            now,
            until: last.map_or(now, |minute| minute.next().start()),
            term: contract.term.interval().ok(),
            period: begun.clone().find(|period| period.contains(now)),
            days: days(contract, now),
            valid: valid.flatten().collect(),
        }
    }

    fn so_far(&self, interval: Interval) -> Interval {
        Interval {
            start: interval.start,
            end: self.until.clamp(interval.start, interval.end),
        }
    }

    /// What the line's period is: that of the settlement, or the last days.
    fn measured(&self, coverage: &Coverage) -> Option<Interval> {
        let period = self.period?;
        let Window::RollingDays(days) = coverage.window else {
            return Some(period);
        };
        let length = SignedDuration::from_hours(i64::from(days) * 24);
        let start = self.now.checked_sub(length).ok()?;
        let start = self.term.map_or(start, |term| start.max(term.start));
        Some(Interval {
            start,
            end: period.end.min(self.now.max(start)),
        })
    }
}

impl Book {
    fn line_now(&self, contract: &Contract, coverage: &Coverage, times: &Times) -> LineNow {
        let evaluated = |interval: Interval| {
            let so_far = times.so_far(interval);
            evaluate(coverage, &self.table, so_far, &times.valid).ok()
        };
        let whole = times.measured(coverage);
        let period = whole.and_then(evaluated);
        let budget = whole
            .zip(period.as_ref())
            .map(|(whole, so_far)| budget(whole, so_far));
        let watched = self.watched.iter();
        let watched = watched.filter(|w| w.contract == contract.id && w.coverage == *coverage);
        LineNow {
            module: coverage.module,
            region: coverage.region.clone(),
            method: coverage.method.name(),
            critical: coverage.critical,
            target: coverage.target,
            period: period.map(attained),
            term: times.term.and_then(evaluated).map(attained),
            budget_total_s: budget.map(|(total, _)| total),
            budget_left_s: budget.map(|(_, left)| left),
            alert: watched.filter_map(|watched| watched.alert).min(),
            minutes: self.minutes_now(coverage, times),
            days: self.days_now(coverage, times),
        }
    }

    fn minutes_now(&self, coverage: &Coverage, times: &Times) -> Vec<MinuteNow> {
        let end = Minute::of(times.until).unwrap_or(Minute(0)).0;
        let minutes = (end.saturating_sub(MINUTES)..end).map(Minute);
        let minute = |minute: Minute| {
            let cell = self.servers_say(coverage.module, &coverage.region, minute);
            MinuteNow {
                minute: minute.start(),
                state: cell.map_or(Shown::Unknown, shown),
                leaf: cell.and_then(|cell| cell.leaf),
            }
        };
        minutes.map(minute).collect()
    }

    /// All servers of a region together: one that counted makes up for one that
    /// cannot say.
    fn servers_say(&self, module: Module, region: &Region, minute: Minute) -> Option<Cell> {
        let columns = self.table.columns(module, region);
        let servers = columns.filter(|(source, _)| matches!(source, Source::Server(_)));
        let cells = servers.filter_map(|(_, column)| column.get(minute));
        cells.reduce(|a, b| {
            let rank = |state| match state {
                RollupState::NoData => 0,
                RollupState::Idle => 1,
                RollupState::Measured => 2,
            };
            let state = if rank(a.state) < rank(b.state) {
                b.state
            } else {
                a.state
            };
            let mut counts = a.counts;
            counts.up_ms = counts.up_ms.saturating_add(b.counts.up_ms);
            counts.down_ms = counts.down_ms.saturating_add(b.counts.down_ms);
            counts.good = counts.good.saturating_add(b.counts.good);
            counts.bad = counts.bad.saturating_add(b.counts.bad);
            Cell {
                state,
                counts,
                leaf: a.leaf.max(b.leaf),
            }
        })
    }

    /// Days before the log began are not bad but unknown: they are no promise's
    /// time, or the settlement says what they are.
    fn days_now(&self, coverage: &Coverage, times: &Times) -> Vec<Day> {
        let mut columns = self.table.columns(coverage.module, &coverage.region);
        let first = columns.next().and(self.first).map(Minute::start);
        let day = |&(day, interval): &(Date, Interval)| {
            let known = first.map(|first| Interval {
                start: interval.start.max(first),
                end: times.until.min(interval.end),
            });
            let known = known.filter(|known| !known.is_empty());
            let result =
                known.and_then(|known| evaluate(coverage, &self.table, known, &times.valid).ok());
            let share = result.and_then(|result| result.attained.known());
            Day {
                day,
                share: share.map(|share| share.percent()),
            }
        };
        times.days.iter().map(day).collect()
    }
}

/// Seconds that may be lost in the whole time, and what is left of them when the
/// lost share of the time so far is taken off, rounded up.
fn budget(whole: Interval, so_far: &LineResult) -> (i64, i64) {
    const NANOS: u128 = 1_000_000_000;
    let spare = u128::from(so_far.target.complement().units());
    let total = whole.nanos() * spare / u128::from(Percent::WHOLE) / NANOS;
    let attained = so_far.attained;
    let seconds = so_far.period.nanos() / NANOS;
    let lost = u128::from(attained.den.saturating_sub(attained.num));
    let used = (seconds * lost).div_ceil(u128::from(attained.den.max(1)));
    let signed = |seconds: u128| i64::try_from(seconds).unwrap_or(i64::MAX);
    (signed(total), signed(total).saturating_sub(signed(used)))
}

#[expect(clippy::needless_pass_by_value, reason = "the end of its way")]
fn attained(result: LineResult) -> Attained {
    Attained {
        interval: result.period,
        share: result.attained.known().map(|share| share.percent()),
        nines: Nines::of(result.attained).map(|nines| nines.to_string()),
        counts: Share(result.attained),
        met: result.met,
    }
}

fn days(contract: &Contract, now: Timestamp) -> Vec<(Date, Interval)> {
    let Ok(zone) = calendar::zone(&contract.term.zone) else {
        return Vec::new();
    };
    let today = zone.to_datetime(now).date();
    let midnight = |day: Date| calendar::midnight(&zone, day).ok();
    let day = |back: i64| {
        let day = today.checked_sub(back.days()).ok()?;
        let (start, end) = (midnight(day)?, midnight(day.tomorrow().ok()?)?);
        Some((day, Interval { start, end }))
    };
    (0..DAYS).rev().filter_map(day).collect()
}

fn map(lines: &[LineNow]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for line in lines {
        let state = line.minutes.last().map_or(Shown::Unknown, |m| m.state);
        let module = PlaceModule {
            module: line.module,
            state,
            alert: line.alert,
            met: line.period.as_ref().map(|period| period.met),
        };
        match places.iter_mut().find(|place| place.region == line.region) {
            Some(place) => {
                if state.badness() > place.state.badness() {
                    place.state = state;
                }
                place.modules.push(module);
            }
            None => places.push(Place {
                region: line.region.clone(),
                state,
                modules: vec![module],
            }),
        }
    }
    places
}
