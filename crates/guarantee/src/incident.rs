//! Incidents: what the evidence shows is down, who is called, and when.
//!
//! [`Incidents`] is the engine of one contract. Minutes go in
//! ([`Incidents::handle_burn`]), and what people do
//! ([`Incidents::handle_action`]); leaves for the log, messages to people and
//! missed promises come out ([`Incidents::poll_output`]). See "Model", "States"
//! and "Clocks" of the reference.
//!
//! - The severity comes from the contract's policy and the evidence. It rises by
//!   itself. It falls only when every line of the incident has measured clear
//!   for the contract's `clear_minutes` *and* the customer agrees or an expert
//!   countersigns. Whoever else tries is refused, and that is recorded.
//! - Clocks start at the first bad sample. The restoration clock stops where the
//!   measurement became clear, not where somebody said so; if it turns bad again
//!   before the incident is left behind, it was never stopped.
//! - The log has roles and hashes of texts; names and words stay in the incident.
//! - One incident per module at a time: lines of the same module that burn
//!   together are one failure.

mod actions;
pub mod actor;
mod adopt;
mod burns;
mod calls;
mod engine;
mod events;
mod maintenance;
mod model;
pub mod output;
pub mod payload;
pub mod review;
mod seen;
pub mod state;
pub mod timer;
mod words;

pub use actions::{Action, MAX_TEXT};
pub use actor::{Actor, Author, Refused};
pub use burns::REOPEN_MINUTES;
pub use engine::{Incidents, MAX_INCIDENTS, MAX_REFUSED, RestoreError};
pub use events::{EventEntry, MAX_EVENT_HOURS, MAX_EVENTS};
pub use maintenance::{MAX_MAINTENANCE, NotTaken};
pub use model::{Incident, LineState};
pub use output::{BreachLine, Change, Entry, Notify, Output};
pub use seen::{Seen, Span};
pub use state::State;
pub use words::{MAX_WORD_BYTES, MAX_WORDS, Word, Words};

#[cfg(test)]
mod tests;
