//! RTP payloads to frames and back.

use std::sync::Arc;

use surecast_media::frame::{Format, Frame};

/// Frames to payloads.
pub struct Packetizer;

/// A payload.
pub struct Payload {
    /// Bytes.
    pub bytes: Arc<[u8]>,
    /// Last of its frame.
    pub marker: bool,
}

impl Packetizer {
    /// Of a format.
    #[must_use]
    pub fn new(_format: &Format, _mtu: usize) -> Self {
        Self
    }

    /// A frame's payloads.
    pub fn packetize(&mut self, _frame: &Frame) -> Vec<Payload> {
        Vec::new()
    }
}
