//! What it is worth: fee, credits, cap, minimum, rounding.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::{Evidence, Line, SettleError, Share};
use crate::contract::Contract;
use crate::contract::remedy::{Breach, Matrix, Scheme, share};
use crate::exclusion::{ExclusionPolicy, ValidExclusion, judge};
use crate::method::Tally;
use crate::method::indicators::{Seers, UnitRules, evaluate_indicators};
use crate::module::Region;
use crate::ratio::{Percent, Ratio};
use crate::rollup::Minute;
use crate::rollup::experience::Indicator;
use crate::term::Period;

/// Largest amount and most decimals in a contract that is settled: with more,
/// products no longer fit into the 28 digits of a decimal. A contract in a log
/// of others may have anything in it.
const MAX_AMOUNT: Decimal = Decimal::from_parts(0xa4c6_8000, 0x0003_8d7e, 0, false, 0);
const MAX_SCALE: u32 = 8;

/// One indicator of the experience of users, all regions together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndicatorLine {
    /// Which.
    pub indicator: Indicator,
    /// Good units of all.
    pub counts: Share,
    /// The same, rounded down; none where nothing was counted.
    pub rate: Option<Percent>,
    /// Units of which nobody could say anything; they are bad.
    pub no_data: u64,
    /// Units that probes decided.
    pub by_probes: u64,
    /// Units that do not count.
    pub excluded_minutes: u64,
}

/// The period's part of the fee. `None` where amounts are beyond what can be
/// computed exactly.
pub(super) fn fee(contract: &Contract, period: &Period) -> Option<Decimal> {
    let breaches = contract.remedies.late_response.values();
    let breaches = breaches.chain(contract.remedies.late_restoration.values());
    let amounts = breaches.filter_map(|breach| match breach {
        Breach::Amount(amount) => Some(*amount),
        Breach::Percent(_) => None,
    });
    let mut all = amounts
        .chain(contract.remedies.minimum)
        .chain([contract.fee.per_period]);
    let fits = |a: Decimal| !a.is_sign_negative() && a <= MAX_AMOUNT && a.scale() <= MAX_SCALE;
    if !all.all(fits) || contract.fee.decimals > MAX_SCALE {
        return None;
    }
    let days = contract.fee.per_period * Decimal::from(period.days);
    days.checked_div(Decimal::from(period.month_days))
}

/// The indicators, where the remedy is a matrix and users' experience is known
/// of the period.
pub(super) fn indicators(
    contract: &Contract,
    period: &Period,
    evidence: &Evidence<'_>,
    policy: &ExclusionPolicy,
    suspended: Option<&ValidExclusion>,
) -> Result<Vec<IndicatorLine>, SettleError> {
    let Scheme::Matrix(matrix) = &contract.remedies.scheme else {
        return Ok(Vec::new());
    };
    let seers = if matrix.receipts {
        Seers::Receipts
    } else {
        Seers::Servers
    };
    let mut regions: Vec<&Region> = contract.coverage.iter().map(|c| &c.region).collect();
    regions.sort_unstable();
    regions.dedup();
    let (from, to) = Minute::within(period.interval);
    let is_known = |region: &&Region| {
        let mut minutes = (from.0..to.0).map(Minute);
        minutes.any(|minute| evidence.experiences.servers(region, minute).is_some())
    };
    if !regions.iter().any(is_known) {
        return Ok(Vec::new());
    }
    // The credit is all that indicators are for: what pays none does not count.
    let valid: Vec<ValidExclusion> = judge(evidence.exclusions, policy, period.interval)
        .into_iter()
        .flatten()
        .chain(suspended.cloned())
        .collect();
    let mut tallies = [Tally::default(); 4];
    for region in regions {
        let results = evaluate_indicators(
            &UnitRules::default(),
            evidence.experiences,
            evidence.table,
            seers,
            (region, period.interval),
            &valid,
        );
        let results = results.map_err(|error| SettleError::Line { line: 1, error })?;
        for (sum, result) in tallies.iter_mut().zip(results) {
            sum.good += result.tally.good;
            sum.bad += result.tally.bad;
            sum.no_data += result.tally.no_data;
            sum.by_probes += result.tally.by_probes;
            sum.excluded_minutes += result.tally.excluded_minutes;
        }
    }
    let lines = Indicator::ALL.into_iter().zip(tallies);
    Ok(lines.map(|(i, tally)| indicator(i, &tally)).collect())
}

fn indicator(indicator: Indicator, tally: &Tally) -> IndicatorLine {
    let counts = Ratio {
        num: tally.good,
        den: tally.good + tally.bad,
    };
    IndicatorLine {
        indicator,
        counts: Share(counts),
        rate: counts.known().map(|r| r.percent()),
        no_data: tally.no_data,
        by_probes: tally.by_probes,
        excluded_minutes: tally.excluded_minutes,
    }
}

/// What a remedy by matrix is worth: by the rates of the indicators, or of the
/// lines where the indicators are not measured.
pub(super) fn matrix(
    contract: &Contract,
    fee: Decimal,
    lines: &[Line],
    indicators: &[IndicatorLine],
) -> Decimal {
    let Scheme::Matrix(matrix) = &contract.remedies.scheme else {
        return Decimal::ZERO;
    };
    let rates: Vec<Ratio> = if indicators.is_empty() {
        let paid = |line: &Line| line.unsuspended.unwrap_or(line.counts).0;
        lines.iter().map(paid).collect()
    } else {
        indicators.iter().map(|line| line.counts.0).collect()
    };
    share(fee, Matrix::credit(matrix, &rates))
}

/// What lines or indicators are worth together.
pub(super) fn credits(
    contract: &Contract,
    fee: Decimal,
    lines: &[Line],
    indicators: &[IndicatorLine],
) -> Option<Decimal> {
    let matrix = matrix(contract, fee, lines, indicators);
    lines
        .iter()
        .try_fold(matrix, |sum, line| sum.checked_add(line.credit))
}

/// Most that is credited.
pub(super) fn cap(contract: &Contract, fee: Decimal) -> Decimal {
    rounded(contract, share(fee, contract.remedies.cap))
}

/// What is credited: the cap is above the minimum.
pub(super) fn credit(contract: &Contract, fee: Decimal, sum: Decimal) -> Decimal {
    if sum.is_zero() {
        return Decimal::ZERO;
    }
    let least = contract.remedies.minimum.unwrap_or(Decimal::ZERO);
    let most = share(fee, contract.remedies.cap);
    rounded(contract, sum.max(least).min(most))
}

/// Half up, to the contract's decimals.
fn rounded(contract: &Contract, amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(
        contract.fee.decimals,
        RoundingStrategy::MidpointAwayFromZero,
    )
}
