//! Broadcast protocols, without sockets and clocks.
//!
//! Each module is one protocol. What comes in are bytes and times, what goes
//! out are bytes and [`surecast_media::frame::Item`]s.

pub mod cmaf;
pub mod flv;
pub mod hls;
pub mod mpegts;
pub mod rtmp;
pub mod rtp;
pub mod srt;
