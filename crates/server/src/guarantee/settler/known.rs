//! Contracts and statements of the log, as far as they were read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::settlement::{Entry, Inputs};
use surecast_guarantee::term::Period;

use super::plan::{Due, Reach, Rules, Standing};
use super::read::{Logged, News, Open};

/// A version of a contract, by its place in [`Known`], and a period of it.
pub type Key = (usize, u32);

/// Everything that matters for settling.
#[derive(Debug, Default)]
pub struct Known {
    /// Versions of the contracts that are kept, in the order of the log.
    versions: Vec<Version>,
    last: BTreeMap<Key, Held>,
    /// Leaves that were looked at.
    pub seen: u64,
}

/// A version of a contract.
#[derive(Debug)]
pub struct Version {
    /// As it was logged.
    pub logged: Logged,
    /// Its hash.
    pub hash: String,
    /// Its periods.
    pub periods: Vec<Period>,
}

/// The last entry of a period.
#[derive(Debug)]
struct Held {
    entry: Entry,
    standing: Standing,
}

impl Known {
    /// Takes what was read; contracts that are not `kept` are left alone.
    pub fn handle(&mut self, news: &News, kept: &BTreeSet<String>) {
        for logged in &news.contracts {
            let version = version(logged).filter(|_| kept.contains(&logged.contract.id));
            // The first leaf of a version is the one that binds.
            let is_new = |version: &Version| self.find(&version.hash).is_none();
            if let Some(version) = version.filter(is_new) {
                self.versions.push(version);
            }
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

    fn find(&self, hash: &str) -> Option<usize> {
        self.versions.iter().position(|v| v.hash == hash)
    }

    /// A version.
    pub fn version(&self, key: Key) -> &Version {
        &self.versions[key.0]
    }

    /// A contract and a period of it.
    pub fn subject(&self, key: Key) -> (Contract, Period) {
        let version = self.version(key);
        (
            version.logged.contract.clone(),
            version.periods[key.1 as usize],
        )
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
    /// that has a statement of it, or else the newest.
    pub fn key(&self, contract: &str, period: u32) -> Option<Key> {
        let versions = (0..).zip(&self.versions);
        let of = versions.filter(|(_, v)| v.logged.contract.id == contract);
        let keys = of
            .filter(|(_, v)| (period as usize) < v.periods.len())
            .map(|(at, _)| (at, period));
        keys.max_by_key(|key| {
            let version = self.version(*key).logged.contract.version;
            (self.last.contains_key(key), version)
        })
    }

    /// Periods of the contract's newest version.
    pub fn periods(&self, contract: &str) -> usize {
        let of = self
            .versions
            .iter()
            .filter(|v| v.logged.contract.id == contract);
        let newest = of.max_by_key(|v| v.logged.contract.version);
        newest.map_or(0, |v| v.periods.len())
    }

    /// What is due now.
    pub fn due(&self, rules: &Rules, reach: Reach, now: Timestamp) -> Vec<(Key, Due)> {
        let mut due = Vec::new();
        for (at, version) in (0..).zip(&self.versions) {
            for period in &version.periods {
                let key = (at, period.index);
                let held = self.last.get(&key);
                if held.is_none() && !self.is_of(version, period) {
                    continue;
                }
                let standing = held.map(|held| held.standing);
                let what = rules.due(period.interval, standing, reach, now);
                due.extend(what.map(|what| (key, what)));
            }
        }
        due
    }

    /// Whether a period is this version's to settle: the version was in the log
    /// before the period ended, and no later one was. What was over before
    /// anybody had promised anything is settled only when somebody asks for it.
    fn is_of(&self, version: &Version, period: &Period) -> bool {
        let end = period.interval.end;
        let contract = &version.logged.contract;
        let newer = |other: &&Version| {
            let of = &other.logged.contract;
            of.id == contract.id && of.version > contract.version && other.logged.at < end
        };
        version.logged.at < end && !self.versions.iter().any(|other| newer(&other))
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

fn version(logged: &Logged) -> Option<Version> {
    let id = &logged.contract.id;
    let hash = logged.contract.hash();
    let periods = logged.contract.term.periods();
    match (hash, periods) {
        (Ok(hash), Ok(periods)) => Some(Version {
            logged: logged.clone(),
            hash,
            periods,
        }),
        (Err(error), _) => {
            tracing::warn!(contract = id, leaf = logged.leaf, %error, "cannot be settled");
            None
        }
        (_, Err(error)) => {
            tracing::warn!(contract = id, leaf = logged.leaf, %error, "cannot be settled");
            None
        }
    }
}
