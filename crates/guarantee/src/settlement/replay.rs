//! Settles again while a log is verified, and compares.
//!
//! # What it reads
//!
//! | leaf | payload |
//! |---|---|
//! | `contract` | the contract's canonical JSON |
//! | `rollup`, `no_data` | a [rollup's line](crate::rollup::line), or an [experience's](crate::rollup::experience) |
//! | `exclusion` | an [`Exclusion`] in JSON; its index and the log's time count, not what it says of them |
//! | `breach` | a [`ClockBreach`] in JSON |
//! | `note` | a [`Fact`] of a contract's or a source's life; others are passed over |
//! | `settlement`, `correction` | a [`Settlement`] in JSON |
//!
//! A rollup that cannot be read is as good as missing, and what is missing is
//! bad. Time in a log does not run backwards: an exclusion counts as declared
//! at the latest time that any leaf up to its own has.
//!
//! # Memory
//!
//! One table of rollups: 25 bytes a minute and source, at most [`MAX_PAGES`]
//! days of sources (1.4 GB); the users' experience, at most 3 million rows; the
//! last [`MAX_LAG`] leaves; and what the constants below bound.

mod difference;

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use difference::difference;

use super::{ClockBreach, Entry, Evidence, Inputs, Settlement, Step, settle};
use crate::contract::Contract;
use crate::contract::life::{Fact, Record, Schedule};
use crate::evidence::tree::Edge;
use crate::evidence::{Hash, Kind, Leaf, Replay};
use crate::exclusion::Exclusion;
use crate::interval::Interval;
use crate::ratio::Percent;
use crate::rollup::experience::{self, Experience, ExperienceTable};
use crate::rollup::{Rollup, RollupTable};
use crate::term::Period;

/// Days of sources in memory: three years of 25 columns, and half as much again.
pub const MAX_PAGES: usize = 40_000;

/// Leaves that may stand between what a settlement stands on and its own leaf:
/// an hour of a thousand columns, ten megabytes.
pub const MAX_LAG: usize = 65_536;

/// Contracts of one log: more than one provider has. They take 64 MiB at most.
const MAX_CONTRACTS: usize = 1_024;

/// Exclusions and breaches of one log: a hundred a day over a year, of each.
const MAX_DECLARED: usize = 36_500;

/// Settled periods of one log: forty contracts over the longest plan, twice.
const MAX_SETTLED: usize = 4_096;

/// Longest name of an incident in a breach.
const MAX_INCIDENT: usize = 128;

/// Contract, version, period.
type Key = (String, u32, u32);

/// What of a leaf matters here.
#[derive(Debug)]
enum Said {
    Rollup(Rollup),
    Experience(Experience),
    Exclusion(Box<Exclusion>),
    Breach(ClockBreach),
    Contract(Box<Contract>, Timestamp),
    Fact(Box<Fact>, Timestamp),
    Nothing,
}

/// Reads a log, and settles again what it settled.
#[derive(Debug, Default)]
pub struct Replayer {
    /// The tree of the leaves whose contents are in the tables.
    tree: Edge,
    /// Leaves that a settlement may still not stand on.
    waiting: VecDeque<(Hash, Said)>,
    /// The latest time of any leaf so far.
    latest: Option<Timestamp>,
    table: Option<RollupTable>,
    experiences: ExperienceTable,
    exclusions: Vec<Exclusion>,
    breaches: Vec<ClockBreach>,
    /// Versions of contracts and facts.
    record: Record,
    /// By hash.
    contracts: BTreeMap<String, Contract>,
    settled: BTreeMap<Key, Entry>,
    /// Why nothing can be settled from some leaf on.
    full: Option<String>,
    computed: u64,
    carried: u64,
    /// Leaves about a period that came before its settlement and are not among
    /// what it stands on, and the first such settlement.
    overlooked: u64,
    first_overlooking: Option<u64>,
    unreadable: u64,
    first_unreadable: Option<(u64, String)>,
}

impl Replay for Replayer {
    fn handle_leaf(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        let said = match Leaf::parse(entry) {
            Ok(leaf) => {
                self.latest = self.latest.max(Some(leaf.at()));
                match leaf.kind() {
                    Kind::Settlement | Kind::Correction => {
                        self.compare(index, &leaf)?;
                        Said::Nothing
                    }
                    _ => self.read(index, &leaf)?,
                }
            }
            Err(_) => Said::Nothing,
        };
        self.waiting.push_back((Hash::leaf(entry), said));
        if self.waiting.len() > MAX_LAG {
            self.advance_one();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        if self.computed + self.carried > 0 {
            lines.push(format!(
                "settlements computed again from the log, the same byte for byte: {}",
                self.computed
            ));
        }
        if self.carried > 0 {
            lines.push(format!(
                "changes of their status that say the same as before: {}",
                self.carried
            ));
        }
        if let Some(index) = self.first_overlooking {
            lines.push(format!(
                "leaves about a period that came before its settlement, which does not stand on \
                 them: {}, the first such settlement is leaf {index}; a correction is due",
                self.overlooked
            ));
        }
        if let Some((index, why)) = &self.first_unreadable {
            lines.push(format!(
                "{} leaves cannot be read and count as missing, the first of them leaf {index}: {why}",
                self.unreadable
            ));
        }
        Ok(lines)
    }
}

impl Replayer {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many settlements were computed again so far.
    #[must_use]
    pub const fn computed(&self) -> u64 {
        self.computed
    }

    /// Whether the log has this contract.
    #[must_use]
    pub fn has_contract(&self, hash: &str) -> bool {
        self.contracts.contains_key(hash)
            || self.waiting.iter().any(
                |(_, said)| matches!(said, Said::Contract(c, _) if c.hash().is_ok_and(|h| h == hash)),
            )
    }

    /// The last statement of a period.
    #[must_use]
    pub fn settled(&self, contract: &Contract, period: u32) -> Option<&Entry> {
        let key = (contract.id.clone(), contract.version, period);
        self.settled.get(&key)
    }

    /// Settles a period from all that was read. The contract need not be in the
    /// log. Of the period only its number is looked at: where it begins and ends
    /// follows from the log, too.
    ///
    /// # Errors
    /// In words.
    pub fn settle(
        &mut self,
        contract: &Contract,
        period: &Period,
        reason: Option<&str>,
    ) -> Result<Settlement, String> {
        self.catch_up();
        let period = self.period(contract, period.index)?;
        self.settle_here(contract, &period, reason)
    }

    /// The periods of a contract that begin before `horizon`, by all that was
    /// read: with those of renewals and of the grace, cut where a later version
    /// begins.
    ///
    /// # Errors
    /// In words.
    pub fn periods(
        &mut self,
        contract: &Contract,
        horizon: Timestamp,
    ) -> Result<Vec<Period>, String> {
        self.catch_up();
        let schedule = Schedule::new(contract, &self.record, Timestamp::MAX);
        let periods = schedule.and_then(|schedule| schedule.periods(horizon));
        periods.map_err(|e| e.to_string())
    }

    /// Versions of contracts and facts, of all that was read.
    pub fn record(&mut self) -> &Record {
        self.catch_up();
        &self.record
    }

    /// Takes all that was read into the tables.
    fn catch_up(&mut self) {
        while !self.waiting.is_empty() {
            self.advance_one();
        }
    }

    fn period(&self, contract: &Contract, index: u32) -> Result<Period, String> {
        let schedule = Schedule::new(contract, &self.record, Timestamp::MAX);
        let schedule = schedule.map_err(|e| e.to_string())?;
        let found = schedule.period(index).map_err(|e| e.to_string())?;
        found.ok_or_else(|| {
            format!(
                "there is no period {index}: by what the log says until here, version {} of the \
                 contract does not hold then",
                contract.version
            )
        })
    }

    /// What each line attained on each day, for the plots of a
    /// [page](super::page()).
    #[must_use]
    pub fn days(&mut self, contract: &Contract, period: &Period) -> Vec<Vec<Option<Percent>>> {
        self.catch_up();
        let (empty, inputs) = (RollupTable::with_max_pages(0), self.inputs());
        super::page::days(contract, period, &self.evidence(&empty, &inputs))
    }

    fn inputs(&self) -> Inputs {
        Inputs::Log {
            size: self.tree.size(),
            root: self.tree.root().to_string(),
        }
    }

    fn evidence<'a>(&'a self, empty: &'a RollupTable, inputs: &'a Inputs) -> Evidence<'a> {
        Evidence {
            table: self.table.as_ref().unwrap_or(empty),
            experiences: &self.experiences,
            exclusions: &self.exclusions,
            breaches: &self.breaches,
            record: &self.record,
            inputs,
        }
    }

    fn settle_here(
        &self,
        contract: &Contract,
        period: &Period,
        reason: Option<&str>,
    ) -> Result<Settlement, String> {
        if let Some(full) = &self.full {
            return Err(full.clone());
        }
        let (empty, inputs) = (RollupTable::with_max_pages(0), self.inputs());
        let evidence = self.evidence(&empty, &inputs);
        let before = self.settled(contract, period.index);
        settle(contract, period, &evidence, before, reason).map_err(|e| e.to_string())
    }

    /// What a leaf says; what cannot be read is noted and passed over.
    fn read(&mut self, index: u64, leaf: &Leaf) -> Result<Said, String> {
        let said = match leaf.kind() {
            Kind::Rollup | Kind::NoData => minute(leaf.payload()),
            Kind::Exclusion => leaf
                .decode()
                .map_err(|e| e.to_string())
                .map(|mut e: Exclusion| {
                    e.log_index = Some(index);
                    e.declared_at = self.latest.unwrap_or(leaf.at());
                    Said::Exclusion(Box::new(e))
                }),
            Kind::Contract => leaf
                .decode()
                .map_err(|e| e.to_string())
                .map(|c| Said::Contract(Box::new(c), self.latest.unwrap_or(leaf.at()))),
            Kind::Note => Fact::of(leaf).map_err(|e| e.to_string()).map(|fact| {
                let at = self.latest.unwrap_or(leaf.at());
                fact.map_or(Said::Nothing, |fact| Said::Fact(Box::new(fact), at))
            }),
            Kind::Other(_) if leaf.kind().name() == "breach" => breach(leaf),
            _ => return Ok(Said::Nothing),
        };
        match said {
            Ok(said) => Ok(said),
            // Without it the customer would get less.
            Err(why) if leaf.kind().name() == "breach" => Err(why),
            Err(why) => {
                self.unreadable += 1;
                self.first_unreadable.get_or_insert((index, why));
                Ok(Said::Nothing)
            }
        }
    }

    /// Takes the contents of the leaf that waits longest into the tables.
    fn advance_one(&mut self) {
        let Some((hash, said)) = self.waiting.pop_front() else {
            return;
        };
        let index = self.tree.size();
        self.tree.push(hash, |_, _| {});
        if let Err(why) = self.take(index, said) {
            self.full.get_or_insert(format!(
                "from leaf {index} on nothing can be settled: {why}"
            ));
        }
    }

    fn take(&mut self, index: u64, said: Said) -> Result<(), String> {
        match said {
            Said::Nothing => {}
            Said::Rollup(rollup) => {
                let new = || RollupTable::with_max_pages(MAX_PAGES);
                let table = self.table.get_or_insert_with(new);
                table
                    .import(&rollup, Some(index))
                    .map_err(|e| e.to_string())?;
            }
            Said::Experience(experience) => {
                let imported = self.experiences.import(&experience);
                imported.map_err(|e| e.to_string())?;
            }
            Said::Exclusion(exclusion) => {
                room(self.exclusions.len(), MAX_DECLARED, "exclusions")?;
                self.exclusions.push(*exclusion);
            }
            Said::Breach(breach) => {
                room(self.breaches.len(), MAX_DECLARED, "breaches")?;
                self.breaches.push(breach);
            }
            Said::Fact(fact, at) => {
                let new = || RollupTable::with_max_pages(MAX_PAGES);
                let table = self.table.get_or_insert_with(new);
                fact.tell(table, at).map_err(|e| e.to_string())?;
                let taken = self.record.handle_fact(*fact, index, at);
                taken.map_err(|e| e.to_string())?;
            }
            Said::Contract(contract, at) => {
                room(self.contracts.len(), MAX_CONTRACTS, "contracts")?;
                let hash = contract.hash().map_err(|e| e.to_string())?;
                let taken = self.record.handle_contract(&contract, index, at);
                taken.map_err(|e| e.to_string())?;
                self.contracts.insert(hash, *contract);
            }
        }
        Ok(())
    }

    /// Settles again what the leaf settles.
    fn compare(&mut self, index: u64, leaf: &Leaf) -> Result<(), String> {
        let said: Settlement = leaf.decode().map_err(|e| e.to_string())?;
        let title = said.title();
        let told = |why: String| format!("the settlement of {title}: {why}");
        if said.step.kind() != *leaf.kind() {
            let kind = said.step.kind();
            return Err(told(format!(
                "the step `{}` belongs into a leaf `{kind}`",
                said.step
            )));
        }
        let end = said.period.interval.end;
        if leaf.at() < end {
            let at = leaf.at();
            return Err(told(format!(
                "it was made at {at}, before its period ends at {end}"
            )));
        }
        let computed = if said.step.computes() {
            self.computed += 1;
            self.again(index, &said).map_err(&told)?
        } else {
            self.carried += 1;
            let before = self.settled.get(&key(&said));
            let before = before.ok_or_else(|| told("nothing was settled before".into()))?;
            let next = Settlement::next(before, said.step, said.reason.as_deref());
            next.map_err(|e| told(e.to_string()))?
        };
        let text = computed.to_canonical().map_err(|e| told(e.to_string()))?;
        if text != leaf.payload() {
            return Err(told(difference(leaf.payload(), &text)));
        }
        room(self.settled.len(), MAX_SETTLED, "settled periods")?;
        let entry = Entry {
            leaf: index,
            settlement: said,
        };
        self.settled.insert(key(&entry.settlement), entry);
        Ok(())
    }

    fn again(&mut self, index: u64, said: &Settlement) -> Result<Settlement, String> {
        let Inputs::Log { size, .. } = &said.inputs else {
            return Err("it does not stand on this log".into());
        };
        if *size > index {
            return Err(format!(
                "it stands on {size} leaves, and there are {index} before it"
            ));
        }
        let read = self.tree.size();
        if *size < read {
            return Err(format!(
                "it stands on {size} leaves, fewer than the {read} of a settlement before it, \
                 or more than {MAX_LAG} before its own"
            ));
        }
        while self.tree.size() < *size {
            self.advance_one();
        }
        let contract = self.contracts.get(&said.contract.hash).ok_or_else(|| {
            format!(
                "the contract {} is not in the log before it",
                said.contract.hash
            )
        })?;
        let period = &self.period(contract, said.period.index)?;
        if (said.step == Step::Settle) != self.settled(contract, period.index).is_none() {
            return Err(format!(
                "the step `{}` does not fit what was settled before",
                said.step
            ));
        }
        let about = |(_, said): &&(Hash, Said)| said.is_about(period.interval);
        let overlooked = self.waiting.iter().filter(about).count() as u64;
        let settled = self.settle_here(contract, period, said.reason.as_deref());
        if overlooked > 0 {
            self.overlooked += overlooked;
            self.first_overlooking.get_or_insert(index);
        }
        settled
    }
}

impl Said {
    /// Whether a statement of this time could depend on it.
    fn is_about(&self, period: Interval) -> bool {
        match self {
            // What was said after the period does not change it.
            Self::Contract(_, at) | Self::Fact(_, at) => *at < period.end,
            _ => self.instant().is_some_and(|at| period.contains(at)),
        }
    }

    fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Rollup(rollup) => Some(rollup.minute.start()),
            Self::Experience(experience) => Some(experience.minute.start()),
            Self::Breach(breach) => Some(breach.due),
            Self::Exclusion(_) | Self::Contract(..) | Self::Fact(..) | Self::Nothing => None,
        }
    }
}

/// The instant that a leaf tells about: a statement of its period could depend
/// on it.
#[must_use]
pub fn tells_about(leaf: &Leaf) -> Option<Timestamp> {
    let said = match leaf.kind() {
        Kind::Rollup | Kind::NoData => minute(leaf.payload()),
        Kind::Other(_) if leaf.kind().name() == "breach" => breach(leaf),
        _ => return None,
    };
    said.ok()?.instant()
}

fn key(said: &Settlement) -> Key {
    let contract = &said.contract;
    (contract.id.clone(), contract.version, said.period.index)
}

fn room(len: usize, most: usize, what: &str) -> Result<(), String> {
    if len < most {
        Ok(())
    } else {
        Err(format!("the log has more than {most} {what}"))
    }
}

/// A rollup or an experience.
fn minute(payload: &str) -> Result<Said, String> {
    let read = if payload.starts_with(experience::TAG) {
        payload.parse().map(Said::Experience)
    } else {
        payload.parse().map(Said::Rollup)
    };
    read.map_err(|e| e.to_string())
}

fn breach(leaf: &Leaf) -> Result<Said, String> {
    let breach: ClockBreach = leaf.decode().map_err(|e| e.to_string())?;
    if breach.incident.len() > MAX_INCIDENT {
        return Err(format!(
            "the name of the incident has more than {MAX_INCIDENT} bytes"
        ));
    }
    Ok(Said::Breach(breach))
}

#[cfg(test)]
mod tests;
