//! From rollups to what was attained: the evaluation of one line of a contract.
//!
//! What counts (reference, "Method"):
//!
//! - Minutes that lie wholly in the period count; those that lie wholly in a
//!   valid exclusion do not. A minute of which an exclusion takes only a part
//!   counts.
//! - All servers of a region are added up. Where clients' receipts saw more down
//!   time than the servers did, the receipts' view counts.
//! - **Missing is bad.** From a source's first to its last minute in the period,
//!   and as long as the log expects it (it has started and not been retired), a
//!   minute without a rollup or with [`NoData`](crate::rollup::RollupState)
//!   weighs as much as the larger of the minutes before and after the gap, and
//!   one session at least, all of it down. So does a minute of which no server
//!   says anything. A source that the log expects weighs the median of its
//!   minutes at least.
//! - **To leave out a very bad minute** never pays in anything that counts
//!   minutes, the guard among them: there it is bad either way. In session time
//!   it can pay only where the minute's downtime is more than its weight, that
//!   is, more than all sessions of the heavier minute beside it. Such a weight is
//!   known to nobody once the minute is gone, and the guard bounds what is won.
//! - **Below the floor, and where nothing happened, probes decide**: at least 3
//!   vantages that could measure, at least 2 of them agreeing that it was bad.
//!   Without that evidence it is bad. A probe that failed itself has no vote.
//! - No minimum run of bad minutes, no surge that is left out.

mod evidence;
mod gaps;
pub mod indicators;
mod minutes;
mod occurrences;
pub mod probes;
mod session_seconds;
mod slices;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::burn::Burned;
use crate::coverage::{Coverage, Method};
use crate::exclusion::{ValidExclusion, excluded};
use crate::interval::{Interval, IntervalSet};
use crate::module::{Module, Region};
use crate::ratio::{Percent, Ratio};
use crate::rollup::{MINUTE_MS, Minute, RollupTable};

use minutes::{Known, Minutes};
use probes::Verdict;

pub use evidence::LeafRange;
pub use slices::SHARE_PARTS;

/// Session-seconds are guarded by minutes: a minute is good from this share of
/// its session time, unless the contract names another one. 95 % is what the published per-minute agreements use; the
/// target itself would turn every minute bad in which one of a hundred sessions
/// has a freeze.
pub const GUARD_GOOD_FROM: Percent = match Percent::from_units(95_000_000) {
    Some(percent) => percent,
    None => Percent::ONE,
};

/// Longest period: ten years, so that a wrong date is an answer and not an hour
/// of work.
pub const MAX_PERIOD_MINUTES: u32 = 10 * 366 * 1440;

/// Which measure the result stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Used {
    /// Milliseconds of sessions.
    SessionSeconds,
    /// Minutes, because they were worse than the session-seconds.
    Guard,
    /// Slices that were good.
    Timeslices,
    /// Shares of slices, in parts of [`SHARE_PARTS`].
    RatioTimeslices,
    /// Samples.
    Occurrences,
}

/// Slices (of session-seconds and occurrences: minutes), counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Good ones.
    pub good: u64,
    /// Bad ones, those without data among them.
    pub bad: u64,
    /// Bad ones, because nobody could say.
    pub no_data: u64,
    /// Ones that probes decided, good or bad.
    pub by_probes: u64,
    /// Minutes that exclusions took out.
    pub excluded_minutes: u64,
}

/// What may be lost before the target is missed, in units of the measure:
/// milliseconds of sessions, minutes, slices, parts of slices or samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// The whole, rounded down.
    pub allowed: u64,
    /// What is used.
    pub used: u64,
}

impl Budget {
    fn of(attained: Ratio, target: Percent) -> Self {
        let spare = u128::from(target.complement().units());
        let allowed = u128::from(attained.den) * spare / u128::from(Percent::WHOLE);
        Self {
            allowed: u64::try_from(allowed).unwrap_or(u64::MAX),
            used: attained.den.saturating_sub(attained.num),
        }
    }

    /// What is left; negative when more is used than there was.
    #[must_use]
    pub fn left(self) -> i128 {
        i128::from(self.allowed) - i128::from(self.used)
    }
}

/// What a line came to in a period.
#[derive(Clone, Debug, Serialize)]
pub struct LineResult {
    /// What.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// How it is measured.
    pub method: Method,
    /// When.
    pub period: Interval,
    /// What was promised.
    pub target: Percent,
    /// What was attained; `den` = 0 where every minute is excluded.
    pub attained: Ratio,
    /// The measure it stands on.
    pub used: Used,
    /// The method's own measure.
    pub primary: Ratio,
    /// The guard's, for session-seconds.
    pub guard: Option<Ratio>,
    /// Whether the target was reached. A period that is excluded as a whole
    /// cannot be missed.
    pub met: bool,
    /// What may be lost, what is lost.
    pub budget: Budget,
    /// Slices, counted.
    pub tally: Tally,
    /// The minutes of bad slices. Where the method has no threshold of its own,
    /// a slice is listed when it is below the target.
    pub bad: IntervalSet,
    /// What the probes' rollups counted in the period, excluded minutes left
    /// out.
    pub probe_samples: Ratio,
    /// First to last leaf of the rollups that were used.
    pub leaves: Option<LeafRange>,
    /// The leaves of the bad minutes.
    pub bad_leaves: Vec<LeafRange>,
}

/// Why a line cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EvaluateError {
    /// Nothing to evaluate.
    #[error("the period from {} to {} has no whole minute", .0.start, .0.end)]
    EmptyPeriod(Interval),
    /// Too much to evaluate.
    #[error("the period from {} to {} is longer than ten years: evaluate its parts", .0.start, .0.end)]
    LongPeriod(Interval),
    /// The contract is wrong.
    #[error("a slice has {0} minutes: it needs 1 to 60, dividing 60")]
    Slice(u16),
}

/// What a method found.
struct Measured {
    primary: Ratio,
    guard: Option<Ratio>,
    used: Used,
    tally: Tally,
    bad: Runs,
}

/// Runs of minutes, first and first after, in order.
#[derive(Default)]
struct Runs(Vec<(Minute, Minute)>);

impl Runs {
    fn push(&mut self, minute: Minute) {
        match self.0.last_mut() {
            Some(run) if run.1 == minute => run.1 = minute.next(),
            _ => self.0.push((minute, minute.next())),
        }
    }

    fn intervals(&self) -> IntervalSet {
        let spans = self.0.iter().map(|&(from, to)| Minute::span(from, to));
        spans.collect()
    }
}

/// Evaluates one line over `period`.
///
/// A pure function: the same contract, rollups and exclusions give the same
/// result, in whatever order the rollups were imported.
pub fn evaluate(
    coverage: &Coverage,
    table: &RollupTable,
    period: Interval,
    exclusions: &[ValidExclusion],
) -> Result<LineResult, EvaluateError> {
    let (from, to) = Minute::within(period);
    if from >= to {
        return Err(EvaluateError::EmptyPeriod(period));
    }
    if to.0 - from.0 > MAX_PERIOD_MINUTES {
        return Err(EvaluateError::LongPeriod(period));
    }
    let excluded = excluded(exclusions, coverage.module, &coverage.region);
    let mut minutes = Minutes::new(coverage, table, (from, to), &excluded);
    let mut measured = match coverage.method {
        Method::SessionSeconds => {
            let good_from = coverage.guard_good_from.unwrap_or(GUARD_GOOD_FROM);
            session_seconds::measure(&mut minutes, good_from)
        }
        Method::Timeslices {
            slice_minutes,
            good_from,
        } => slices::timeslices(&mut minutes, checked(slice_minutes)?, good_from),
        Method::RatioTimeslices { slice_minutes } => {
            slices::ratio_timeslices(&mut minutes, checked(slice_minutes)?, coverage.target)
        }
        Method::Occurrences => occurrences::measure(&mut minutes, coverage.target),
    };
    measured.tally.excluded_minutes = u64::from(to.0 - from.0) - minutes.visited;
    Ok(result(coverage, period, &measured, &minutes))
}

/// A minute of a line for its [`BurnDetector`](crate::burn::BurnDetector), all
/// sources put together as [`evaluate`] does.
///
/// One thing differs: an idle minute of which no probe says anything burns
/// nothing here. In the settlement it is bad, but nobody is woken for it.
#[must_use]
pub fn burned(coverage: &Coverage, table: &RollupTable, minute: Minute) -> Burned {
    let span = (minute, minute.next());
    let mut minutes = Minutes::new(coverage, table, span, &IntervalSet::default());
    let by_time = coverage.method == Method::SessionSeconds;
    let mut burned = Burned::NoData;
    minutes.each(|seen| {
        if seen.known == Known::Missing {
            return;
        }
        let counts = seen.counts;
        let (mut good, mut bad, unit) = if by_time {
            (counts.up_ms, counts.down_ms, MINUTE_MS)
        } else {
            (counts.good, counts.bad, 1)
        };
        match seen.probes {
            Verdict::Good if seen.below_floor => good += unit,
            Verdict::Bad if seen.below_floor => bad += unit,
            Verdict::Good | Verdict::Bad | Verdict::Unknown => {}
        }
        burned = Burned::Counted { good, bad };
    });
    burned
}

fn checked(slice_minutes: u16) -> Result<u32, EvaluateError> {
    if (1..=60).contains(&slice_minutes) && 60 % slice_minutes == 0 {
        Ok(u32::from(slice_minutes))
    } else {
        Err(EvaluateError::Slice(slice_minutes))
    }
}

fn result(
    coverage: &Coverage,
    period: Interval,
    measured: &Measured,
    minutes: &Minutes<'_>,
) -> LineResult {
    let attained = match measured.guard {
        Some(guard) if measured.used == Used::Guard => guard,
        _ => measured.primary,
    };
    LineResult {
        module: coverage.module,
        region: coverage.region.clone(),
        method: coverage.method,
        period,
        target: coverage.target,
        attained,
        used: measured.used,
        primary: measured.primary,
        guard: measured.guard,
        met: attained.known().is_none() || attained.reaches(coverage.target),
        budget: Budget::of(attained, coverage.target),
        tally: measured.tally,
        bad: measured.bad.intervals(),
        probe_samples: minutes.probe_samples,
        leaves: minutes.leaves,
        bad_leaves: evidence::leaves_of(minutes.columns(), &measured.bad.0),
    }
}

#[cfg(test)]
mod tests;
