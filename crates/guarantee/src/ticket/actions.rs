//! What people do about a ticket, and what follows from what they write.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::engine::Tickets;
use super::model::{Ticket, TicketChange};
use super::state::{TicketState, TicketStep};
use crate::canonical;
use crate::clock::ClockKind;
use crate::contract::Contract;
use crate::incident::actor::{Actor, Author, Refused};
use crate::incident::output::{Audience, Reason};
use crate::incident::timer::Timer;

/// Something that somebody does about a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Ask the customer something, and wait. A human of the provider.
    Ask {
        /// The question; at most [`MAX_BODY`](super::bounds::MAX_BODY) bytes.
        text: String,
    },
    /// It is done. A human of the provider, once its incident is over; or the
    /// customer.
    Resolve,
    /// Nothing is left. The customer.
    Close,
    /// Call it urgent or not. It is recorded, has no effect, and is refused.
    Mark {
        /// As urgent, or as not urgent.
        urgent: bool,
    },
}

impl Tickets {
    pub(super) fn act(&mut self, actor: &Actor, id: u64, action: &Action) -> Result<(), Refused> {
        let ticket = self.saved.tickets.get(&id).ok_or_else(|| unknown(id))?;
        let by = actor.kind;
        let human = || {
            let instead = "a human of the provider does";
            by.responds()
                .then_some(())
                .ok_or_else(|| not_yours(actor, instead))
        };
        match action {
            Action::Ask { text } => {
                human()?;
                let next = ticket.state.next(TicketStep::Ask);
                let next = next.ok_or_else(|| misfit(ticket))?;
                self.check_text(ticket, text)?;
                let sha256 = canonical::sha256_hex(text.as_bytes());
                self.keep(id, actor.clone(), None, false, text.clone());
                self.answered(id, next);
                let now = self.saved.now;
                if let Some(ticket) = self.saved.tickets.get_mut(&id) {
                    ticket.asked = Some(now);
                }
                self.record(id, TicketChange::Asked { by, sha256 });
            }
            Action::Resolve => {
                let next = ticket.state.next(TicketStep::Resolve);
                let next = next.ok_or_else(|| misfit(ticket))?;
                if by != Author::Customer {
                    human()?;
                    let known = ticket.incident.and_then(|i| self.saved.known.get(&i));
                    if let Some(incident) = known.filter(|k| k.open) {
                        let incident = incident.id;
                        return Err(Refused::IncidentOpen { incident });
                    }
                }
                self.resolve(id, by, next);
            }
            Action::Close => {
                ticket
                    .state
                    .next(TicketStep::Close)
                    .ok_or_else(|| misfit(ticket))?;
                if by != Author::Customer {
                    let instead = "the customer does, or a week without objection";
                    return Err(not_yours(actor, instead));
                }
                self.close(id, Some(by));
            }
            Action::Mark { .. } => {
                return Err(Refused::ByEvidence {
                    is: ticket.severity,
                });
            }
        }
        Ok(())
    }

    /// A human of the provider has written.
    pub(super) fn answered(&mut self, id: u64, next: TicketState) {
        let contract = Arc::clone(&self.contract);
        let now = self.saved.now;
        if let Some(ticket) = self.saved.tickets.get_mut(&id) {
            ticket.state = next;
            if let Some(response) = ticket.timers.get_mut(&ClockKind::FirstResponse) {
                response.stop(&contract.support, now);
            }
            if ticket.state.is_open() {
                next_update(&contract, ticket, now);
            }
        }
    }

    /// The customer has written: nobody waits for them any more, and what was
    /// said to be done is not.
    pub(super) fn customer_wrote(&mut self, id: u64, next: TicketState) {
        let contract = Arc::clone(&self.contract);
        let now = self.saved.now;
        let Some(ticket) = self.saved.tickets.get_mut(&id) else {
            return;
        };
        let again = ticket.resolved.take().is_some();
        ticket.state = next;
        ticket.asked = None;
        if let Some(restoration) = ticket.timers.get_mut(&ClockKind::Restoration) {
            end_pause(restoration, now);
            if again {
                restoration.stopped = None;
            }
            restoration.plan_next(&contract.support);
        }
        if again {
            // Done without a word is no answer.
            let mut written = ticket.messages.iter();
            let answered = written.any(|m| !m.automatic && m.author.kind.responds());
            if let Some(response) = ticket.timers.get_mut(&ClockKind::FirstResponse)
                && !answered
            {
                response.resume(&contract.support);
            }
            next_update(&contract, ticket, now);
            self.link(id);
        }
    }

    fn resolve(&mut self, id: u64, by: Author, next: TicketState) {
        let contract = Arc::clone(&self.contract);
        let now = self.saved.now;
        if let Some(ticket) = self.saved.tickets.get_mut(&id) {
            ticket.state = next;
            ticket.resolved = Some(now);
            ticket.asked = None;
            for timer in ticket.timers.values_mut() {
                end_pause(timer, now);
                timer.stop(&contract.support, now);
            }
        }
        self.record(id, TicketChange::Resolved { by });
        self.tell(
            id,
            &contract.parties.customer.contact,
            Audience::Customer,
            Reason::Resolved,
        );
    }

    pub(super) fn close(&mut self, id: u64, by: Option<Author>) {
        if let Some(ticket) = self.saved.tickets.get_mut(&id) {
            ticket.state = TicketState::Closed;
            self.record(id, TicketChange::Closed { by });
        }
    }
}

fn next_update(contract: &Contract, ticket: &mut Ticket, now: Timestamp) {
    let kind = ClockKind::NextUpdate;
    let before = ticket.timers.get(&kind).map_or(0, |timer| timer.round);
    let round = before.saturating_add(1);
    let timer = Timer::start(&contract.support, kind, ticket.severity, now, round);
    ticket.timers.insert(kind, timer);
}

fn end_pause(timer: &mut Timer, now: Timestamp) {
    if let Some(open) = timer.pauses.iter_mut().find(|p| p.until.is_none()) {
        open.until = Some(now);
    }
}

pub(super) fn unknown(id: u64) -> Refused {
    Refused::Unknown {
        what: "ticket".to_owned(),
        id,
    }
}

pub(super) fn misfit(ticket: &Ticket) -> Refused {
    Refused::State {
        state: ticket.state.name().to_owned(),
    }
}

fn not_yours(actor: &Actor, instead: &str) -> Refused {
    Refused::NotYours {
        who: actor.kind.name().to_owned(),
        instead: instead.to_owned(),
    }
}
