//! What follows from a period: a statement that anybody who holds the evidence
//! computes again, byte for byte.
//!
//! [`settle`] is a pure function *(contract, period, rollups, exclusions,
//! breaches of clocks, the entry before) → [`Settlement`]*. Its
//! [canonical form](Settlement::to_canonical) is what stands in the log and what
//! is compared. Amounts, percentages and counts of a share are texts, so that no
//! reader rounds them.
//!
//! credit = min(cap, Σ fee share × tier(A) + breaches), at least the minimum
//! where anything is due, rounded half up once, at the end. A period that is
//! shorter than its month has its part of the fee (days / days of the month).
//!
//! # What a statement stands on
//!
//! [`Inputs`] says it. From a log it is the tree of its first `size` leaves and
//! their RFC 6962 root: everything that was logged before the settlement was
//! made, and nothing that came later. Late leaves lead to a new entry. Without
//! a log it is the SHA-256 of the canonical inputs ([`inputs::digest`]).
//!
//! # Missing data
//!
//! A minute of which a server says nothing weighs as much as the larger of the
//! minutes beside it, and is all down (see [`method`](crate::method)). That is
//! never better than the same load reported as down. It can be better than what
//! really happened in one case: the lost minute had far more load than both of
//! its neighbours, for weights that nobody reported cannot be invented. Each
//! such minute is listed on the line, the log has a leaf that admits it, and
//! receipts of clients and probes, where there are any, count beside it.

mod conditions;
mod generations;
pub mod inputs;
mod line;
mod money;
pub mod page;

mod proposal;
pub mod replay;
mod share;
mod status;
pub mod text;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::calendar::{CalendarError, TZDB_VERSION};
use crate::canonical::{self, CanonicalError};
use crate::contract::life::Record;
use crate::contract::{Contract, money as amount};
use crate::exclusion::{ClassRule, Exclusion, ExclusionClass, ExclusionPolicy, Invalid, judge};
use crate::interval::{Interval, IntervalSet};
use crate::method::EvaluateError;
use crate::rollup::RollupTable;
use crate::rollup::experience::ExperienceTable;
use crate::severity::Severity;
use crate::term::{Period, TermError};

pub use conditions::ConditionLine;
pub use generations::{GenerationLine, GenerationStep};
pub use inputs::Inputs;
pub use line::{Line, Outages, Probes};
pub use money::IndicatorLine;
pub use page::page;
pub use proposal::{Proposal, ProposalError};
pub use replay::Replayer;
pub use share::Share;
pub use status::{Status, Step, TransitionError};
pub use text::text;

use conditions::Effects;
use generations::Generations;

/// Entries that a list of a statement shows at most, over all lines: what is
/// beyond is counted. A statement has to fit into one leaf of 65,535 bytes; with
/// this many, some fifty lines of coverage do.
pub const MAX_LISTED: usize = 200;

/// Longest reason for a dispute or a correction, in bytes.
pub const MAX_REASON: usize = 500;

/// A clock that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockBreach {
    /// Name of the agreement.
    pub contract: String,
    /// Which incident or ticket.
    pub incident: String,
    /// Which clock.
    pub clock: BreachedClock,
    /// How severe the incident was.
    pub severity: Severity,
    /// When it was due. The breach belongs to the period of this instant.
    pub due: Timestamp,
}

/// Clocks whose breach is worth something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreachedClock {
    /// The first response of a person.
    Response,
    /// The restoration of the service.
    Restoration,
}

/// What is known of the time of a period. More than that may be in it; what is
/// outside is not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Minutes.
    pub table: &'a RollupTable,
    /// Minutes as users experienced them, for remedies by matrix.
    pub experiences: &'a ExperienceTable,
    /// Declared exclusions. One without a leaf does not count.
    pub exclusions: &'a [Exclusion],
    /// Clocks that were not kept.
    pub breaches: &'a [ClockBreach],
    /// Versions of contracts, and facts about them.
    pub record: &'a Record,
    /// What all this is.
    pub inputs: &'a Inputs,
}

/// A statement that is in the log, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its leaf.
    pub leaf: u64,
    /// What it says.
    pub settlement: Settlement,
}

/// What a period came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// Which contract.
    pub contract: ContractRef,
    /// Which period.
    pub period: PeriodRef,
    /// 0 for the first statement of the period; each later one takes the place
    /// of the one before.
    pub entry: u32,
    /// The leaf of the one before.
    pub before: Option<u64>,
    /// What was done.
    pub step: Step,
    /// Where that leads.
    pub status: Status,
    /// Why it was disputed or corrected.
    pub reason: Option<String>,
    /// What it stands on.
    pub inputs: Inputs,
    /// Version of the time-zone database with which days were computed.
    pub tzdb: String,
    /// Three letters.
    pub currency: String,
    /// Decimals of the credit.
    pub decimals: u32,
    /// The period's part of the fee, not rounded.
    #[serde(with = "amount")]
    pub fee: Decimal,
    /// In the order of the contract.
    pub lines: Vec<Line>,
    /// The indicators of a remedy by matrix; empty where the lines are the rates.
    pub indicators: Vec<IndicatorLine>,
    /// What a remedy by matrix is worth.
    #[serde(with = "amount")]
    pub matrix_credit: Decimal,
    /// Exclusions that have something in the period.
    pub exclusions: Vec<Excluded>,
    /// How many more there are.
    pub more_exclusions: u64,
    /// Conditions of which a notice stood in the period. A statement without any
    /// is written as before there were such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionLine>,
    /// What the log says of generations of the product. A statement without any
    /// is written as before there were such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generations: Vec<GenerationLine>,
    /// Seconds of the period that pay no credits.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub suspended_s: u64,
    /// Clocks that were not kept.
    pub breaches: Vec<BreachLine>,
    /// How many more there are.
    pub more_breaches: u64,
    /// What all breaches are worth.
    #[serde(with = "amount")]
    pub breach_credit: Decimal,
    /// Minutes of which one source said two things; the worse one counts.
    pub contradictions: Vec<String>,
    /// How many more there are; of very many the number is a lower bound.
    pub more_contradictions: u64,
    /// All credits, before cap, minimum and rounding.
    #[serde(with = "amount")]
    pub sum: Decimal,
    /// Most that is credited, rounded as the credit is.
    #[serde(with = "amount")]
    pub cap: Decimal,
    /// What is credited.
    #[serde(with = "amount")]
    pub credit: Decimal,
    /// Last day on which it can be claimed; none = it comes without a claim.
    pub claim_until: Option<Date>,
}

/// Which contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractRef {
    /// Name of the agreement.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of its canonical JSON, in hexadecimal.
    pub hash: String,
}

/// Which period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodRef {
    /// 0 for the first.
    pub index: u32,
    /// First day.
    pub first: Date,
    /// First day after it.
    pub end: Date,
    /// The same as instants.
    pub interval: Interval,
}

/// What became of a declared exclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excluded {
    /// Its leaf.
    pub leaf: Option<u64>,
    /// Why the time was not to count.
    pub class: ExclusionClass,
    /// When it was to apply.
    pub interval: Interval,
    /// Seconds of the period that it takes out.
    pub counted_s: u64,
    /// Why it takes out nothing.
    pub refused: Option<String>,
}

/// A breach, and what it is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreachLine {
    /// Which incident or ticket.
    pub incident: String,
    /// Which clock.
    pub clock: BreachedClock,
    /// How severe.
    pub severity: Severity,
    /// When it was due.
    pub due: Timestamp,
    /// What it is worth, not rounded.
    #[serde(with = "amount")]
    pub credit: Decimal,
}

/// Why there is no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// A line cannot be evaluated.
    #[error("line {line}: {error}")]
    Line {
        /// From 1, in the order of the contract.
        line: usize,
        /// Why.
        error: EvaluateError,
    },
    /// The contract has a number that has no canonical form.
    #[error("the contract: {0}")]
    Contract(CanonicalError),
    /// Days cannot be computed.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// The contract's term cannot be computed.
    #[error(transparent)]
    Term(#[from] TermError),
    /// Not from there.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// Nothing to go on from.
    #[error("the entry before is of {found}, not of {expected}")]
    OtherPeriod {
        /// Contract and period of the entry before.
        found: String,
        /// Those that are to be settled.
        expected: String,
    },
    /// Too long.
    #[error("the reason has {0} bytes: at most {MAX_REASON}, in one line")]
    Reason(usize),
    /// The amounts are beyond 28 digits.
    #[error("the amounts are too large to be computed exactly")]
    Amount,
}

impl Settlement {
    /// The canonical JSON: what stands in the log, and what is compared.
    ///
    /// # Errors
    /// If a number in it is beyond ±(2⁵³ − 1).
    pub fn to_canonical(&self) -> Result<String, CanonicalError> {
        canonical::to_string(self)
    }

    /// `CONTRACT version N, period I`.
    #[must_use]
    pub fn title(&self) -> String {
        title(&self.contract.id, self.contract.version, self.period.index)
    }

    /// Whether both say the same of the period, whatever their entries, status
    /// and inputs.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let other = Self {
            entry: self.entry,
            before: self.before,
            step: self.step,
            status: self.status,
            reason: self.reason.clone(),
            inputs: self.inputs.clone(),
            ..other.clone()
        };
        *self == other
    }

    /// The next entry of the same period that says the same, with another
    /// status: it is made final, credited or disputed.
    ///
    /// # Errors
    /// Where `step` does not lead on from there, or would have to compute.
    pub fn next(before: &Entry, step: Step, reason: Option<&str>) -> Result<Self, SettleError> {
        let status = status::after(Some(before.settlement.status), step)?;
        if step.computes() {
            return Err(TransitionError::Computes(step).into());
        }
        Ok(Self {
            entry: before.settlement.entry.saturating_add(1),
            before: Some(before.leaf),
            step,
            status,
            reason: checked(reason)?,
            ..before.settlement.clone()
        })
    }
}

/// For a terminal: the name in a log of others can have anything in it.
fn title(id: &str, version: u32, index: u32) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let id: String = id.chars().take(64).map(plain).collect();
    format!("{id} version {version}, period {index}")
}

fn checked(reason: Option<&str>) -> Result<Option<String>, SettleError> {
    match reason {
        Some(text) if text.len() > MAX_REASON || text.chars().any(char::is_control) => {
            Err(SettleError::Reason(text.len()))
        }
        other => Ok(other.map(str::to_owned)),
    }
}

/// Settles a period: the first time, or again when `before` is given.
///
/// The same inputs give the same bytes, in whatever order the rollups were
/// imported and however often each came.
///
/// # Errors
/// See [`SettleError`].
pub fn settle(
    contract: &Contract,
    period: &Period,
    evidence: &Evidence<'_>,
    before: Option<&Entry>,
    reason: Option<&str>,
) -> Result<Settlement, SettleError> {
    let step = if before.is_some() {
        Step::Correct
    } else {
        Step::Settle
    };
    let status = status::after(before.map(|b| b.settlement.status), step)?;
    let contract_ref = ContractRef {
        id: contract.id.clone(),
        version: contract.version,
        hash: contract.hash().map_err(SettleError::Contract)?,
    };
    same_period(&contract_ref, period, before)?;
    let effects = Effects::of(contract, period, evidence)?;
    let evidence = &Evidence {
        exclusions: &effects.exclusions,
        ..*evidence
    };
    let policy = policy(contract);
    let fee = money::fee(contract, period).ok_or(SettleError::Amount)?;
    let suspended = effects.suspension();
    let suspended = suspended.as_ref();
    let lines = line::lines(contract, period, evidence, &policy, fee, suspended)?;
    let indicators = money::indicators(contract, period, evidence, &policy, suspended)?;
    let credits = money::credits(contract, fee, &lines, &indicators);
    let generations = Generations::of(contract, period, evidence)?;
    let unpaid = effects.suspended.union(&generations.unsupported);
    let breaches = breaches(contract, period, fee, evidence.breaches, &unpaid);
    let breach_credit = breaches.iter().map(|b| b.credit).sum::<Decimal>();
    let sum = credits.ok_or(SettleError::Amount)? + breach_credit;
    let (exclusions, more_exclusions) = bounded(excluded(period, &effects, &policy));
    let (breaches, more_breaches) = bounded(breaches);
    let (contradictions, more_contradictions) = contradictions(contract, period, evidence.table);
    Ok(Settlement {
        period: PeriodRef {
            index: period.index,
            first: period.start,
            end: period.end,
            interval: period.interval,
        },
        entry: before.map_or(0, |b| b.settlement.entry.saturating_add(1)),
        before: before.map(|b| b.leaf),
        step,
        status,
        reason: checked(reason)?,
        inputs: evidence.inputs.clone(),
        tzdb: TZDB_VERSION.to_owned(),
        currency: contract.fee.currency.clone(),
        decimals: contract.fee.decimals,
        fee,
        matrix_credit: money::matrix(contract, fee, &lines, &indicators),
        lines,
        indicators,
        exclusions,
        more_exclusions,
        suspended_s: seconds(&effects.suspended.clip(period.interval)),
        conditions: bounded(effects.lines).0,
        generations: bounded(generations.lines).0,
        breaches,
        more_breaches,
        breach_credit,
        contradictions,
        more_contradictions,
        sum,
        cap: money::cap(contract, fee),
        credit: money::credit(contract, fee, sum),
        claim_until: claim_until(contract, period),
        contract: contract_ref,
    })
}

fn same_period(
    contract: &ContractRef,
    period: &Period,
    before: Option<&Entry>,
) -> Result<(), SettleError> {
    let Some(before) = before.map(|b| &b.settlement) else {
        return Ok(());
    };
    if before.contract == *contract && before.period.index == period.index {
        return Ok(());
    }
    Err(SettleError::OtherPeriod {
        found: before.title(),
        expected: title(&contract.id, contract.version, period.index),
    })
}

/// Which exclusions a contract allows, and how.
#[must_use]
pub fn policy(contract: &Contract) -> ExclusionPolicy {
    let rules = contract.exclusions.iter().map(|(class, rule)| {
        let rule = ClassRule {
            notice_s: rule.notice_s(),
            cap_s: Some(rule.cap_s()),
        };
        (*class, rule)
    });
    ExclusionPolicy(rules.collect())
}

/// In the order of the log.
fn excluded(period: &Period, effects: &Effects, policy: &ExclusionPolicy) -> Vec<Excluded> {
    let verdicts = judge(&effects.exclusions, policy, period.interval);
    let refused = effects.refused.iter();
    let refused = refused.map(|e| (e, Err(Invalid::NotFromCondition(e.class))));
    let said = effects.exclusions.iter().zip(verdicts).chain(refused);
    let inside = said.filter(|(exclusion, verdict)| {
        *verdict != Err(Invalid::OutsidePeriod)
            && exclusion.interval.intersect(period.interval).is_some()
    });
    let mut list: Vec<_> = inside
        .map(|(exclusion, verdict)| {
            let counted = verdict.as_ref().map_or(0, |v| seconds(&v.counted));
            Excluded {
                leaf: exclusion.log_index,
                class: exclusion.class,
                interval: exclusion.interval,
                counted_s: counted,
                refused: verdict.err().map(|why| why.to_string()),
            }
        })
        .collect();
    list.sort_by_key(|e| (e.leaf, e.interval, e.class));
    list
}

/// Those of the contract and the period; each clock of an incident once.
fn breaches(
    contract: &Contract,
    period: &Period,
    fee: Decimal,
    all: &[ClockBreach],
    unpaid: &IntervalSet,
) -> Vec<BreachLine> {
    let mut mine: Vec<_> = all
        .iter()
        .filter(|b| b.contract == contract.id && period.interval.contains(b.due))
        .collect();
    // The most severe of one clock of an incident comes first and is kept.
    mine.sort_by_key(|b| (&b.incident, b.clock, b.severity, b.due));
    mine.dedup_by_key(|b| (&b.incident, b.clock));
    let remedies = &contract.remedies;
    mine.into_iter()
        .map(|b| {
            let worth = match b.clock {
                BreachedClock::Response => &remedies.late_response,
                BreachedClock::Restoration => &remedies.late_restoration,
            };
            BreachLine {
                incident: b.incident.clone(),
                clock: b.clock,
                severity: b.severity,
                due: b.due,
                credit: worth
                    .get(&b.severity)
                    .filter(|_| !unpaid.contains(b.due))
                    .map_or(Decimal::ZERO, |w| w.worth(fee)),
            }
        })
        .collect()
}

/// Contradictions about what the contract covers, within the period.
fn contradictions(contract: &Contract, period: &Period, table: &RollupTable) -> (Vec<String>, u64) {
    let about = |c: &&crate::rollup::table::Contradiction| {
        let line = |l: &crate::coverage::Coverage| l.module == c.module && l.region == c.region;
        period.interval.contains(c.minute.start()) && contract.coverage.iter().any(line)
    };
    let text = |c: &crate::rollup::table::Contradiction| {
        format!("{} {} {} {}", c.minute, c.module, c.region, c.source)
    };
    let (list, more) = bounded(table.contradictions().filter(about).map(text).collect());
    (list, more + u64::from(table.has_more_contradictions()))
}

/// The first of a list, and how many more there are. A tenth of what may be
/// listed in all.
fn bounded<T>(mut list: Vec<T>) -> (Vec<T>, u64) {
    let more = list.len().saturating_sub(MAX_LISTED / 10);
    list.truncate(MAX_LISTED / 10);
    (list, more as u64)
}

fn seconds(set: &IntervalSet) -> u64 {
    u64::try_from(set.nanos() / 1_000_000_000).unwrap_or(u64::MAX)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn claim_until(contract: &Contract, period: &Period) -> Option<Date> {
    let days = contract.remedies.claim_within_days?;
    let days = jiff::Span::new().try_days(i64::from(days)).ok()?;
    Some(period.end.saturating_add(days))
}

#[cfg(test)]
mod tests;
