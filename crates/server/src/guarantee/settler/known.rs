//! Contracts and statements of the log, as far as they were read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::{Record, Schedule, State, life};
use surecast_guarantee::settlement::{Entry, Inputs};
use surecast_guarantee::term::Period;

use super::plan::{Due, Reach, Rules, Standing};
use super::read::{Logged, News, Open};
use crate::store::ContractRow;

/// A version of a contract, by its place in [`Known`], and a period of it.
pub type Key = (usize, u32);

/// Everything that matters for settling.
#[derive(Debug, Default)]
pub struct Known {
    /// Versions of contracts, in the order of the log: as many as a record takes.
    versions: Vec<Version>,
    /// What decides when they hold.
    record: Record,
    /// The log's time.
    pub latest: Option<Timestamp>,
    last: BTreeMap<Key, Held>,
    /// Leaves that were looked at.
    pub seen: u64,
}

/// A version of a contract.
#[derive(Debug)]
struct Version {
    /// As it was logged.
    logged: Logged,
    /// Its hash.
    hash: String,
    /// It is this server's to settle.
    kept: bool,
    /// Where it stands, and until when that is so if nothing else is logged.
    stands: Option<(State, Timestamp)>,
}

/// The last entry of a period.
#[derive(Debug)]
struct Held {
    entry: Entry,
    standing: Standing,
}

impl Known {
    /// Takes what was read; only contracts that are `kept` are settled.
    pub fn handle(&mut self, news: &News, kept: &BTreeSet<String>) {
        self.latest = news.latest;
        for logged in &news.contracts {
            self.handle_contract(logged, kept);
        }
        for (fact, leaf, at) in &news.facts {
            if let Err(error) = self.record.handle_fact(fact.clone(), *leaf, *at) {
                tracing::warn!(leaf, %error, "a fact does not count");
            }
        }
        if !news.contracts.is_empty() || !news.facts.is_empty() {
            self.versions.iter_mut().for_each(|v| v.stands = None);
        }
        for (entry, at) in &news.entries {
            let said = &entry.settlement;
            let Some(at_version) = self.find(&said.contract.hash) else {
                continue;
            };
            let standing = Standing {
                status: said.status,
                at: *at,
                late: None,
            };
            let held = Held {
                entry: entry.clone(),
                standing,
            };
            self.last.insert((at_version, said.period.index), held);
        }
    }

    /// The first leaf of a version is the one that binds; later ones with its
    /// number, or a lower one, are none.
    fn handle_contract(&mut self, logged: &Logged, kept: &BTreeSet<String>) {
        let Logged { leaf, at, contract } = logged;
        let id = &contract.id;
        let taken = self.record.handle_contract(contract, *leaf, *at);
        if let Err(error) = taken {
            tracing::warn!(contract = id, leaf, %error, "cannot be settled");
            return;
        }
        let Some(version) = self.record.version(id, contract.version) else {
            return;
        };
        if version.leaf != *leaf {
            return;
        }
        self.versions.push(Version {
            logged: logged.clone(),
            hash: version.hash.clone(),
            kept: kept.contains(id),
            stands: None,
        });
    }

    fn find(&self, hash: &str) -> Option<usize> {
        let of = |v: &Version| v.kept && v.hash == hash;
        self.versions.iter().position(of)
    }

    /// When a version holds, by all that was read.
    fn schedule<'a>(&'a self, version: &'a Version) -> Option<Schedule<'a>> {
        let contract = &version.logged.contract;
        match Schedule::new(contract, &self.record, Timestamp::MAX) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                tracing::warn!(contract = contract.id, version = contract.version, %error,
                    "cannot be settled");
                None
            }
        }
    }

    fn period(&self, version: &Version, index: u32) -> Option<Period> {
        self.schedule(version)?.period(index).ok().flatten()
    }

    /// The periods of a version that begin before `horizon`.
    fn periods_of(&self, version: &Version, horizon: Timestamp) -> Vec<Period> {
        let schedule = self.schedule(version);
        let periods = schedule.and_then(|schedule| schedule.periods(horizon).ok());
        periods.unwrap_or_default()
    }

    /// A contract and a period of it.
    pub fn subject(&self, key: Key) -> Option<(Contract, Period)> {
        let version = self.versions.get(key.0)?;
        let period = self.period(version, key.1)?;
        Some((version.logged.contract.clone(), period))
    }

    /// The last entry of a period.
    pub fn entry(&self, key: Key) -> Option<&Entry> {
        self.last.get(&key).map(|held| &held.entry)
    }

    /// When the last entry of a period was logged.
    pub fn logged_at(&self, key: Key) -> Option<Timestamp> {
        self.last.get(&key).map(|held| held.standing.at)
    }

    /// The period of that number, of the version that it belongs to: the newest
    /// that has a statement of it, or else the newest that has such a period.
    pub fn key(&self, contract: &str, period: u32) -> Option<Key> {
        let keys = self.of(contract).map(|(at, _)| (at, period));
        let keys = keys.filter(|key| self.period(&self.versions[key.0], period).is_some());
        keys.max_by_key(|key| {
            let version = self.versions[key.0].logged.contract.version;
            (self.last.contains_key(key), version)
        })
    }

    /// How far the numbers of a contract's periods go, of those of the newest
    /// version's own term and those that have begun.
    pub fn periods(&self, contract: &str, now: Timestamp) -> usize {
        let newest = self.of(contract).last();
        let last = newest.and_then(|(_, version)| {
            let term = version.logged.contract.term.interval();
            let horizon = term.map_or(now, |term| term.end.max(now));
            self.periods_of(version, horizon).last().copied()
        });
        last.map_or(0, |period| period.index as usize + 1)
    }

    /// Versions of a contract, each later than the one before.
    fn of<'a>(&'a self, contract: &'a str) -> impl Iterator<Item = (usize, &'a Version)> {
        let versions = self.versions.iter().enumerate();
        versions.filter(move |(_, v)| v.logged.contract.id == contract)
    }

    /// What is due now. What was over before the version was in the log is
    /// settled only when somebody asks for it.
    pub fn due(&self, rules: &Rules, reach: Reach, now: Timestamp) -> Vec<(Key, Due)> {
        let mut due = Vec::new();
        for (at, version) in self.versions.iter().enumerate().filter(|(_, v)| v.kept) {
            for period in self.periods_of(version, now) {
                let key = (at, period.index);
                let standing = self.last.get(&key).map(|held| held.standing);
                if standing.is_none() && version.logged.at >= period.interval.end {
                    continue;
                }
                let what = rules.due(period.interval, standing, reach, now);
                due.extend(what.map(|what| (key, what)));
            }
        }
        due
    }

    /// Rows of the versions that stand elsewhere than when this was last asked.
    pub fn changed(&mut self, now: Timestamp) -> Vec<ContractRow> {
        let mut rows = Vec::new();
        for version in &mut self.versions {
            if version.stands.is_some_and(|(_, until)| now < until) {
                continue;
            }
            let contract = &version.logged.contract;
            // Leaves with a clock ahead are in the log all the same.
            let at = self.latest.map_or(now, |latest| latest.max(now));
            match life(contract, &self.record, at) {
                Ok(life) => {
                    let until = life.until.unwrap_or(Timestamp::MAX);
                    version.stands = Some((life.state, until));
                    rows.extend(row(version, life.state));
                }
                Err(error) => {
                    tracing::warn!(contract = contract.id, %error, "where does it stand?");
                    version.stands = Some((State::Draft, Timestamp::MAX));
                }
            }
        }
        rows
    }

    /// Statements that may still change by themselves, and what they stand on.
    pub fn open(&self) -> Vec<(Key, Open)> {
        let open = self.last.iter().filter(|(_, held)| held.standing.is_open());
        open.filter_map(|(key, held)| {
            let said = &held.entry.settlement;
            let Inputs::Log { size, .. } = said.inputs else {
                return None;
            };
            let period = said.period.interval;
            Some((*key, Open { period, size }))
        })
        .collect()
    }

    /// Something is known since `now` that the statement may not stand on.
    pub fn is_late(&mut self, key: Key, now: Timestamp) {
        if let Some(held) = self.last.get_mut(&key) {
            held.standing.late.get_or_insert(now);
        }
    }

    /// It was looked at: nothing has changed.
    pub fn stands(&mut self, key: Key) {
        if let Some(held) = self.last.get_mut(&key) {
            held.standing.late = None;
        }
    }
}

/// What the store keeps of a version.
fn row(version: &Version, state: State) -> Option<ContractRow> {
    let Logged { leaf, at, contract } = &version.logged;
    Some(ContractRow {
        id: contract.id.clone(),
        version: contract.version.into(),
        hash: version.hash.clone(),
        canonical: contract.canonical_json().ok()?,
        state: state.name().to_owned(),
        leaf: i64::try_from(*leaf).ok(),
        at_ms: at.as_millisecond(),
    })
}

#[cfg(test)]
mod tests;
