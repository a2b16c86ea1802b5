//! Streams that look real on the wire and carry the time of their sending.
//!
//! A [`Video`] is one encoding, shaped like libwebrtc's VP8; an [`Audio`] is
//! shaped like Opus. The payload behind the codec's headers is filler; its end
//! is a [`Stamp`](crate::stamp::Stamp). Nothing decodes it.

mod audio;
mod video;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use audio::Audio;
pub use video::{Encoding, Video};

/// One RTP packet, without what the connection adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Extended sequence number, from 1 up.
    pub seq: u64,
    /// RTP timestamp in the codec's clock.
    pub timestamp: u32,
    /// Last packet of a video frame.
    pub marker: bool,
    /// Loudness in dB below full scale, 0 to -127, and whether it is speech;
    /// audio only.
    pub level: Option<(i8, bool)>,
    /// RTP payload.
    pub payload: Arc<[u8]>,
}

/// When a source began and what its stamps count from.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// First frame.
    pub start: Instant,
    /// What all stamps of the process count from.
    pub epoch: Instant,
}

impl Clock {
    fn stamp_time(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.epoch)
    }
}

/// A source that was not polled for so long does not catch up: it goes on from
/// where it should be, as a real encoder that drops frames.
const MAX_BEHIND: Duration = Duration::from_millis(500);
