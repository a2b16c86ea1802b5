//! How much there may be.

use super::engine::Tickets;
use super::model::Ticket;
use super::state::TicketState;
use crate::incident::actor::Refused;

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

impl Tickets {
    pub(super) fn check_text(&self, ticket: &Ticket, body: &str) -> Result<(), Refused> {
        if ticket.messages.len() >= MAX_MESSAGES {
            return Err(full("texts in the ticket", MAX_MESSAGES));
        }
        if ticket.bytes + body.len() > MAX_TICKET_BYTES {
            return Err(full("bytes of text in the ticket", MAX_TICKET_BYTES));
        }
        self.check_bytes(0, body)
    }

    pub(super) fn check_bytes(&self, subject: usize, body: &str) -> Result<(), Refused> {
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
    pub(super) fn make_room(&mut self) {
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
}

pub(super) fn too_long(what: &str, most: usize) -> Refused {
    Refused::TooLong {
        what: what.to_owned(),
        most,
    }
}

pub(super) fn full(what: &str, most: usize) -> Refused {
    Refused::Full {
        what: what.to_owned(),
        most,
    }
}
