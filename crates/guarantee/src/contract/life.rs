//! The life of a contract: draft → signed → active ⇄ cure → degraded; active →
//! renewing → active, or grace → expired; superseded by a later version.
//!
//! [`life`] is a pure function *(contract, what the log says, now) → state*.
//! Nothing is stored: whoever has the log knows the state at any instant.

pub(crate) mod condition;
mod fact;
pub(crate) mod generation;
mod line;
pub mod record;
pub mod schedule;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::canonical::{self, CanonicalError};
use crate::contract::Contract;
use crate::contract::policy::{Effect, Requirement};
use crate::interval::Interval;
use crate::module::Module;
use crate::term::{Period, TermError};

use condition::Notice;
pub use fact::{Fact, FactError, Measures, Side};
pub use line::Stretch;
pub use record::Record;
pub use schedule::Schedule;

/// Where a contract stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not in the log: nobody has signed it.
    Draft,
    /// In the log, and its time has not come.
    Signed,
    /// It holds.
    Active,
    /// It holds, and a condition is to be put right.
    Cure,
    /// It holds, and a condition was not put right in time.
    Degraded,
    /// It holds, its last days for a notice are over, and nobody has said no.
    Renewing,
    /// Its term is over and it was not renewed; for some days it still holds.
    Grace,
    /// It holds no more.
    Expired,
    /// A later version holds.
    Superseded,
}

impl State {
    /// The name on a terminal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Signed => "signed",
            Self::Active => "active",
            Self::Cure => "cure",
            Self::Degraded => "degraded",
            Self::Renewing => "renewing",
            Self::Grace => "grace",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }
}

/// A contract at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Life {
    /// Where it stands.
    pub state: State,
    /// Since when; none = since before anything is known.
    pub since: Option<Timestamp>,
    /// Until when, if nothing else is logged; none = for good.
    pub until: Option<Timestamp>,
    /// What it will be then.
    pub next: Option<State>,
    /// The term or the grace that runs, or else the last or the next one.
    pub stretch: Option<Interval>,
    /// How often it was renewed by then.
    pub renewals: u32,
    /// The period that runs.
    #[serde(serialize_with = "period_index")]
    pub period: Option<Period>,
    /// The version that takes its place, as soon as it is known.
    pub superseded_by: Option<u32>,
    /// From when on none of its generations is supported any more.
    pub unsupported_from: Option<Timestamp>,
    /// Its conditions, in their order.
    pub conditions: Vec<Condition>,
}

/// A condition at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// What it asks for, by its name in contracts.
    pub requires: &'static str,
    /// What follows.
    pub effect: Effect,
    /// Where it stands.
    pub state: ConditionState,
    /// When the notice was given that stands.
    pub notice: Option<Timestamp>,
    /// Until when it can be put right.
    pub cure_until: Option<Timestamp>,
}

/// Where a condition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionState {
    /// Nobody says that it is not kept.
    Kept,
    /// Somebody does, and it can be put right.
    Cure,
    /// It was not put right in time.
    Lapsed,
    /// The time for it is over, but the log does not show that it is not kept.
    Unproven,
}

fn period_index<S: serde::Serializer>(
    period: &Option<Period>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    period.map(|p| p.index).serialize(serializer)
}

impl Requirement {
    /// The name in contracts.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MinSpend { .. } => "min_spend",
            Self::FrozenConfig { .. } => "frozen_config",
            Self::DeclaredPeak { .. } => "declared_peak",
        }
    }
}

/// What a condition on frozen settings names: SHA-256 of the canonical JSON of
/// the hashes of its modules, by the modules' names.
///
/// # Errors
/// Never for what can be logged.
pub fn settings_hash(modules: &BTreeMap<Module, String>) -> Result<String, CanonicalError> {
    let named: BTreeMap<&str, &String> = modules.iter().map(|(m, h)| (m.name(), h)).collect();
    canonical::sha256(&named)
}

/// Where a contract stands at `now`, by what the log has said until then.
///
/// # Errors
/// Its term cannot be computed.
pub fn life(contract: &Contract, record: &Record, now: Timestamp) -> Result<Life, TermError> {
    let schedule = Schedule::new(contract, record, now)?;
    let stretches = schedule.stretches(after(now))?;
    let stretch = stretches.last().copied();
    let span = stretch.map(|s| interval(&schedule, &s)).transpose()?;
    let state = state(contract, record, now, now)?;
    let moments = moments(contract, record, now)?;
    let mut since = None;
    for &moment in moments.iter().rev().filter(|m| **m <= now) {
        let before = moment.checked_sub(NANO).unwrap_or(moment);
        if self::state(contract, record, before, before)? != state {
            since = Some(moment);
            break;
        }
    }
    let (mut until, mut next) = (None, None);
    for &moment in moments.iter().filter(|m| **m > now) {
        let then = self::state(contract, record, now, moment)?;
        if then != state {
            (until, next) = (Some(moment), Some(then));
            break;
        }
    }
    let periods = schedule.periods(after(now))?;
    let runs = |p: &&Period| p.interval.contains(now);
    Ok(Life {
        state,
        since,
        until,
        next,
        stretch: span,
        renewals: stretch.map_or(0, |s| s.term),
        period: periods.iter().rfind(runs).copied(),
        superseded_by: schedule.superseded.map(|(_, v)| v.version),
        unsupported_from: schedule
            .generations(contract, record, now)
            .unsupported_from(now)?,
        conditions: conditions(contract, &schedule, record, now, now)?,
    })
}

/// The period of a contract that runs at an instant, by all that the log says:
/// of a renewal or the grace, too, and cut where a later version begins.
///
/// # Errors
/// Its term cannot be computed.
pub fn period_at(
    contract: &Contract,
    record: &Record,
    at: Timestamp,
) -> Result<Option<Period>, TermError> {
    let schedule = Schedule::new(contract, record, Timestamp::MAX)?;
    let periods = schedule.periods(after(at))?;
    Ok(periods.into_iter().rfind(|p| p.interval.contains(at)))
}

/// The smallest step of time.
const NANO: jiff::SignedDuration = jiff::SignedDuration::from_nanos(1);

/// The next instant, so that what begins at this one is in.
fn after(at: Timestamp) -> Timestamp {
    at.checked_add(NANO).unwrap_or(at)
}

fn interval(schedule: &Schedule<'_>, stretch: &Stretch) -> Result<Interval, TermError> {
    Ok(Interval {
        start: schedule.midnight(stretch.start)?,
        end: schedule.midnight(stretch.end)?,
    })
}

/// The state at `at`, by what the log had said until `known`.
fn state(
    contract: &Contract,
    record: &Record,
    known: Timestamp,
    at: Timestamp,
) -> Result<State, TermError> {
    let version = record.version(&contract.id, contract.version);
    if version.is_none_or(|v| v.at > known) {
        return Ok(State::Draft);
    }
    let schedule = Schedule::new(contract, record, known)?;
    if schedule.superseded.is_some_and(|(from, _)| from <= at) {
        return Ok(State::Superseded);
    }
    if at < schedule.start()? {
        return Ok(State::Signed);
    }
    let stretches = schedule.stretches(after(at))?;
    let Some(stretch) = stretches.last() else {
        return Ok(State::Signed);
    };
    let span = interval(&schedule, stretch)?;
    if at >= span.end {
        return Ok(State::Expired);
    }
    if stretch.grace {
        return Ok(State::Grace);
    }
    let conditions = conditions(contract, &schedule, record, known, at)?;
    let any = |state| conditions.iter().any(|c| c.state == state);
    let lapsed = |c: &Condition| c.state == ConditionState::Lapsed && c.effect != Effect::Notify;
    if conditions.iter().any(lapsed) {
        return Ok(State::Degraded);
    }
    if any(ConditionState::Cure) {
        return Ok(State::Cure);
    }
    let notice = schedule.notice(stretch)?;
    if at >= notice && !schedule.is_refused(stretch)? {
        return Ok(State::Renewing);
    }
    Ok(State::Active)
}

/// Instants at which the state can change.
fn moments(
    contract: &Contract,
    record: &Record,
    now: Timestamp,
) -> Result<Vec<Timestamp>, TermError> {
    let schedule = Schedule::new(contract, record, now)?;
    let mut moments = vec![schedule.start()?];
    moments.extend(schedule.superseded.map(|(from, _)| from));
    let version = record.version(&contract.id, contract.version);
    moments.extend(version.map(|v| v.at));
    let stretches = schedule.stretches(after(now))?;
    for stretch in &stretches {
        let span = interval(&schedule, stretch)?;
        moments.extend([span.start, span.end, schedule.notice(stretch)?]);
        moments.push(schedule.grace_end(stretch)?);
    }
    for index in 0..contract.conditions.len() {
        for notice in condition::notices(contract, index, &schedule, record, now)? {
            moments.extend([notice.at, notice.cure_until]);
            moments.extend(notice.cured);
        }
    }
    let settings = record.facts(now).filter(|f| {
        matches!(f.fact, Fact::Settings { .. } | Fact::SourceRetired { .. })
            || f.fact.about() == Some((contract.id.as_str(), contract.version))
    });
    moments.extend(settings.map(|f| f.at));
    moments.sort_unstable();
    moments.dedup();
    Ok(moments)
}

fn conditions(
    contract: &Contract,
    schedule: &Schedule<'_>,
    record: &Record,
    known: Timestamp,
    at: Timestamp,
) -> Result<Vec<Condition>, TermError> {
    let mut conditions = Vec::with_capacity(contract.conditions.len());
    for (index, condition) in contract.conditions.iter().enumerate() {
        let notices = condition::notices(contract, index, schedule, record, known)?;
        let stands = |n: &&Notice| n.at <= at && n.cured.is_none_or(|cured| cured > at);
        let notice = notices.iter().rfind(stands).copied();
        let state = match notice {
            None => ConditionState::Kept,
            Some(notice) if at < notice.cure_until => ConditionState::Cure,
            Some(_) => {
                let requires = &condition.requires;
                let found = condition::breaches(contract, requires, schedule, record, known, None)?;
                // What rollups say of a peak is the settlement's business.
                let is_peak = matches!(requires, Requirement::DeclaredPeak { .. });
                if is_peak || found.iter().any(|b| b.when.contains(at)) {
                    ConditionState::Lapsed
                } else {
                    ConditionState::Unproven
                }
            }
        };
        conditions.push(Condition {
            requires: condition.requires.name(),
            effect: condition.effect,
            state,
            notice: notice.map(|n| n.at),
            cure_until: notice.map(|n| n.cure_until),
        });
    }
    Ok(conditions)
}

#[cfg(test)]
mod tests;
