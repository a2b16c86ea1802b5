//! One line of coverage on a statement.

use jiff::ToSpan as _;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Evidence, MAX_LISTED, SettleError, Share};
use crate::calendar;
use crate::contract::remedy::{Scheme, Tier, share};
use crate::contract::{Contract, money as amount};
use crate::coverage::{Coverage, Window};
use crate::exclusion::{ExclusionPolicy, ValidExclusion, judge};
use crate::interval::{Interval, IntervalSet};
use crate::method::{LeafRange, LineResult, Used, evaluate};
use crate::module::{Module, Region};
use crate::ratio::Percent;
use crate::rollup::{Minute, RollupTable, Source};
use crate::stats;
use crate::term::Period;

/// Confidence of all intervals on a statement.
pub(super) const CONFIDENCE: Percent = match Percent::from_units(95_000_000) {
    Some(percent) => percent,
    None => Percent::ONE,
};

/// One line of coverage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// How it is measured, by its name in contracts.
    pub method: String,
    /// Over which time: the period, or a window at its end.
    pub window: Interval,
    /// What was promised.
    pub target: Percent,
    /// What was attained, rounded down; none where all time is excluded.
    pub attained: Option<Percent>,
    /// The same with its counts.
    pub counts: Share,
    /// The measure it stands on.
    pub used: Used,
    /// The method's own measure.
    pub primary: Share,
    /// The guard's, for session-seconds.
    pub guard: Option<Share>,
    /// Whether the target was reached.
    pub met: bool,
    /// Good slices.
    pub good: u64,
    /// Bad slices, those without data among them.
    pub bad: u64,
    /// Bad ones, because nobody could say.
    pub no_data: u64,
    /// Ones that probes decided.
    pub by_probes: u64,
    /// Minutes that do not count.
    pub excluded_minutes: u64,
    /// Minutes of bad slices.
    pub down_minutes: u64,
    /// Runs of bad slices, and what their number says.
    pub outages: Outages,
    /// What the probes counted.
    pub probes: Option<Probes>,
    /// First to last leaf that was used.
    pub leaves: Option<LeafRange>,
    /// The leaves of the bad minutes, the first ones.
    pub bad_leaves: Vec<LeafRange>,
    /// How many more ranges there are.
    pub more_bad_leaves: u64,
    /// Times in which no server said anything, the first ones.
    pub silent: Vec<Interval>,
    /// How many more there are.
    pub more_silent: u64,
    /// Its part of the fee.
    pub fee_share: Percent,
    /// What was attained while credits were not suspended, where they were: what
    /// the credit is computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsuspended: Option<Share>,
    /// The tier that applied.
    pub tier: Option<Tier>,
    /// What is credited of its part of the fee.
    pub rate: Percent,
    /// The same as an amount, not rounded.
    #[serde(with = "amount")]
    pub credit: Decimal,
}

/// How often it was down, with the 95 % Poisson interval of the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outages {
    /// Runs of bad slices.
    pub count: u64,
    /// The mean is at least so many thousandths, rounded down.
    pub low_milli: u64,
    /// At most so many thousandths, rounded up.
    pub high_milli: u64,
}

/// What probes counted, with the 95 % Clopper–Pearson interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probes {
    /// Good ones of all.
    pub counts: Share,
    /// At least this, rounded down.
    pub low: Percent,
    /// At most this, rounded up.
    pub high: Percent,
}

/// All lines, in the order of the contract.
pub(super) fn lines(
    contract: &Contract,
    period: &Period,
    evidence: &Evidence<'_>,
    policy: &ExclusionPolicy,
    fee: Decimal,
    suspended: Option<&ValidExclusion>,
) -> Result<Vec<Line>, SettleError> {
    // Every line has two lists, and both share what may be listed in all.
    let listed = (MAX_LISTED / contract.coverage.len().max(1)).clamp(1, 20);
    let mut lines = Vec::with_capacity(contract.coverage.len());
    for (at, coverage) in contract.coverage.iter().enumerate() {
        let window = window(contract, period, coverage.window)?;
        let mut valid: Vec<ValidExclusion> = judge(evidence.exclusions, policy, window)
            .into_iter()
            .flatten()
            .collect();
        let evaluate = |valid: &[ValidExclusion]| {
            let line = at + 1;
            let result = evaluate(coverage, evidence.table, window, valid);
            result.map_err(|error| SettleError::Line { line, error })
        };
        let result = evaluate(&valid)?;
        let excluded = crate::exclusion::excluded(&valid, coverage.module, &coverage.region);
        let silent = silent(coverage, evidence.table, window).subtract(&excluded);
        let credited = match suspended {
            Some(suspended) if !suspended.counted.clip(window).is_empty() => {
                valid.push(suspended.clone());
                Some(evaluate(&valid)?)
            }
            _ => None,
        };
        let results = (&result, credited.as_ref());
        lines.push(line(contract, coverage, fee, listed, results, &silent));
    }
    Ok(lines)
}

/// The time over which a line is taken: whole days of the term's zone, not
/// before the term.
fn window(contract: &Contract, period: &Period, window: Window) -> Result<Interval, SettleError> {
    let Window::RollingDays(days) = window else {
        return Ok(period.interval);
    };
    let zone = calendar::zone(&contract.term.zone)?;
    let first = period.end.saturating_sub(i64::from(days).days());
    let start = calendar::midnight(&zone, first.max(contract.term.start))?;
    Ok(Interval {
        start,
        end: period.interval.end,
    })
}

fn line(
    contract: &Contract,
    coverage: &Coverage,
    fee: Decimal,
    listed: usize,
    (result, credited): (&LineResult, Option<&LineResult>),
    silent: &IntervalSet,
) -> Line {
    let scheme = &contract.remedies.scheme;
    let paid = credited.unwrap_or(result);
    let rate = scheme.line_credit(paid.attained, result.target);
    let more = |all: usize| all.saturating_sub(listed) as u64;
    let parts = silent.parts();
    let down = result.bad.nanos() / 60_000_000_000;
    Line {
        module: coverage.module,
        region: coverage.region.clone(),
        method: coverage.method.name().to_owned(),
        window: result.period,
        target: result.target,
        attained: result.attained.known().map(|r| r.percent()),
        counts: Share(result.attained),
        used: result.used,
        primary: Share(result.primary),
        guard: result.guard.map(Share),
        met: result.met,
        good: result.tally.good,
        bad: result.tally.bad,
        no_data: result.tally.no_data,
        by_probes: result.tally.by_probes,
        excluded_minutes: result.tally.excluded_minutes,
        down_minutes: u64::try_from(down).unwrap_or(u64::MAX),
        outages: outages(result.bad.parts().len() as u64),
        probes: probes(result),
        leaves: result.leaves,
        bad_leaves: result.bad_leaves.iter().copied().take(listed).collect(),
        more_bad_leaves: more(result.bad_leaves.len()),
        silent: parts.iter().copied().take(listed).collect(),
        more_silent: more(parts.len()),
        fee_share: coverage.fee_share,
        unsuspended: credited.map(|paid| Share(paid.attained)),
        tier: tier(scheme, paid),
        rate,
        credit: share(share(fee, coverage.fee_share), rate),
    }
}

/// The lowest one that the availability falls below.
fn tier(scheme: &Scheme, result: &LineResult) -> Option<Tier> {
    let Scheme::Tiers(tiers) = scheme else {
        return None;
    };
    let attained = result.attained.known()?;
    let below = |t: &&Tier| attained.compare(t.below.ratio()).is_lt();
    tiers.iter().filter(below).min_by_key(|t| t.below).copied()
}

fn outages(count: u64) -> Outages {
    let interval = stats::count_interval(count, CONFIDENCE);
    // More than the statistics take are more than ten years have minutes.
    let (low_milli, high_milli) = interval.map_or((0, u64::MAX), |i| (i.low_milli, i.high_milli));
    Outages {
        count,
        low_milli,
        high_milli,
    }
}

fn probes(result: &LineResult) -> Option<Probes> {
    let counts = result.probe_samples.known()?;
    let interval = stats::share_interval(counts, CONFIDENCE).ok()?;
    Some(Probes {
        counts: Share(counts),
        low: interval.low,
        high: interval.high,
    })
}

/// When no server of the line said anything.
fn silent(coverage: &Coverage, table: &RollupTable, window: Interval) -> IntervalSet {
    let (from, to) = Minute::within(window);
    let (module, region) = (coverage.module, &coverage.region);
    let whole = IntervalSet::from(Minute::span(from, to));
    let servers = table
        .columns(module, region)
        .map(|(source, _)| source)
        .filter(|source| matches!(source, Source::Server(_)));
    servers.fold(whole, |silent, source| {
        let gaps = table.gaps(module, region, source, from, to);
        let gaps: IntervalSet = gaps.iter().map(|&(a, b)| Minute::span(a, b)).collect();
        silent.intersect(&gaps)
    })
}
