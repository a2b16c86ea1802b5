//! The engine: minutes and people's actions in, changes out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actions::Action;
use super::actor::{Actor, Refused};
use super::model::Incident;
use super::output::{Change, Entry, Output};
use super::seen::Seen;
use super::state::State;
use super::words::Word;
use crate::canonical::{self, CanonicalError};
use crate::contract::Contract;
use crate::contract::policy::RegisteredEvent;
use crate::coverage::Coverage;
use crate::exclusion::Exclusion;
use crate::module::{Module, Region};
use crate::rollup::Minute;
use crate::severity::SeverityPolicy;

/// Incidents that are kept. There are 7 modules, so at most 7 are not resolved;
/// the others wait for their review or are there to be looked at. A contract
/// that has more of them has other troubles: the oldest resolved one goes, and
/// the log has all of it.
pub const MAX_INCIDENTS: usize = 64;

/// Refused attempts of one incident that are put into the log. A script that
/// tries a thousand times is refused as often, but says nothing new.
pub const MAX_REFUSED: u32 = 100;

/// Why a snapshot was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Not a snapshot of this engine.
    #[error("the snapshot cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The contract has no hash.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// It was taken under another version of the contract.
    #[error("the snapshot is of contract {found}, not of {expected}: restore it with that one")]
    OtherContract {
        /// SHA-256 in the snapshot.
        found: String,
        /// SHA-256 of the contract at hand.
        expected: String,
    },
}

/// All that a snapshot holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    /// SHA-256 of the contract.
    pub(super) contract: String,
    /// The latest instant that was heard of.
    pub(super) now: Timestamp,
    pub(super) last_id: u64,
    pub(super) incidents: BTreeMap<u64, Incident>,
    pub(super) maintenance: Vec<Exclusion>,
    /// Shows that were registered after the contract was signed.
    #[serde(default)]
    pub(super) events: Vec<RegisteredEvent>,
    /// The last minute of each line.
    #[serde(default)]
    pub(super) seen: BTreeMap<Module, BTreeMap<Region, Minute>>,
    outputs: VecDeque<Output>,
}

/// The incidents of one contract.
///
/// Whatever `now` the inputs come with, time does not run backwards in it: an
/// earlier instant is taken for the latest one that was heard of. Call
/// [`Incidents::handle_timeout`] when [`Incidents::poll_timeout`] says so, and
/// take all of [`Incidents::poll_output`] after every input.
pub struct Incidents {
    pub(super) contract: Arc<Contract>,
    pub(super) policy: SeverityPolicy,
    pub(super) saved: Saved,
}

impl Incidents {
    /// Begins with none.
    ///
    /// # Errors
    /// The contract has no canonical form.
    pub fn new(contract: Arc<Contract>) -> Result<Self, CanonicalError> {
        let saved = Saved {
            contract: contract.hash()?,
            now: Timestamp::MIN,
            ..Saved::default()
        };
        Ok(Self::with(contract, saved))
    }

    /// Goes on from a snapshot, exactly as the engine would have that gave it.
    ///
    /// # Errors
    /// It is no snapshot, or one of another version of the contract.
    pub fn restore(contract: Arc<Contract>, snapshot: &str) -> Result<Self, RestoreError> {
        let saved: Saved = serde_json::from_str(snapshot)?;
        let expected = contract.hash()?;
        if saved.contract != expected {
            return Err(RestoreError::OtherContract {
                found: saved.contract,
                expected,
            });
        }
        Ok(Self::with(contract, saved))
    }

    /// The whole state, outputs that were not taken among it, in canonical JSON.
    ///
    /// # Errors
    /// None that can happen: there are no fractions in it.
    pub fn snapshot(&self) -> Result<String, CanonicalError> {
        canonical::to_string(&self.saved)
    }

    pub(super) fn with(contract: Arc<Contract>, saved: Saved) -> Self {
        // A contract that was checked does not have more rules than a policy.
        let policy = SeverityPolicy::new(contract.severity.rules.clone()).unwrap_or_default();
        Self {
            contract,
            policy,
            saved,
        }
    }

    /// Those that are kept, by number.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.saved.incidents.values()
    }

    /// One of them.
    #[must_use]
    pub fn incident(&self, id: u64) -> Option<&Incident> {
        self.saved.incidents.get(&id)
    }

    /// What [`Incidents::poll_output`] will give, without taking it.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = &Output> {
        self.saved.outputs.iter()
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.saved.outputs.pop_front()
    }

    /// Takes a minute of a line of coverage. Give every minute of every line, in
    /// order; a minute before the line's last one is passed over.
    ///
    /// # Errors
    /// The contract has no such line.
    pub fn handle_burn(
        &mut self,
        module: Module,
        region: &Region,
        seen: &Seen,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let contract = Arc::clone(&self.contract);
        let mut lines = contract.coverage.iter();
        let line = lines.find(|c| c.module == module && c.region == *region);
        let line = line.ok_or_else(|| Refused::NotCovered {
            module: module.name().to_owned(),
            region: region.name().to_owned(),
        })?;
        self.handle_timeout(now);
        if self.is_old(line, seen.minute) {
            return Ok(());
        }
        // Quiet is neither bad nor clear.
        let clear = seen.is_clear(line.target);
        let burns = seen.alert.filter(|_| clear == Some(false));
        match self.current(module, seen.minute) {
            Some(id) => {
                let known = self.incident(id);
                // What is resolved is only watched for whether it burns again.
                let known =
                    known.is_some_and(|i| i.state.is_open() && i.lines.contains_key(region));
                let joined = self
                    .incident(id)
                    .is_some_and(|i| i.lines.contains_key(region));
                if !joined && burns.is_some() {
                    self.join(id, line, seen);
                }
                if known || burns.is_some() {
                    self.measure(id, line, seen, clear);
                }
            }
            None => {
                if let Some(alert) = burns {
                    let id = self.detect(line, seen, alert);
                    self.measure(id, line, seen, clear);
                }
            }
        }
        Ok(())
    }

    /// Takes what somebody does. The caller has checked who they are.
    ///
    /// # Errors
    /// It was refused; that is in the log, too, but for numbers that do not exist.
    pub fn handle_action(
        &mut self,
        actor: &Actor,
        id: u64,
        action: &Action,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.handle_timeout(now);
        actor.check()?;
        if !self.saved.incidents.contains_key(&id) {
            return Err(Refused::Unknown {
                what: "incident".to_owned(),
                id,
            });
        }
        let done = self.act(actor, id, action);
        if done.is_ok() {
            let text = action.text().cloned().unwrap_or_default();
            let word = Word::said(self.saved.now, actor, action.name(), text);
            self.keep(id, word);
        }
        if let Err(why) = &done
            && let Some(incident) = self.saved.incidents.get_mut(&id)
            && incident.refused < MAX_REFUSED
        {
            incident.refused += 1;
            let change = Change::Refused {
                by: actor.kind,
                wanted: action.name().to_owned(),
                why: why.clone(),
            };
            self.record(id, change);
        }
        done
    }

    /// Takes the minutes up to this one of lines that were never seen for known:
    /// what was before a line was watched is nobody's incident.
    pub fn pass_over(&mut self, until: Minute) {
        for line in &self.contract.coverage {
            let lines = self.saved.seen.entry(line.module).or_default();
            lines.entry(line.region.clone()).or_insert(until);
        }
    }

    /// The last minute of a line that was seen.
    #[must_use]
    pub fn last_seen(&self, module: Module, region: &Region) -> Option<Minute> {
        self.saved.seen.get(&module)?.get(region).copied()
    }

    /// Whether a minute is before the line's last one; it is that from now on
    /// otherwise.
    fn is_old(&mut self, line: &Coverage, minute: Minute) -> bool {
        let lines = self.saved.seen.entry(line.module).or_default();
        let last = lines.entry(line.region.clone()).or_insert(minute);
        let old = minute < *last;
        *last = minute.max(*last);
        old
    }

    /// Lets the oldest reviewed one go, or else the oldest resolved one.
    pub(super) fn make_room(&mut self) {
        while self.saved.incidents.len() >= MAX_INCIDENTS {
            let oldest = |state| {
                let mut all = self.saved.incidents.values();
                all.find(|i| i.state == state).map(|i| i.id)
            };
            let Some(id) = oldest(State::Reviewed).or_else(|| oldest(State::Resolved)) else {
                return;
            };
            self.saved.incidents.remove(&id);
        }
    }

    /// Puts a change into the log.
    pub(super) fn record(&mut self, id: u64, change: Change) {
        let Some(incident) = self.saved.incidents.get(&id) else {
            return;
        };
        let entry = Entry {
            contract: self.contract.id.clone(),
            incident: id,
            at: self.saved.now,
            module: incident.module,
            regions: incident.regions(),
            state: incident.state,
            severity: incident.severity,
            change,
        };
        self.saved.outputs.push_back(Output::Leaf(entry));
    }

    pub(super) fn put(&mut self, output: Output) {
        self.saved.outputs.push_back(output);
    }
}
