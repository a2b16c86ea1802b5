//! What happened, from the log alone: the timeline for the review afterwards.

use jiff::Timestamp;
use serde::Serialize;

use super::output::{Change, Entry};
use crate::clock::ClockKind;
use crate::contract::support::Role;
use crate::evidence::leaf::{Kind, Leaf};
use crate::ratio::Percent;
use crate::severity::Severity;

/// Longest timeline. A refused attempt is a leaf at most 100 times, the rest is
/// people's own doing; what is beyond is counted.
const MAX_ENTRIES: usize = 2_000;

/// The timeline of one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// Its changes, in order, without those beyond the bound.
    pub entries: Vec<Entry>,
    /// Changes beyond the bound.
    pub left_out: u64,
    /// The first bad sample: durations count from here.
    pub first_bad: Option<Timestamp>,
    /// The worst that it was.
    pub worst: Option<Severity>,
    /// Seconds until it was detected.
    pub detect_s: Option<i64>,
    /// Seconds until a human had it.
    pub acknowledge_s: Option<i64>,
    /// Seconds until it was found mitigated, for the last time.
    pub mitigate_s: Option<i64>,
    /// Seconds until it measured clear, for the last time.
    pub restore_s: Option<i64>,
    /// Seconds until it was said to be over, for the last time.
    pub resolve_s: Option<i64>,
    /// Who was called.
    pub calls: Vec<Call>,
    /// Targets that were missed.
    pub missed: Vec<ClockKind>,
    /// Attempts that were refused.
    pub refused: u32,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// Since when it was due.
    pub due: Timestamp,
    /// In which role.
    pub role: Role,
    /// For which clock.
    pub clock: ClockKind,
    /// Share of the target that was used up.
    pub share: Percent,
}

/// The timeline of an incident from the leaves of a log, in the log's order;
/// leaves of other kinds, contracts and incidents are passed over, and so are
/// incident leaves that cannot be understood.
pub fn timeline<'a>(
    leaves: impl IntoIterator<Item = &'a Leaf>,
    contract: &str,
    incident: u64,
) -> Timeline {
    let mut line = Timeline {
        entries: Vec::new(),
        left_out: 0,
        first_bad: None,
        worst: None,
        detect_s: None,
        acknowledge_s: None,
        mitigate_s: None,
        restore_s: None,
        resolve_s: None,
        calls: Vec::new(),
        missed: Vec::new(),
        refused: 0,
    };
    let own = leaves.into_iter().filter(|l| *l.kind() == Kind::Incident);
    let own = own.filter_map(|leaf| leaf.decode::<Entry>().ok());
    let own: Vec<Entry> = own
        .filter(|e| e.contract == contract && e.incident == incident)
        .collect();
    // A line that joined may have been bad before the others.
    line.first_bad = own.iter().filter_map(|e| began(&e.change)).min();
    for entry in own {
        line.take(entry);
    }
    line
}

const fn began(change: &Change) -> Option<Timestamp> {
    match change {
        Change::Detected { first_bad, .. } | Change::Joined { first_bad, .. } => Some(*first_bad),
        _ => None,
    }
}

impl Timeline {
    fn take(&mut self, entry: Entry) {
        let since = |at: Timestamp| Some(at.duration_since(self.first_bad?).as_secs());
        let now = since(entry.at);
        let worst = self.worst.map_or(entry.severity, |w| w.min(entry.severity));
        self.worst = Some(worst);
        match &entry.change {
            Change::Detected { .. } => self.detect_s = now,
            Change::Acknowledged { .. } | Change::Updated { .. } => {
                self.acknowledge_s = self.acknowledge_s.or(now);
            }
            Change::Mitigated { by, clear_since } => {
                self.mitigate_s = now;
                self.restore_s = since(*clear_since);
                if by.is_some() {
                    self.acknowledge_s = self.acknowledge_s.or(now);
                }
            }
            Change::Recurred { .. } => {
                self.mitigate_s = None;
                self.restore_s = None;
                self.resolve_s = None;
            }
            Change::Resolved { .. } => {
                self.resolve_s = now;
                self.acknowledge_s = self.acknowledge_s.or(now);
            }
            Change::Called {
                clock,
                share,
                role,
                due,
                ..
            } => self.calls.push(Call {
                at: entry.at,
                due: *due,
                role: *role,
                clock: *clock,
                share: *share,
            }),
            Change::Missed { clock, .. } => self.missed.push(*clock),
            Change::Refused { .. } => self.refused += 1,
            Change::Joined { .. }
            | Change::SeverityRose { .. }
            | Change::SeverityFell { .. }
            | Change::Superseded { .. }
            | Change::Reviewed { .. } => {}
        }
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(entry);
        } else {
            self.left_out += 1;
        }
    }
}
