//! The engine: texts and actions in, changes out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::link::Known;
use super::model::{Incoming, Message, Output, Ticket, TicketChange, TicketEntry};
use super::state::{TicketState, TicketStep};
use crate::canonical::{self, CanonicalError};
use crate::clock::{ClockKind, MAX_PAUSES, Pause};
use crate::contract::Contract;
use crate::contract::support::Role;
use crate::incident::actor::{Actor, Author, Refused};
use crate::incident::output::{Audience, BreachLine, Facts, Reason, messages, people, remedy};
use crate::incident::timer::{Due, Timer};
use crate::incident::{MAX_REFUSED, RestoreError};
use crate::ratio::Percent;
use crate::severity::Severity;

/// Tickets of one contract that are not closed. Ten a day for three months,
/// none of them answered: what comes beyond is no request for help.
pub const MAX_OPEN: usize = 1_000;

/// Tickets that are kept, closed ones among them, for search. The oldest closed
/// ones go first; the store has them.
pub const MAX_KEPT: usize = 5_000;

/// Longest subject, in bytes: a long line.
pub const MAX_SUBJECT: usize = 256;

/// Longest text, in bytes: twenty pages. Logs belong into attachments.
pub const MAX_BODY: usize = 64 * 1024;

/// Texts of one ticket: two people who write 20 times a day for a fortnight.
pub const MAX_MESSAGES: usize = 500;

/// Bytes of all texts of one ticket: eight of the longest.
pub const MAX_TICKET_BYTES: usize = 8 * MAX_BODY;

/// Bytes of all texts that are kept for a contract: they are in memory.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A ticket that was resolved is closed when nobody objected for so long.
pub const CLOSE_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Something that somebody does about a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Ask the customer something, and wait. A human of the provider.
    Ask {
        /// The question; at most [`MAX_BODY`] bytes.
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

/// All that a snapshot holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    /// SHA-256 of the contract.
    contract: String,
    /// The latest instant that was heard of.
    now: Timestamp,
    last_id: u64,
    bytes: usize,
    pub(super) tickets: BTreeMap<u64, Ticket>,
    pub(super) known: BTreeMap<u64, Known>,
    outputs: VecDeque<Output>,
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

    fn act(&mut self, actor: &Actor, id: u64, action: &Action) -> Result<(), Refused> {
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
    fn answered(&mut self, id: u64, next: TicketState) {
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
    fn customer_wrote(&mut self, id: u64, next: TicketState) {
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

    fn close(&mut self, id: u64, by: Option<Author>) {
        if let Some(ticket) = self.saved.tickets.get_mut(&id) {
            ticket.state = TicketState::Closed;
            self.record(id, TicketChange::Closed { by });
        }
    }

    fn keep(
        &mut self,
        id: u64,
        author: Actor,
        channel: Option<crate::contract::support::Channel>,
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

    fn check_text(&self, ticket: &Ticket, body: &str) -> Result<(), Refused> {
        if ticket.messages.len() >= MAX_MESSAGES {
            return Err(full("texts in the ticket", MAX_MESSAGES));
        }
        if ticket.bytes + body.len() > MAX_TICKET_BYTES {
            return Err(full("bytes of text in the ticket", MAX_TICKET_BYTES));
        }
        self.check_bytes(0, body)
    }

    fn check_bytes(&self, subject: usize, body: &str) -> Result<(), Refused> {
        if body.len() > MAX_BODY {
            return Err(too_long("the text", MAX_BODY));
        }
        // Closed tickets make room; those that are open stay.
        let open = self.saved.tickets.values();
        let open = open.filter(|t| t.state != TicketState::Closed);
        let held: usize = open.map(|t| t.bytes).sum();
        if held + subject + body.len() > MAX_BYTES {
            return Err(full("bytes of text in open tickets", MAX_BYTES));
        }
        Ok(())
    }

    /// Lets the oldest closed tickets go.
    fn make_room(&mut self) {
        while self.saved.tickets.len() >= MAX_KEPT || self.saved.bytes > MAX_BYTES {
            let mut all = self.saved.tickets.values();
            let closed = all.find(|t| t.state == TicketState::Closed);
            let Some((id, bytes)) = closed.map(|t| (t.id, t.bytes)) else {
                return;
            };
            self.saved.tickets.remove(&id);
            self.saved.bytes = self.saved.bytes.saturating_sub(bytes);
        }
    }

    fn call(&mut self, id: u64, clock: ClockKind, share: Percent, role: Role, due: Timestamp) {
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
            names: people.iter().map(|c| c.name.clone()).collect(),
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

    fn miss(&mut self, id: u64, clock: ClockKind, due: Timestamp) {
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

    fn tell(
        &mut self,
        id: u64,
        contact: &crate::contract::support::Contact,
        audience: Audience,
        reason: Reason,
    ) {
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

fn unknown(id: u64) -> Refused {
    Refused::Unknown {
        what: "ticket".to_owned(),
        id,
    }
}

fn misfit(ticket: &Ticket) -> Refused {
    Refused::State {
        state: ticket.state.name().to_owned(),
    }
}

fn not_yours(actor: &Actor, instead: &str) -> Refused {
    Refused::NotYours {
        who: format!("{:?}", actor.kind).to_lowercase(),
        instead: instead.to_owned(),
    }
}

fn too_long(what: &str, most: usize) -> Refused {
    Refused::TooLong {
        what: what.to_owned(),
        most,
    }
}

fn full(what: &str, most: usize) -> Refused {
    Refused::Full {
        what: what.to_owned(),
        most,
    }
}
