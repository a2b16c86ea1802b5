//! What ties a ticket to an incident.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::engine::Tickets;
use super::model::{Ticket, TicketChange};
use crate::clock::ClockKind;
use crate::incident::Incident;
use crate::module::{Module, Region};
use crate::severity::Severity;

/// Incidents that are remembered: as many as their engine keeps.
const MAX_KNOWN: usize = crate::incident::MAX_INCIDENTS;

/// What is remembered of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    pub(super) id: u64,
    module: Module,
    regions: Vec<Region>,
    first_bad: Timestamp,
    /// When it was over; none = it goes on.
    until: Option<Timestamp>,
    pub(super) severity: Severity,
    pub(super) open: bool,
}

impl Known {
    fn of(incident: &Incident) -> Self {
        let open = incident.state.is_open();
        Self {
            id: incident.id,
            module: incident.module,
            regions: incident.regions(),
            first_bad: incident.first_bad,
            until: incident.restored().filter(|_| !open),
            severity: incident.severity,
            open,
        }
    }

    /// Whether their evidence overlaps in time, module and region.
    fn fits(&self, ticket: &Ticket) -> bool {
        let span = ticket.span();
        ticket.about.module.is_none_or(|m| m == self.module)
            && (ticket.about.region.as_ref()).is_none_or(|r| self.regions.contains(r))
            && self.first_bad < span.end
            && self.until.is_none_or(|until| span.start < until)
    }
}

impl Tickets {
    /// Takes an incident as it stands after each of its changes. Tickets whose
    /// evidence overlaps are linked to it; those that are linked follow its
    /// severity.
    pub fn handle_incident(&mut self, incident: &Incident, now: Timestamp) {
        self.handle_timeout(now);
        let known = Known::of(incident);
        self.saved.known.insert(known.id, known);
        while self.saved.known.len() > MAX_KNOWN {
            self.saved.known.pop_first();
        }
        let open = self.saved.tickets.values().filter(|t| t.state.is_open());
        let open: Vec<u64> = open.map(|t| t.id).collect();
        for id in open {
            self.link(id);
        }
        self.handle_timeout(now);
    }

    /// Links a ticket to the worst incident that fits, once; lets it follow the
    /// severity of the one that it has.
    pub(super) fn link(&mut self, id: u64) {
        let contract = Arc::clone(&self.contract);
        let Some(ticket) = self.saved.tickets.get_mut(&id) else {
            return;
        };
        let known = &self.saved.known;
        let found = match ticket.incident {
            Some(linked) => known.get(&linked),
            None => {
                let fits = known.values().filter(|k| k.fits(ticket));
                fits.min_by_key(|k| (k.severity, k.id))
            }
        };
        let Some(found) = found else {
            return;
        };
        let from = ticket.severity;
        let new = ticket.incident.is_none();
        if !new && found.severity == from {
            return;
        }
        ticket.incident = Some(found.id);
        ticket.severity = found.severity;
        // The restoration of a failure is promised once.
        ticket.timers.remove(&ClockKind::Restoration);
        for timer in ticket.timers.values_mut() {
            timer.retarget(&contract.support, found.severity);
        }
        let change = if new {
            TicketChange::Linked { from }
        } else {
            TicketChange::SeverityFollowed { from }
        };
        self.record(id, change);
    }
}
