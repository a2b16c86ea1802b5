//! What the server and the forwarding engine exchange about participants that
//! have no peer connection: encoders that come by other doors, and doors that
//! need a room's packets as frames.
//!
//! For the room engine such a participant is one like any other; only its
//! connection ([`crate::control::PeerRole::Local`]) is a queue within the server.

use std::sync::Arc;
use std::time::Instant;

use crate::codec::Codec;
use crate::control::{DataChannel, Quality};
use crate::id::PeerId;

/// Server → forwarding engine.
#[derive(Clone, Debug)]
pub enum LocalInput {
    /// Packets of a track that this peer announced, in order, without gaps.
    Packets {
        /// The publisher.
        peer: PeerId,
        /// The client's name of the track, as in its announcement.
        cid: Arc<str>,
        /// One frame's packets, or several frames'.
        packets: Vec<LocalPacket>,
    },
    /// The track ends.
    Unpublish {
        /// The publisher.
        peer: PeerId,
        /// The client's name of the track.
        cid: Arc<str>,
    },
    /// This subscriber cannot go on without a keyframe of the track.
    KeyframeWanted {
        /// The subscriber.
        peer: PeerId,
        /// `TR_…`
        sid: Arc<str>,
    },
    /// A data channel message of this peer, as a client would send it.
    Data {
        /// The sender.
        peer: PeerId,
        /// Channel.
        channel: DataChannel,
        /// The encoded `DataPacket`.
        payload: Arc<[u8]>,
    },
}

/// One RTP packet of a local publisher.
#[derive(Clone, Debug)]
pub struct LocalPacket {
    /// What it is encoded with.
    pub codec: Codec,
    /// Extended sequence number.
    pub seq: u64,
    /// In ticks of the codec's RTP clock.
    pub timestamp: u32,
    /// Marker bit: the last packet of a frame.
    pub marker: bool,
    /// Begins a keyframe.
    pub keyframe: bool,
    /// When the frame was captured, on the monotonic clock.
    pub captured: Instant,
    /// RTP payload.
    pub payload: Arc<[u8]>,
}

/// Forwarding engine → server.
#[derive(Clone, Debug)]
pub enum LocalOutput {
    /// A packet of a track that the peer is subscribed to.
    Packet {
        /// The subscriber.
        peer: PeerId,
        /// The packet.
        packet: ReceivedPacket,
    },
    /// A data message for the peer.
    Data {
        /// Its receiver.
        peer: PeerId,
        /// Channel.
        channel: DataChannel,
        /// The encoded `DataPacket`, or the raw data-track packet.
        payload: Arc<[u8]>,
    },
    /// Somebody needs a keyframe of a track that the peer publishes.
    KeyframeWanted {
        /// The publisher.
        peer: PeerId,
        /// The track, by its publisher's name.
        cid: Arc<str>,
    },
}

impl LocalOutput {
    /// Whose it is.
    #[must_use]
    pub const fn peer(&self) -> PeerId {
        match self {
            Self::Packet { peer, .. }
            | Self::Data { peer, .. }
            | Self::KeyframeWanted { peer, .. } => *peer,
        }
    }
}

/// An RTP packet as it came from its publisher: late, twice and out of order
/// where the network made it so. Redundant audio is unpacked.
#[derive(Clone, Debug)]
pub struct ReceivedPacket {
    /// `TR_…`
    pub sid: Arc<str>,
    /// What it is encoded with.
    pub codec: Codec,
    /// Which rendition of the track.
    pub quality: Quality,
    /// Changes when the sequence starts anew: another SSRC, or another
    /// rendition.
    pub stream: u32,
    /// Extended sequence number.
    pub seq: u64,
    /// In ticks of the codec's RTP clock.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// Begins a keyframe. True for audio.
    pub keyframe: bool,
    /// When the frame was captured, as far as sender reports say; else when it
    /// came.
    pub captured: Instant,
    /// When the packet came.
    pub arrived: Instant,
    /// RTP payload.
    pub payload: Arc<[u8]>,
}
