//! Clients, links and clocks that are not real, for tests and for load.
//!
//! - [`client`]: a WebRTC client of its own over str0m that joins any
//!   LiveKit-compatible server by signalling v1. It knows the protocol and
//!   nothing of our server; `surecast load` drives it over real sockets, tests
//!   drive it in virtual time.
//! - [`source`]: audio and video that have the shape of real streams and carry
//!   the time of their sending.
//! - [`meter`]: what a receiver measures; [`flow`]: how evenly media arrived.
//! - [`report`]: many clients' measurements in one table.
//! - [`fuzz`]: one entry point for each parser that a peer can reach.
//! - [`world`]: the virtual clock and the lossy links between endpoints.

pub mod client;
pub mod flow;
pub mod fuzz;
pub mod histogram;
pub mod link;
pub mod meter;
pub mod report;
pub mod source;
pub mod stamp;
pub mod world;

pub use livekit_protocol as proto;
