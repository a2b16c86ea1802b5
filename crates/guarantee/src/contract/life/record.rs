//! What a log says of its contracts' lives: versions and facts, in its order.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Fact;
use crate::contract::Contract;
use crate::contract::policy::{GenerationPolicy, Renewal};
use crate::evidence::{Kind, Leaf, Replay};
use crate::term::Term;

/// Facts of one log: a hundred a day over a year, as exclusions. A server writes
/// one or two at a start.
pub const MAX_FACTS: usize = 36_500;

/// Versions of one log, as many as contracts that a replay holds.
pub const MAX_VERSIONS: usize = 1_024;

/// A fact, and since when it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its leaf.
    pub leaf: u64,
    /// The log's time there.
    pub at: Timestamp,
    /// What happened.
    pub fact: Fact,
}

/// A version of a contract, as far as it decides which one holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub version: u32,
    /// SHA-256 of its canonical JSON.
    pub hash: String,
    /// Its leaf.
    pub leaf: u64,
    /// The log's time there.
    pub at: Timestamp,
    /// Its own term.
    pub term: Term,
    /// What happens when that ends.
    pub renewal: Renewal,
    /// Which generations it is for.
    pub generations: GenerationPolicy,
}

/// Versions and facts of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    versions: BTreeMap<String, Vec<Version>>,
    count: usize,
    facts: Vec<Recorded>,
    /// The latest time of any leaf that was read.
    latest: Option<Timestamp>,
}

/// The log has more than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Too many facts.
    #[error("the log has more than {MAX_FACTS} facts")]
    Facts,
    /// Too many contracts.
    #[error("the log has more than {MAX_VERSIONS} versions of contracts")]
    Versions,
}

impl Record {
    /// Takes a version of a contract. Only a number higher than those before is
    /// a later version; other leaves with the same number change nothing.
    ///
    /// # Errors
    /// There are too many.
    pub fn handle_contract(
        &mut self,
        contract: &Contract,
        leaf: u64,
        at: Timestamp,
    ) -> Result<(), RecordError> {
        let known = self.versions.get(&contract.id);
        let last = known.and_then(|versions| versions.last());
        if last.is_some_and(|last| last.version >= contract.version) {
            return Ok(());
        }
        if self.count >= MAX_VERSIONS {
            return Err(RecordError::Versions);
        }
        self.count += 1;
        let version = Version {
            version: contract.version,
            // One without a hash cannot be settled, and so it is never asked for.
            hash: contract.hash().unwrap_or_default(),
            leaf,
            at,
            term: contract.term.clone(),
            renewal: contract.renewal,
            generations: contract.generations.clone(),
        };
        let versions = self.versions.entry(contract.id.clone()).or_default();
        versions.push(version);
        Ok(())
    }

    /// Takes a fact.
    ///
    /// # Errors
    /// There are too many.
    pub fn handle_fact(&mut self, fact: Fact, leaf: u64, at: Timestamp) -> Result<(), RecordError> {
        if self.facts.len() >= MAX_FACTS {
            return Err(RecordError::Facts);
        }
        self.facts.push(Recorded { leaf, at, fact });
        Ok(())
    }

    /// The versions of an agreement, in their order.
    #[must_use]
    pub fn versions(&self, id: &str) -> &[Version] {
        self.versions.get(id).map_or(&[], Vec::as_slice)
    }

    /// The version with this number.
    #[must_use]
    pub fn version(&self, id: &str, version: u32) -> Option<&Version> {
        self.versions(id).iter().find(|v| v.version == version)
    }

    /// All facts up to an instant, in the order of the log.
    pub fn facts(&self, known: Timestamp) -> impl Iterator<Item = &Recorded> {
        self.facts.iter().take_while(move |f| f.at <= known)
    }

    /// Those about one version of a contract.
    pub(crate) fn about<'a>(
        &'a self,
        id: &'a str,
        version: u32,
        known: Timestamp,
    ) -> impl Iterator<Item = &'a Recorded> {
        let mine = move |f: &&Recorded| f.fact.about() == Some((id, version));
        self.facts(known).filter(mine)
    }
}

/// Reads contracts and facts, and passes over everything else.
impl Replay for Record {
    fn handle_leaf(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        let Ok(leaf) = Leaf::parse(entry) else {
            return Ok(());
        };
        let at = self.latest.max(Some(leaf.at())).unwrap_or(leaf.at());
        self.latest = Some(at);
        let taken = match leaf.kind() {
            Kind::Contract => match leaf.decode::<Contract>() {
                Ok(contract) => self.handle_contract(&contract, index, at),
                Err(_) => Ok(()),
            },
            Kind::Note => match Fact::of(&leaf) {
                Ok(Some(fact)) => self.handle_fact(fact, index, at),
                Ok(None) | Err(_) => Ok(()),
            },
            _ => Ok(()),
        };
        taken.map_err(|e| e.to_string())
    }

    fn finish(&mut self) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
}
