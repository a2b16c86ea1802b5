//! Rooms, participants and grants: LiveKit signalling, versions 0 and 1, as one
//! state machine without a socket or a clock.
//!
//! [`Rooms`] takes what clients, the media engine and administrators say
//! (`handle_*`) and gives back what is to be sent (`poll_output`). The wire
//! types are those of the `livekit-protocol` crate, re-exported as [`proto`].
//!
//! Invariants:
//! - Peer input never panics. What is malformed or not allowed is answered
//!   where the protocol has an answer, logged, and has no effect on others.
//! - Nobody joins, publishes, receives, reads or administers without a grant
//!   that says so ([`token::Grants`]).
//! - Whatever a peer can grow has a bound; see [`limits`].
//! - The same seed, inputs and times give the same outputs.

pub mod limits;
pub mod signal;
pub mod token;

mod context;
mod error;
mod event;
mod ids;
mod join;
mod output;
mod participant;
mod room;
mod rooms;
mod service;
mod settings;
mod timers;
mod track;

#[cfg(test)]
mod tests;

pub use livekit_protocol as proto;

pub use error::{JoinError, ServiceCode, ServiceError};
pub use event::{Census, Event, EventKind, JoinOutcome, Tap};
pub use join::Join;
pub use output::{Output, SessionId};
pub use room::{fuzz_candidate, fuzz_data_packet, fuzz_data_track_packet};
pub use rooms::Rooms;
pub use service::{ServiceCall, ServiceReply};
pub use settings::Settings;
pub use token::{Grants, VideoGrant};
