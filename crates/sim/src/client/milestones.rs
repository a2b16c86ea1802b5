use std::time::Instant;

/// When what happened first. Absent = not yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Milestones {
    /// The client was made and began to join.
    pub started: Option<Instant>,
    /// The WebSocket was open.
    pub signal_open: Option<Instant>,
    /// The join response came.
    pub joined: Option<Instant>,
    /// The first answer came.
    pub answered: Option<Instant>,
    /// ICE found a working pair.
    pub ice: Option<Instant>,
    /// DTLS gave keys: the client is connected.
    pub connected: Option<Instant>,
    /// Everything it publishes was negotiated, or refused.
    pub published: Option<Instant>,
    /// First media packet received.
    pub first_packet: Option<Instant>,
    /// First packet of a video key frame received.
    pub first_keyframe: Option<Instant>,
}

impl Milestones {
    /// How far an attempt to join came.
    pub(super) fn stuck_after(&self) -> &'static str {
        if self.ice.is_some() {
            "ICE is up, DTLS is not"
        } else if self.answered.is_some() {
            "answered, but no candidate pair works"
        } else if self.joined.is_some() {
            "joined, but the offer was not answered"
        } else if self.signal_open.is_some() {
            "the WebSocket is open, but no join response came"
        } else {
            "the WebSocket did not open"
        }
    }
}
