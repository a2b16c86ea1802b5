//! Selective forwarding: what one shard does with packets.
//!
//! [`Sfu`] is a pure engine. It is fed with commands of the room engine, with
//! datagrams and with time, and it answers with datagrams to send, events for
//! the room engine, and the instant at which it wants to be called again.
//!
//! ```text
//! handle_command ─┐                      ┌─ poll_transmit
//! handle_datagram ┼─ Sfu ── flush(now) ──┼─ poll_event
//! handle_timeout ─┘                      └─ poll_timeout
//! ```
//!
//! Inputs may be given in batches; [`Sfu::flush`] ends a batch: only then do
//! packets go from publishers to subscribers. That makes fan-out walk from
//! subscriber to subscriber instead of from packet to packet, which keeps a
//! connection's state in the cache while it is written to.
//!
//! **Invariant.** No input of a peer makes the engine panic, and none changes
//! anything for another peer except through what a command allowed.

mod allocation;
mod channels;
mod clock;
mod commands;
mod delay;
mod demux;
mod dependency_descriptor;
mod dtls;
mod engine;
mod events;
mod fan_out;
mod flow;
mod keyframe;
mod local;
mod loudness;
mod negotiation;
mod peer;
mod rate;
mod rewrite;
pub mod sdp;
mod section;
mod subscription;
mod timers;
mod track;

pub use engine::{Config, Counters, Datagram, Sfu};
pub use str0m::net::{Protocol, Transmit};
