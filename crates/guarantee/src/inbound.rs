//! What people send back: mails and notes of phone calls, as texts of tickets.
//!
//! Pure functions: bytes and a contract go in, an [`Incoming`] comes out, or the
//! reason why it is refused. Who may write what:
//!
//! - The customer's contact, and anybody of their mail domain unless that is one
//!   in which everybody can have an address, writes as the customer. Only they
//!   open tickets.
//! - Contacts of the provider write in their part, into a ticket that is there.
//! - Nobody else does. Whoever has no address yet is added to the contract, or
//!   uses the API.
//!
//! A mail's sender is what its header says. Whoever hands mails over has checked
//! them (SPF, DKIM, DMARC); one whose `Authentication-Results` say `dmarc=fail`
//! is refused here.

mod mail;
mod phone;
mod sender;
mod text;
mod thread;

pub use mail::{MAX_HEADER_BYTES, MAX_HEADERS, MAX_MAIL, MAX_PARTS, mail};
pub use phone::{MAX_NOTE, Note, phone};
pub use thread::{contract_of, message_id};

use crate::ticket::Incoming;

/// Why something is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    /// More than there may be.
    #[error("the {what} is too large: at most {most}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// It cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The sender is not among the contract's people.
    #[error(
        "`{0}` is no contact of this contract: add the address to the contract, \
         or write by way of the API"
    )]
    Stranger(String),
    /// The sender is forged.
    #[error("the mail's sender did not pass DMARC: it may be forged")]
    Forged,
    /// A program wrote it, and it answers no ticket.
    #[error("an automatic mail opens no ticket")]
    Automatic,
    /// A contact of the provider wrote without saying to which ticket.
    #[error(
        "only the customer opens tickets by mail: leave the ticket's number, as `[{0} #12]`, in the subject"
    )]
    NoTicket(String),
}

/// Whatever bytes come: nothing panics, and what is taken is within the bounds
/// of tickets. For fuzzers.
///
/// # Panics
/// If that does not hold.
pub fn fuzz_mail(bytes: &[u8], contract: &crate::contract::Contract) {
    if let Ok(incoming) = mail(bytes, contract) {
        check_bounds(&incoming);
    }
    if let Ok(incoming) = phone(bytes, contract) {
        check_bounds(&incoming);
    }
    let _ = contract_of(bytes);
}

fn check_bounds(incoming: &Incoming) {
    use crate::incident::actor::MAX_NAME;
    use crate::ticket::bounds::{MAX_BODY, MAX_SUBJECT};
    assert!(incoming.subject.len() <= MAX_SUBJECT);
    assert!(incoming.body.len() <= MAX_BODY);
    assert!(incoming.author.name.len() <= MAX_NAME);
    assert!(!incoming.subject.chars().any(char::is_control));
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!incoming.body.chars().any(control));
}

#[cfg(test)]
mod tests;
