//! Missed promises as the settlement counts them: each failure once.

use jiff::Timestamp;
use surecast_guarantee::clock::ClockKind;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::{self, Record};
use surecast_guarantee::evidence::{Kind, Leaf, leaf::LeafError};
use surecast_guarantee::incident::BreachLine;
use surecast_guarantee::settlement::{BreachedClock, ClockBreach};

use super::Logged;

/// A breach for the log.
pub(super) type Said = ClockBreach;

/// What is known when a line comes.
pub(super) struct Files<'a> {
    pub contract: &'a Contract,
    pub logged: &'a Logged,
    /// What decides when the contract holds.
    pub record: &'a Record,
    /// Tickets, and the incidents that they are linked to.
    pub tickets: &'a [(u64, Option<u64>)],
}

/// The leaf of a breach.
pub(super) fn leaf(breach: &ClockBreach, now: Timestamp) -> Result<Leaf, LeafError> {
    let kind: Kind = "breach".parse()?;
    Leaf::json(kind, now, breach)
}

impl Files<'_> {
    /// The breach that a line is, unless it is counted already, in the log or in
    /// `said`. An incident and the tickets that are linked to it are one failure;
    /// a worse breach of the same settlement period takes the place of the one
    /// before, as the settlement has it.
    pub fn count(
        &self,
        line: &BreachLine,
        linked: impl Fn(u64) -> Option<u64>,
        said: &[Said],
    ) -> Option<ClockBreach> {
        let clock = match line.clock {
            ClockKind::FirstResponse => BreachedClock::Response,
            ClockKind::Restoration => BreachedClock::Restoration,
            ClockKind::NextUpdate => return None,
        };
        let known = |name: &str| {
            let new = said.iter().rev();
            let mut new = new.filter(|b| b.incident == name && b.clock == clock);
            new.next()
                .or_else(|| self.logged.of(&self.contract.id, name, clock))
        };
        let incident = line.incident.or_else(|| line.ticket.and_then(linked));
        let mut names = Vec::new();
        if let Some(incident) = incident {
            names.push(format!("incident-{incident}"));
            let own = self.tickets.iter().filter(|(_, i)| *i == Some(incident));
            names.extend(own.map(|(ticket, _)| format!("ticket-{ticket}")));
        } else {
            names.extend(line.ticket.map(|ticket| format!("ticket-{ticket}")));
        }
        let before = names.iter().find_map(|name| known(name));
        let worse = |before: &ClockBreach| {
            line.severity < before.severity && self.period(before.due) == self.period(line.due)
        };
        if before.is_some_and(|before| !worse(before)) {
            return None;
        }
        let name = before.map(|before| before.incident.clone());
        Some(ClockBreach {
            contract: self.contract.id.clone(),
            incident: name.or_else(|| names.into_iter().next())?,
            clock,
            severity: line.severity,
            due: line.due,
        })
    }

    fn period(&self, at: Timestamp) -> Option<u32> {
        let period = life::period_at(self.contract, self.record, at);
        period.ok().flatten().map(|period| period.index)
    }
}
