//! SRT: Secure Reliable Transport (draft-sharabayko-srt-01), live mode.
//!
//! [`Endpoint`] is all connections of one UDP socket: those that others open
//! (listener) and those that we open (caller). Rendezvous, bonding, packet
//! filters, file mode and versions before 1.3 are refused.
//!
//! # Invariants
//! - Nothing is kept for who has not shown that it receives at its address
//!   (cookies), and what a connection keeps is bounded by its windows.
//! - A datagram costs time in proportion to its length; one that opens a
//!   passphrase costs a millisecond, and only so many are opened a second.

mod caller;
mod connection;
mod crypto;
mod endpoint;
mod handshake;
mod listener;
mod packet;
mod receiver;
mod sender;
mod stream_id;
#[cfg(test)]
mod tests;

pub use caller::Call;
pub use crypto::Passphrase;
pub use endpoint::{Closed, ConnectionId, Endpoint, Event, Settings, Statistics, Transmit};
pub use handshake::Reject;
pub use receiver::Received;
pub use sender::Sent;
pub use stream_id::{Mode, StreamId, Unclear};

/// Feeds any bytes, cut into datagrams, to an endpoint with an open connection;
/// for fuzzing and for its corpus. Each datagram is preceded by its length in
/// one byte; 255 lets 10 ms pass.
pub fn fuzz_srt(bytes: &[u8]) {
    endpoint::fuzz(bytes);
}
