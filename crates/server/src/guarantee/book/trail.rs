//! Which leaves of the log tell of which incident, so that a timeline need not
//! read all of it.

use std::collections::BTreeMap;

use surecast_guarantee::incident::Entry;

/// Leaves that are remembered of one incident. The longest timeline shows 2,000;
/// what is beyond is counted by it, and refused attempts are logged 100 times at
/// most.
const MOST_OF_ONE: usize = 4_000;

/// Incidents that are remembered: one an hour for eleven years. The oldest go
/// first; the log has them all the same.
const MOST: usize = 100_000;

/// Leaves of incidents.
#[derive(Debug, Default)]
pub struct Trail {
    leaves: BTreeMap<String, BTreeMap<u64, Vec<u64>>>,
    incidents: usize,
}

impl Trail {
    /// Takes what is in the log.
    pub fn handle_entry(&mut self, entry: &Entry, index: u64) {
        let of_contract = self.leaves.entry(entry.contract.clone()).or_default();
        let leaves = of_contract.entry(entry.incident).or_insert_with(|| {
            self.incidents += 1;
            Vec::new()
        });
        // A leaf that was read back may be told of again.
        if leaves.len() < MOST_OF_ONE && leaves.last().is_none_or(|&last| last < index) {
            leaves.push(index);
        }
        if self.incidents > MOST {
            let longest = self.leaves.values_mut().max_by_key(|known| known.len());
            if longest.is_some_and(|known| known.pop_first().is_some()) {
                self.incidents -= 1;
            }
        }
    }

    /// The leaves of an incident, in the order of the log.
    pub fn of(&self, contract: &str, incident: u64) -> Vec<u64> {
        let known = self.leaves.get(contract).and_then(|c| c.get(&incident));
        known.cloned().unwrap_or_default()
    }
}
