//! The engine: texts and actions in, changes out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::actions::{Action, misfit, unknown};
use super::bounds::{MAX_OPEN, MAX_SUBJECT, full, too_long};
use super::link::Known;
use super::model::{Incoming, Message, Output, Ticket, TicketChange, TicketEntry};
use super::state::{TicketState, TicketStep};
use crate::canonical::{self, CanonicalError};
use crate::clock::{ClockKind, MAX_PAUSES, Pause};
use crate::contract::Contract;
use crate::contract::support::Channel;
use crate::incident::actor::{Actor, Author, Refused};
use crate::incident::output::{Audience, Reason};
use crate::incident::timer::{Due, Timer};
use crate::incident::{MAX_REFUSED, RestoreError};
use crate::severity::Severity;

/// A ticket that was resolved is closed when nobody objected for so long.
pub const CLOSE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// All that a snapshot holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    /// SHA-256 of the contract.
    pub(super) contract: String,
    /// The latest instant that was heard of.
    pub(super) now: Timestamp,
    last_id: u64,
    pub(super) bytes: usize,
    pub(super) tickets: BTreeMap<u64, Ticket>,
    pub(super) known: BTreeMap<u64, Known>,
    pub(super) outputs: VecDeque<Output>,
}

/// The tickets of one contract. Time does not run backwards in it, as in
/// [`crate::incident::Incidents`].
pub struct Tickets {
    pub(super) contract: Arc<Contract>,
    pub(super) saved: Saved,
}

impl Tickets {
    /// Begins with none.
    ///
    /// # Errors
    /// The contract has no canonical form.
    pub fn new(contract: Arc<Contract>) -> Result<Self, CanonicalError> {
        let saved = Saved {
            contract: contract.hash()?,
            now: Timestamp::MIN,
            ..Saved::default()
        };
        Ok(Self { contract, saved })
    }

    /// Goes on from a snapshot, exactly as the engine would have that gave it.
    ///
    /// # Errors
    /// It is no snapshot, or one of another version of the contract.
    pub fn restore(contract: Arc<Contract>, snapshot: &str) -> Result<Self, RestoreError> {
        let saved: Saved = serde_json::from_str(snapshot)?;
        let expected = contract.hash()?;
        if saved.contract != expected {
            return Err(RestoreError::OtherContract {
                found: saved.contract,
                expected,
            });
        }
        Ok(Self { contract, saved })
    }

    /// The whole state, outputs that were not taken among it, in canonical JSON.
    ///
    /// # Errors
    /// None that can happen: there are no fractions in it.
    pub fn snapshot(&self) -> Result<String, CanonicalError> {
        canonical::to_string(&self.saved)
    }

    /// Those that are kept, by number.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.saved.tickets.values()
    }

    /// One of them.
    #[must_use]
    pub fn ticket(&self, id: u64) -> Option<&Ticket> {
        self.saved.tickets.get(&id)
    }

    /// What [`Tickets::poll_output`] will give, without taking it.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = &Output> {
        self.saved.outputs.iter()
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.saved.outputs.pop_front()
    }

    /// When [`Tickets::handle_timeout`] has something to do; `None` = not before
    /// the next input.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let next = |ticket: &Ticket| {
            let timers = ticket.timers.values().filter_map(|timer| timer.next);
            timers.chain(closes(ticket)).min()
        };
        self.saved.tickets.values().filter_map(next).min()
    }

    /// Does what is due by `now`: each call of the escalation and each missed
    /// target exactly once, the earliest first; closes what was resolved long
    /// ago.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.saved.now = self.saved.now.max(now);
        let now = self.saved.now;
        let contract = Arc::clone(&self.contract);
        let mut due: Vec<(Due, u64, ClockKind)> = Vec::new();
        let mut old = Vec::new();
        for ticket in self.saved.tickets.values_mut() {
            for timer in ticket.timers.values_mut() {
                let kind = timer.kind;
                let new = timer.take_due(&contract.support, now);
                due.extend(new.into_iter().map(|due| (due, ticket.id, kind)));
            }
            if closes(ticket).is_some_and(|at| at <= now) {
                old.push(ticket.id);
            }
        }
        due.sort_by_key(|(due, id, kind)| (due.at(), *id, *kind));
        for (due, id, kind) in due {
            match due {
                Due::Call { share, role, due } => self.call(id, kind, share, role, due),
                Due::Missed { due } => self.miss(id, kind, due),
            }
        }
        for id in old {
            self.close(id, None);
        }
    }

    /// Takes a text: opens a ticket, or adds to one. Gives its number.
    ///
    /// # Errors
    /// It is too long, there are too many, or the ticket is closed or unknown.
    /// Nothing was kept then; tell the sender.
    pub fn handle_message(&mut self, incoming: Incoming, now: Timestamp) -> Result<u64, Refused> {
        self.handle_timeout(now);
        incoming.author.check()?;
        let id = match incoming.ticket {
            None => self.open(incoming)?,
            Some(id) => {
                self.add(id, incoming)?;
                id
            }
        };
        self.handle_timeout(now);
        Ok(id)
    }

    /// Takes what somebody does. The caller has checked who they are.
    ///
    /// # Errors
    /// It was refused; that is in the log, too, but for numbers that do not exist.
    pub fn handle_action(
        &mut self,
        actor: &Actor,
        id: u64,
        action: &Action,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.handle_timeout(now);
        actor.check()?;
        let done = self.act(actor, id, action);
        if let Err(why) = &done
            && let Some(ticket) = self.saved.tickets.get_mut(&id)
            && ticket.refused < MAX_REFUSED
        {
            ticket.refused += 1;
            let (by, why) = (actor.kind, why.clone());
            if let Action::Mark { urgent } = *action {
                self.record(id, TicketChange::Marked { by, urgent });
            }
            self.record(id, TicketChange::Refused { by, why });
        }
        done
    }

    /// The leaf that says that the customer is waited for is in the log: from
    /// when it was asked, the clock of restoration stands still. Without this it
    /// does not.
    ///
    /// # Errors
    /// There is no such ticket, or it does not wait.
    pub fn handle_logged(
        &mut self,
        id: u64,
        log_index: u64,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.handle_timeout(now);
        let contract = Arc::clone(&self.contract);
        let ticket = self.saved.tickets.get_mut(&id).ok_or_else(|| unknown(id))?;
        let state = ticket.state.name().to_owned();
        let asked = ticket.asked.take().ok_or(Refused::State { state })?;
        if let Some(restoration) = ticket.timers.get_mut(&ClockKind::Restoration)
            && restoration.pauses.len() < MAX_PAUSES
        {
            restoration.pauses.push(Pause {
                from: asked,
                until: None,
                log_index,
            });
            restoration.plan_next(&contract.support);
        }
        Ok(())
    }

    fn open(&mut self, incoming: Incoming) -> Result<u64, Refused> {
        if incoming.subject.len() > MAX_SUBJECT {
            return Err(too_long("the subject", MAX_SUBJECT));
        }
        let open = self.saved.tickets.values();
        if open.filter(|t| t.state != TicketState::Closed).count() >= MAX_OPEN {
            return Err(full("open tickets", MAX_OPEN));
        }
        self.check_bytes(incoming.subject.len(), &incoming.body)?;
        self.make_room();
        let now = self.saved.now;
        let id = self.saved.last_id + 1;
        self.saved.last_id = id;
        let plan = &self.contract.support;
        let kinds = [
            ClockKind::FirstResponse,
            ClockKind::NextUpdate,
            ClockKind::Restoration,
        ];
        let start = |kind| (kind, Timer::start(plan, kind, Severity::S4, now, 1));
        let change = TicketChange::Opened {
            channel: incoming.channel,
            by: incoming.author.kind,
            about: incoming.about.clone(),
            sha256: canonical::sha256_hex(incoming.body.as_bytes()),
        };
        let ticket = Ticket {
            id,
            channel: incoming.channel,
            subject: incoming.subject.clone(),
            about: incoming.about.clone(),
            opened: now,
            state: TicketState::New,
            severity: Severity::S4,
            incident: None,
            asked: None,
            resolved: None,
            timers: kinds.map(start).into_iter().collect(),
            messages: Vec::new(),
            bytes: incoming.subject.len(),
            refused: 0,
        };
        self.saved.bytes += ticket.bytes;
        self.saved.tickets.insert(id, ticket);
        self.keep(
            id,
            incoming.author,
            Some(incoming.channel),
            incoming.automatic,
            incoming.body,
        );
        self.record(id, change);
        self.link(id);
        let contact = Arc::clone(&self.contract);
        self.tell(
            id,
            &contact.parties.provider.contact,
            Audience::Desk,
            Reason::Opened,
        );
        Ok(id)
    }

    fn add(&mut self, id: u64, incoming: Incoming) -> Result<(), Refused> {
        let author = incoming.author.kind;
        let automatic = incoming.automatic || author == Author::System;
        let ticket = self.saved.tickets.get(&id).ok_or_else(|| unknown(id))?;
        let step = if author == Author::Customer {
            TicketStep::Wrote
        } else {
            TicketStep::Answer
        };
        let next = ticket.state.next(step).ok_or_else(|| misfit(ticket))?;
        self.check_text(ticket, &incoming.body)?;
        let change = TicketChange::Wrote {
            by: author,
            automatic,
            sha256: canonical::sha256_hex(incoming.body.as_bytes()),
        };
        self.keep(
            id,
            incoming.author,
            Some(incoming.channel),
            automatic,
            incoming.body,
        );
        if !automatic {
            if author == Author::Customer {
                self.customer_wrote(id, next);
            } else {
                self.answered(id, next);
            }
        }
        self.record(id, change);
        Ok(())
    }

    pub(super) fn keep(
        &mut self,
        id: u64,
        author: Actor,
        channel: Option<Channel>,
        automatic: bool,
        body: String,
    ) {
        let at = self.saved.now;
        if let Some(ticket) = self.saved.tickets.get_mut(&id) {
            ticket.bytes += body.len();
            self.saved.bytes += body.len();
            ticket.messages.push(Message {
                at,
                channel,
                author,
                automatic,
                body,
            });
        }
    }

    /// Puts a change into the log.
    pub(super) fn record(&mut self, id: u64, change: TicketChange) {
        let Some(ticket) = self.saved.tickets.get(&id) else {
            return;
        };
        let entry = TicketEntry {
            contract: self.contract.id.clone(),
            ticket: id,
            at: self.saved.now,
            state: ticket.state,
            severity: ticket.severity,
            incident: ticket.incident,
            change,
        };
        self.saved.outputs.push_back(Output::Leaf(entry));
    }
}

/// When a resolved ticket closes by itself.
fn closes(ticket: &Ticket) -> Option<Timestamp> {
    let resolved = ticket.resolved?;
    let waits = ticket.state == TicketState::Resolved;
    waits.then(|| {
        resolved
            .saturating_add(CLOSE_AFTER)
            .unwrap_or(Timestamp::MAX)
    })
}
