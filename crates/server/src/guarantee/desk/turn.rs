//! Which version of a contract the desk works under.
//!
//! Each minute belongs to the version that is in force then. The desk goes over
//! with the first minute of a later version, or, where no minute comes, some time
//! after its start.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::{Record, Schedule};

/// So long after a version has begun to hold, minutes of the one before can still
/// come: they are in the log 15 s after their end, and a log that cannot be
/// written for a while is tried again each second.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// The version that is worked under, and those that come.
pub(super) struct Turn {
    /// Those that begin to hold, and when, by their numbers.
    later: VecDeque<(Timestamp, Arc<Contract>)>,
}

impl Turn {
    /// Where to begin at `now`: with the version that was worked under, so that
    /// its last minutes are taken, or with the latest that has begun; of those
    /// that all lie ahead with the first. `worked` says whether that was it.
    pub fn new(
        versions: Vec<Arc<Contract>>,
        record: &Record,
        now: Timestamp,
        worked: impl Fn(&Contract) -> bool,
    ) -> Option<(Arc<Contract>, Self)> {
        let start = |contract: &Contract| {
            let schedule = Schedule::new(contract, record, Timestamp::MAX);
            schedule.and_then(|schedule| schedule.start())
        };
        let mut later: VecDeque<(Timestamp, Arc<Contract>)> = versions
            .into_iter()
            // One without days never holds.
            .map(|contract| (start(&contract).unwrap_or(Timestamp::MAX), contract))
            .collect();
        let begun = later.iter().rposition(|(start, _)| *start <= now);
        let known = later.iter().position(|(_, contract)| worked(contract));
        let begun = begun.unwrap_or(0);
        let first = known.map_or(begun, |known| known.min(begun));
        later.drain(..first.min(later.len()));
        let (_, contract) = later.pop_front()?;
        Some((contract, Self { later }))
    }

    /// The version with this number, if it is a later one; those before it have
    /// had their turn.
    pub fn to(&mut self, version: u32) -> Option<Arc<Contract>> {
        let at = self.later.iter().position(|(_, c)| c.version == version)?;
        self.later.drain(..at);
        self.later.pop_front().map(|(_, contract)| contract)
    }

    /// A later version with this number.
    pub fn later(&self, version: u32) -> Option<&Arc<Contract>> {
        let mut later = self.later.iter().map(|(_, contract)| contract);
        later.find(|contract| contract.version == version)
    }

    /// When to go over to the next version even without a minute of it.
    pub fn due(&self) -> Option<Timestamp> {
        let due = self.later.iter().map(|(start, _)| start).min()?;
        due.checked_add(PATIENCE).ok()
    }

    /// The last version whose minutes should have come by now.
    pub fn poll(&self, now: Timestamp) -> Option<u32> {
        let due = |start: &Timestamp| start.checked_add(PATIENCE).is_ok_and(|due| due <= now);
        let mut due = self.later.iter().rev().filter(|(start, _)| due(start));
        due.next().map(|(_, contract)| contract.version)
    }
}
