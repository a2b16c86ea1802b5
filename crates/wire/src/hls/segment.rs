//! Segments and their parts.

use std::sync::Arc;

use bytes::Bytes;
use surecast_media::frame::{Format, MediaTime};

/// A part that is ready.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Ticks.
    pub duration: i64,
    /// A decoder can start in it.
    pub independent: bool,
    /// One chunk.
    pub data: Bytes,
}

/// A segment, finished or growing.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// Media sequence number.
    pub msn: u64,
    /// Nothing connects it to the one before.
    pub breaks: bool,
    /// Discontinuities up to here, this one included.
    pub breaks_before: u64,
    /// What its frames are in.
    pub format: Arc<Format>,
    /// Number of its initialization segment.
    pub map: u32,
    /// Ticks a second.
    pub scale: u32,
    /// Decoding time of its first frame in ticks.
    pub start: i64,
    /// When that was.
    pub date: MediaTime,
    /// Ticks; of a growing one, those of its parts.
    pub duration: i64,
    /// It begins with a keyframe.
    pub independent: bool,
    /// Parts; none in a gap.
    pub parts: Vec<Part>,
    /// Nothing is added any more.
    pub finished: bool,
    /// Of all parts.
    pub bytes: usize,
    /// Frames of all parts.
    pub frames: u32,
}

impl Segment {
    /// In microseconds.
    pub fn micros(&self) -> i64 {
        micros(self.duration, self.scale)
    }
}

/// Ticks in microseconds.
pub(super) fn micros(ticks: i64, scale: u32) -> i64 {
    MediaTime::from_ticks(ticks, scale).0
}
