//! Finding tickets by words.

use super::engine::Tickets;
use super::model::Ticket;
use crate::incident::actor::Refused;

/// Longest query, in bytes: a line.
pub const MAX_QUERY: usize = 256;

/// Most words of a query; every one is looked for in all texts.
pub const MAX_TERMS: usize = 8;

/// Most tickets of an answer: a page.
pub const MAX_FOUND: usize = 50;

impl Tickets {
    /// Tickets in whose subject or texts every word of the query stands, small
    /// and capital letters being the same; the newest first, at most
    /// [`MAX_FOUND`]. A query without words finds nothing.
    ///
    /// # Errors
    /// The query is too long, or has too many words.
    pub fn search(&self, query: &str) -> Result<Vec<&Ticket>, Refused> {
        search(self.saved.tickets.values().rev(), query)
    }
}

/// The same in tickets that are at hand, in the order in which they come.
///
/// # Errors
/// As [`Tickets::search`].
pub fn search<'a>(
    tickets: impl IntoIterator<Item = &'a Ticket>,
    query: &str,
) -> Result<Vec<&'a Ticket>, Refused> {
    if query.len() > MAX_QUERY {
        return Err(Refused::TooLong {
            what: "the query".to_owned(),
            most: MAX_QUERY,
        });
    }
    let query = query.to_lowercase();
    let terms: Vec<&str> = query.split_whitespace().collect();
    if terms.len() > MAX_TERMS {
        return Err(Refused::Full {
            what: "words in the query".to_owned(),
            most: MAX_TERMS,
        });
    }
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let found = tickets.into_iter().filter(|ticket| matches(ticket, &terms));
    Ok(found.take(MAX_FOUND).collect())
}

fn matches(ticket: &Ticket, terms: &[&str]) -> bool {
    let mut missing = terms.to_vec();
    let bodies = ticket.messages.iter().map(|m| m.body.as_str());
    for text in std::iter::once(ticket.subject.as_str()).chain(bodies) {
        let text = text.to_lowercase();
        missing.retain(|term| !text.contains(term));
        if missing.is_empty() {
            return true;
        }
    }
    false
}
