//! Who is told, who is called, and what is missed.

use std::sync::Arc;

use jiff::Timestamp;

use super::engine::Tickets;
use super::model::{Output, TicketChange};
use crate::clock::ClockKind;
use crate::contract::support::{Contact, Role};
use crate::incident::output::{Audience, BreachLine, Facts, Reason, messages, people, remedy};
use crate::ratio::Percent;

impl Tickets {
    pub(super) fn call(
        &mut self,
        id: u64,
        clock: ClockKind,
        share: Percent,
        role: Role,
        due: Timestamp,
    ) {
        let contract = Arc::clone(&self.contract);
        let Some(ticket) = self.saved.tickets.get(&id) else {
            return;
        };
        let Some(timer) = ticket.timers.get(&clock) else {
            return;
        };
        let people = people(&contract, role, ticket.about.module);
        let change = TicketChange::Called {
            clock,
            round: timer.round,
            share,
            role,
            due,
        };
        let reason = Reason::Escalated {
            clock,
            share,
            target_due: timer.clock(&contract.support).and_then(|c| c.due()),
        };
        self.record(id, change);
        for person in people {
            self.tell(id, person, Audience::Escalation(role), reason.clone());
        }
    }

    pub(super) fn miss(&mut self, id: u64, clock: ClockKind, due: Timestamp) {
        let Some(ticket) = self.saved.tickets.get(&id) else {
            return;
        };
        let Some(timer) = ticket.timers.get(&clock) else {
            return;
        };
        let (gives, worth) = remedy(&self.contract, clock, timer.severity);
        let round = timer.round;
        let line = BreachLine {
            contract: self.contract.id.clone(),
            incident: ticket.incident,
            ticket: Some(id),
            clock,
            round,
            severity: timer.severity,
            started: timer.started,
            due,
            remedy: gives,
            worth,
        };
        self.record(id, TicketChange::Missed { clock, round, due });
        self.saved.outputs.push_back(Output::Breach(line));
    }

    pub(super) fn tell(&mut self, id: u64, contact: &Contact, audience: Audience, reason: Reason) {
        let Some(ticket) = self.saved.tickets.get(&id) else {
            return;
        };
        let facts = Facts {
            contract: self.contract.id.clone(),
            incident: ticket.incident,
            ticket: Some(id),
            at: self.saved.now,
            module: ticket.about.module,
            regions: ticket.about.region.iter().cloned().collect(),
            severity: ticket.severity,
            state: ticket.state.name().to_owned(),
            since: ticket.opened,
            reason,
        };
        for message in messages(contact, audience, &facts) {
            self.saved
                .outputs
                .push_back(Output::Notify(Box::new(message)));
        }
    }
}
