//! RTP payloads to frames and back.
//!
//! [`Packetizer`] cuts frames into payloads; [`Depacketizer`] puts packets that
//! come as a network delivers them in order and together again, and [`Clock`]
//! gives their frames a place on the timeline.

mod clock;
mod depacketizer;
mod packetizer;
#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use depacketizer::{Depacketizer, Output, RtpIn, fuzz_depacketize};
pub use packetizer::{Packetizer, Payload};
