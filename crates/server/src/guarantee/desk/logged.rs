//! What the log says already, so that nothing is said twice after a crash.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use surecast_guarantee::evidence::{Hash, Kind, Leaf};
use surecast_guarantee::exclusion::{Exclusion, ExclusionClass};
use surecast_guarantee::incident::MAX_MAINTENANCE;
use surecast_guarantee::settlement::{BreachedClock, ClockBreach};

/// The last leaves of incidents and tickets by their hashes. What a crash leaves
/// behind is one round of the desk: the timers of a thousand tickets are 12,000.
/// They take 4 MB, until the first round is done.
const RECENT: usize = 65_536;

/// Breaches that are remembered: as many as a settlement takes of one log.
const BREACHES: usize = 36_500;

/// Contract, incident or ticket, clock.
type Failure = (String, String, BreachedClock);

/// What was read back, and what was written since.
#[derive(Debug, Default)]
pub struct Logged {
    recent: BTreeMap<Hash, u64>,
    order: VecDeque<Hash>,
    breaches: BTreeMap<Failure, ClockBreach>,
    maintenance: VecDeque<Exclusion>,
    latest: Option<Timestamp>,
}

impl Logged {
    /// Takes a leaf of the log, in order.
    pub fn handle_leaf(&mut self, index: u64, entry: &[u8], leaf: &Leaf) {
        self.latest = self.latest.max(Some(leaf.at()));
        match leaf.kind() {
            Kind::Incident | Kind::Ticket | Kind::Note => self.remember(Hash::leaf(entry), index),
            Kind::Exclusion => {
                if let Ok(exclusion) = leaf.decode::<Exclusion>() {
                    self.declare(index, exclusion);
                }
            }
            Kind::Other(_) if leaf.kind().name() == "breach" => {
                if let Ok(breach) = leaf.decode::<ClockBreach>() {
                    self.breach(breach);
                }
            }
            _ => {}
        }
    }

    /// Where a leaf of an incident or a ticket is.
    pub fn find(&self, leaf: &Leaf) -> Option<u64> {
        self.recent.get(&Hash::leaf(&leaf.to_bytes())).copied()
    }

    /// What a crash left behind is carried out: a leaf that is said again is said
    /// by somebody from now on.
    pub fn settled(&mut self) {
        self.recent.clear();
        self.order = VecDeque::new();
    }

    /// The worst breach of a clock of a failure that is in the log.
    pub fn of(&self, contract: &str, failure: &str, clock: BreachedClock) -> Option<&ClockBreach> {
        let key = (contract.to_owned(), failure.to_owned(), clock);
        self.breaches.get(&key)
    }

    /// A breach is in the log.
    pub fn breach(&mut self, breach: ClockBreach) {
        let (contract, incident) = (breach.contract.clone(), breach.incident.clone());
        let key = (contract, incident, breach.clock);
        let room = self.breaches.len() < BREACHES;
        match self.breaches.get_mut(&key) {
            Some(known) if breach.severity < known.severity => *known = breach,
            Some(_) => {}
            None if room => {
                self.breaches.insert(key, breach);
            }
            None => tracing::error!(
                "the log has {BREACHES} breaches: nothing more can be settled from it"
            ),
        }
    }

    /// Maintenance that was declared, the last of it.
    pub fn maintenance(&self) -> impl Iterator<Item = &Exclusion> {
        self.maintenance.iter()
    }

    fn remember(&mut self, hash: Hash, index: u64) {
        if self.recent.insert(hash, index).is_none() {
            self.order.push_back(hash);
        }
        if self.order.len() > RECENT
            && let Some(oldest) = self.order.pop_front()
        {
            self.recent.remove(&oldest);
        }
    }

    /// Its index and the log's time count, not what it says of them, as in a
    /// settlement.
    fn declare(&mut self, index: u64, mut exclusion: Exclusion) {
        if exclusion.class != ExclusionClass::Maintenance {
            return;
        }
        exclusion.log_index = Some(index);
        exclusion.declared_at = self.latest.unwrap_or(exclusion.declared_at);
        self.maintenance.push_back(exclusion);
        if self.maintenance.len() > MAX_MAINTENANCE {
            self.maintenance.pop_front();
        }
    }
}
