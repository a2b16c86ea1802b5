//! What the room engine and the forwarding engine say to each other.
//!
//! The two cores never import one another. The room engine emits a
//! [`MediaCommand`], the server hands it to the shard on which the room lives,
//! and the forwarding engine answers with [`MediaEvent`]s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::id::{PeerId, RoomId, TrackId};

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Audio.
    Audio,
    /// Video.
    Video,
}

/// What a peer connection is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerRole {
    /// Signalling v1: the client offers, both directions share the connection.
    Single,
    /// Signalling v0: the client offers and only sends.
    Publisher,
    /// Signalling v0: the server offers and only sends.
    Subscriber,
    /// WHIP: the client offers, and only sends. The server is passive in ICE
    /// (RFC 8445 section 2.5, "lite"): encoders reach it, and some answer its
    /// checks in ways that cannot be used.
    Encoder,
    /// WHEP: the client offers once and only receives. What a section carries
    /// changes without another description: the next track of its kind goes on
    /// in the same stream.
    Viewer,
    /// No connection: a part of the server publishes or receives
    /// ([`crate::local`]). It is connected from the start, and its announcements
    /// are bound at once.
    Local,
}

/// Which data channel a message travels on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataChannel {
    /// `_reliable`: ordered, retransmitted.
    Reliable,
    /// `_lossy`: unordered, never retransmitted.
    Lossy,
    /// `_data_track`: unordered, never retransmitted, framed by its own header.
    DataTrack,
}

/// Rendition of a simulcast or scalable track, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quality {
    /// Lowest rendition.
    Low,
    /// Middle rendition.
    Medium,
    /// Highest rendition.
    High,
}

/// One rendition that a publisher announced for a video track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedLayer {
    /// Which rendition.
    pub quality: Quality,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bits per second that the publisher intends; 0 where it did not say.
    pub bitrate: u32,
    /// The `rid` where the publisher named it.
    pub rid: Option<String>,
}

/// One encoding of a track: the same track may be sent in a second codec as a
/// fallback for subscribers that lack the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedCodec {
    /// The client's name for the sender; it is the track id of its `a=msid`.
    pub cid: String,
    /// `video/VP8` and the like, lower case after the slash is allowed; empty
    /// where the client did not say.
    pub mime: String,
}

/// A publication that the client announced by `AddTrackRequest` and that an
/// offer will carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The track.
    pub track: TrackId,
    /// `TR_…`, for `mid_to_track_id`.
    pub sid: String,
    /// Audio or video.
    pub kind: Kind,
    /// Primary codec first. Never empty.
    pub codecs: Vec<AnnouncedCodec>,
    /// Renditions, lowest first; empty for audio.
    pub layers: Vec<AnnouncedLayer>,
    /// The publisher asked for no redundant audio encoding (RFC 2198).
    pub disable_red: bool,
    /// Opus in stereo (RFC 7587 §6.1).
    pub stereo: bool,
    /// Opus may stop sending in silence (RFC 7587 §6.1, `usedtx`).
    pub dtx: bool,
    /// Screen share: keeps its highest rendition as long as it can.
    pub screen_share: bool,
}

/// What one subscriber wants of one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// `false`: keep the subscription, send nothing.
    pub enabled: bool,
    /// Largest rendition worth sending.
    pub quality: Quality,
    /// Pixels; 0 = not said. Where given it decides over `quality`.
    pub width: u32,
    /// Pixels; 0 = not said.
    pub height: u32,
    /// Frames per second; 0 = not said.
    pub fps: u32,
    /// 1 is the highest; 0 = not said.
    pub priority: u32,
}

impl Default for Demand {
    fn default() -> Self {
        Self {
            enabled: true,
            quality: Quality::High,
            width: 0,
            height: 0,
            fps: 0,
            priority: 0,
        }
    }
}

/// Room engine → forwarding engine.
#[derive(Clone, Debug)]
pub enum MediaCommand {
    /// A peer connection shall exist. On [`PeerRole::Subscriber`] the engine
    /// answers with [`MediaEvent::Offer`] once there is something to offer.
    AddPeer {
        /// Its id.
        peer: PeerId,
        /// Its room.
        room: RoomId,
        /// Its use.
        role: PeerRole,
    },
    /// The peer connection ends; everything it published or received ends too.
    RemovePeer {
        /// Which.
        peer: PeerId,
    },
    /// The client's offer ([`PeerRole::Single`], [`PeerRole::Publisher`]).
    Offer {
        /// Which connection.
        peer: PeerId,
        /// SDP text.
        sdp: String,
        /// The client's counter, echoed in the answer.
        id: u32,
    },
    /// The client's answer to our offer ([`PeerRole::Subscriber`]).
    Answer {
        /// Which connection.
        peer: PeerId,
        /// SDP text.
        sdp: String,
        /// The id of our offer.
        id: u32,
    },
    /// A trickled candidate, `candidate:…` without the `a=`.
    Candidate {
        /// Which connection.
        peer: PeerId,
        /// The candidate attribute's value.
        candidate: String,
    },
    /// Make a new offer with fresh ICE credentials ([`PeerRole::Subscriber`]).
    RestartIce {
        /// Which connection.
        peer: PeerId,
    },
    /// The client announced a publication.
    Announce {
        /// The connection that will carry it.
        peer: PeerId,
        /// What.
        announcement: Announcement,
    },
    /// The publication ends.
    Unpublish {
        /// Which track.
        track: TrackId,
    },
    /// The publication is silent or dark on purpose: forward nothing.
    Mute {
        /// Which track.
        track: TrackId,
        /// Muted or not.
        muted: bool,
    },
    /// The peer receives the track.
    Subscribe {
        /// The subscriber's connection.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// The `a=msid` stream id, `PA_…|…`.
        stream_id: String,
        /// What the subscriber wants at first.
        demand: Demand,
    },
    /// The peer receives the track no longer.
    Unsubscribe {
        /// The subscriber's connection.
        peer: PeerId,
        /// The track.
        track: TrackId,
    },
    /// What the subscriber wants has changed.
    SetDemand {
        /// The subscriber's connection.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// The new wish.
        demand: Demand,
    },
    /// Send a message on a data channel. `peers` share the payload.
    SendData {
        /// Receivers' connections.
        peers: Arc<[PeerId]>,
        /// Channel.
        channel: DataChannel,
        /// The encoded `DataPacket`, or the raw data-track packet.
        payload: Arc<[u8]>,
    },
}

/// Why a subscription cannot deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionFault {
    /// The subscriber's connection negotiated none of the track's codecs.
    CodecUnsupported,
    /// The track is gone.
    TrackNotFound,
}

/// How well one peer connection is doing, over the last reporting interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeerHealth {
    /// Round trip.
    pub rtt: Option<Duration>,
    /// Fraction of packets lost from the client, 0 to 1.
    pub uplink_loss: f32,
    /// Fraction of packets lost towards the client, 0 to 1.
    pub downlink_loss: f32,
    /// Bits per second from the client.
    pub uplink_bps: u64,
    /// Bits per second to the client.
    pub downlink_bps: u64,
    /// Bits per second that the downlink could carry, where estimated.
    pub downlink_estimate_bps: Option<u64>,
    /// From capture to the client, the worst of what it receives, as far as both
    /// ends' round trips are known. Without decoding and play-out.
    pub media_delay: Option<Duration>,
}

/// Forwarding engine → room engine.
#[derive(Clone, Debug)]
pub enum MediaEvent {
    /// Our answer to the client's offer, all candidates in it.
    Answer {
        /// Which connection.
        peer: PeerId,
        /// SDP text.
        sdp: String,
        /// The id of the client's offer.
        id: u32,
        /// For each media section that we send on: `mid` → `TR_…`.
        mid_to_track: Vec<(String, String)>,
    },
    /// Our offer ([`PeerRole::Subscriber`]), all candidates in it.
    Offer {
        /// Which connection.
        peer: PeerId,
        /// SDP text.
        sdp: String,
        /// Our counter.
        id: u32,
        /// For each media section that we send on: `mid` → `TR_…`.
        mid_to_track: Vec<(String, String)>,
    },
    /// The description could not be used. The old state stays.
    NegotiationFailed {
        /// Which connection.
        peer: PeerId,
        /// The id of the description.
        id: u32,
        /// What was wrong with it, for the log and the client.
        reason: String,
    },
    /// [`PeerRole::Single`]: the client must offer again, with this many
    /// **additional** receiving sections. Both may be 0: then a plain new
    /// offer is wanted, because directions changed.
    SectionsNeeded {
        /// Which connection.
        peer: PeerId,
        /// More audio sections.
        audio: u32,
        /// More video sections.
        video: u32,
    },
    /// ICE and DTLS are up; again, with zero durations, when ICE came back after
    /// [`MediaEvent::Disconnected`].
    Connected {
        /// Which connection.
        peer: PeerId,
        /// From the first description until a candidate pair worked.
        ice: Duration,
        /// From then until the keys were there.
        dtls: Duration,
    },
    /// ICE lost the client; it may come back by ICE restart.
    Disconnected {
        /// Which connection.
        peer: PeerId,
    },
    /// The connection ended and does not come back (closed by the client, or
    /// failed beyond repair).
    Closed {
        /// Which connection.
        peer: PeerId,
        /// For the log.
        reason: String,
    },
    /// An offer carried the announced track: it can be subscribed from now on.
    TrackBound {
        /// The track.
        track: TrackId,
        /// Section of the publisher's description.
        mid: String,
        /// The codec the publisher will most likely send, `audio/opus`,
        /// `video/VP8`, `audio/red` …
        mime: String,
        /// More than one rendition by rid.
        simulcast: bool,
    },
    /// First packet, or the codec changed.
    TrackLive {
        /// The track.
        track: TrackId,
        /// The codec seen.
        mime: String,
    },
    /// The client stopped sending the section (removed the sender).
    TrackGone {
        /// The track.
        track: TrackId,
    },
    /// First packet of the track went to this subscriber.
    SubscriptionLive {
        /// The subscriber's connection.
        peer: PeerId,
        /// The track.
        track: TrackId,
    },
    /// The subscription cannot deliver.
    SubscriptionFailed {
        /// The subscriber's connection.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// Why.
        fault: SubscriptionFault,
    },
    /// Congestion paused the track towards this subscriber, or it goes on.
    StreamState {
        /// The subscriber's connection.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// Paused or active.
        paused: bool,
    },
    /// Nothing of the track went to this subscriber for so long that it freezes.
    /// Told once; [`MediaEvent::StreamFlowing`] ends it.
    StreamFrozen {
        /// The subscriber's connection.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// The last frame.
        since: Instant,
    },
    /// The track goes to this subscriber: again after a freeze, or for the first
    /// time since it was wanted again or its publisher ended a mute.
    StreamFlowing {
        /// The subscriber's connection.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// When the packet came.
        at: Instant,
    },
    /// Loudness since the last such event, of every audio track that was heard
    /// at all: `0.0` silent to `1.0` full scale. Sent about every 300 ms
    /// while somebody speaks, and once, empty, when all fell silent.
    Levels {
        /// The room.
        room: RoomId,
        /// Loudness by track.
        levels: Vec<(TrackId, f32)>,
    },
    /// A data channel message from the client.
    Data {
        /// Which connection.
        peer: PeerId,
        /// Channel.
        channel: DataChannel,
        /// As received.
        payload: Arc<[u8]>,
    },
    /// The reliable channel towards the client can be written to.
    DataReady {
        /// Which connection.
        peer: PeerId,
    },
    /// Highest rendition that anybody wants; `None` when nobody is subscribed.
    TrackDemand {
        /// The track.
        track: TrackId,
        /// Highest wanted.
        quality: Option<Quality>,
    },
    /// Every few seconds while connected.
    Health {
        /// Which connection.
        peer: PeerId,
        /// How it is doing.
        health: PeerHealth,
    },
}
