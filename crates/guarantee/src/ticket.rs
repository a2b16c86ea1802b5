//! Tickets: what the customer says, and how fast a human answers.
//!
//! [`Tickets`] is the engine of one contract, with the verbs of
//! [`crate::incident::Incidents`]. What people write goes in
//! ([`Tickets::handle_message`]), what they do ([`Tickets::handle_action`]), and
//! every change of an incident ([`Tickets::handle_incident`]).
//!
//! - The severity is that of the incident that the ticket is linked to, by
//!   evidence that overlaps in time, module and region; without one it is S4. A
//!   mark such as "not urgent" is recorded and has no effect.
//! - The first answer by a *human* of the provider stops the clock of the first
//!   response. Automatic answers do not.
//! - Waiting for the customer pauses the restoration clock alone, and only from
//!   when the leaf that says so is in the log ([`Tickets::handle_logged`]).
//! - The clock of the next update never pauses and starts anew with every answer,
//!   so a forgotten ticket escalates.
//! - Texts are kept as they came and are never interpreted: HTML is text.
//!   Whoever shows them escapes them. The log has their hash, not their words.

mod actions;
mod adopt;
pub mod bounds;
mod calls;
mod engine;
mod link;
pub mod model;
pub mod search;
pub mod state;

pub use actions::Action;
pub use engine::{CLOSE_AFTER, Tickets};
pub use model::{About, Incoming, Message, Output, Ticket, TicketChange, TicketEntry};
pub use state::TicketState;

#[cfg(test)]
mod tests;
