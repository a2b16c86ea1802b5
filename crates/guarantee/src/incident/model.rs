//! One incident, as the engine keeps it and as pages show it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::output::MAX_REFS;
use super::state::State;
use super::timer::Timer;
use super::words::Words;
use crate::clock::ClockKind;
use crate::module::{Module, Region};
use crate::rollup::Minute;
use crate::severity::Severity;

/// How one line of an incident measures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineState {
    /// The last minute that was seen.
    pub minute: Minute,
    /// Since when it measures clear without a break.
    pub clear_since: Option<Timestamp>,
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incident {
    /// Its number within the contract, from 1.
    pub id: u64,
    /// Of what.
    pub module: Module,
    /// Its lines, by region.
    pub lines: BTreeMap<Region, LineState>,
    /// Where it stands.
    pub state: State,
    /// How bad.
    pub severity: Severity,
    /// The first bad sample of any of its lines.
    pub first_bad: Timestamp,
    /// When it was detected.
    pub detected: Timestamp,
    /// When it was last said to be over.
    pub resolved: Option<Timestamp>,
    /// Its clocks.
    pub timers: BTreeMap<ClockKind, Timer>,
    /// Leaves that show it, the first of them.
    pub refs: BTreeSet<u64>,
    /// Attempts that were refused and are in the log.
    pub refused: u32,
    /// What people did and wrote, and who was called: the log has neither names
    /// nor words of it.
    #[serde(default)]
    pub words: Words,
}

impl Incident {
    /// Since when all of its lines measure clear.
    #[must_use]
    pub fn clear_since(&self) -> Option<Timestamp> {
        let since = self.lines.values().map(|line| line.clear_since);
        since.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// For how many whole minutes all of its lines have measured clear; minutes
    /// that were not measured do not count.
    #[must_use]
    pub fn clear_minutes(&self) -> u32 {
        let Some(since) = self.clear_since() else {
            return 0;
        };
        let last = self.lines.values().map(|line| line.minute).min();
        let end = last.map_or(since, |minute| minute.next().start());
        let seconds = end.duration_since(since).as_secs().max(0);
        u32::try_from(seconds / 60).unwrap_or(u32::MAX)
    }

    /// Its regions.
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        self.lines.keys().cloned().collect()
    }

    /// When the service was back: where it measures clear, once that is more than
    /// a moment.
    #[must_use]
    pub fn restored(&self) -> Option<Timestamp> {
        match self.state {
            State::Detected | State::Acknowledged => None,
            State::Mitigated | State::Resolved | State::Reviewed => self.clear_since(),
        }
    }

    /// Takes leaves of evidence, up to the bound; gives those that are new.
    pub(super) fn take_refs(&mut self, refs: &[u64]) -> Vec<u64> {
        let mut new = Vec::new();
        for &leaf in refs {
            if self.refs.len() < MAX_REFS && self.refs.insert(leaf) {
                new.push(leaf);
            }
        }
        new
    }
}
