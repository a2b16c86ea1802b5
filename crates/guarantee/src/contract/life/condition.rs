//! Conditions that the customer has to keep, and what follows where they are
//! not kept.
//!
//! An effect needs three things: a notice in the log, the days of cure after it,
//! and evidence in the log that the condition is not kept. It lasts while all
//! three hold, and until a leaf says that the condition is cured. A claim alone
//! has no effect.
//!
//! | condition | evidence |
//! |---|---|
//! | `min_spend` | the last period of which a spend was logged is short of the amount (of its part of it, where the period is shorter than its month) |
//! | `frozen_config` | the settings that a source logged last differ, from that leaf on |
//! | `declared_peak` | minutes with more sessions in the rollups |
//!
//! # Sessions
//!
//! Rollups have no peak; the sessions of a minute are its session time / 60 s,
//! the mean, rounded down. The mean is never more than the peak, so that only
//! what was certainly above it counts as above.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::record::{Record, Recorded};
use super::schedule::Schedule;
use super::{Fact, settings_hash};
use crate::contract::Contract;
use crate::contract::policy::Requirement;
use crate::interval::{Interval, IntervalSet};
use crate::module::{Module, Region};
use crate::rollup::table::Column;
use crate::rollup::{MINUTE_MS, Minute, RollupState, RollupTable, Source};
use crate::term::TermError;

/// Most stretches of one condition in a period: minutes around a peak flicker,
/// and each stretch is compared with all others. What is beyond has no effect.
pub const MAX_STRETCHES: usize = 1_000;

/// A notice, and how long it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its leaf.
    pub leaf: u64,
    /// When it was given.
    pub at: Timestamp,
    /// Until then it can be put right without any effect: the end of the last of
    /// the contract's days of cure, the day of the notice not counted.
    pub cure_until: Timestamp,
    /// When it was cured.
    pub cured: Option<Timestamp>,
}

impl Notice {
    /// The time after the cure, while it is not cured.
    #[must_use]
    pub fn lapse(&self) -> Interval {
        Interval {
            start: self.cure_until,
            end: self.cured.unwrap_or(Timestamp::MAX),
        }
    }
}

/// Where and when a condition is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which module; none = all.
    pub module: Option<Module>,
    /// Where; none = everywhere.
    pub region: Option<Region>,
    /// When.
    pub when: IntervalSet,
}

impl Breach {
    fn everywhere(when: IntervalSet) -> Self {
        Self {
            module: None,
            region: None,
            when,
        }
    }
}

/// The notices about a condition, in the order of the log.
pub(crate) fn notices(
    contract: &Contract,
    index: usize,
    schedule: &Schedule<'_>,
    record: &Record,
    known: Timestamp,
) -> Result<Vec<Notice>, TermError> {
    let days = contract.conditions.get(index).map_or(0, |c| c.cure_days);
    let mine = |n: u32| usize::try_from(n).is_ok_and(|n| n == index);
    let mut notices: Vec<Notice> = Vec::new();
    for recorded in record.about(&contract.id, contract.version, known) {
        let open = notices.last_mut().filter(|n| n.cured.is_none());
        match (&recorded.fact, open) {
            (Fact::ConditionNotice { condition, .. }, None) if mine(*condition) => {
                notices.push(Notice {
                    leaf: recorded.leaf,
                    at: recorded.at,
                    cure_until: schedule.after_days(recorded.at, days)?,
                    cured: None,
                });
            }
            (Fact::ConditionCured { condition, .. }, Some(open)) if mine(*condition) => {
                open.cured = Some(recorded.at);
            }
            _ => {}
        }
    }
    Ok(notices)
}

/// Where and when the log shows that a condition was not kept. Without a table
/// nothing is known of a peak.
pub(crate) fn breaches(
    contract: &Contract,
    requirement: &Requirement,
    schedule: &Schedule<'_>,
    record: &Record,
    known: Timestamp,
    minutes: Option<(&RollupTable, Interval)>,
) -> Result<Vec<Breach>, TermError> {
    match requirement {
        Requirement::MinSpend { amount } => {
            let facts = record.about(&contract.id, contract.version, known);
            let when = short(*amount, schedule, facts)?;
            Ok(vec![Breach::everywhere(when)])
        }
        Requirement::FrozenConfig { sha256, modules } => {
            Ok(drift(sha256, modules, record.facts(known)))
        }
        Requirement::DeclaredPeak {
            module,
            region,
            sessions,
        } => Ok(vec![Breach {
            module: *module,
            region: region.clone(),
            when: minutes.map_or_else(IntervalSet::default, |(table, within)| {
                above(*module, region.as_ref(), *sessions, table, within)
            }),
        }]),
    }
}

/// The time in which the last period that was reported is short.
fn short<'a>(
    amount: Decimal,
    schedule: &Schedule<'_>,
    facts: impl Iterator<Item = &'a Recorded>,
) -> Result<IntervalSet, TermError> {
    let mut spent: BTreeMap<u32, Decimal> = BTreeMap::new();
    let mut since: Option<Timestamp> = None;
    let mut parts = Vec::new();
    for recorded in facts {
        let Fact::Spend {
            period, amount: a, ..
        } = &recorded.fact
        else {
            continue;
        };
        let most = spent.entry(*period).or_default();
        *most = (*a).max(*most);
        let Some((&last, &spent)) = spent.last_key_value() else {
            continue;
        };
        // A period that is not there asks for nothing.
        let needed = schedule.period(last)?.and_then(|p| {
            let days = amount.checked_mul(Decimal::from(p.days))?;
            days.checked_div(Decimal::from(p.month_days.max(1)))
        });
        let is_short = needed.is_some_and(|needed| spent < needed);
        match (since, is_short) {
            (None, true) => since = Some(recorded.at),
            (Some(start), false) => {
                parts.push(span(start, recorded.at));
                since = None;
            }
            _ => {}
        }
    }
    parts.extend(since.map(|start| span(start, Timestamp::MAX)));
    Ok(parts.into_iter().collect())
}

/// What is known of the settings of one source.
#[derive(Default)]
struct Drifting {
    since: BTreeMap<Module, Timestamp>,
}

/// The time in which a source's settings differ, by module. Which module has
/// drifted shows against the settings that were seen to be the frozen ones; a
/// condition on one module needs none. Where nothing can be told, nothing has
/// drifted.
fn drift<'a>(
    sha256: &str,
    modules: &[Module],
    facts: impl Iterator<Item = &'a Recorded>,
) -> Vec<Breach> {
    let mut frozen: BTreeMap<Module, String> = BTreeMap::new();
    let mut sources: BTreeMap<&Source, Drifting> = BTreeMap::new();
    let mut parts: BTreeMap<Module, Vec<Interval>> = BTreeMap::new();
    for recorded in facts {
        let (source, drifted) = match &recorded.fact {
            Fact::Settings { source, modules: m } => {
                let asked: BTreeMap<Module, String> = m
                    .iter()
                    .filter(|(module, _)| modules.is_empty() || modules.contains(module))
                    .map(|(module, hash)| (*module, hash.clone()))
                    .collect();
                let drifted = drifted(sha256, modules, &asked, &mut frozen);
                (source, drifted)
            }
            Fact::SourceRetired { source } => (source, BTreeSet::new()),
            _ => continue,
        };
        let state = sources.entry(source).or_default();
        for module in Module::ALL {
            match (state.since.get(&module), drifted.contains(&module)) {
                (None, true) => {
                    state.since.insert(module, recorded.at);
                }
                (Some(&start), false) => {
                    parts
                        .entry(module)
                        .or_default()
                        .push(span(start, recorded.at));
                    state.since.remove(&module);
                }
                _ => {}
            }
        }
    }
    for state in sources.into_values() {
        for (module, start) in state.since {
            let part = span(start, Timestamp::MAX);
            parts.entry(module).or_default().push(part);
        }
    }
    let breaches = parts.into_iter().map(|(module, parts)| Breach {
        module: Some(module),
        region: None,
        when: parts.into_iter().collect(),
    });
    breaches.collect()
}

/// The modules whose settings differ from the frozen ones, which are noted when
/// they are seen.
fn drifted(
    sha256: &str,
    modules: &[Module],
    asked: &BTreeMap<Module, String>,
    frozen: &mut BTreeMap<Module, String>,
) -> BTreeSet<Module> {
    if settings_hash(asked).is_ok_and(|hash| hash == sha256) {
        frozen.clone_from(asked);
        return BTreeSet::new();
    }
    if let [only] = modules {
        return asked.keys().filter(|m| *m == only).copied().collect();
    }
    let differs = |(module, hash): (&Module, &String)| {
        let known = frozen.get(module)?;
        (known != hash).then_some(*module)
    };
    asked.iter().filter_map(differs).collect()
}

/// Minutes with more sessions than were declared.
fn above(
    module: Option<Module>,
    region: Option<&Region>,
    sessions: u64,
    table: &RollupTable,
    within: Interval,
) -> IntervalSet {
    let columns: Vec<&Column> = table
        .all()
        .filter(|(m, r, source, _)| {
            matches!(source, Source::Server(_))
                && module.is_none_or(|module| module == *m)
                && region.is_none_or(|region| region == *r)
        })
        .map(|(_, _, _, column)| column)
        .collect();
    let (from, to) = Minute::within(within);
    let mut parts: Vec<(Minute, Minute)> = Vec::new();
    for minute in (from.0..to.0).map(Minute) {
        let measured = columns.iter().filter_map(|column| column.get(minute));
        let ms: u64 = measured
            .filter(|cell| cell.state == RollupState::Measured)
            .map(|cell| cell.counts.up_ms + cell.counts.down_ms)
            .fold(0, u64::saturating_add);
        if ms / MINUTE_MS <= sessions {
            continue;
        }
        let count = parts.len();
        match parts.last_mut() {
            Some(part) if part.1 == minute => part.1 = minute.next(),
            _ if count >= MAX_STRETCHES => break,
            _ => parts.push((minute, minute.next())),
        }
    }
    parts.iter().map(|&(a, b)| Minute::span(a, b)).collect()
}

fn span(start: Timestamp, end: Timestamp) -> Interval {
    Interval { start, end }
}
