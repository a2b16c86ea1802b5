//! What others report of a minute: probes at vantages.
//!
//! A report goes into the log as it came, with its signature, together with the
//! rollups that follow from it; from there they take the way of all rollups.
//! Each vantage has one say about a minute: the same again changes nothing, and
//! another is refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use surecast_guarantee::evidence::{Kind, Leaf, VerifyingKey};
use surecast_guarantee::module::Region;
use surecast_guarantee::report::ReportError;
use surecast_guarantee::report::probe::{Logged, Signed, Statement};
use surecast_guarantee::rollup::Minute;

use super::{Shared, run};
use crate::evidence::AppendFailure;

/// Oldest minute that is taken, in minutes: a day. What a probe saw while the
/// server was away, it tells when the server is back.
const FRESH: u32 = 1440;

/// So far the clock of a probe may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// Whose reports are taken, and what was.
#[derive(Debug)]
pub struct Reports {
    known: Vec<VerifyingKey>,
    regions: Vec<Region>,
    taken: Mutex<Taken>,
}

/// Minute, vantage, region.
type Key = (Minute, String, Region);

/// What was taken of the last day: one entry for each vantage, region and
/// minute.
#[derive(Debug, Default)]
pub(super) struct Taken(BTreeMap<Key, State>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// On its way into the log.
    Writing,
    /// In it: the statement's hash and the leaf.
    Logged(String, u64),
}

/// Why a report is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is not right.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Too old, or of a time to come.
    #[error("`minute`: {0}")]
    Time(String),
    /// Not measured here.
    #[error("`region`: nothing is promised or measured here for `{0}`")]
    Region(Region),
    /// The vantage has said something else.
    #[error(
        "the vantage `{0}` has reported this minute before, and otherwise: what is in the log stays"
    )]
    Contradiction(String),
    /// Another call is writing it.
    #[error("this report is being written: try again")]
    Writing,
    /// The log.
    #[error("the report cannot be logged: {0}")]
    Log(#[from] AppendFailure),
}

impl Taken {
    /// Learns from the log what was taken.
    pub(super) fn handle_leaf(&mut self, leaf: &Leaf, index: u64) {
        let Ok(logged) = leaf.decode::<Logged>() else {
            return;
        };
        if let Ok(signed) = logged.open() {
            let key = key(&signed.statement);
            self.forget(key.0);
            self.0.insert(key, State::Logged(logged.sha256, index));
        }
    }

    /// `Some` when nothing is to be done; otherwise it is taken now.
    fn begin(&mut self, key: &Key, hash: &str) -> Result<Option<u64>, Refusal> {
        match self.0.get(key) {
            Some(State::Writing) => Err(Refusal::Writing),
            Some(State::Logged(there, leaf)) if there == hash => Ok(Some(*leaf)),
            Some(State::Logged(..)) => Err(Refusal::Contradiction(key.1.clone())),
            None => {
                self.0.insert(key.clone(), State::Writing);
                Ok(None)
            }
        }
    }

    fn end(&mut self, key: Key, hash: String, leaf: Option<u64>) {
        match leaf {
            Some(leaf) => self.0.insert(key, State::Logged(hash, leaf)),
            None => self.0.remove(&key),
        };
    }

    fn forget(&mut self, now: Minute) {
        let oldest = Minute(now.0.saturating_sub(FRESH + 1));
        while let Some(entry) = self.0.first_entry() {
            if entry.key().0 >= oldest {
                break;
            }
            entry.remove();
        }
    }
}

impl Reports {
    pub(super) fn new(known: Vec<VerifyingKey>, regions: Vec<Region>, taken: Taken) -> Self {
        Self {
            known,
            regions,
            taken: Mutex::new(taken),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // An entry is written whole or not at all.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, statement: &Statement, now: Timestamp) -> Result<(), Refusal> {
        let minute = statement.minute;
        let newest = statement.rounds.iter().map(|round| round.at).max();
        if newest.is_some_and(|at| at > now.saturating_add(AHEAD).unwrap_or(now)) {
            let why = format!("it is {now} here: check the clock of the probe");
            return Err(Refusal::Time(why));
        }
        if Minute::of(now).is_none_or(|now| minute.0 + FRESH < now.0) {
            return Err(Refusal::Time("older than a day".to_owned()));
        }
        if !self.regions.contains(&statement.region) {
            return Err(Refusal::Region(statement.region.clone()));
        }
        Ok(())
    }
}

fn key(statement: &Statement) -> Key {
    (
        statement.minute,
        statement.probe.clone(),
        statement.region.clone(),
    )
}

/// A report that is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The leaf `receipt`; the rollups follow it.
    pub leaf: u64,
    /// SHA-256 of the statement.
    pub sha256: String,
}

impl Shared {
    /// Takes the report of a probe; resolves when it is durable.
    ///
    /// # Errors
    /// Says why it is not taken.
    pub async fn take_probe(&self, bytes: &[u8], now: Timestamp) -> Result<Receipt, Refusal> {
        let signed = Signed::read(bytes, &self.reports.known)?;
        self.reports.check(&signed.statement, now)?;
        let (key, sha256) = (key(&signed.statement), signed.hash());
        let known = {
            let mut taken = self.reports.taken();
            taken.forget(Minute::of(now).unwrap_or(key.0));
            taken.begin(&key, &sha256)?
        };
        if let Some(leaf) = known {
            return Ok(Receipt { leaf, sha256 });
        }
        // A caller that is gone must not leave the entry as being written.
        let mut writing = Writing {
            reports: &self.reports,
            entry: Some((key, sha256.clone())),
        };
        let leaf = self.write_report(&signed, now).await?;
        writing.end(Some(leaf));
        Ok(Receipt { leaf, sha256 })
    }

    async fn write_report(&self, signed: &Signed, now: Timestamp) -> Result<u64, Refusal> {
        let rollups = signed.statement.rollups()?;
        let wrong = |error: surecast_guarantee::evidence::leaf::LeafError| {
            Refusal::Report(ReportError::Decode(error.to_string()))
        };
        let mut leaves = vec![Leaf::json(Kind::Receipt, now, &signed.logged()).map_err(wrong)?];
        leaves.extend(rollups.iter().filter_map(|rollup| run::leaf(rollup, now)));
        let indexes = self.log.append(leaves).await?;
        let mut book = self.write();
        for (rollup, index) in rollups.iter().zip(indexes.start + 1..indexes.end) {
            book.handle_rollup(rollup, index);
        }
        Ok(indexes.start)
    }
}

/// Ends what [`Taken::begin`] began, however the writing ends.
struct Writing<'a> {
    reports: &'a Reports,
    entry: Option<(Key, String)>,
}

impl Writing<'_> {
    fn end(&mut self, leaf: Option<u64>) {
        if let Some((key, hash)) = self.entry.take() {
            self.reports.taken().end(key, hash, leaf);
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.end(None);
    }
}
