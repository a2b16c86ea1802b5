//! Incidents that are open, for Alertmanagers: they take an alert that is not
//! sent again for one that is over.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use surecast_guarantee::incident::{Incident, State};

use super::parcel::Parcel;

/// Incidents that are remembered. One contract has at most some hundred that
/// are not closed; beyond this the oldest are no longer repeated.
const MOST: usize = 2_000;

type Known = BTreeMap<(String, u64), (Timestamp, Option<Box<Incident>>)>;

/// The latest of every incident that was heard of. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Open(Arc<Mutex<Known>>);

impl Open {
    /// As an engine's snapshot of that instant has it.
    pub fn seed(&self, contract: &str, incident: &Incident, at: Timestamp) {
        self.put(contract, incident, at);
    }

    /// A change that is on its way.
    pub fn note(&self, parcel: &Parcel) {
        if let Parcel::Incident {
            contract,
            incident,
            at,
            ..
        } = parcel
        {
            self.put(contract, incident, *at);
        }
    }

    /// Those that are open, by contract.
    pub fn all(&self) -> Vec<(String, Incident)> {
        let known = self.lock();
        let open = known.iter().filter_map(|((contract, _), (_, incident))| {
            Some((contract.clone(), incident.as_deref()?.clone()))
        });
        open.collect()
    }

    pub fn is_empty(&self) -> bool {
        self.lock().values().all(|(_, incident)| incident.is_none())
    }

    fn put(&self, contract: &str, incident: &Incident, at: Timestamp) {
        let mut known = self.lock();
        let key = (contract.to_owned(), incident.id);
        // A letter that waited for long says nothing new.
        if known.get(&key).is_some_and(|(latest, _)| at < *latest) {
            return;
        }
        let over = matches!(incident.state, State::Resolved | State::Reviewed);
        let kept = (!over).then(|| Box::new(incident.clone()));
        known.insert(key, (at, kept));
        if known.len() > MOST {
            let oldest = known
                .iter()
                .min_by_key(|(_, (at, open))| (open.is_some(), *at));
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                known.remove(&key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // Every entry is whole, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
