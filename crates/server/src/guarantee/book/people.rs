//! What people said that is in the log: exclusions and incidents.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use surecast_guarantee::evidence::{Kind, Leaf};
use surecast_guarantee::exclusion::{Exclusion, ExclusionClass};
use surecast_guarantee::incident::output::{Change, Entry};
use surecast_guarantee::incident::state::State;
use surecast_guarantee::interval::Interval;
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::severity::Severity;

/// Exclusions that are kept: a hundred a day over a year.
const MAX_EXCLUSIONS: usize = 36_500;

/// Open incidents that are kept: of a thousand contracts ten each.
const MAX_INCIDENTS: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct People {
    pub exclusions: Vec<Exclusion>,
    pub incidents: BTreeMap<(String, u64), OpenIncident>,
    /// The latest time of any leaf: an exclusion counts as declared then.
    latest: Option<Timestamp>,
    /// The last leaf of these kinds. The desk tells of its leaves at once, and the
    /// log tells of all: what is heard twice must not bring back what is over.
    heard: Option<u64>,
}

/// An incident that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenIncident {
    /// Of what.
    pub module: Module,
    /// Where.
    pub regions: Vec<Region>,
    /// Where it stands.
    pub state: State,
    /// How bad it is.
    pub severity: Severity,
    /// The first bad sample.
    pub since: Timestamp,
    /// Its last leaf.
    pub leaf: u64,
}

/// Maintenance that goes on or is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// When.
    pub interval: Interval,
    /// Of what; none: everything.
    pub module: Option<Module>,
    /// Where; none: everywhere.
    pub region: Option<Region>,
    /// The leaf that declares it.
    pub leaf: Option<u64>,
}

impl People {
    pub fn handle_leaf(&mut self, index: u64, leaf: &Leaf) {
        self.latest = self.latest.max(Some(leaf.at()));
        let is_said = matches!(leaf.kind(), Kind::Exclusion | Kind::Incident);
        if !is_said || self.heard >= Some(index) {
            return;
        }
        self.heard = Some(index);
        match leaf.kind() {
            Kind::Exclusion => {
                if let Ok(exclusion) = leaf.decode::<Exclusion>()
                    && self.exclusions.len() < MAX_EXCLUSIONS
                {
                    self.exclusions.push(Exclusion {
                        declared_at: self.latest.unwrap_or_else(|| leaf.at()),
                        log_index: Some(index),
                        ..exclusion
                    });
                }
            }
            Kind::Incident => {
                if let Ok(entry) = leaf.decode() {
                    self.handle_incident(index, entry);
                }
            }
            _ => {}
        }
    }

    fn handle_incident(&mut self, index: u64, entry: Entry) {
        let key = (entry.contract, entry.incident);
        if matches!(entry.state, State::Resolved | State::Reviewed) {
            self.incidents.remove(&key);
            return;
        }
        let began = match &entry.change {
            Change::Detected { first_bad, .. } | Change::Joined { first_bad, .. } => *first_bad,
            _ => entry.at,
        };
        let full = self.incidents.len() >= MAX_INCIDENTS;
        if full && !self.incidents.contains_key(&key) {
            return;
        }
        let known = self.incidents.get(&key).map(|incident| incident.since);
        let incident = OpenIncident {
            module: entry.module,
            regions: entry.regions,
            state: entry.state,
            severity: entry.severity,
            since: known.map_or(began, |since| since.min(began)),
            leaf: index,
        };
        self.incidents.insert(key, incident);
    }

    /// Whether maintenance of it was declared, before it began, for this instant.
    pub fn maintained(&self, module: Module, region: &Region, at: Timestamp) -> bool {
        self.maintenance()
            .any(|e| e.covers(module, region) && e.interval.contains(at))
    }

    /// Maintenance that is not over, soonest first.
    pub fn planned(&self, now: Timestamp) -> Vec<Planned> {
        let coming = self.maintenance().filter(|e| now < e.interval.end);
        let mut planned: Vec<Planned> = coming
            .map(|e| Planned {
                interval: e.interval,
                module: e.module,
                region: e.region.clone(),
                leaf: e.log_index,
            })
            .collect();
        planned.sort_by_key(|planned| planned.interval.start);
        planned
    }

    fn maintenance(&self) -> impl Iterator<Item = &Exclusion> {
        let class = ExclusionClass::Maintenance;
        let declared = self.exclusions.iter().filter(move |e| e.class == class);
        declared.filter(|e| e.declared_at <= e.interval.start)
    }
}
