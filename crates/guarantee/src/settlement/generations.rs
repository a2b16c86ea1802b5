//! Generations of the product, on a statement: what the log says of going over
//! to another one, and of the end of the support of the one that runs.
//!
//! Without support the clocks of support are worth nothing; what is measured is
//! promised as ever. See [`Fact`](crate::contract::life::Fact) for what decides.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Evidence, SettleError};
use crate::calendar;
use crate::contract::Contract;
use crate::contract::life::Schedule;
use crate::contract::policy::OnUpgrade;
use crate::interval::{Interval, IntervalSet};
use crate::term::Period;

/// What became of a fact about a generation that was logged before the period's
/// end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationLine {
    /// Its leaf.
    pub leaf: u64,
    /// Which generation.
    pub generation: String,
    /// What of it.
    pub step: GenerationStep,
    /// From when on it has an effect; none = it has none.
    pub from: Option<Timestamp>,
    /// What going over does to the term.
    pub on_upgrade: Option<OnUpgrade>,
    /// Seconds of the period without support.
    pub unsupported_s: u64,
    /// Why it has no effect.
    pub refused: Option<String>,
}

/// What happens to a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationStep {
    /// From then on it runs.
    Upgraded,
    /// From then on it has no support.
    SupportEnded,
}

/// What follows for a period.
#[derive(Debug, Default)]
pub(super) struct Generations {
    /// In the order of the log.
    pub lines: Vec<GenerationLine>,
    /// Time in which clocks of support are worth nothing.
    pub unsupported: IntervalSet,
}

impl Generations {
    pub fn of(
        contract: &Contract,
        period: &Period,
        evidence: &Evidence<'_>,
    ) -> Result<Self, SettleError> {
        let known = Timestamp::MAX;
        let about = (contract.id.as_str(), contract.version);
        let concerns = |f: &crate::contract::life::record::Recorded| f.fact.is_generation(about);
        let mut found = Self::default();
        // Most contracts have none.
        if !evidence.record.facts(known).any(concerns) {
            return Ok(found);
        }
        let schedule = Schedule::new(contract, evidence.record, known)?;
        let generations = schedule.generations(contract, evidence.record, known);
        let Interval { start, end } = period.interval;
        for upgrade in generations.upgrades() {
            let from = match upgrade.from {
                Ok(day) => Some(calendar::midnight(generations.zone, day)?),
                Err(_) => None,
            };
            let shown = from.map_or(upgrade.at >= start, |from| from >= start && from < end);
            if upgrade.at < end && shown {
                found.lines.push(GenerationLine {
                    leaf: upgrade.leaf,
                    generation: upgrade.generation,
                    step: GenerationStep::Upgraded,
                    from,
                    on_upgrade: Some(contract.generations.on_upgrade),
                    unsupported_s: 0,
                    refused: upgrade.from.err().map(|why| why.to_string()),
                });
            }
        }
        for said in generations.support_end()? {
            let without = said.without.map(IntervalSet::from).unwrap_or_default();
            let without = without.clip(period.interval);
            if said.at >= end || (without.is_empty() && said.at < start) {
                continue;
            }
            found.lines.push(GenerationLine {
                leaf: said.leaf,
                generation: said.generation,
                step: GenerationStep::SupportEnded,
                from: said.without.ok().map(|w| w.start),
                on_upgrade: None,
                unsupported_s: super::seconds(&without),
                refused: said.without.err().map(|why| why.to_string()),
            });
            found.unsupported = found.unsupported.union(&without);
        }
        found.lines.sort_by_key(|line| line.leaf);
        Ok(found)
    }
}
